/* `span(name, /, kind, level, input, links, **attributes)`: a span of a level that is on, under a parent that is plain.
 *
 * A level that depends on who asks, a parent that is not simply a span, a sampled root, and arguments that do not fit
 * are the plain engine's. A new span owns its attributes as bytes until somebody asks for the dict.
 */
#include "hot.h"

typedef struct {
    PyObject *name, *kind, *level, *input, *links; /* borrowed from the call; NULL where not given */
    Py_ssize_t given;                              /* how many were given by position */
    Py_ssize_t attributes;                         /* how many of the named ones are attributes */
} Call;

static PyObject *
make_slowly(PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    return PyObject_Vectorcall(engine.make_span, args, (size_t)count, names);
}

/* The parameter that this name is of; NULL: it is an attribute. */
static PyObject **
parameter(Call *call, PyObject *name)
{
    if (name == words.kind)
        return &call->kind;
    if (name == words.level)
        return &call->level;
    if (name == words.input)
        return &call->input;
    if (name == words.links)
        return &call->links;
    return NULL;
}

/* The same for a name that may not be interned; -1: it is no str. */
static int
is_parameter(Call *call, PyObject *name, PyObject ***where)
{
    *where = parameter(call, name);
    if (LIKELY(*where != NULL || (PyUnicode_CheckExact(name) && PyUnicode_CHECK_INTERNED(name))))
        return *where != NULL;
    if (!PyUnicode_CheckExact(name))
        return -1;
    PyObject *const known[] = {words.kind, words.level, words.input, words.links};
    for (size_t at = 0; at < 4; at++)
        if (PyUnicode_Compare(name, known[at]) == 0) {
            *where = parameter(call, known[at]);
            return 1;
        }
    return 0;
}

/* Sort the arguments; 0: the plain engine shall say what is wrong with them. */
static int
sort_out(Call *call, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    PyObject **places[] = {&call->name, &call->kind, &call->level, &call->input, &call->links};
    if (count < 1 || count > 5)
        return 0;
    for (Py_ssize_t at = 0; at < count; at++)
        *places[at] = args[at];
    if (names == NULL)
        return 1;
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(names); at++) {
        PyObject **where;
        int found = is_parameter(call, PyTuple_GET_ITEM(names, at), &where);
        if (found < 0 || (found && *where != NULL))
            return 0;
        if (found)
            *where = args[count + at];
        else
            call->attributes++;
    }
    return 1;
}

/* Whether a new span needs nobody's decision: it is under a span of ours, or is a root that cannot be dropped. */
static int
is_plain_place(void)
{
    PyObject *parent;
    if (PyContextVar_Get(engine.variable, NULL, &parent) < 0)
        return -1;
    int is_plain = is_none(parent) ? !engine.roots_may_drop : Py_TYPE(parent) == engine.type;
    Py_XDECREF(parent);
    return is_plain;
}

static int
keep_members(Span *self, Line *line)
{
    size_t size = (size_t)(line->at - line->base);
    if (self->room < size) {
        char *members = PyMem_Realloc(self->members, size + size / 2);
        if (members == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        self->members = members;
        self->room = size + size / 2;
    }
    memcpy(self->members, line->base, size);
    return 0;
}

/* Few attributes: their JSON, joined, kept as bytes. */
static int
take_few(Span *self, Line *line, PyObject *const *values, PyObject *names, PyObject **note)
{
    Call none = {0};
    uint32_t count = 0;
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(names); at++) {
        PyObject *name = PyTuple_GET_ITEM(names, at), **where;
        if (is_parameter(&none, name, &where))
            continue;
        if (count > 0 && line_bytes(line, ",", 1) < 0)
            return -1;
        if (line_member(line, name, values[at], (PyObject *)self, note) < 0)
            return -1;
        self->ends[count] = (uint32_t)(line->at - line->base);
        self->which[count++] = (unsigned char)at;
    }
    PyObject *cut = self->attributes; /* there if `_note` was called meanwhile */
    self->attributes = NULL;
    if (keep_members(self, line) < 0) {
        Py_XDECREF(cut);
        return -1;
    }
    self->keys = Py_NewRef(names);
    self->count = count;
    if (LIKELY(cut == NULL))
        return 0;
    PyObject *all = PyObject_GetAttrString((PyObject *)self, "_attributes"); /* as a dict from now on */
    int done = all == NULL ? -1 : PyDict_Update(all, cut);
    Py_XDECREF(all);
    Py_DECREF(cut);
    return done;
}

