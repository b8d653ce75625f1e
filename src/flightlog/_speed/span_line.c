/* A line from its pieces: cached fragments and numbers, joined on the stack and copied into the journal.
 *
 * A Line owns its bytes and nothing else. Every text of the program comes from `memo.texts`, `memo.keys` or
 * `memo.member`, which ask the gate; only names of ours and numbers are written here. What does not fit the limit of a
 * line, or cannot be UTF-8, is handed to the plain engine, which knows what to leave out.
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
line_bytes(Line *line, const char *data, size_t size)
{
    if (line_room(line, size) < 0)
        return -1;
    memcpy(line->at, data, size);
    line->at += size;
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

static const char PAIRS[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
                            "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
                            "9899";

/* A number of any size. */
static char *
put_any_int(char *at, long long value)
{
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
    static long long seconds = -1;
    static char text[10];
    if (UNLIKELY(value < SECOND * 1000000000LL || value >= SECOND * 9000000000LL))
        return put_any_int(at, value);
    long long whole = value / SECOND;
    uint32_t rest = (uint32_t)(value - whole * SECOND);
    if (UNLIKELY(whole != seconds)) {
        put_any_int(text, whole);
        seconds = whole;
    }
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
    line->at = put_any_int(line->at, value);
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
    PyObject *most = PyDict_GetItem(engine.plain, words.most_line);
    return most == NULL || line->at - line->base > PyLong_AsSsize_t(most);
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
thread_known(void)
{
    if (LIKELY(here.size != 0))
        return 0;
    unsigned long long thread = PyThread_get_thread_ident();
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
    if (PyUnicode_IS_COMPACT_ASCII(field) && PyUnicode_GET_LENGTH(field) <= (Py_ssize_t)sizeof here.text) {
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
    if (LIKELY(here.size > 0 && thread == PyThread_get_thread_ident()))
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
        PyObject *field = PyObject_GetAttr(self->context, words.field);
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
    int done = line_head(line, self) < 0 || line_bytes(line, "\"name\":", 7) < 0 || line_known(line, name) < 0 ||
               line_bytes(line, ",\"kind\":", 8) < 0 || line_known(line, kind) < 0 || line_bytes(line, ",", 1) < 0 ||
               (self->level_field != NULL && line_text(line, self->level_field) < 0);
    Py_DECREF(kind);
    Py_DECREF(name);
    if (done || line_room(line, 128) < 0)
        return -1;
    PUT(line, "\"start\":");
    line->at = put_moment(line->at, self->start);
    if (end != 0) {
        PUT(line, ",\"end\":");
        line->at = put_moment(line->at, end);
    }
    PUT(line, ",\"status\":\"");
    if (line_text(line, status) < 0 || line_bytes(line, "\"", 1) < 0 || line_thread(line, self->thread) < 0)
        return -1;
    if (!is_none(self->task)) {
        PyObject *field = task_field(self->task);
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
                  !PyUnicode_CheckExact(status) || !(is_none(self->attributes) || PyDict_CheckExact(self->attributes));
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
