/* The line of a span from its pieces, and the way of every line into the journal.
 *
 * A Line owns its bytes and nothing else. What does not fit the limit of a line, or cannot be UTF-8, is handed to the
 * plain engine, which knows what to leave out. A record that the mapped segment refuses goes to the writer, which finds
 * it another place.
 */
#include "span.h"

/* -- where lines go ------------------------------------------------------------------------------------------ */

static int
hand_over(PyObject *to, const char *data, size_t size)
{
    PyObject *bytes = PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
    if (bytes == NULL)
        return -1;
    PyObject *answer = PyObject_CallOneArg(to, bytes);
    Py_DECREF(bytes);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

int
line_write(Line *line, PyObject *out)
{
    const char *data = line->base;
    size_t size = (size_t)(line->at - line->base);
    if (!is_none(out))
        return hand_over(out, data, size);
    if (LIKELY(!is_none(engine.journal))) {
        if (LIKELY(region_put(((Door *)engine.journal)->append, data, size)))
            return 0;
    }
    PyObject *write = engine.write;
    if (write == NULL)
        return 0; /* nothing is installed: as the plain engine, which writes to nowhere then */
    Py_INCREF(write);
    int done = hand_over(write, data, size);
    Py_DECREF(write);
    return done;
}

/* Whether the plain engine has to look at it: it asks the one limit that there is, which is never a small one. */
int
is_too_long(const Line *line)
{
    if (LIKELY(line->at - line->base <= engine.surely_fits))
        return 0;
    PyObject *most = PyDict_GetItemWithError(engine.plain, words.most_line);
    if (most == NULL || !PyLong_CheckExact(most)) { /* the interpreter ends, and has emptied the module */
        PyErr_Clear();
        return 1;
    }
    int overflow;
    const long long limit = PyLong_AsLongLongAndOverflow(most, &overflow);
    return overflow < 0 || (overflow == 0 && line->at - line->base > limit);
}

int
is_unencodable(void)
{
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return 0;
    PyErr_Clear();
    return 1;
}

/* -- the line of a span -------------------------------------------------------------------------------------- */

/* This thread's `,"thread":"…"`, copied: it ends with the thread, as its name's place in `thread_fields` does. */
static __thread struct {
    int size; /* 0: not known yet; -1: too long to be kept */
    char text[124];
} here;

static PyObject *
thread_field(unsigned long long thread)
{
    PyObject *key = PyLong_FromUnsignedLongLong(thread);
    if (key == NULL)
        return NULL;
    PyObject *field = Py_XNewRef(PyDict_GetItemWithError(engine.thread_fields, key));
    Py_DECREF(key);
    return field;
}

int
thread_asked(unsigned long long *thread)
{
    PyObject *answer = PyObject_CallNoArgs(engine.get_ident);
    if (answer == NULL)
        return -1;
    *thread = PyLong_AsUnsignedLongLongMask(answer);
    Py_DECREF(answer);
    return *thread == (unsigned long long)-1 && PyErr_Occurred() ? -1 : 0;
}

int
thread_known(unsigned long long thread)
{
    if (LIKELY(here.size != 0 && engine.get_ident == NULL))
        return 0;
    PyObject *field = thread_field(thread);
    if (field == NULL && !PyErr_Occurred()) {
        PyObject *key = PyLong_FromUnsignedLongLong(thread);
        PyObject *answer = key == NULL ? NULL : PyObject_CallOneArg(engine.meet_thread, key);
        Py_XDECREF(key);
        Py_XDECREF(answer);
        field = answer == NULL ? NULL : thread_field(thread);
    }
    if (field == NULL)
        return PyErr_Occurred() ? -1 : 0;
    if (engine.get_ident == NULL && PyUnicode_IS_COMPACT_ASCII(field) &&
        PyUnicode_GET_LENGTH(field) <= (Py_ssize_t)sizeof here.text) {
        here.size = (int)PyUnicode_GET_LENGTH(field);
        memcpy(here.text, PyUnicode_1BYTE_DATA(field), (size_t)here.size);
    }
    else
        here.size = -1;
    Py_DECREF(field);
    return 0;
}

static int
line_thread(Line *line, unsigned long long thread)
{
    if (LIKELY(here.size > 0 && thread == PyThread_get_thread_ident() && engine.get_ident == NULL))
        return line_bytes(line, here.text, (size_t)here.size);
    PyObject *field = thread_field(thread);
    if (field == NULL)
        return PyErr_Occurred() ? -1 : 0; /* the thread is gone, and with it its name */
    int done = line_text(line, field);
    Py_DECREF(field);
    return done;
}

static int
line_head(Line *line, Span *self)
{
    if (line_room(line, 160) < 0)
        return -1;
    PUT(line, "\x1e{\"v\":1,\"type\":\"span\",\"trace_id\":\"");
    if (self->trace_id != NULL && line_text(line, self->trace_id) < 0)
        return -1;
    if (line_room(line, 128) < 0)
        return -1;
    PUT(line, "\",\"span_id\":\"");
    if (LIKELY(self->id != 0))
        line->at = put_hex(line->at, self->id);
    else if (self->span_id != NULL && line_text(line, self->span_id) < 0)
        return -1;
    if (line_room(line, 96) < 0)
        return -1;
    PUT(line, "\",");
    if (self->parent_id != 0) {
        PUT(line, "\"parent_id\":\"");
        line->at = put_hex(line->at, self->parent_id);
        PUT(line, "\",");
    }
    else if (self->parent_field != NULL && line_text(line, self->parent_field) < 0)
        return -1;
    return 0;
}

static int
line_field(Line *line, const char *name, PyObject *fragment)
{
    if (is_none(fragment))
        return 0;
    return line_bytes(line, name, strlen(name)) < 0 ? -1 : line_text(line, fragment);
}

static int
line_attributes(Line *line, Span *self)
{
    if (self->count > 0) {
        if (line_room(line, self->ends[self->count - 1] + 32) < 0)
            return -1;
        PUT(line, ",\"attributes\":{");
        memcpy(line->at, self->members, self->ends[self->count - 1]);
        line->at += self->ends[self->count - 1];
        PUT(line, "}");
        return 0;
    }
    if (is_none(self->attributes))
        return 0;
    if (line_room(line, 32) < 0)
        return -1;
    PUT(line, ",\"attributes\":{");
    Py_ssize_t at = 0;
    PyObject *key, *member;
    for (int is_first = 1; PyDict_Next(self->attributes, &at, &key, &member); is_first = 0)
        if ((!is_first && line_bytes(line, ",", 1) < 0) || line_text(line, member) < 0) /* runs nothing */
            return -1;
    return line_bytes(line, "}", 1);
}

/* The fields that only some lines have; `links` and `waits` are the plain engine's. */
static int
line_rest(Line *line, Span *self)
{
    if (!is_none(self->context)) {
        PyObject *context = Py_NewRef(self->context), *field = PyObject_GetAttr(context, words.field);
        Py_DECREF(context);
        int done = field == NULL ? -1 : line_text(line, field);
        Py_XDECREF(field);
        if (done < 0)
            return -1;
    }
    if (line_field(line, ",\"input\":", self->input) < 0 || line_field(line, ",\"output\":", self->output) < 0 ||
        line_attributes(line, self) < 0)
        return -1;
    if (!is_none(self->error) && line_field(line, ",\"error\":", self->error) < 0)
        return -1;
    return self->remote == NULL ? 0 : line_text(line, self->remote);
}

static int
line_of_span(Line *line, Span *self, PyObject *status, long long end)
{
    PyObject *kind = Py_NewRef(self->kind == NULL ? words.step : self->kind);
    PyObject *name = Py_NewRef(self->name == NULL ? words.empty : self->name);
    int done = line_head(line, self) < 0 || line_bytes(line, "\"name\":", 7) < 0 ||
               line_again(line, name) < 0 || line_bytes(line, ",\"kind\":", 8) < 0 || line_again(line, kind) < 0 ||
               line_bytes(line, ",", 1) < 0 ||
               (self->level_field != NULL && line_text(line, self->level_field) < 0);
    Py_DECREF(kind);
    Py_DECREF(name);
    if (done || line_room(line, 128) < 0)
        return -1;
    PUT(line, "\"start\":");
    if (line_moment(line, self->start) < 0)
        return -1;
    if (end != 0) {
        PUT(line, ",\"end\":");
        if (line_moment(line, end) < 0)
            return -1;
    }
    PUT(line, ",\"status\":\"");
    if (line_text(line, status) < 0 || line_bytes(line, "\"", 1) < 0 || line_thread(line, self->thread) < 0)
        return -1;
    if (!is_none(self->task)) {
        PyObject *task = Py_NewRef(self->task), *field = task_field(task);
        Py_DECREF(task);
        done = field == NULL ? -1 : line_text(line, field);
        Py_XDECREF(field);
        if (done < 0)
            return -1;
    }
    if (!self->plain && line_rest(line, self) < 0)
        return -1;
    return line_bytes(line, "}\n", 2);
}

static int
append_plainly(Span *self, PyObject *status, long long end)
{
    PyObject *moment = PyLong_FromLongLong(end);
    if (moment == NULL)
        return -1;
    PyObject *arguments[] = {(PyObject *)self, status, moment};
    PyObject *answer = PyObject_Vectorcall(engine.append, arguments, 3, NULL);
    Py_DECREF(moment);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

int
span_append(Span *self, PyObject *status, long long end)
{
    int is_rare = !is_none(self->links) || !is_none(self->waits) || (end == 0 && !is_none(self->error)) ||
                  !PyUnicode_CheckExact(status) || !is_text(self->trace_id) || !is_text(self->span_id) ||
                  !(is_none(self->attributes) || PyDict_CheckExact(self->attributes));
    if (UNLIKELY(is_rare))
        return append_plainly(self, status, end);
    Line line;
    line_begin(&line);
    int done = line_of_span(&line, self, status, end);
    if (UNLIKELY(done < 0)) {
        line_end(&line);
        return is_unencodable() ? append_plainly(self, status, end) : -1;
    }
    if (UNLIKELY(is_too_long(&line))) {
        line_end(&line);
        return append_plainly(self, status, end);
    }
    PyObject *out = Py_XNewRef(self->out);
    done = line_write(&line, out);
    Py_XDECREF(out);
    line_end(&line);
    return done;
}