/* Put what `_note` said meanwhile behind the attributes: what was cut stands last. */
static int
take_dict(Span *self, PyObject *found)
{
    PyObject *cut = self->attributes;
    int done = cut == NULL ? 0 : PyDict_Update(found, cut);
    self->attributes = Py_NewRef(found);
    Py_XDECREF(cut);
    return done;
}

/* Many attributes, or texts that UTF-8 cannot hold: the dict that the plain engine makes. */
static int
take_many(Span *self, PyObject *const *values, PyObject *names)
{
    PyObject *found = PyDict_New(), *note = PyObject_GetAttr((PyObject *)self, words.note);
    int done = found == NULL || note == NULL ? -1 : 0;
    Call none = {0};
    for (Py_ssize_t at = 0; done == 0 && at < PyTuple_GET_SIZE(names); at++) {
        PyObject *name = PyTuple_GET_ITEM(names, at), **where;
        if (is_parameter(&none, name, &where))
            continue;
        PyObject *arguments[] = {name, values[at], note};
        PyObject *member = PyObject_Vectorcall(engine.member, arguments, 3, NULL);
        done = member == NULL ? -1 : PyDict_SetItem(found, name, member);
        Py_XDECREF(member);
    }
    if (done == 0)
        done = take_dict(self, found);
    Py_XDECREF(found);
    Py_XDECREF(note);
    return done;
}

static int
take_attributes(Span *self, Call *call, PyObject *const *values, PyObject *names)
{
    self->plain = 0;
    if (call->attributes > MOST_INLINE || PyTuple_GET_SIZE(names) > 255)
        return take_many(self, values, names);
    Line line;
    PyObject *note = NULL;
    line_begin(&line);
    int done = take_few(self, &line, values, names, &note);
    line_end(&line);
    Py_XDECREF(note);
    if (LIKELY(done == 0) || !is_unencodable())
        return done;
    self->count = 0;
    Py_CLEAR(self->attributes);
    return take_many(self, values, names);
}

static int
take_input(Span *self, PyObject *value)
{
    const int is_ours = Py_TYPE(self) == engine.type && engine.keeps_all;
    PyObject *fragment = is_ours ? small_json(value, words.input) : Py_NewRef(Py_None);
    self->plain = 0;
    if (fragment == Py_None)
        Py_SETREF(fragment, PyObject_CallMethodObjArgs((PyObject *)self, words.captured, value, words.input, NULL));
    if (fragment == NULL)
        return -1;
    Py_XSETREF(self->input, fragment);
    return 0;
}

static int
take_links(Span *self, PyObject *links)
{
    int some = PyObject_IsTrue(links);
    if (some <= 0)
        return some;
    PyObject *answer = PyObject_CallMethodOneArg((PyObject *)self, words.link_all, links);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

static int
fill(Span *self, Call *call, PyObject *const *values, PyObject *names)
{
    self->name = Py_NewRef(call->name);
    self->kind = call->kind == words.step ? NULL : Py_XNewRef(call->kind);
    if (call->level != NULL && call->level != words.info) {
        PyObject *field = PyObject_CallOneArg(engine.level_field, call->level);
        if (field == NULL)
            return -1;
        self->level_field = field;
    }
    if (call->attributes > 0 && take_attributes(self, call, values, names) < 0)
        return -1;
    if (call->input != NULL && call->input != engine.unset && take_input(self, call->input) < 0)
        return -1;
    return call->links == NULL ? 0 : take_links(self, call->links);
}

PyObject *
make_span(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    const int has_level = names != NULL && count == 1 && PyTuple_GET_ITEM(names, 0) == words.level;
    if (has_level && verdict_of(args[1]) == Py_False) /* nothing else needs to be looked at */
        return Py_NewRef(engine.off);
    Call call = {0};
    if (UNLIKELY(!sort_out(&call, args, count, names)))
        return make_slowly(args, count, names);
    PyObject *verdict = verdict_of(call.level);
    if (verdict == Py_False)
        return Py_NewRef(engine.off);
    if (UNLIKELY(verdict != Py_True || !PyUnicode_CheckExact(call.name) || is_plain_place() != 1)) {
        PyErr_Clear();
        return make_slowly(args, count, names);
    }
    Span *self = span_new();
    if (self == NULL)
        return NULL;
    if (UNLIKELY(fill(self, &call, args + count, names) < 0)) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}
