/* `Scanner`: says of a str whether one of many looks can be in it. The looks are tables that Python hands over.
 *
 * A look is a path (match.h), found by a window of it (sieve.h) and then read from there both ways. Some looks hold in
 * documents, some in other texts; how a document begins is handed over, too. `may_hold` answers True where a look fits,
 * and also where the text is beyond judging (a character that lower case turns into another alphabet, a budget used
 * up, no memory): True means "look closer". False means that no look fits anywhere.
 *
 * Owns: a Scanner owns one block of memory, with its tables in it, made in `__new__` and freed with it; it never
 * changes in between. It holds no Python object but its type. `may_hold` borrows the str for the call, keeps no
 * reference, runs no Python code and never raises but for what is no str.
 */
#include "core.h"
#include "tables.h"

#include <string.h>

#define ON_THE_STACK 4096
#define MOST_WILD 8

typedef struct {
    PyObject_HEAD
    fls_tables tables;
    uint8_t opens[32];   /* the characters that a document begins with */
    uint8_t blanks[32];  /* what may stand before them */
    Py_ssize_t longest;  /* characters of a document; a longer one is a text */
    int every;           /* every document is to be looked at */
    int wild_count;
    Py_UCS4 wild[MOST_WILD]; /* characters in whose presence the answer is yes */
} Scanner;

/* ---- asking ------------------------------------------------------------------------------------------------ */

typedef struct {
    const fls_tables *tables;
    const uint64_t *held;
    fls_text text;
    uint8_t sought[32], there[32]; /* the bytes that were looked for in the whole text, and those that are in it */
} question;

/* Say whether what a look needs is anywhere in the text; each byte is looked for once. */
static int
has_need(question *asked, int needs)
{
    if (needs == FLS_NONE)
        return 1;
    const uint8_t bit = (uint8_t)(1u << (needs & 7));
    if (!fls_holds(asked->sought, (unsigned)needs)) {
        asked->sought[needs >> 3] |= bit;
        if (memchr(asked->text.bytes, needs, (size_t)asked->text.length) != NULL)
            asked->there[needs >> 3] |= bit;
    }
    return fls_holds(asked->there, (unsigned)needs);
}

/* Say whether what stands around a window fits, too. A side without runs is read first: it is told at once. */
static inline int
fits_around(question *asked, const fls_looked *look, ptrdiff_t place)
{
    const fls_path *behind = &look->forwards, *before = &look->backwards;
    if (!before->count)
        return fls_fits(behind, &asked->text, place + look->window, 1);
    if (behind->repeats && !before->repeats)
        return fls_fits(before, &asked->text, place - 1, -1) &&
               fls_fits(behind, &asked->text, place + look->window, 1);
    return fls_fits(behind, &asked->text, place + look->window, 1) && fls_fits(before, &asked->text, place - 1, -1);
}

/* Say whether one of the looks fits that are held by what stands in their window and beside it. */
static int
one_fits(question *asked, ptrdiff_t place, int group, uint64_t held)
{
    for (; held; held &= held - 1) {
        const fls_looked *look = asked->tables->look[group * FLS_A_GROUP + __builtin_ctzll(held)];
        asked->text.budget--;
        if (has_need(asked, look->needs) && fits_around(asked, look, place))
            return 1;
    }
    return 0;
}

/* The looks of a group that may have there what the text has, where some of that is beyond its ends. */
static uint64_t
held_at_an_end(const question *asked, ptrdiff_t place, int group)
{
    const fls_text *text = &asked->text;
    uint64_t held = ~(uint64_t)0;
    for (int which = 0; which < FLS_PLACES; which++) {
        const ptrdiff_t at = which == FLS_BEFORE ? place - 1 : place + which;
        const unsigned byte = at >= 0 && at < text->length ? text->bytes[at] : FLS_OUTSIDE;
        held &= asked->tables->holding[fls_held_at(which, byte, group)];
    }
    return held;
}

static inline uint64_t
held_at(const question *asked, ptrdiff_t place, int group)
{
    if (place == 0 || place + FLS_BEHIND >= asked->text.length)
        return held_at_an_end(asked, place, group);
    const uint64_t *holding = asked->tables->holding;
    const uint8_t *at = asked->text.bytes + place;
    uint64_t held = holding[fls_held_at(FLS_BEFORE, at[-1], group)];
    for (int which = 0; which <= FLS_BEHIND; which++)
        held &= holding[fls_held_at(which, at[which], group)];
    return held;
}

static int
look_at(void *context, ptrdiff_t place, unsigned groups)
{
    question *asked = context;
    asked->text.budget--;
    for (; groups; groups &= groups - 1) {
        const int group = __builtin_ctz(groups);
        const uint64_t held = asked->held[group] & held_at(asked, place, group);
        if (held && one_fits(asked, place, group, held))
            return 1;
    }
    return asked->text.budget < 0;
}

static int
is_document(const Scanner *scanner, const uint8_t *bytes, ptrdiff_t length)
{
    if (length > scanner->longest)
        return 0;
    ptrdiff_t place = 0;
    while (place < length && fls_holds(scanner->blanks, bytes[place]))
        place++;
    return place < length && fls_holds(scanner->opens, bytes[place]);
}

static int
may_hold(const Scanner *scanner, const uint8_t *bytes, ptrdiff_t length)
{
    const int document = is_document(scanner, bytes, length);
    if (document && scanner->every)
        return 1;
    const int64_t budget = 4096 + 8 * (int64_t)length;
    question asked = {
        .tables = &scanner->tables,
        .held = scanner->tables.held[document],
        .text = {bytes, length, budget},
    };
    return fls_sift(&scanner->tables.sieve, bytes, length, look_at, &asked);
}

