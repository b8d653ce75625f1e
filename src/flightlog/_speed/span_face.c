/* Functions in C that say of themselves what the plain ones do.
 *
 * A Face owns the plain function that it stands for, as its `__wrapped__`; whatever Python asks it for and it does not
 * have itself, that function answers. `span` and `event` are functions of the interpreter's own kind, with the text
 * that they are given; they own nothing, and are pickled by their public names, which are there whatever engine runs.
 */
#include "span.h"
#include <structmember.h>
#include <stddef.h>

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *plain; /* owned */
    PyObject *weakrefs;
} Face;

static void
face_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    if (((Face *)object)->weakrefs != NULL)
        PyObject_ClearWeakRefs(object);
    Py_XDECREF(((Face *)object)->plain);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *
face_getattr(PyObject *object, PyObject *name)
{
    PyObject *found = PyObject_GenericGetAttr(object, name);
    if (found != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return found;
    PyErr_Clear();
    return PyObject_GetAttr(((Face *)object)->plain, name);
}

static PyObject *
face_doc(PyObject *object, void *Py_UNUSED(closure))
{
    return PyObject_GetAttrString(((Face *)object)->plain, "__doc__");
}

static PyObject *
face_repr(PyObject *object)
{
    PyObject *name = PyObject_GetAttrString(((Face *)object)->plain, "__qualname__");
    PyObject *text = name == NULL ? NULL : PyUnicode_FromFormat("<compiled function %U>", name);
    Py_XDECREF(name);
    return text;
}

/* By its name, as any function. */
static PyObject *
face_reduce(PyObject *object, PyObject *Py_UNUSED(unused))
{
    return PyObject_GetAttrString(((Face *)object)->plain, "__qualname__");
}

static PyGetSetDef getset[] = {
    {"__doc__", face_doc, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef methods[] = {
    {"__reduce__", face_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Face, call), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Face, weakrefs), READONLY, NULL},
    {"__wrapped__", T_OBJECT_EX, offsetof(Face, plain), READONLY, "The function in plain Python."},
    {NULL, 0, 0, 0, NULL},
};

/* A type of faces; `get` is what looking one up on an instance does, NULL for nothing. The type's name gives the
 * module that its faces say they are from. A new reference. */
PyTypeObject *
face_type(const char *name, descrgetfunc get)
{
    PyType_Slot slots[] = {
        {Py_tp_call, PyVectorcall_Call},
        {Py_tp_dealloc, face_dealloc},
        {Py_tp_getattro, face_getattr},
        {Py_tp_repr, face_repr},
        {Py_tp_getset, getset},
        {Py_tp_methods, methods},
        {Py_tp_members, members},
        {get == NULL ? 0 : Py_tp_descr_get, (void *)get},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(Face),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    return (PyTypeObject *)PyType_FromSpec(&spec);
}

/* A face of this type (borrowed) for this function; a new reference. */
PyObject *
face_new(PyTypeObject *type, PyObject *plain, vectorcallfunc call)
{
    Face *self = (Face *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->call = call;
    self->plain = Py_NewRef(plain);
    return (PyObject *)self;
}

/* -- the two functions of the engine ----------------------------------------------------------------------------- */

int
is_used(void)
{
    if (engine.is_used)
        return 1;
    PyErr_SetString(PyExc_RuntimeError, "the compiled engine is not the one that runs here");
    return 0;
}

static PyMethodDef functions[] = {
    {"span", (PyCFunction)(void (*)(void))make_span, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"event", (PyCFunction)(void (*)(void))make_event, METH_FASTCALL | METH_KEYWORDS, NULL},
};

/* `name` with the signature and the documentation that it is given: a function of the interpreter's own kind, which it
 * calls faster than any other. The text stays for good, as the function may. */
static int
document(PyMethodDef *definition, const char *signature, const char *text)
{
    PyObject *whole = PyBytes_FromFormat("%s%s\n--\n\n%s", definition->ml_name, signature, text);
    if (whole == NULL)
        return -1;
    size_t size = (size_t)PyBytes_GET_SIZE(whole) + 1;
    char *kept = PyMem_RawMalloc(size);
    if (kept != NULL)
        memcpy(kept, PyBytes_AS_STRING(whole), size);
    else
        PyErr_NoMemory();
    Py_DECREF(whole);
    definition->ml_doc = kept;
    return kept == NULL ? -1 : 0;
}

/* function(name, signature, doc) -> `span` or `event`, of the module `flightlog` */
PyObject *
function(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *name, *signature, *text;
    if (!PyArg_ParseTuple(args, "sss", &name, &signature, &text) || !is_used())
        return NULL;
    PyMethodDef *definition = &functions[strcmp(name, "span") != 0];
    if (definition->ml_doc == NULL && document(definition, signature, text) < 0)
        return NULL;
    PyObject *from = PyUnicode_InternFromString("flightlog");
    PyObject *found = from == NULL ? NULL : PyCFunction_NewEx(definition, NULL, from);
    Py_XDECREF(from);
    return found;
}
