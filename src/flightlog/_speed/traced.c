/* What stands within the wrapper that `traced` puts around a plain function: opens a call's span, calls, and ends it.
 *
 * The wrapper itself is a function of Python (core/traced_calls.py), so that it is one to everybody who asks; it calls
 * a Run with its arguments as they came. What a Run does is what that file's own wrapper does, in its order: it is the
 * wrapper's frame that the span is entered in, and the wrapper's line that an exception's traceback tells of while
 * the span ends. Tags, attributes, and functions of another sort are Python's.
 *
 * A Run owns its function and what it was made with; a call owns its span, from `make_span` to `leave`.
 */
#include "hot.h"
#include <structmember.h>
#include <stddef.h>

/* -- whom it calls --------------------------------------------------------------------------------------------- */

/* `names` is None, or (names, rest, skip, positional, named); -1 with an exception. */
int
callee_take(Callee *callee, PyObject *function, PyObject *names)
{
    memset(callee, 0, sizeof *callee);
    if (names != Py_None) {
        PyObject *known, *rest, *named;
        if (!PyArg_ParseTuple(names, "OUnnO", &known, &rest, &callee->skip, &callee->positional, &named))
            return -1;
        if ((known != Py_None && !PyTuple_CheckExact(known)) || callee->skip < 0 || callee->positional < 0) {
            PyErr_SetString(PyExc_TypeError, "names are a tuple, of which none or some are skipped");
            return -1;
        }
        callee->names = known == Py_None ? NULL : Py_NewRef(known);
        callee->rest = Py_NewRef(rest);
        callee->named = Py_NewRef(named);
    }
    callee->function = Py_NewRef(function);
    return 0;
}

int
callee_visit(Callee *callee, visitproc visit, void *arg)
{
    Py_VISIT(callee->function);
    Py_VISIT(callee->names);
    Py_VISIT(callee->rest);
    Py_VISIT(callee->named);
    return 0;
}

void
callee_clear(Callee *callee)
{
    Py_CLEAR(callee->function);
    Py_CLEAR(callee->names);
    Py_CLEAR(callee->rest);
    Py_CLEAR(callee->named);
}

PyObject *
callee_call(const Callee *callee, PyObject *args, PyObject *kwargs)
{
    PyObject *function = Py_NewRef(callee->function), *answer;
    if (LIKELY(PyDict_GET_SIZE(kwargs) == 0))
        answer = PyObject_Vectorcall(function, ((PyTupleObject *)args)->ob_item, (size_t)PyTuple_GET_SIZE(args), NULL);
    else
        answer = PyObject_Call(function, args, kwargs);
    Py_DECREF(function);
    return answer;
}

/* The arguments as they were passed, by name: `Arguments.named`. */
PyObject *
callee_named(const Callee *callee, PyObject *args, PyObject *kwargs)
{
    if (callee->names == NULL)
        return PyObject_CallFunctionObjArgs(callee->named, args, kwargs, NULL);
    PyObject *given = PyDict_New();
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    int done = given == NULL ? -1 : 0;
    for (Py_ssize_t at = callee->skip; done == 0 && at < count && at < PyTuple_GET_SIZE(callee->names); at++)
        done = PyDict_SetItem(given, PyTuple_GET_ITEM(callee->names, at), PyTuple_GET_ITEM(args, at));
    if (done == 0 && count > callee->positional) {
        PyObject *rest = PyTuple_GetSlice(args, callee->positional, count);
        done = rest == NULL ? -1 : PyDict_SetItem(given, callee->rest, rest);
        Py_XDECREF(rest);
    }
    if (done == 0 && PyDict_GET_SIZE(kwargs) > 0)
        done = PyDict_Update(given, kwargs);
    if (done < 0)
        Py_CLEAR(given);
    return given;
}

int
is_alone(PyObject *answer)
{
    return UNLIKELY(PyGen_CheckExact(answer) || PyCoro_CheckExact(answer) || PyAsyncGen_CheckExact(answer)) &&
           Py_REFCNT(answer) == 1;
}

/* -- a call ---------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    Callee callee;
    PyObject *name, *kind, *level, *followed; /* owned */
    int keeps_result;
} Run;

static PyObject *word_enter, *word_exit, *word_recorded, *word_output; /* interned */

