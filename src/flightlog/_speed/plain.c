/* Small plain values as JSON, as `capture.Walk` writes them: what most arguments and results are.
 *
 * Plain is None, a bool, an int of 64 bits, a finite float, a short text, and a small dict of such, or list or tuple of
 * such but texts (exactly these types). Whether a value is plain is found out before anything is written or the gate
 * is asked for a text, so that what is not plain is left to core/capture.py as if nobody had looked. Texts and keys
 * come from `memo.texts` and `memo.keys`, which ask the gate. Everything is borrowed; members are held while the gate
 * may run.
 */
#include "hot.h"
#include <math.h>

#define MOST_TEXT 40    /* characters: `media.SHORTEST`, up to which nobody looks for images */
#define MOST_MEMBERS 16 /* of one container */
#define MOST_NODES 64
#define DEEPEST 4
#define ROOMY 65536 /* bytes of a value that nothing plain comes near */
#define AGAIN 2 /* a key was not known: Python code has run */

static PyObject *met; /* `_met` of core/memo.py: owned; NULL before it is told */
static PyObject *null_text, *true_text, *false_text, *empty_text; /* JSON, for good */
static int is_roomy; /* whether the limits that hold are ones that nothing plain can come near */

static inline int
is_scalar(PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    if (type == &PyUnicode_Type)
        return PyUnicode_GET_LENGTH(value) <= MOST_TEXT;
    if (type == &PyLong_Type) {
        int overflow;
        (void)PyLong_AsLongLongAndOverflow(value, &overflow);
        return !overflow;
    }
    if (type == &PyFloat_Type)
        return isfinite(PyFloat_AS_DOUBLE(value));
    return value == Py_None || type == &PyBool_Type;
}

static int is_plain(PyObject *value, int depth, int *nodes);

/* Names under which a value may be a secret because of a member beside it, or whose last part is another name. */
static int
is_odd_key(PyObject *key)
{
    if (!PyUnicode_CheckExact(key) || !PyUnicode_IS_COMPACT_ASCII(key) || PyUnicode_GET_LENGTH(key) > 64)
        return 1;
    const char *text = (const char *)PyUnicode_1BYTE_DATA(key);
    return memchr(text, '.', (size_t)PyUnicode_GET_LENGTH(key)) != NULL || strcmp(text, "value") == 0 ||
           strcmp(text, "val") == 0;
}

/* Whether what is known of a key says that it hides nothing. */
static inline int
is_open(PyObject *pair)
{
    return pair != NULL && PyTuple_CheckExact(pair) && PyTuple_GET_SIZE(pair) == 2 &&
           PyTuple_GET_ITEM(pair, 1) == Py_False;
}

static int
is_open_key(PyObject *key)
{
    return !is_odd_key(key) && is_open(PyDict_GetItemWithError(engine.keys, key));
}

static int
is_plain_dict(PyObject *dict, int depth, int *nodes)
{
    if (PyDict_GET_SIZE(dict) > MOST_MEMBERS)
        return 0;
    Py_ssize_t at = 0;
    PyObject *key, *value;
    while (PyDict_Next(dict, &at, &key, &value)) {
        if (is_odd_key(key))
            return 0;
        PyObject *pair = PyDict_GetItemWithError(engine.keys, key);
        if (pair == NULL) {
            if (PyErr_Occurred())
                return -1;
            Py_INCREF(key);
            pair = PyObject_GetItem(engine.keys, key);
            int is_learned = pair == NULL ? -1 : PyDict_Contains(engine.keys, key);
            Py_DECREF(key);
            Py_XDECREF(pair);
            return is_learned < 0 ? -1 : is_learned ? AGAIN : 0;
        }
        if (!is_open(pair))
            return 0;
        int plain = is_plain(value, depth + 1, nodes);
        if (plain != 1)
            return plain;
    }
    return 1;
}

