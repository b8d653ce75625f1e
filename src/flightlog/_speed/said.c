/* `said(name, level, body, attributes, parent)`: the event of a narration, whose level and parent are known.
 *
 * The plain case of `happened` in core/_pure.py: a parent that is a span of ours or none, and no stray binding. Owns
 * nothing beyond a call; the attributes are held while the gate may run.
 */
#include "event.h"
#include "hot.h"

/* The members of a dict; -1 with an exception. It is the caller's own, and nobody changes it meanwhile. */
static int
tell_members(EventLine *event, PyObject *attributes)
{
    Py_ssize_t at = 0;
    PyObject *key, *value;
    while (PyDict_Next(attributes, &at, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        int done = event_member(event, key, value);
        Py_DECREF(key);
        Py_DECREF(value);
        if (done < 0)
            return -1;
    }
    return 0;
}

/* 0: written; 1: the plain engine shall; -1 with an exception. */
static int
write_said(const Place *place, PyObject *const *args)
{
    EventLine event;
    int done = event_open(&event, place, args[1]) < 0 || line_again(&event.line, args[0]) < 0 ||
                       event_body(&event, args[2]) < 0 || tell_members(&event, args[3]) < 0
                   ? -1
                   : event_write(&event, place);
    event_end(&event);
    return done < 0 && is_unencodable() ? 1 : done;
}

/* said(name, level, body, attributes, parent) -> whether it was written; False: nothing was. */
static PyObject *
said(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (!is_used())
        return NULL;
    if (count != 5 || !PyUnicode_CheckExact(args[0]) || !PyUnicode_CheckExact(args[1]) ||
        !PyUnicode_CheckExact(args[2]) || !PyDict_CheckExact(args[3]) || PyDict_GET_SIZE(args[3]) == 0)
        Py_RETURN_FALSE;
    PyObject *parent = args[4];
    if (parent != Py_None && !is_plain_parent(parent))
        Py_RETURN_FALSE;
    Place place;
    int plain = place_bound(&place, parent == Py_None ? NULL : (Span *)parent, NULL);
    int done = plain < 0 ? -1 : !plain;
    if (done == 0)
        done = write_said(&place, args);
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
    return PyModule_AddFunctions(module, functions);
}
