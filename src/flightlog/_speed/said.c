/* `said(name, level, body, attributes, parent)`: the event of a narration, whose level and parent are known.
 *
 * The plain case of `happened` in core/_pure.py: a parent that is a span of ours or none, and no stray binding. Owns
 * nothing beyond a call; the attributes are held while the gate may run.
 */
#include "hot.h"

#define SHORT 40 /* characters of a body in which nobody looks for an image: `media.SHORTEST` */

static PyObject *word_trace; /* interned */

static int
line_level(Line *line, PyObject *level)
{
    if (level == words.info)
        return 0;
    PyObject *field = PyObject_CallOneArg(engine.level_field, level);
    int done = field == NULL ? -1 : line_text(line, field);
    Py_XDECREF(field);
    return done;
}

static int
line_body(HotLine *hot, PyObject *body)
{
    int hides = is_hiding(words.body);
    if (hides < 0 || line_bytes(&hot->line, ",\"body\":", 8) < 0)
        return -1;
    if (!hides && PyUnicode_GET_LENGTH(body) <= SHORT)
        return hot_text(hot, body);
    return hot_long_text(hot, body);
}

/* The members of a dict; -1 with an exception. It is the caller's own, and nobody changes it meanwhile. */
static int
line_members(HotLine *hot, PyObject *attributes)
{
    Py_ssize_t at = 0;
    PyObject *key, *value;
    while (PyDict_Next(attributes, &at, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        int done = hot->members++ > 0 ? line_bytes(&hot->line, ",", 1) : 0;
        if (done == 0)
            done = line_member(&hot->line, key, value, NULL, &hot->cuts);
        Py_DECREF(key);
        Py_DECREF(value);
        if (done < 0)
            return -1;
    }
    return 0;
}

/* 0: written; 1: the plain engine shall; -1 with an exception. */
static int
write_said(const Place *place, PyObject *name, PyObject *level, PyObject *body, PyObject *attributes)
{
    HotLine hot;
    int done = hot_open(&hot, place, level == word_trace ? NULL : level, line_level);
    if (done == 0)
        done = hot_text(&hot, name);
    if (done == 0 && PyUnicode_GET_LENGTH(body) > 0)
        done = line_body(&hot, body);
    if (done == 0)
        done = line_bytes(&hot.line, ",\"attributes\":{", 15);
    if (done == 0)
        done = line_members(&hot, attributes);
    if (done == 0)
        done = hot_write(&hot, place, NULL, 0);
    hot_end(&hot);
    return done < 0 && is_unencodable() ? 1 : done;
}

/* said(name, level, body, attributes, parent) -> whether it was written; False: nothing was. */
static PyObject *
said(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 5 || !PyUnicode_CheckExact(args[0]) || !PyUnicode_CheckExact(args[1]) ||
        !PyUnicode_CheckExact(args[2]) || !PyDict_CheckExact(args[3]) || PyDict_GET_SIZE(args[3]) == 0)
        Py_RETURN_FALSE;
    PyObject *parent = args[4];
    if (parent != Py_None && !is_plain_parent(parent))
        Py_RETURN_FALSE;
    Place place;
    int plain = place_bound(&place, parent == Py_None ? NULL : (Span *)parent);
    int done = plain < 0 ? -1 : !plain;
    if (done == 0)
        done = write_said(&place, args[0], args[1], args[2], args[3]);
    place_leave(&place);
    return done < 0 ? NULL : PyBool_FromLong(done == 0);
}

static PyMethodDef functions[] = {
    {"said", (PyCFunction)(void (*)(void))said, METH_FASTCALL, PyDoc_STR("Record an event that is wanted.")},
    {NULL, NULL, 0, NULL},
};

int
said_add(PyObject *module)
{
    word_trace = PyUnicode_InternFromString("trace");
    return word_trace == NULL ? -1 : PyModule_AddFunctions(module, functions);
}