static int
is_plain(PyObject *value, int depth, int *nodes)
{
    if (++*nodes > MOST_NODES)
        return 0;
    if (LIKELY(is_scalar(value)))
        return 1;
    if (depth >= DEEPEST)
        return 0;
    if (PyDict_CheckExact(value))
        return is_plain_dict(value, depth, nodes);
    int is_list = PyList_CheckExact(value);
    if (!is_list && !PyTuple_CheckExact(value))
        return 0;
    Py_ssize_t size = Py_SIZE(value);
    PyObject **items = PySequence_Fast_ITEMS(value);
    if (size > MOST_MEMBERS)
        return 0;
    for (Py_ssize_t at = 0; at < size; at++) {
        if (PyUnicode_CheckExact(items[at]))
            return 0; /* what a text says may be told by the texts before it: a key, the option of a command */
        int plain = is_plain(items[at], depth + 1, nodes);
        if (plain != 1)
            return plain;
    }
    return 1;
}

static int write_scalar(Line *line, PyObject *value);
static int write_plain(Line *line, PyObject *value, int depth);

/* Members of a container, held; how many, or -1: it has changed since it was found plain. */
static int
hold_items(PyObject *value, PyObject **held)
{
    int count = 0;
    if (PyDict_CheckExact(value)) {
        Py_ssize_t at = 0;
        PyObject *key, *member;
        if (PyDict_GET_SIZE(value) > MOST_MEMBERS)
            return -1;
        while (PyDict_Next(value, &at, &key, &member)) {
            held[count++] = Py_NewRef(key);
            held[count++] = Py_NewRef(member);
        }
        return count;
    }
    if (Py_SIZE(value) > MOST_MEMBERS)
        return -1;
    for (; count < Py_SIZE(value); count++)
        held[count] = Py_NewRef(PySequence_Fast_ITEMS(value)[count]);
    return count;
}

/* 1: written; 0: it is no longer plain; -1 with an exception. */
static int
write_items(Line *line, PyObject **held, int count, int is_dict, int depth)
{
    int step = is_dict ? 2 : 1, done = line_bytes(line, is_dict ? "{" : "[", 1) < 0 ? -1 : 1;
    for (int at = 0; done == 1 && at < count; at += step) {
        if (at > 0 && line_bytes(line, ",", 1) < 0)
            return -1;
        if (is_dict ? !is_open_key(held[at]) : PyUnicode_CheckExact(held[at]))
            return 0; /* it came while the gate ran for what stands before it */
        if (is_dict) {
            if (line_known(line, held[at]) < 0 || line_bytes(line, ":", 1) < 0)
                return -1;
        }
        done = write_plain(line, held[at + step - 1], depth + 1);
    }
    return done == 1 && line_bytes(line, is_dict ? "}" : "]", 1) < 0 ? -1 : done;
}

static int
write_plain(Line *line, PyObject *value, int depth)
{
    if (LIKELY(is_scalar(value)))
        return write_scalar(line, value);
    PyObject *held[2 * MOST_MEMBERS];
    int is_dict = PyDict_CheckExact(value);
    if (depth >= DEEPEST || !(is_dict || PyList_CheckExact(value) || PyTuple_CheckExact(value)))
        return 0;
    int count = hold_items(value, held);
    if (count < 0)
        return 0;
    int done = write_items(line, held, count, is_dict, depth);
    while (count > 0)
        Py_DECREF(held[--count]);
    return done;
}

/* A short text; 0: the gate fails on it. */
static int
write_text(Line *line, PyObject *text)
{
    PyObject *fragment = PyDict_GetItemWithError(engine.texts, text);
    if (LIKELY(fragment != NULL))
        return line_text(line, fragment) < 0 ? -1 : 1; /* runs nothing */
    if (PyErr_Occurred())
        return -1;
    fragment = PyObject_CallOneArg(met, text);
    if (fragment == NULL)
        return -1;
    int done = fragment == Py_None ? 0 : line_text(line, fragment) < 0 ? -1 : 1;
    Py_DECREF(fragment);
    return done;
}

