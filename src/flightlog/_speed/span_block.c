/* What `with` finds on a span: its two edges, and what stands for them on the class and on a span that is off.
 *
 * An edge lies within its span, so that a `with` makes no bound methods: it begins to be an object when it is looked
 * up, and then owns one reference to its span; when nobody holds it any more it gives that back, and its memory stays
 * the span's. The collector does not see this reference: whoever keeps an edge keeps its span, as with any bound
 * method. For a subclass the edges are ordinary methods. What is called in an unusual way is handed to the plain
 * engine, which says what is wrong.
 */
#include "span.h"
#include <structmember.h>
#include <stddef.h>

/* -- the edges of one span --------------------------------------------------------------------------------------- */

static PyTypeObject *edge_type;

static PyObject *enter_call(PyObject *object, PyObject *const *args, size_t count, PyObject *names);
static PyObject *exit_call(PyObject *object, PyObject *const *args, size_t count, PyObject *names);

static inline Span *
span_of(PyObject *edge)
{
    size_t offset = ((Edge *)edge)->call == enter_call ? offsetof(Span, entry) : offsetof(Span, exit);
    return (Span *)((char *)edge - offset);
}

/* The same as a method of the plain engine; a new reference. */
static PyObject *
method_of(PyObject *edge)
{
    return PyMethod_New(((Edge *)edge)->call == enter_call ? engine.enter : engine.leave, (PyObject *)span_of(edge));
}

static PyObject *
call_plainly(PyObject *edge, PyObject *const *args, size_t count, PyObject *names)
{
    PyObject *method = method_of(edge);
    if (method == NULL)
        return NULL;
    PyObject *answer = PyObject_Vectorcall(method, args, count & ~PY_VECTORCALL_ARGUMENTS_OFFSET, names);
    Py_DECREF(method);
    return answer;
}

static PyObject *
enter_call(PyObject *object, PyObject *const *args, size_t count, PyObject *names)
{
    if (LIKELY(PyVectorcall_NARGS(count) == 0 && names == NULL))
        return span_enter((PyObject *)((char *)object - offsetof(Span, entry)), NULL, 0);
    return call_plainly(object, args, count, names);
}

static PyObject *
exit_call(PyObject *object, PyObject *const *args, size_t count, PyObject *names)
{
    if (LIKELY(PyVectorcall_NARGS(count) == 3 && names == NULL))
        return span_exit((PyObject *)((char *)object - offsetof(Span, exit)), args, 3);
    return call_plainly(object, args, count, names);
}

/* A new reference to an edge that lies within a span. */
static inline PyObject *
edge_of(Span *span, Edge *edge, vectorcallfunc call)
{
    PyObject *object = (PyObject *)edge;
    if (UNLIKELY(Py_REFCNT(object) != 0))
        return Py_NewRef(object);
    edge->call = call;
    Py_INCREF(span);
#ifdef Py_TRACE_REFS
    return PyObject_Init(object, edge_type);
#else
    Py_SET_TYPE(object, edge_type); /* borrowed: the type lives as long as the process */
    Py_SET_REFCNT(object, 1);
    return object;
#endif
}

static void
edge_dealloc(PyObject *object)
{
    Span *span = span_of(object);
#ifdef Py_TRACE_REFS
    Py_DECREF(edge_type);
#endif
    Py_DECREF(span); /* which may be freed now, and the edge with it */
}

