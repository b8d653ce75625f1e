/* The line of a hot call: its place, the names of its members, its way into the journal.
 *
 * Who asks for an actor has a plain place where the binding names none. Owns nothing beyond what event.h says.
 */
#include "hot.h"

#define SHORT 64 /* characters of a text that is remembered, as in core/memo.py */

PyObject **const field_words[FIELDS] = {
    &hot_words.mark,     &hot_words.left_out, &hot_words.actor, &hot_words.target, &hot_words.correlation_id,
    &hot_words.function, &hot_words.args,     &hot_words.result, &hot_words.elapsed_ns, &hot_words.i,
    &hot_words.n,        &hot_words.name,     &hot_words.before, &hot_words.after, &hot_words.error,
    &hot_words.status,
};

/* -- where it stands ------------------------------------------------------------------------------------------- */

/* The last part of the name of the module that runs, where core/provenance.py has worked it out before. */
static int
find_actor(Place *place)
{
    PyObject *globals = PyEval_GetGlobals();
    PyObject *module = globals == NULL ? NULL : PyDict_GetItemWithError(globals, hot_words.dunder_name);
    if (module == NULL || !PyUnicode_CheckExact(module))
        return PyErr_Occurred() ? -1 : 0;
    PyObject *actor = PyDict_GetItemWithError(tier.actors, module);
    if (actor == NULL || !PyUnicode_CheckExact(actor) || PyUnicode_GET_LENGTH(actor) == 0)
        return PyErr_Occurred() ? -1 : 0;
    place->actor = Py_NewRef(actor);
    return 1;
}

int
place_hot(Place *place, int may_name)
{
    *place = (Place){NULL, NULL, NULL};
    return UNLIKELY(engine.withholds) ? 0 : place_stand(place, may_name ? hot_words.actor : NULL);
}

int
place_find(Place *place, int wants_actor)
{
    int plain = place_hot(place, wants_actor);
    return plain == 1 && wants_actor ? find_actor(place) : plain;
}

/* -- the names of its members ---------------------------------------------------------------------------------- */

static struct {
    int is_known, hides;
    Piece piece; /* `,"actor":` */
} fields[FIELDS];

static unsigned fields_age; /* that of the texts, when they were learned */

static int
learn_field(int field)
{
    PyObject *pair = PyObject_GetItem(engine.keys, *field_words[field]);
    if (pair == NULL)
        return -1;
    int hides = !PyTuple_CheckExact(pair) || PyTuple_GET_SIZE(pair) != 2 || PyTuple_GET_ITEM(pair, 1) != Py_False;
    if (!hides) {
        Py_ssize_t size;
        const char *bytes = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(pair, 0), &size);
        Piece *piece = &fields[field].piece;
        hides = bytes == NULL || size > WIDE - 1;
        if (!hides) {
            piece->bytes[0] = ',';
            memcpy(piece->bytes + 1, bytes, (size_t)size);
            piece->size = (size_t)size + 1;
        }
    }
    fields[field].hides = hides;
    fields[field].is_known = 1;
    Py_DECREF(pair);
    return PyErr_Occurred() ? -1 : 0;
}

/* The name of one of our fields, between a comma and its colon. 0: it hides what stands under it. */
static inline int
line_field(Line *line, int field)
{
    if (UNLIKELY(fields_age != texts_age)) {
        memset(fields, 0, sizeof fields);
        fields_age = texts_age;
    }
    if (UNLIKELY(!fields[field].is_known) && learn_field(field) < 0)
        return -1;
    if (UNLIKELY(fields[field].hides))
        return 0;
    return line_piece(line, &fields[field].piece) < 0 ? -1 : 1;
}

/* What is plain, under a field that hides nothing. 1: written; 0: it is not plain. */
static inline int
line_value(Line *line, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    if (LIKELY(type == &PyUnicode_Type))
        return PyUnicode_GET_LENGTH(value) > SHORT ? 0 : line_again(line, value) < 0 ? -1 : 1;
    if (type == &PyLong_Type) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        return overflow ? 0 : line_int(line, number) < 0 ? -1 : 1;
    }
    return line_small(line, value);
}

int
hot_member(EventLine *hot, int field, PyObject *value)
{
    Line *line = &hot->line;
    if (hot->members == 0 && line_bytes(line, OPENING, sizeof OPENING - 1) < 0)
        return -1;
    const char before = hot->members++ == 0 ? '{' : ',';
    size_t offset = (size_t)(line->at - line->base);
    int done = line_field(line, field);
    if (LIKELY(done == 1)) {
        line->base[offset] = before;
        done = line_value(line, value);
    }
    if (LIKELY(done != 0))
        return done < 0 ? -1 : 0;
    line->at = line->base + offset;
    if (line_bytes(line, &before, 1) < 0)
        return -1;
    return line_member(line, *field_words[field], value, NULL, &hot->cuts);
}

#define MARKS 8 /* a power of two */

static struct {
    PyObject *mark; /* one of `hot_words`, which are kept for good */
    unsigned age;
    Piece piece; /* the opening of the attributes and the first of them */
} marks[MARKS];

/* The first member: which call of the tier it is. Written out once, as long as the texts hold. */
int
hot_mark(EventLine *hot, PyObject *mark)
{
    size_t at = ((size_t)mark >> 4) & (MARKS - 1);
    if (LIKELY(marks[at].mark == mark && marks[at].age == texts_age)) {
        hot->members = 1;
        return line_piece(&hot->line, &marks[at].piece);
    }
    size_t offset = (size_t)(hot->line.at - hot->line.base);
    const unsigned age = texts_age;
    if (hot_member(hot, F_MARK, mark) < 0)
        return -1;
    size_t size = (size_t)(hot->line.at - hot->line.base) - offset;
    if (size <= WIDE && hot->members == 1 && hot->cuts == NULL) {
        marks[at].mark = mark;
        marks[at].age = age;
        marks[at].piece.size = size;
        memcpy(marks[at].piece.bytes, hot->line.base + offset, size);
    }
    return 0;
}

int
hot_number(EventLine *hot, int field, long long value)
{
    PyObject *number = PyLong_FromLongLong(value);
    int done = number == NULL ? -1 : hot_member(hot, field, number);
    Py_XDECREF(number);
    return done;
}

/* -- the whole ------------------------------------------------------------------------------------------------- */

static int
begin(EventLine *hot, const Place *place, PyObject *name, PyObject *text)
{
    if (event_open(hot, place, words.trace) < 0 || line_again(&hot->line, name) < 0)
        return -1;
    if (text == NULL || PyUnicode_GET_LENGTH(text) == 0)
        return 0;
    if (line_bytes(&hot->line, ",\"body\":", 8) < 0)
        return -1;
    return LIKELY(PyUnicode_GET_LENGTH(text) <= SHORT) ? line_again(&hot->line, text) : event_long_text(hot, text);
}

static int
end(EventLine *hot, const Place *place, Site *site)
{
    const long long left = site == NULL ? 0 : site->now.left;
    if (left > 0 && hot_number(hot, F_LEFT_OUT, left) < 0)
        return -1;
    int done = event_write(hot, place);
    if (done == 0 && left > 0)
        site->now.left -= left;
    return done;
}

int
hot_say(const Saying *saying, const Place *place, Site *site, const void *what)
{
    EventLine hot;
    int done = begin(&hot, place, saying->name, saying->text) < 0 || saying->members(&hot, place, what) < 0
                   ? -1
                   : end(&hot, place, site);
    event_end(&hot);
    return done < 0 && is_unencodable() ? 1 : done;
}
