/* `event(name, /, level, body, **attributes)`: a point in time under the span that is current, or under none.
 *
 * The plain case is a level that is on, and a parent that is a span of ours, or none at all; the rest is the plain
 * engine's. Owns nothing beyond the call.
 */
#include "span.h"

static PyObject *
event_slowly(PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    return PyObject_Vectorcall(engine.make_event, args, (size_t)count, names);
}

typedef struct {
    PyObject *name, *level, *body; /* borrowed from the call; NULL where not given */
    PyObject *const *values;
    PyObject *names; /* NULL for none */
} Said;

/* Sort the arguments; 0: the plain engine shall say what is wrong with them. */
static int
sort_out(Said *said, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    if (count < 1 || count > 3 || !PyUnicode_CheckExact(args[0]))
        return 0;
    *said = (Said){args[0], count > 1 ? args[1] : NULL, count > 2 ? args[2] : NULL, args + count, names};
    if (names == NULL)
        return 1;
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(names); at++) {
        PyObject *name = PyTuple_GET_ITEM(names, at);
        if (UNLIKELY(!PyUnicode_CheckExact(name) || !PyUnicode_CHECK_INTERNED(name)))
            return 0;
        PyObject **where = name == words.level ? &said->level : name == words.body ? &said->body : NULL;
        if (where == NULL)
            continue;
        if (*where != NULL)
            return 0;
        *where = said->values[at];
    }
    return 1;
}

/* Its text as JSON, and whatever was cut from it onto `cuts`: what `_event` of the plain engine does. */
static int
line_body(Line *line, PyObject *body, PyObject **cuts)
{
    int is_said = PyObject_IsTrue(body);
    if (is_said <= 0)
        return is_said;
    PyObject *text = Py_NewRef(body), *made = NULL;
    for (int times = PyUnicode_Check(body) ? 1 : 2; times > 0; times--) { /* what is no text is told as one */
        made = PyObject_CallFunctionObjArgs(engine.captured, text, words.body, NULL);
        Py_DECREF(text);
        if (made == NULL)
            return -1;
        if (!PyTuple_CheckExact(made) || PyTuple_GET_SIZE(made) != 2 || !PyList_CheckExact(PyTuple_GET_ITEM(made, 1))) {
            Py_DECREF(made);
            PyErr_SetString(PyExc_TypeError, "a capture is a text and a list");
            return -1;
        }
        text = Py_NewRef(PyTuple_GET_ITEM(made, 0));
        if (times == 1)
            *cuts = PyList_GET_SIZE(PyTuple_GET_ITEM(made, 1)) > 0 ? Py_NewRef(PyTuple_GET_ITEM(made, 1)) : NULL;
        Py_DECREF(made);
    }
    int done = line_bytes(line, ",\"body\":", 8) < 0 ? -1 : line_text(line, text);
    Py_DECREF(text);
    return done;
}

static int
line_members(Line *line, const Said *said, PyObject **cuts)
{
    int count = 0;
    for (Py_ssize_t at = 0; said->names != NULL && at < PyTuple_GET_SIZE(said->names); at++) {
        PyObject *name = PyTuple_GET_ITEM(said->names, at);
        if (name == words.level || name == words.body)
            continue;
        const char *before = count++ == 0 ? ",\"attributes\":{" : ",";
        if (line_bytes(line, before, strlen(before)) < 0 || line_member(line, name, said->values[at], NULL, cuts) < 0)
            return -1;
    }
    return count;
}

/* Body and attributes, of which the last tells what was cut. */
static int
line_attributes(Line *line, const Said *said)
{
    PyObject *cuts = NULL;
    int count = said->body != NULL && line_body(line, said->body, &cuts) < 0 ? -1 : line_members(line, said, &cuts);
    if (count >= 0 && cuts != NULL && PyList_GET_SIZE(cuts) > 0) {
        PyObject *told = PyObject_CallOneArg(engine.cut_list, cuts);
        const char *before = count == 0 ? ",\"attributes\":{" : ",";
        count = told == NULL || line_bytes(line, before, strlen(before)) < 0 || line_text(line, told) < 0 ? -1 : 1;
        Py_XDECREF(told);
    }
    if (count > 0 && line_bytes(line, "}", 1) < 0)
        count = -1;
    Py_XDECREF(cuts);
    return count < 0 ? -1 : 0;
}

