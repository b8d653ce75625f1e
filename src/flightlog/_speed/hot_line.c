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

typedef struct {
    int is_known, hides;
    Piece piece; /* `,"actor":` */
} Field;

static Field fields[FIELDS];

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

/* What is known of a field; NULL with an exception. */
static inline const Field *
field_known(int field)
{
    if (UNLIKELY(fields_age != texts_age)) {
        memset(fields, 0, sizeof fields);
        fields_age = texts_age;
    }
    return UNLIKELY(!fields[field].is_known) && learn_field(field) < 0 ? NULL : &fields[field];
}

/* The name of the next member, after the comma or what opens the attributes: where its value goes, for which there is
 * room for WIDE bytes. NULL: with an exception, or it hides what stands under it. */
static inline char *
member_at(EventLine *hot, int field)
{
    const Field *known = field_known(field);
    if (UNLIKELY(known == NULL || known->hides || line_room(&hot->line, 3 * WIDE) < 0))
        return NULL;
    char *at = hot->line.at;
    if (hot->members == 0) {
        memcpy(at, OPENING, sizeof OPENING - 1);
        at += sizeof OPENING - 1;
    }
    char *after = put_piece(at, &known->piece);
    if (hot->members == 0)
        *at = '{';
    return after;
}

/* A whole number at a place with room for it; NULL: it is too large. */
static inline char *
put_int(char *at, PyObject *value)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow ? NULL : put_digits(at, number);
}

/* Any value under any field. */
static int
any_member(EventLine *hot, int field, PyObject *value)
{
    const char *before = hot->members++ == 0 ? OPENING "{" : ",";
    if (line_bytes(&hot->line, before, strlen(before)) < 0)
        return -1;
    return line_member(&hot->line, *field_words[field], value, NULL, &hot->cuts);
}

/* A value that is neither remembered nor a whole number; `at` is where it goes, behind its name. */
static int
other_member(EventLine *hot, int field, PyObject *value, char *at)
{
    Line *line = &hot->line;
    size_t offset = (size_t)(line->at - line->base);
    int done = 0;
    if (PyUnicode_CheckExact(value)) {
        if (PyUnicode_GET_LENGTH(value) <= SHORT) {
            line->at = at;
            done = line_again(line, value) < 0 ? -1 : 1;
        }
    }
    else {
        line->at = at;
        done = line_small(line, value);
    }
    if (done == 0) {
        line->at = line->base + offset;
        return any_member(hot, field, value);
    }
    hot->members++;
    return done < 0 ? -1 : 0;
}

int
hot_member(EventLine *hot, int field, PyObject *value)
{
    char *at = member_at(hot, field), *end = NULL;
    if (UNLIKELY(at == NULL))
        return PyErr_Occurred() ? -1 : any_member(hot, field, value);
    const Again *found = &texts_again[again_at(value)];
    if (LIKELY(found->text == value))
        end = put_piece(at, &found->piece);
    else if (PyLong_CheckExact(value))
        end = put_int(at, value);
    if (UNLIKELY(end == NULL))
        return other_member(hot, field, value, at);
    hot->line.at = end;
    hot->members++;
    return 0;
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
    char *at = member_at(hot, field);
    if (LIKELY(at != NULL)) {
        hot->line.at = put_digits(at, value);
        hot->members++;
        return 0;
    }
    PyObject *number = PyErr_Occurred() ? NULL : PyLong_FromLongLong(value);
    int done = number == NULL ? -1 : any_member(hot, field, number);
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