/* A scalar that is plain. 1: written; 0: the gate fails on it; -1 with an exception. */
static int
write_scalar(Line *line, PyObject *value)
{
    int done;
    PyTypeObject *type = Py_TYPE(value);
    if (type == &PyUnicode_Type)
        return write_text(line, value);
    if (type == &PyLong_Type)
        done = line_int(line, PyLong_AsLongLong(value));
    else if (type == &PyFloat_Type) {
        char *digits = PyOS_double_to_string(PyFloat_AS_DOUBLE(value), 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
        done = digits == NULL ? -1 : line_bytes(line, digits, strlen(digits));
        PyMem_Free(digits);
    }
    else {
        const char *word = value == Py_None ? "null" : value == Py_True ? "true" : "false";
        done = line_bytes(line, word, strlen(word));
    }
    return done < 0 ? -1 : 1;
}

/* Write a value that stands under a key which hides nothing. 1: done; 0: it is not plain, and nothing was written. */
int
line_small(Line *line, PyObject *value)
{
    if (!is_roomy)
        return 0;
    int plain = AGAIN;
    for (int tries = 0; plain == AGAIN && tries < MOST_NODES; tries++) {
        int nodes = 0;
        plain = is_plain(value, 0, &nodes);
    }
    if (plain != 1)
        return plain < 0 ? -1 : 0;
    size_t offset = (size_t)(line->at - line->base);
    int done = write_plain(line, value, 0);
    if (done != 1)
        line->at = line->base + offset;
    return done;
}

#define JUDGED 32 /* a power of two */

/* Keys that hide nothing, found by their address as long as the texts hold. */
static struct {
    PyObject *key; /* owned, or NULL */
    unsigned age;
} judged[JUDGED];

/* Whether a key hides what stands under it: 1, 0, or -1 with an exception. */
int
is_hiding(PyObject *key)
{
    size_t at = ((size_t)key >> 4) & (JUDGED - 1);
    if (LIKELY(judged[at].key == key && judged[at].age == texts_age))
        return 0;
    const unsigned age = texts_age;
    PyObject *pair = PyObject_GetItem(engine.keys, key);
    if (pair == NULL)
        return -1;
    int hides = !is_open(pair);
    Py_DECREF(pair);
    if (!hides && PyUnicode_CheckExact(key)) {
        Py_XSETREF(judged[at].key, Py_NewRef(key));
        judged[at].age = age;
    }
    return hides;
}

/* The JSON of what needs no writing, a new reference; NULL for any other. */
static PyObject *
ready_json(PyObject *value)
{
    if (PyUnicode_CheckExact(value) && PyUnicode_GET_LENGTH(value) <= MOST_TEXT)
        return Py_XNewRef(PyDict_GetItemWithError(engine.texts, value));
    if (value == Py_None)
        return Py_NewRef(null_text);
    if (PyBool_Check(value))
        return Py_NewRef(value == Py_True ? true_text : false_text);
    return PyDict_CheckExact(value) && PyDict_GET_SIZE(value) == 0 ? Py_NewRef(empty_text) : NULL;
}

/* What a line says now as a new str; None if what should be on it is not plain, which `done` tells. Ends the line. */
static PyObject *
line_said(Line *line, int done)
{
    PyObject *text = NULL;
    if (done == 1)
        text = PyUnicode_DecodeUTF8(line->base, line->at - line->base, NULL);
    else if (done == 0 || is_unencodable())
        text = Py_NewRef(Py_None);
    line_end(line);
    return text;
}

/* The JSON of a value under a key: a new reference, or None where the key hides or the value is not plain. */
PyObject *
small_json(PyObject *value, PyObject *key)
{
    if (engine.keys == NULL || !is_roomy || is_odd_key(key))
        Py_RETURN_NONE;
    int hides = is_hiding(key);
    if (hides != 0)
        return hides < 0 ? NULL : Py_NewRef(Py_None);
    PyObject *ready = ready_json(value);
    if (ready != NULL || PyErr_Occurred())
        return ready;
    Line line;
    line_begin(&line);
    return line_said(&line, line_small(&line, value));
}

/* 1: written; 0: the key is one that Python judges; -1 with an exception. */
static int
write_member(Line *line, PyObject *key, PyObject *value, char before)
{
    PyObject *pair = is_odd_key(key) ? NULL : PyDict_GetItemWithError(engine.keys, key);
    if (!is_open(pair))
        return PyErr_Occurred() ? -1 : 0;
    if (line_bytes(line, &before, 1) < 0 || line_text(line, PyTuple_GET_ITEM(pair, 0)) < 0)
        return -1;
    return write_scalar(line, value);
}

/* The JSON of a dict of these values by their names, as `small_json` makes it of one that hides nothing; None where not
 * all are scalars. `names` and `values` are tuples, which hold what is in them while the gate runs. */
PyObject *
small_members(PyObject *names, PyObject *values, Py_ssize_t skip, PyObject *key)
{
    Py_ssize_t count = PyTuple_GET_SIZE(values);
    if (engine.keys == NULL || !is_roomy || count > PyTuple_GET_SIZE(names) || count - skip > MOST_MEMBERS)
        Py_RETURN_NONE;
    int hides = is_hiding(key);
    if (hides != 0)
        return hides < 0 ? NULL : Py_NewRef(Py_None);
    if (count <= skip)
        return Py_NewRef(empty_text);
    for (Py_ssize_t at = skip; at < count; at++)
        if (!is_scalar(PyTuple_GET_ITEM(values, at)))
            Py_RETURN_NONE;
    Line line;
    line_begin(&line);
    int done = 1;
    for (Py_ssize_t at = skip; done == 1 && at < count; at++)
        done = write_member(&line, PyTuple_GET_ITEM(names, at), PyTuple_GET_ITEM(values, at), at == skip ? '{' : ',');
    if (done == 1 && line_bytes(&line, "}", 1) < 0)
        done = -1;
    return line_said(&line, done);
}

/* small(value, key) -> its JSON, or None where that is for core/capture.py. */
static PyObject *
small(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "small takes a value and its key");
    return small_json(args[0], args[1]);
}

