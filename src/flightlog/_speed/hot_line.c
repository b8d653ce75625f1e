/* The line of a hot call: where it stands, its head, its members, its way into the journal.
 *
 * A Place owns its span, its field and its actor; a HotLine owns its bytes and its list of cuts. The plain place is a
 * span of ours or none, seen by no generator; a binding is plain where it is no stray's and, for who asks for an
 * actor, names none.
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

int
is_plain_parent(PyObject *parent)
{
    if (parent == NULL)
        return is_none(engine.origin);
    if (Py_TYPE(parent) != engine.type)
        return 0;
    Span *span = (Span *)parent;
    return span->state <= LEFT && span->id != 0 && is_text(span->trace_id) &&
           (span->is_root || (span->root != NULL && is_span(span->root)));
}

static int
find_binding(Place *place, PyObject *binding, int wants_actor)
{
    PyObject *stray = PyObject_GetAttr(binding, words.stray);
    int plain = stray == NULL ? -1 : stray == Py_False;
    Py_XDECREF(stray);
    if (plain == 1 && wants_actor) {
        PyObject *members = PyObject_GetAttr(binding, hot_words.members);
        int named = members == NULL ? -1 : PyDict_CheckExact(members) ? PyDict_Contains(members, hot_words.actor) : 1;
        Py_XDECREF(members);
        plain = named < 0 ? -1 : !named;
    }
    if (plain == 1) {
        place->field = PyObject_GetAttr(binding, words.field);
        plain = place->field == NULL ? -1 : PyUnicode_CheckExact(place->field);
    }
    return plain;
}

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

/* What `bind` put around, beside a parent that is known. */
static int
take_binding(Place *place, int may_name)
{
    PyObject *binding;
    if (PyContextVar_Get(engine.bound, NULL, &binding) < 0)
        return -1;
    int plain = LIKELY(binding == Py_None) ? 1 : find_binding(place, binding, may_name);
    Py_DECREF(binding);
    return plain;
}

int
place_bound(Place *place, Span *parent)
{
    *place = (Place){(Span *)Py_XNewRef((PyObject *)parent), NULL, NULL};
    return take_binding(place, 0);
}

int
place_stand(Place *place, int may_name)
{
    PyObject *parent;
    *place = (Place){NULL, NULL, NULL};
    if (UNLIKELY(engine.withholds || (PyDict_GET_SIZE(engine.held) > 0 && in_holding_generator())))
        return 0;
    if (PyContextVar_Get(engine.variable, NULL, &parent) < 0)
        return -1;
    if (parent == Py_None)
        Py_CLEAR(parent);
    if (UNLIKELY(!is_plain_parent(parent))) {
        Py_XDECREF(parent);
        return 0;
    }
    place->parent = (Span *)parent;
    return take_binding(place, may_name);
}

int
place_find(Place *place, int wants_actor)
{
    int plain = place_stand(place, wants_actor);
    return plain == 1 && wants_actor ? find_actor(place) : plain;
}

void
place_leave(Place *place)
{
    Py_XDECREF((PyObject *)place->parent);
    Py_XDECREF(place->field);
    Py_XDECREF(place->actor);
}

