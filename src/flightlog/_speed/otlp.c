/* The fields of a span in protobuf, as OTLP has it: what `codecs/otlp/protobuf.py` walks along in plain Python.
 *
 * `otlp_span` takes bytes and gives a tuple with the fields of `messages.SpanMessage` in their order; attributes,
 * events and links stay encoded. Of what is not well formed it says None and nothing more: the walk in Python then
 * tells what is wrong. It reads within the bytes alone: every length and every number is checked against the end
 * before anything is read, nothing is nested but the status, by one level, and there is no recursion. The bytes are
 * borrowed for the length of a call; it owns, for ever, what stands for a field that is not there.
 */
#include "core.h"
#include <stdint.h>
#include <string.h>

typedef struct {
    const unsigned char *at;
    const unsigned char *end;
} Window;

/* One field: its tag, and either its number or what it holds. */
typedef struct {
    uint64_t tag;
    uint64_t number;
    const unsigned char *data;
    Py_ssize_t size;
} Field;

/* Where each field stands in the tuple. */
enum {
    TRACE_ID,
    SPAN_ID,
    TRACE_STATE,
    PARENT_ID,
    FLAGS,
    NAME,
    KIND,
    START,
    END,
    ATTRIBUTES,
    DROPPED,
    EVENTS,
    DROPPED_EVENTS,
    LINKS,
    DROPPED_LINKS,
    CODE,
    MESSAGE,
    FIELDS
};

static PyObject *nothing[FIELDS]; /* what stands for each field that is not there; owned for ever */

/* A number of variable length, of ten bytes at most; 0 where the window ends within it. */
static inline int
take_number(Window *window, uint64_t *number)
{
    uint64_t found = 0;
    const unsigned char *at = window->at;
    for (int shift = 0; shift < 70; shift += 7) {
        if (at == window->end)
            return 0;
        const unsigned char byte = *at++;
        found |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            window->at = at;
            *number = found;
            return 1;
        }
    }
    return 0;
}

static inline int
take_field(Window *window, Field *field)
{
    if (!take_number(window, &field->tag))
        return 0;
    field->number = 0;
    field->data = window->at;
    field->size = 0;
    uint64_t size;
    switch (field->tag & 7) {
    case 0:
        return take_number(window, &field->number);
    case 1:
        size = 8;
        break;
    case 2:
        if (!take_number(window, &size))
            return 0;
        break;
    case 5:
        size = 4;
        break;
    default:
        return 0;
    }
    if (size > (uint64_t)(window->end - window->at))
        return 0;
    field->data = window->at;
    field->size = (Py_ssize_t)size;
    window->at += size;
    return 1;
}

static PyObject *
as_digits(const unsigned char *data, Py_ssize_t size)
{
    static const char digits[] = "0123456789abcdef";
    if (size > PY_SSIZE_T_MAX / 2)
        return PyErr_NoMemory();
    PyObject *text = PyUnicode_New(size * 2, 0x7F);
    if (text == NULL || size == 0) /* that of no bytes is shared */
        return text;
    Py_UCS1 *to = PyUnicode_1BYTE_DATA(text);
    for (Py_ssize_t place = 0; place < size; place++) {
        *to++ = digits[data[place] >> 4];
        *to++ = digits[data[place] & 15];
    }
    return text;
}

static inline PyObject *
as_text(const Field *field)
{
    return PyUnicode_DecodeUTF8((const char *)field->data, field->size, "replace");
}

/* Bytes on the wire stand with the lowest first, whatever machine this is. */
static inline PyObject *
as_fixed(const Field *field)
{
    uint64_t number = 0;
    for (Py_ssize_t place = field->size; place-- > 0;)
        number = number << 8 | field->data[place];
    return PyLong_FromUnsignedLongLong(number);
}

static inline PyObject *
as_count(uint64_t number)
{
    return PyLong_FromUnsignedLong((unsigned long)(number & 0xFFFFFFFFu));
}

static inline PyObject *
as_signed(uint64_t number)
{
    const int64_t low = (int64_t)(number & 0xFFFFFFFFu);
    return PyLong_FromLongLong(low >= INT64_C(0x80000000) ? low - INT64_C(0x100000000) : low);
}

/* Put `value`, which may be NULL, in the place of what was there; steals it. */
static inline int
put(PyObject **fields, int place, PyObject *value)
{
    if (value == NULL)
        return -1;
    Py_XSETREF(fields[place], value);
    return 1;
}