static int
enter_span(PyObject *span)
{
    PyObject *answer =
        LIKELY(Py_TYPE(span) == engine.type) ? span_enter(span, NULL, 0) : PyObject_CallMethodNoArgs(span, word_enter);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

static int
leave_span(PyObject *span, PyObject *type, PyObject *error, PyObject *trace)
{
    PyObject *arguments[] = {span, type, error, trace};
    PyObject *answer = LIKELY(Py_TYPE(span) == engine.type)
                           ? span_exit(span, arguments + 1, 3)
                           : PyObject_VectorcallMethod(word_exit, arguments, 4, NULL);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

/* Whether `input` and `output` are put here, where they are small: nothing is withheld from an open span of ours. */
static inline int
takes_fragments(PyObject *span)
{
    return LIKELY(Py_TYPE(span) == engine.type && engine.keeps_all && ((Span *)span)->state == OPEN);
}

/* Put what is JSON now, a new reference that is taken: 1; 0: it is None; -1 with an exception. */
static int
put_fragment(PyObject *span, PyObject **slot, PyObject *fragment)
{
    if (fragment == NULL)
        return -1;
    if (fragment == Py_None) {
        Py_DECREF(fragment);
        return 0;
    }
    ((Span *)span)->plain = 0;
    Py_XSETREF(*slot, fragment);
    return 1;
}

/* Set `input` or `output`: here where it is small, else as anybody would. */
static int
tell_span(PyObject *span, PyObject **slot, PyObject *field, PyObject *value)
{
    int done = takes_fragments(span) ? put_fragment(span, slot, small_json(value, field)) : 0;
    return done == 0 ? PyErr_Occurred() ? -1 : PyObject_SetAttr(span, field, value) : done < 0 ? -1 : 0;
}

static int
tell_arguments(const Callee *callee, PyObject *span, PyObject *args, PyObject *kwargs)
{
    PyObject **slot = &((Span *)span)->input;
    if (LIKELY(callee->names != NULL && PyDict_GET_SIZE(kwargs) == 0 && PyTuple_GET_SIZE(args) <= callee->positional &&
               takes_fragments(span))) {
        int done = put_fragment(span, slot, small_members(callee->names, args, callee->skip, words.input));
        if (done != 0)
            return done < 0 ? -1 : 0;
    }
    PyObject *given = callee_named(callee, args, kwargs);
    int done = given == NULL ? -1 : tell_span(span, slot, words.input, given);
    Py_XDECREF(given);
    return done;
}

static int
tell_input(const Run *self, PyObject *span, PyObject *args, PyObject *kwargs)
{
    if (Py_TYPE(span) != engine.type) {
        PyObject *recorded = PyObject_GetAttr(span, word_recorded);
        int is_recorded = recorded == NULL ? -1 : PyObject_IsTrue(recorded);
        Py_XDECREF(recorded);
        if (is_recorded <= 0)
            return is_recorded;
    }
    return tell_arguments(&self->callee, span, args, kwargs);
}

/* End the span with the exception that is set, and have it set again. The traceback tells of the wrapper's frame
 * meanwhile, as it does where an exception is caught in the wrapper; the interpreter adds that entry itself later. */
static void
leave_failed(PyObject *span)
{
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    PyObject *inner = Py_XNewRef(trace);
    PyErr_Restore(type, error, trace);
    PyFrameObject *frame = PyEval_GetFrame();
    if (frame != NULL)
        (void)PyTraceBack_Here(frame);
    PyErr_Fetch(&type, &error, &trace);
    if (trace != NULL)
        (void)PyException_SetTraceback(error, trace);
    if (leave_span(span, type, error, trace == NULL ? Py_None : trace) < 0) {
        Py_XDECREF(type); /* what came between goes on, as it would from an `except` */
        Py_XDECREF(error);
        Py_XDECREF(trace);
        Py_XDECREF(inner);
        return;
    }
    (void)PyException_SetTraceback(error, inner == NULL ? Py_None : inner);
    Py_XDECREF(trace);
    PyErr_Restore(type, error, inner);
}

/* Within the span: 1: it is over; 0: something else ends it; -1 with an exception. */
static int
call_within(const Run *self, PyObject *span, PyObject *args, PyObject *kwargs, PyObject **answer)
{
    *answer = NULL;
    if (self->callee.named != NULL && tell_input(self, span, args, kwargs) < 0)
        return -1;
    *answer = callee_call(&self->callee, args, kwargs);
    if (*answer == NULL)
        return -1;
    if (is_alone(*answer)) {
        PyObject *stand_in = PyObject_CallFunctionObjArgs(self->followed, span, *answer, NULL);
        if (stand_in == NULL)
            return -1;
        if (stand_in != Py_None) {
            Py_SETREF(*answer, stand_in);
            return 0;
        }
        Py_DECREF(stand_in);
    }
    return !self->keeps_result || tell_span(span, &((Span *)span)->output, word_output, *answer) == 0 ? 1 : -1;
}

static PyObject *
run_call(PyObject *object, PyObject *const *given, size_t count, PyObject *Py_UNUSED(names))
{
    Run *self = (Run *)object;
    if (PyVectorcall_NARGS(count) != 2 || !PyTuple_CheckExact(given[0]) || !PyDict_CheckExact(given[1]))
        return PyErr_Format(PyExc_TypeError, "a run takes a tuple and a dict");
    PyObject *arguments[] = {self->name, self->kind, self->level}, *answer;
    PyObject *span = make_span(NULL, arguments, 3, NULL);
    if (span == engine.off) {
        Py_DECREF(span);
        return callee_call(&self->callee, given[0], given[1]);
    }
    if (span == NULL || enter_span(span) < 0) {
        Py_XDECREF(span);
        return NULL;
    }
    int done = call_within(self, span, given[0], given[1], &answer);
    if (UNLIKELY(done < 0)) {
        Py_CLEAR(answer);
        leave_failed(span);
    }
    else if (done == 1 && leave_span(span, Py_None, Py_None, Py_None) < 0)
        Py_CLEAR(answer);
    Py_DECREF(span);
    return answer;
}

/* Run(function, names, name, kind, level, keeps_result, followed) */
static PyObject *
run_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(names))
{
    PyObject *function, *names, *name, *kind, *level, *followed;
    int keeps_result;
    if (!is_used())
        return NULL;
    if (!PyArg_ParseTuple(args, "OOOOOpO", &function, &names, &name, &kind, &level, &keeps_result, &followed))
        return NULL;
    Run *self = (Run *)type->tp_alloc(type, 0);
    if (self == NULL || callee_take(&self->callee, function, names) < 0) {
        Py_XDECREF((PyObject *)self);
        return NULL;
    }
    self->call = run_call;
    self->name = Py_NewRef(name);
    self->kind = Py_NewRef(kind);
    self->level = Py_NewRef(level);
    self->followed = Py_NewRef(followed);
    self->keeps_result = keeps_result;
    return (PyObject *)self;
}

static int
run_traverse(PyObject *object, visitproc visit, void *arg)
{
    Run *self = (Run *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->name);
    Py_VISIT(self->kind);
    Py_VISIT(self->level);
    Py_VISIT(self->followed);
    return callee_visit(&self->callee, visit, arg);
}

static int
run_clear(PyObject *object)
{
    Run *self = (Run *)object;
    callee_clear(&self->callee);
    Py_CLEAR(self->name);
    Py_CLEAR(self->kind);
    Py_CLEAR(self->level);
    Py_CLEAR(self->followed);
    return 0;
}

static void
run_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    (void)run_clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Run, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, run_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_dealloc, run_dealloc},
    {Py_tp_traverse, run_traverse},
    {Py_tp_clear, run_clear},
    {Py_tp_members, members},
    {Py_tp_doc, PyDoc_STR("What runs the calls of a traced function.")},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "flightlog._speed._core.Run",
    .basicsize = sizeof(Run),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = slots,
};

int
traced_add(PyObject *module)
{
    word_enter = PyUnicode_InternFromString("__enter__");
    word_exit = PyUnicode_InternFromString("__exit__");
    word_recorded = PyUnicode_InternFromString("recorded");
    word_output = PyUnicode_InternFromString("output");
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (type == NULL || !word_enter || !word_exit || !word_recorded || !word_output)
        return -1;
    int done = PyModule_AddType(module, type);
    Py_DECREF((PyObject *)type);
    return done;
}