static PyObject *
edge_getattr(PyObject *object, PyObject *name)
{
    PyObject *found = PyObject_GenericGetAttr(object, name);
    if (found != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return found;
    PyErr_Clear();
    PyObject *method = method_of(object);
    found = method == NULL ? NULL : PyObject_GetAttr(method, name);
    Py_XDECREF(method);
    return found;
}

static PyObject *
edge_wrapped(PyObject *object, void *Py_UNUSED(closure))
{
    return method_of(object);
}

static PyObject *
edge_doc(PyObject *object, void *Py_UNUSED(closure))
{
    PyObject *method = method_of(object);
    PyObject *doc = method == NULL ? NULL : PyObject_GetAttrString(method, "__doc__");
    Py_XDECREF(method);
    return doc;
}

/* As a method: `getattr(span, "__enter__")`. */
static PyObject *
edge_reduce(PyObject *object, PyObject *Py_UNUSED(unused))
{
    PyObject *method = method_of(object);
    PyObject *answer = method == NULL ? NULL : PyObject_CallMethod(method, "__reduce__", NULL);
    Py_XDECREF(method);
    return answer;
}

static PyGetSetDef edge_getset[] = {
    {"__wrapped__", edge_wrapped, NULL, "The method in plain Python.", NULL},
    {"__doc__", edge_doc, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef edge_methods[] = {
    {"__reduce__", edge_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef edge_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Edge, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot edge_slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_dealloc, edge_dealloc},
    {Py_tp_getattro, edge_getattr},
    {Py_tp_getset, edge_getset},
    {Py_tp_methods, edge_methods},
    {Py_tp_members, edge_members},
    {0, NULL},
};

static PyType_Spec edge_spec = {
    .name = "flightlog._speed._core.Edge",
    .basicsize = sizeof(Edge),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = edge_slots,
};

/* -- on the class -------------------------------------------------------------------------------------------------- */

static PyTypeObject *entry_type, *exit_type;

static PyObject *
entry_get(PyObject *object, PyObject *span, PyObject *Py_UNUSED(type))
{
    if (LIKELY(span != NULL && Py_TYPE(span) == engine.type))
        return edge_of((Span *)span, &((Span *)span)->entry, enter_call);
    return span == NULL ? Py_NewRef(object) : PyMethod_New(object, span);
}

static PyObject *
exit_get(PyObject *object, PyObject *span, PyObject *Py_UNUSED(type))
{
    if (LIKELY(span != NULL && Py_TYPE(span) == engine.type))
        return edge_of((Span *)span, &((Span *)span)->exit, exit_call);
    return span == NULL ? Py_NewRef(object) : PyMethod_New(object, span);
}

/* `Span.__enter__(span)`, and the same of a subclass. */
static PyObject *
class_call(PyObject *plain, PyObject *(*edge)(PyObject *, PyObject *const *, Py_ssize_t), Py_ssize_t wanted,
           PyObject *const *args, size_t count, PyObject *names)
{
    Py_ssize_t given = PyVectorcall_NARGS(count);
    if (given > 0 && !is_span(args[0]))
        return PyErr_Format(PyExc_TypeError, "%.100s is no span", Py_TYPE(args[0])->tp_name);
    if (given != wanted || names != NULL)
        return PyObject_Vectorcall(plain, args, (size_t)given, names);
    return edge(args[0], args + 1, given - 1);
}

static PyObject *
class_enter(PyObject *Py_UNUSED(object), PyObject *const *args, size_t count, PyObject *names)
{
    return class_call(engine.enter, span_enter, 1, args, count, names);
}

static PyObject *
class_exit(PyObject *Py_UNUSED(object), PyObject *const *args, size_t count, PyObject *names)
{
    return class_call(engine.leave, span_exit, 4, args, count, names);
}

int
block_add(PyTypeObject *type)
{
    if (edge_type == NULL) {
        edge_type = (PyTypeObject *)PyType_FromSpec(&edge_spec);
        entry_type = face_type("flightlog._speed._core.Entry", entry_get);
        exit_type = face_type("flightlog._speed._core.Exit", exit_get);
    }
    if (edge_type == NULL || entry_type == NULL || exit_type == NULL)
        return -1;
    PyObject *entry = face_new(entry_type, engine.enter, class_enter);
    PyObject *exit = face_new(exit_type, engine.leave, class_exit);
    int done = entry == NULL || exit == NULL ? -1 : 0;
    if (done == 0 && (PyObject_SetAttrString((PyObject *)type, "__enter__", entry) < 0 ||
                      PyObject_SetAttrString((PyObject *)type, "__exit__", exit) < 0))
        done = -1;
    Py_XDECREF(entry);
    Py_XDECREF(exit);
    return done;
}

/* -- of a span that is off ------------------------------------------------------------------------------------- */

static PyObject *
off_enter(PyObject *self, PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(count))
{
    return Py_NewRef(self);
}

static PyObject *
off_exit(PyObject *Py_UNUSED(self), PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(count))
{
    Py_RETURN_NONE;
}

static PyMethodDef off_methods[] = {
    {"__enter__", (PyCFunction)(void (*)(void))off_enter, METH_FASTCALL, PyDoc_STR("Give what is off.")},
    {"__exit__", (PyCFunction)(void (*)(void))off_exit, METH_FASTCALL, PyDoc_STR("Do nothing.")},
};

/* off_block(off) -> (enter, exit): functions that are no descriptors, so that nothing is made to call them. They take
 * whatever comes: `with` calls them without the span, a stack of contexts with it. */
PyObject *
off_block(PyObject *Py_UNUSED(module), PyObject *off)
{
    PyObject *enter = PyCFunction_New(&off_methods[0], off), *leave = PyCFunction_New(&off_methods[1], NULL);
    PyObject *both = enter == NULL || leave == NULL ? NULL : PyTuple_Pack(2, enter, leave);
    Py_XDECREF(enter);
    Py_XDECREF(leave);
    return both;
}
