/* Pieces of a line: cached fragments, numbers, and the members of an object.
 *
 * A Line owns its bytes and nothing else; a fragment is held by a reference of its own while Python code may run. Every
 * text of the program comes from `memo.texts`, `memo.keys` or `memo.member`, which ask the gate; only names of ours and
 * numbers are written here.
 */
#include "span.h"
#include <math.h>

int
line_grow(Line *line, size_t need)
{
    size_t used = (size_t)(line->at - line->base), room = ((size_t)(line->end - line->base) + need) * 2;
    char *base = PyMem_Malloc(room);
    if (base == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(base, line->base, used);
    line_end(line);
    line->base = base;
    line->at = base + used;
    line->end = base + room;
    return 0;
}

int
line_text(Line *line, PyObject *text)
{
    if (LIKELY(PyUnicode_Check(text) && PyUnicode_IS_COMPACT_ASCII(text)))
        return line_bytes(line, (const char *)PyUnicode_1BYTE_DATA(text), (size_t)PyUnicode_GET_LENGTH(text));
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(text, &size);
    return data == NULL ? -1 : line_bytes(line, data, (size_t)size);
}

static const char PAIRS[] =
    "0001020304050607080910111213141516171819"
    "2021222324252627282930313233343536373839"
    "4041424344454647484950515253545556575859"
    "6061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

char *
put_digits(char *at, long long value)
{
    if (LIKELY((unsigned long long)value < 10)) {
        *at = (char)('0' + value);
        return at + 1;
    }
    char digits[24], *from = digits + sizeof digits;
    unsigned long long rest = value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value;
    while (rest >= 100) {
        unsigned pair = (unsigned)(rest % 100);
        rest /= 100;
        from -= 2;
        memcpy(from, PAIRS + pair * 2, 2);
    }
    if (rest >= 10) {
        from -= 2;
        memcpy(from, PAIRS + rest * 2, 2);
    }
    else
        *--from = (char)('0' + rest);
    if (value < 0)
        *--from = '-';
    size_t size = (size_t)(digits + sizeof digits - from);
    memcpy(at, from, size);
    return at + size;
}

#define SECOND 1000000000

/* A moment in nanoseconds: its seconds are the last one's, mostly, and the rest is a number of 32 bits. */
static inline char *
put_moment(char *at, long long value)
{
    static long long began = 0; /* the second that `text` says */
    static char text[10] = "0000000000";
    if (UNLIKELY(value < SECOND * 1000000000LL || value >= SECOND * 9000000000LL))
        return put_digits(at, value);
    if (UNLIKELY(value < began || value - began >= SECOND)) {
        began = value - value % SECOND;
        put_digits(text, began / SECOND);
    }
    uint32_t rest = (uint32_t)(value - began);
    memcpy(at, text, 10);
    at += 10;
    uint32_t high = rest / 10000, low = rest - high * 10000; /* 5 and 4 digits */
    uint32_t top = high / 10000, middle = high - top * 10000;
    *at++ = (char)('0' + top);
    memcpy(at, PAIRS + middle / 100 * 2, 2);
    memcpy(at + 2, PAIRS + middle % 100 * 2, 2);
    memcpy(at + 4, PAIRS + low / 100 * 2, 2);
    memcpy(at + 6, PAIRS + low % 100 * 2, 2);
    return at + 8;
}

int
line_moment(Line *line, long long value)
{
    if (line_room(line, 24) < 0)
        return -1;
    line->at = put_moment(line->at, value);
    return 0;
}

int
line_int(Line *line, long long value)
{
    if (line_room(line, 24) < 0)
        return -1;
    line->at = put_digits(line->at, value);
    return 0;
}

static char hex_pairs[512];

void
line_prepare(void)
{
    for (int byte = 0; byte < 256; byte++) {
        hex_pairs[byte * 2] = "0123456789abcdef"[byte >> 4];
        hex_pairs[byte * 2 + 1] = "0123456789abcdef"[byte & 15];
    }
}

char *
put_hex(char *at, uint64_t value)
{
    for (int shift = 56; shift >= 0; shift -= 8, at += 2)
        memcpy(at, hex_pairs + (value >> shift & 255) * 2, 2);
    return at;
}

/* A dictionary's value, which may have to be made by its `__missing__`; a new reference. */
static inline PyObject *
known(PyObject *dict, PyObject *key)
{
    if (LIKELY(PyUnicode_CheckExact(key))) {
        PyObject *found = PyDict_GetItemWithError(dict, key);
        if (LIKELY(found != NULL))
            return Py_NewRef(found);
        if (PyErr_Occurred())
            return NULL;
    }
    return PyObject_GetItem(dict, key);
}

int
line_known(Line *line, PyObject *text)
{
    PyObject *fragment = known(engine.texts, text);
    if (fragment == NULL)
        return -1;
    int done = line_text(line, fragment);
    Py_DECREF(fragment);
    return done;
}

/* -- members of an object ---------------------------------------------------------------------------------- */

#define SHORT 64 /* as in core/memo.py */

static int
line_float(Line *line, double value)
{
    char *digits = PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (digits == NULL)
        return -1;
    int done = line_bytes(line, digits, strlen(digits));
    PyMem_Free(digits);
    return done;
}

/* What is plain is written here; 0: it is not. */
static int
line_plain_value(Line *line, PyObject *name, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    if (type == &PyUnicode_Type) {
        if (PyUnicode_GET_LENGTH(value) > SHORT)
            return 0;
        return line_text(line, name) < 0 || line_known(line, value) < 0 ? -1 : 1;
    }
    if (type == &PyLong_Type) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow)
            return 0;
        return line_text(line, name) < 0 || line_int(line, number) < 0 ? -1 : 1;
    }
    if (type == &PyFloat_Type) {
        double number = PyFloat_AS_DOUBLE(value);
        if (!isfinite(number))
            return 0;
        return line_text(line, name) < 0 || line_float(line, number) < 0 ? -1 : 1;
    }
    if (value == Py_None || type == &PyBool_Type) {
        const char *word = value == Py_None ? "null" : value == Py_True ? "true" : "false";
        return line_text(line, name) < 0 || line_bytes(line, word, strlen(word)) < 0 ? -1 : 1;
    }
    return 0;
}