static int
append(PyObject **fields, int place, const Field *field)
{
    if (fields[place] == NULL && (fields[place] = PyList_New(0)) == NULL)
        return -1;
    PyObject *part = PyBytes_FromStringAndSize((const char *)field->data, field->size);
    if (part == NULL)
        return -1;
    const int added = PyList_Append(fields[place], part);
    Py_DECREF(part);
    return added < 0 ? -1 : 1;
}

static int
put_status(PyObject **fields, const Field *field)
{
    Window window = {field->data, field->data + field->size};
    Field inner;
    int done = 1;
    while (done > 0 && window.at < window.end) {
        if (!take_field(&window, &inner))
            return 0;
        if (inner.tag == 0x12)
            done = put(fields, MESSAGE, as_text(&inner));
        else if (inner.tag == 0x18)
            done = put(fields, CODE, as_signed(inner.number));
    }
    return done;
}

/* Take in one field: 1, or 0 where it is not well formed, or -1 with an exception set. */
static int
put_field(PyObject **fields, const Field *field)
{
    switch (field->tag) {
    case 0x4A:
        return append(fields, ATTRIBUTES, field);
    case 0x0A:
        return put(fields, TRACE_ID, as_digits(field->data, field->size));
    case 0x12:
        return put(fields, SPAN_ID, as_digits(field->data, field->size));
    case 0x22:
        return put(fields, PARENT_ID, as_digits(field->data, field->size));
    case 0x2A:
        return put(fields, NAME, as_text(field));
    case 0x30:
        return put(fields, KIND, as_signed(field->number));
    case 0x39:
        return put(fields, START, as_fixed(field));
    case 0x41:
        return put(fields, END, as_fixed(field));
    case 0x85:
        return put(fields, FLAGS, as_fixed(field));
    case 0x7A:
        return put_status(fields, field);
    case 0x5A:
        return append(fields, EVENTS, field);
    case 0x6A:
        return append(fields, LINKS, field);
    case 0x1A:
        return put(fields, TRACE_STATE, as_text(field));
    case 0x50:
        return put(fields, DROPPED, as_count(field->number));
    case 0x60:
        return put(fields, DROPPED_EVENTS, as_count(field->number));
    case 0x70:
        return put(fields, DROPPED_LINKS, as_count(field->number));
    default:
        return 1;
    }
}

static PyObject *
otlp_span(PyObject *Py_UNUSED(module), PyObject *raw)
{
    if (!PyBytes_CheckExact(raw)) {
        PyErr_SetString(PyExc_TypeError, "otlp_span() takes bytes");
        return NULL;
    }
    PyObject *fields[FIELDS] = {NULL};
    PyObject *answer = NULL;
    const unsigned char *data = (const unsigned char *)PyBytes_AS_STRING(raw);
    Window window = {data, data + PyBytes_GET_SIZE(raw)};
    Field field;
    int done = 1;
    while (done > 0 && window.at < window.end)
        done = take_field(&window, &field) ? put_field(fields, &field) : 0;
    if (done == 0)
        answer = Py_NewRef(Py_None);
    else if (done > 0)
        answer = PyTuple_New(FIELDS);
    if (done > 0 && answer != NULL) {
        for (int place = 0; place < FIELDS; place++) {
            PyTuple_SET_ITEM(answer, place, fields[place] != NULL ? fields[place] : Py_NewRef(nothing[place]));
            fields[place] = NULL;
        }
    }
    for (int place = 0; place < FIELDS; place++)
        Py_XDECREF(fields[place]);
    return answer;
}

static PyMethodDef functions[] = {
    {"otlp_span", otlp_span, METH_O, PyDoc_STR("The fields of an encoded span, or None where it is malformed.")},
    {NULL, NULL, 0, NULL},
};

int
fls_otlp_add(PyObject *module)
{
    for (int place = 0; place < FIELDS; place++) {
        PyObject *value;
        switch (place) {
        case ATTRIBUTES:
        case EVENTS:
        case LINKS:
            value = PyTuple_New(0);
            break;
        case TRACE_ID:
        case SPAN_ID:
        case TRACE_STATE:
        case PARENT_ID:
        case NAME:
        case MESSAGE:
            value = PyUnicode_New(0, 0);
            break;
        default:
            value = PyLong_FromLong(0);
        }
        if (value == NULL)
            return -1;
        Py_XSETREF(nothing[place], value);
    }
    return PyModule_AddFunctions(module, functions);
}