static int
announce_root(Span *parent)
{
    PyObject *root = parent->is_root ? (PyObject *)parent : parent->root;
    if (LIKELY(((Span *)root)->announced))
        return 0;
    Py_INCREF(root);
    PyObject *answer = PyObject_CallMethodNoArgs(root, words.announce);
    Py_DECREF(root);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

/* -- texts that come again ------------------------------------------------------------------------------------- */

/* Each text of `memo.texts` that was written last, by its address, and the names of our own fields. Both are forgotten
 * when `memo.texts` was: then the fragment of one text that is always in it is no longer the same object. */
#define KNOWN 1024 /* a power of two */
#define WIDE 64    /* bytes that are copied at once, and most of what is kept here */

typedef struct {
    size_t size;
    char bytes[WIDE];
} Piece;

static struct {
    PyObject *text; /* owned, or NULL */
    Piece piece;
} known[KNOWN];

static struct {
    int is_known, hides;
    Piece piece; /* `,"actor":` */
} fields[FIELDS];

static PyObject *landmark; /* the fragment of that one text, owned */

static int
forget_all(void)
{
    PyObject *fragment = PyObject_GetItem(engine.texts, hot_words.mark);
    if (fragment == NULL)
        return -1;
    for (size_t at = 0; at < KNOWN; at++)
        Py_CLEAR(known[at].text);
    memset(fields, 0, sizeof fields);
    Py_XSETREF(landmark, fragment);
    return 0;
}

static inline int
still_holds(void)
{
    PyObject *found = PyDict_GetItemWithError(engine.texts, hot_words.mark);
    return LIKELY(found != NULL && found == landmark) ? 0 : forget_all();
}

static inline int
line_piece(Line *line, const Piece *piece)
{
    if (line_room(line, WIDE) < 0)
        return -1;
    memcpy(line->at, piece->bytes, WIDE / 2);
    if (UNLIKELY(piece->size > WIDE / 2))
        memcpy(line->at + WIDE / 2, piece->bytes + WIDE / 2, WIDE / 2);
    line->at += piece->size;
    return 0;
}

/* A text of the program, as `line_known`. */
static inline int
line_again(Line *line, PyObject *text)
{
    size_t at = ((size_t)text >> 4) & (KNOWN - 1);
    if (LIKELY(known[at].text == text))
        return line_piece(line, &known[at].piece);
    PyObject *fragment = PyUnicode_CheckExact(text) ? PyDict_GetItemWithError(engine.texts, text) : NULL;
    if (fragment == NULL)
        return PyErr_Occurred() ? -1 : line_known(line, text);
    Py_ssize_t size;
    const char *bytes = PyUnicode_AsUTF8AndSize(fragment, &size);
    if (bytes == NULL)
        return -1;
    if (size > WIDE)
        return line_bytes(line, bytes, (size_t)size);
    Py_XSETREF(known[at].text, Py_NewRef(text)); /* a text: letting go of it runs nothing */
    known[at].piece.size = (size_t)size;
    memcpy(known[at].piece.bytes, bytes, (size_t)size);
    return line_piece(line, &known[at].piece);
}

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
    if (UNLIKELY(!fields[field].is_known) && learn_field(field) < 0)
        return -1;
    if (UNLIKELY(fields[field].hides))
        return 0;
    return line_piece(line, &fields[field].piece) < 0 ? -1 : 1;
}

/* -- what it says ---------------------------------------------------------------------------------------------- */

static PyObject *
cuts_of(HotLine *hot)
{
    if (hot->cuts == NULL)
        hot->cuts = PyList_New(0);
    return hot->cuts;
}

/* A text that is not remembered: captured, and what was cut of it noted. */
int
hot_long_text(HotLine *hot, PyObject *text)
{
    PyObject *found = PyObject_CallFunctionObjArgs(tier.captured, text, words.body, NULL);
    if (found == NULL)
        return -1;
    int done = PyTuple_Check(found) && PyTuple_GET_SIZE(found) == 2 ? 0 : -1;
    if (done == 0)
        done = line_text(&hot->line, PyTuple_GET_ITEM(found, 0));
    if (done == 0 && PyObject_Size(PyTuple_GET_ITEM(found, 1)) > 0) {
        PyObject *cuts = cuts_of(hot);
        done = cuts == NULL ? -1 : PyList_SetSlice(cuts, PY_SSIZE_T_MAX, PY_SSIZE_T_MAX, PyTuple_GET_ITEM(found, 1));
    }
    Py_DECREF(found);
    return done;
}

static int
line_head(Line *line, const Place *place, uint64_t id)
{
    Span *parent = place->parent;
    if (line_room(line, 160) < 0)
        return -1;
    PUT(line, "\x1e{\"v\":1,\"type\":\"event\",\"event_id\":\"");
    line->at = put_hex(line->at, id);
    PUT(line, "\",");
    if (parent != NULL) {
        PUT(line, "\"trace_id\":\"");
        if ((parent->trace_id != NULL && line_text(line, parent->trace_id) < 0) || line_room(line, 96) < 0)
            return -1;
        PUT(line, "\",\"span_id\":\"");
        line->at = put_hex(line->at, parent->id);
        PUT(line, "\",");
    }
    if (line_room(line, 64) < 0)
        return -1;
    return 0;
}

static int
line_time(Line *line, long long time)
{
    if (line_room(line, 64) < 0)
        return -1;
    PUT(line, "\"time\":");
    if (line_moment(line, time) < 0 || line_room(line, 16) < 0)
        return -1;
    PUT(line, ",\"name\":");
    return 0;
}