/* `note` of `memo.member`: the span's own method, or the `extend` of a list that is made when it is needed. */
static PyObject *
noted_by(PyObject *owner, PyObject **note)
{
    if (*note == NULL) {
        if (owner != NULL)
            *note = PyObject_GetAttr(owner, words.note);
        else
            *note = PyList_New(0);
    }
    if (*note == NULL || owner != NULL)
        return Py_XNewRef(*note);
    return PyObject_GetAttrString(*note, "extend");
}

int
line_member(Line *line, PyObject *key, PyObject *value, PyObject *owner, PyObject **note)
{
    PyObject *pair = known(engine.keys, key);
    if (pair == NULL)
        return -1;
    int done = 0;
    if (LIKELY(PyTuple_CheckExact(pair) && PyTuple_GET_SIZE(pair) == 2 && PyTuple_GET_ITEM(pair, 1) == Py_False)) {
        char *before = line->at;
        size_t offset = (size_t)(before - line->base);
        done = line_plain_value(line, PyTuple_GET_ITEM(pair, 0), value);
        if (done == 0)
            line->at = line->base + offset;
    }
    Py_DECREF(pair);
    if (done != 0)
        return done < 0 ? -1 : 0;
    PyObject *noted = noted_by(owner, note);
    if (noted == NULL)
        return -1;
    PyObject *arguments[] = {key, value, noted};
    PyObject *fragment = PyObject_Vectorcall(engine.member, arguments, 3, NULL);
    Py_DECREF(noted);
    if (fragment == NULL)
        return -1;
    done = line_text(line, fragment);
    Py_DECREF(fragment);
    return done;
}
