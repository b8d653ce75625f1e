/* A context manager in C that records nothing: what `with span("search"):` costs when the block does no work at all.
 *
 * Reads nothing, keeps nothing, has no state: the floor that a span is measured against. `floor_parts.py` compiles it.
 * Each function returns a new reference; `Nothing` objects own nothing but their type.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *
enter(PyObject *self, PyObject *Py_UNUSED(none))
{
    return Py_NewRef(self);
}

static PyObject *
leave(PyObject *Py_UNUSED(self), PyObject *const *Py_UNUSED(given), Py_ssize_t Py_UNUSED(count))
{
    Py_RETURN_NONE;
}

static PyMethodDef METHODS[] = {
    {"__enter__", enter, METH_NOARGS, "This object."},
    {"__exit__", _PyCFunction_CAST(leave), METH_FASTCALL, "None."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject Nothing = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "floor_parts_built.Nothing",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = METHODS,
};

static PyObject *
span(PyObject *Py_UNUSED(module), PyObject *const *Py_UNUSED(given), Py_ssize_t Py_UNUSED(count), PyObject *Py_UNUSED(names))
{
    return PyObject_New(PyObject, &Nothing);
}

static PyMethodDef FUNCTIONS[] = {
    {"span", _PyCFunction_CAST(span), METH_FASTCALL | METH_KEYWORDS, "A block that does nothing."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT,
    .m_name = "floor_parts_built",
    .m_size = -1,
    .m_methods = FUNCTIONS,
};

PyMODINIT_FUNC
PyInit_floor_parts_built(void)
{
    if (PyType_Ready(&Nothing) < 0)
        return NULL;
    return PyModule_Create(&MODULE);
}