/* Make bytes of wider characters, 0xFF of those that do not fit; returns whether a wild one is among them. */
#define DEFINE_NARROW(NAME, TYPE)                                                                                     \
    static int NAME(const Scanner *scanner, const TYPE *from, Py_ssize_t length, uint8_t *to)                         \
    {                                                                                                                 \
        unsigned wild = 0;                                                                                            \
        for (Py_ssize_t i = 0; i < length; i++)                                                                       \
            to[i] = (uint8_t)(from[i] < 255 ? from[i] : 255);                                                         \
        for (int which = 0; which < scanner->wild_count; which++) {                                                   \
            const TYPE sought = (TYPE)scanner->wild[which];                                                           \
            for (Py_ssize_t i = 0; i < length; i++)                                                                   \
                wild |= from[i] == sought;                                                                            \
        }                                                                                                             \
        return wild != 0;                                                                                             \
    }

DEFINE_NARROW(narrow_2, Py_UCS2)
DEFINE_NARROW(narrow_4, Py_UCS4)

static int
may_hold_wide(const Scanner *scanner, PyObject *text, Py_ssize_t length)
{
    uint8_t few[ON_THE_STACK];
    uint8_t *bytes = length <= ON_THE_STACK ? few : PyMem_RawMalloc((size_t)length);
    if (bytes == NULL)
        return 1;
    const int wild = PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND
                         ? narrow_2(scanner, PyUnicode_2BYTE_DATA(text), length, bytes)
                         : narrow_4(scanner, PyUnicode_4BYTE_DATA(text), length, bytes);
    const int answer = wild || may_hold(scanner, bytes, length);
    if (bytes != few)
        PyMem_RawFree(bytes);
    return answer;
}

static PyObject *
Scanner_may_hold(PyObject *self, PyObject *text)
{
    const Scanner *scanner = (const Scanner *)self;
    if (!PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "may_hold() takes a str");
        return NULL;
    }
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(text) < 0)
        return NULL;
#endif
    const Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    const int answer = PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND
                           ? may_hold(scanner, PyUnicode_1BYTE_DATA(text), length)
                           : may_hold_wide(scanner, text, length);
    return PyBool_FromLong(answer);
}

/* ---- making ------------------------------------------------------------------------------------------------ */

static void
set_add(uint8_t *set, const Py_buffer *bytes)
{
    for (Py_ssize_t i = 0; i < bytes->len; i++) {
        const uint8_t byte = ((const uint8_t *)bytes->buf)[i];
        set[byte >> 3] |= (uint8_t)(1u << (byte & 7));
    }
}

static int
read_wild(Scanner *scanner, PyObject *wild)
{
    const Py_ssize_t count = PyUnicode_GET_LENGTH(wild);
    if (count > MOST_WILD) {
        PyErr_SetString(PyExc_ValueError, "at most 8 characters can be wild");
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        scanner->wild[i] = PyUnicode_READ_CHAR(wild, i);
    scanner->wild_count = (int)count;
    return 0;
}

static PyObject *
Scanner_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"classes", "weights", "looks", "opens", "blanks", "longest", "every", "wild", NULL};
    Py_buffer classes = {0}, weights = {0}, opens = {0}, blanks = {0};
    PyObject *looks, *wild;
    Py_ssize_t longest;
    int every;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y*y*O!y*y*npU:Scanner", names, &classes, &weights,
                                     &PyTuple_Type, &looks, &opens, &blanks, &longest, &every, &wild))
        return NULL;
    Scanner *scanner = (Scanner *)type->tp_alloc(type, 0);
    if (scanner != NULL) {
        scanner->longest = longest;
        scanner->every = every;
        set_add(scanner->opens, &opens);
        set_add(scanner->blanks, &blanks);
        if (read_wild(scanner, wild) < 0 || fls_tables_fill(&scanner->tables, &classes, &weights, looks) < 0)
            Py_CLEAR(scanner);
    }
    PyBuffer_Release(&classes);
    PyBuffer_Release(&weights);
    PyBuffer_Release(&opens);
    PyBuffer_Release(&blanks);
    return (PyObject *)scanner;
}

static void
Scanner_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    fls_tables_free(&((Scanner *)self)->tables);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"may_hold", Scanner_may_hold, METH_O, "Say whether a look can fit in a text; False is certain."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Looks for many short patterns in a text at once."},
    {Py_tp_new, Scanner_new},
    {Py_tp_dealloc, Scanner_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "flightlog._speed._core.Scanner",
    .basicsize = sizeof(Scanner),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

static PyObject *
sieve(PyObject *Py_UNUSED(module), PyObject *kind)
{
    const char *wanted = PyUnicode_AsUTF8(kind);
    if (wanted == NULL)
        return NULL;
    if (*wanted && !fls_sieve_use(wanted))
        return PyErr_Format(PyExc_ValueError, "this processor has no %s", wanted);
    return PyUnicode_FromString(fls_sieve_kind());
}

static PyMethodDef functions[] = {
    {"sieve", sieve, METH_O,
     "Say which instructions the scanners use; a name that is not empty chooses them (plain, ssse3, avx2)."},
    {NULL, NULL, 0, NULL},
};

int
fls_scan_add(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL)
        return -1;
    const int added = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    if (added < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