/* What `bind` put around; 1: it is a stray's. */
static int
line_binding(Line *line)
{
    PyObject *binding, *stray = NULL, *field = NULL;
    if (PyContextVar_Get(engine.bound, NULL, &binding) < 0)
        return -1;
    int done = 0;
    if (!is_none(binding)) {
        stray = PyObject_GetAttr(binding, words.stray);
        field = PyObject_GetAttr(binding, words.field);
        done = stray == NULL || field == NULL ? -1 : is_on(stray) ? 1 : line_text(line, field);
    }
    Py_XDECREF(binding);
    Py_XDECREF(stray);
    Py_XDECREF(field);
    return done;
}

static int
line_of_event(Line *line, Span *parent, const Said *said, long long time, uint64_t id)
{
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
    if (said->level != NULL && said->level != words.info) {
        PyObject *field = PyObject_CallOneArg(engine.level_field, said->level);
        int done = field == NULL ? -1 : line_text(line, field);
        Py_XDECREF(field);
        if (done < 0)
            return -1;
    }
    if (line_room(line, 64) < 0)
        return -1;
    PUT(line, "\"time\":");
    if (line_moment(line, time) < 0 || line_bytes(line, ",\"name\":", 8) < 0)
        return -1;
    return line_known(line, said->name);
}

/* Write it; 1: the plain engine shall, nothing was written. */
static int
write_event(Span *parent, const Said *said)
{
    long long now = now_ns();
    if (anchor_check(now) < 0)
        return -1;
    Line line;
    line_begin(&line);
    uint64_t id = next_id();
    int done = id == 0 ? -1 : line_of_event(&line, parent, said, now + ((Anchor *)engine.anchor)->offset, id);
    if (done == 0)
        done = line_attributes(&line, said);
    if (done == 0)
        done = line_binding(&line);
    if (done == 0)
        done = line_bytes(&line, "}\n", 2);
    if (done < 0 && is_unencodable())
        done = 1;
    if (done == 0 && is_too_long(&line))
        done = 1;
    if (done == 0) {
        PyObject *out = parent == NULL ? NULL : Py_XNewRef(parent->out);
        done = line_write(&line, out);
        Py_XDECREF(out);
    }
    line_end(&line);
    return done;
}

static PyObject *
lose(void)
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

/* 1: its root has said that it runs, now or before; -1 with an exception. */
static int
announce_root(Span *parent)
{
    if (parent == NULL)
        return 0;
    PyObject *root = parent->is_root ? (PyObject *)parent : parent->root;
    if (LIKELY(((Span *)root)->announced))
        return 0;
    Py_INCREF(root);
    PyObject *answer = PyObject_CallMethodNoArgs(root, words.announce);
    Py_DECREF(root);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

static int
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

PyObject *
make_event(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    Said said;
    PyObject *parent;
    if (UNLIKELY(!sort_out(&said, args, count, names) || (said.level != NULL && !PyUnicode_CheckExact(said.level))))
        return event_slowly(args, count, names);
    PyObject *verdict = PyDict_GetItemWithError(engine.verdicts, said.level == NULL ? words.info : said.level);
    if (verdict == Py_False)
        Py_RETURN_NONE;
    if (UNLIKELY(verdict != Py_True || (PyDict_GET_SIZE(engine.held) > 0 && in_holding_generator()))) {
        PyErr_Clear();
        return event_slowly(args, count, names);
    }
    if (PyContextVar_Get(engine.variable, NULL, &parent) < 0)
        return NULL;
    if (parent == Py_None)
        Py_CLEAR(parent);
    int done = 1;
    if (LIKELY(is_plain_parent(parent)))
        done = announce_root((Span *)parent) < 0 ? -1 : write_event((Span *)parent, &said);
    Py_XDECREF(parent);
    if (UNLIKELY(done > 0))
        return event_slowly(args, count, names);
    if (UNLIKELY(done < 0))
        return lose();
    Py_RETURN_NONE;
}
