/* Writing values as JSON; see values.h. Owns nothing; what it holds, it lets go before it returns. */
#include "values.h"

#define DEEPEST 100 /* levels of containers; what is deeper is left to Python */

/* What went wrong is Python's to say when it writes the trace, unless the program is being stopped. */
static verdict
unusual_if_ordinary(void)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return RAISED;
    PyErr_Clear();
    return UNUSUAL;
}

verdict
fls_write_text(fls_out *out, PyObject *text)
{
    return fls_out_string(out, text) < 0 ? unusual_if_ordinary() : DONE;
}

static verdict
write_by_python(PyObject *encode, fls_out *out, PyObject *value)
{
    Py_INCREF(value);
    PyObject *encoded = PyObject_CallOneArg(encode, value);
    Py_DECREF(value);
    if (encoded == NULL)
        return unusual_if_ordinary();
    verdict done = UNUSUAL;
    if (PyBytes_CheckExact(encoded)) {
        const char *bytes = PyBytes_AS_STRING(encoded);
        const Py_ssize_t size = PyBytes_GET_SIZE(encoded);
        for (Py_ssize_t i = 0; i < size && out->is_ascii; i++)
            out->is_ascii = (unsigned char)bytes[i] < 0x80;
        done = (verdict)fls_out_raw(out, bytes, (size_t)size);
    }
    Py_DECREF(encoded);
    return done;
}

static verdict
write_int(PyObject *encode, fls_out *out, PyObject *value)
{
    int overflow;
    const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow)
        return write_by_python(encode, out, value);
    if (fls_out_need(out, 28) < 0)
        return RAISED;
    fls_put_int(out, number);
    return DONE;
}

/* The list can change while Python code runs, so its size is asked for each time and each item is held. */
static verdict
write_items(PyObject *encode, fls_out *out, PyObject *items, int depth)
{
    const int is_list = PyList_CheckExact(items);
    TRY(fls_out_raw(out, "[", 1));
    for (Py_ssize_t i = 0; i < (is_list ? PyList_GET_SIZE(items) : PyTuple_GET_SIZE(items)); i++) {
        if (i)
            TRY(fls_out_raw(out, ",", 1));
        PyObject *item = is_list ? PyList_GET_ITEM(items, i) : PyTuple_GET_ITEM(items, i);
        Py_INCREF(item);
        const verdict done = fls_write_value(encode, out, item, depth + 1);
        Py_DECREF(item);
        TRY(done);
    }
    return (verdict)fls_out_raw(out, "]", 1);
}

/* Write what nearly every member is, a short text under a short key, or a small number; 0 for any other. */
static inline int
write_short_member(fls_out *out, PyObject *key, PyObject *value, char before)
{
    const int is_text = PyUnicode_CheckExact(value) && PyUnicode_IS_ASCII(value);
    if (!PyUnicode_IS_ASCII(key) || !(is_text || PyLong_CheckExact(value)))
        return 0;
    const Py_ssize_t size = PyUnicode_GET_LENGTH(key), more = is_text ? PyUnicode_GET_LENGTH(value) : 0;
    int overflow = 0;
    const long long number = is_text ? 0 : PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow || size > FLS_SHORT || more > FLS_SHORT)
        return 0;
    if (out->room - out->size < 6 * (size_t)(size + more) + 2 * FLS_SPARE)
        return 0;
    char *to = out->bytes + out->size;
    *to++ = before;
    to = fls_quoted(to, PyUnicode_1BYTE_DATA(key), (size_t)size);
    *to++ = ':';
    to = is_text ? fls_quoted(to, PyUnicode_1BYTE_DATA(value), (size_t)more) : fls_digits(to, number);
    out->size = (size_t)(to - out->bytes);
    return 1;
}

/* A dict that changes its size while Python code runs is Python's to write, which says so. */
static verdict
write_members(PyObject *encode, fls_out *out, PyObject *members, int depth)
{
    const Py_ssize_t size = PyDict_GET_SIZE(members);
    char before = '{';
    PyObject *key, *value;
    Py_ssize_t place = 0;
    if (!size)
        return (verdict)fls_out_raw(out, "{}", 2);
    for (Py_ssize_t left = size; left && PyDict_Next(members, &place, &key, &value); left--) {
        if (!PyUnicode_CheckExact(key))
            return UNUSUAL;
        if (!write_short_member(out, key, value, before)) {
            TRY(fls_out_raw(out, &before, 1));
            Py_INCREF(value);
            verdict done = fls_write_text(out, key);
            if (done == DONE) {
                FLS_PUT(out, ":");
                done = fls_write_value(encode, out, value, depth + 1);
            }
            Py_DECREF(value);
            TRY(done);
        }
        before = ',';
        if (PyDict_GET_SIZE(members) != size)
            return UNUSUAL;
    }
    return (verdict)fls_out_raw(out, "}", 1);
}

verdict
fls_write_value(PyObject *encode, fls_out *out, PyObject *value, int depth)
{
    const PyTypeObject *type = Py_TYPE(value);
    if (type == &PyUnicode_Type)
        return fls_write_text(out, value);
    if (type == &PyLong_Type)
        return write_int(encode, out, value);
    if (type == &PyDict_Type && depth <= DEEPEST)
        return write_members(encode, out, value, depth);
    if (value == Py_None)
        return (verdict)fls_out_raw(out, "null", 4);
    if (value == Py_True)
        return (verdict)fls_out_raw(out, "true", 4);
    if (value == Py_False)
        return (verdict)fls_out_raw(out, "false", 5);
    if (depth > DEEPEST)
        return UNUSUAL;
    if (PyList_CheckExact(value) || PyTuple_CheckExact(value))
        return write_items(encode, out, value, depth);
    return write_by_python(encode, out, value);
}