/* remember(met, captured): take these functions of core/memo.py, for good. */
static PyObject *
remember(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "remember takes two functions");
    Py_XSETREF(met, Py_NewRef(args[0]));
    Py_XSETREF(engine.captured, Py_NewRef(args[1]));
    Py_RETURN_NONE;
}

/* limit(bytes, depth, nodes): of a value, from now on. */
static PyObject *
limit(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *given[3];
    if (!PyArg_ParseTuple(args, "O!O!O!", &PyLong_Type, &given[0], &PyLong_Type, &given[1], &PyLong_Type, &given[2]))
        return NULL;
    const long long least[] = {ROOMY, DEEPEST + 2, 1000};
    is_roomy = met != NULL;
    for (int at = 0; at < 3; at++) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(given[at], &overflow);
        is_roomy &= overflow > 0 || (overflow == 0 && number >= least[at]);
    }
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"small", (PyCFunction)(void (*)(void))small, METH_FASTCALL, PyDoc_STR("A small plain value as JSON, or None.")},
    {"remember", (PyCFunction)(void (*)(void))remember, METH_FASTCALL, PyDoc_STR("Take what core/memo.py has.")},
    {"limit", limit, METH_VARARGS, PyDoc_STR("Say how large, how deep and of how many parts a value may be.")},
    {NULL, NULL, 0, NULL},
};

int
plain_add(PyObject *module)
{
    null_text = PyUnicode_InternFromString("null");
    true_text = PyUnicode_InternFromString("true");
    false_text = PyUnicode_InternFromString("false");
    empty_text = PyUnicode_InternFromString("{}");
    if (!null_text || !true_text || !false_text || !empty_text)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