/* The line up to its name. `write` writes a level that is not ours; without one it is trace. */
int
hot_open(HotLine *hot, const Place *place, PyObject *level, int (*write)(Line *, PyObject *))
{
    Line *line = &hot->line;
    line_begin(line);
    hot->cuts = NULL;
    hot->members = 0;
    long long now = now_ns();
    if (anchor_check(now) < 0 || still_holds() < 0 || (place->parent != NULL && announce_root(place->parent) < 0))
        return -1;
    long long time = now + ((Anchor *)engine.anchor)->offset;
    uint64_t id = next_id();
    if (id == 0 || line_head(line, place, id) < 0)
        return -1;
    if (LIKELY(level == NULL))
        PUT(line, "\"level\":\"trace\",");
    else if (write(line, level) < 0)
        return -1;
    return line_time(line, time);
}

/* A short text, by what is remembered of it. */
int
hot_text(HotLine *hot, PyObject *text)
{
    return line_again(&hot->line, text);
}

int
hot_begin(HotLine *hot, const Place *place, PyObject *name, PyObject *text)
{
    if (hot_open(hot, place, NULL, NULL) < 0 || line_again(&hot->line, name) < 0)
        return -1;
    if (text != NULL && PyUnicode_GET_LENGTH(text) > 0) {
        if (line_bytes(&hot->line, ",\"body\":", 8) < 0)
            return -1;
        if (LIKELY(PyUnicode_GET_LENGTH(text) <= SHORT) ? line_again(&hot->line, text) : hot_long_text(hot, text))
            return -1;
    }
    return line_bytes(&hot->line, ",\"attributes\":{", 15);
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
hot_member(HotLine *hot, int field, PyObject *value)
{
    Line *line = &hot->line;
    if (hot->members++ == 0)
        line->at--; /* the brace, written again below */
    size_t offset = (size_t)(line->at - line->base);
    int done = line_field(line, field);
    if (LIKELY(done == 1))
        done = line_value(line, value);
    if (LIKELY(done >= 0) && hot->members == 1)
        line->base[offset] = '{';
    if (LIKELY(done != 0))
        return done < 0 ? -1 : 0;
    line->at = line->base + offset;
    if (line_bytes(line, hot->members == 1 ? "{" : ",", 1) < 0)
        return -1;
    return line_member(line, *field_words[field], value, NULL, &hot->cuts);
}

int
hot_number(HotLine *hot, int field, long long value)
{
    PyObject *number = PyLong_FromLongLong(value);
    int done = number == NULL ? -1 : hot_member(hot, field, number);
    Py_XDECREF(number);
    return done;
}

/* -- where it goes --------------------------------------------------------------------------------------------- */

static int
finish(HotLine *hot, const Place *place, long long left)
{
    if (left > 0 && hot_number(hot, F_LEFT_OUT, left) < 0)
        return -1;
    if (hot->cuts != NULL && PyList_GET_SIZE(hot->cuts) > 0) {
        PyObject *told = PyObject_CallOneArg(engine.cut_list, hot->cuts);
        int done = told == NULL || line_bytes(&hot->line, ",", 1) < 0 || line_text(&hot->line, told) < 0;
        Py_XDECREF(told);
        if (done)
            return -1;
    }
    if (line_bytes(&hot->line, "}", 1) < 0 || (place->field != NULL && line_text(&hot->line, place->field) < 0))
        return -1;
    return line_bytes(&hot->line, "}\n", 2);
}

int
hot_write(HotLine *hot, const Place *place, Site *site, long long left)
{
    if (finish(hot, place, left) < 0)
        return -1;
    if (UNLIKELY(is_too_long(&hot->line)))
        return 1;
    if (site != NULL && left > 0)
        site->left -= left;
    PyObject *out = place->parent == NULL ? NULL : Py_XNewRef(place->parent->out);
    int done = line_write(&hot->line, out);
    Py_XDECREF(out);
    return done;
}

void
hot_end(HotLine *hot)
{
    line_end(&hot->line);
    Py_XDECREF(hot->cuts);
}

PyObject *
hot_lose(void)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return NULL;
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    if (trace != NULL)
        PyException_SetTraceback(error, trace);
    PyObject *answer = PyObject_CallOneArg(engine.lose, error);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    return answer;
}
