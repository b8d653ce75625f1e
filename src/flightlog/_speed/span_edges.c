/* Where a span begins and ends: the plain case here, every other in core/_pure.py.
 *
 * The plain case is a span of exactly our type, below another or a root without a parent from elsewhere, entered
 * in a function's own frame (not a generator's), while no generator holds a span; and left there without an exception
 * in the thread and task where it was entered. One write of the context variable at each edge; its value is the only
 * thing that is believed about what is current.
 *
 * `__enter__` and `__exit__` are descriptors that give the span itself, and the span's own call tells the two apart by
 * the number of arguments: a `with` makes no bound methods. On the class, and for a subclass, they are ordinary.
 */
#include "span.h"
#include <structmember.h>
#include <stddef.h>

static PyObject *
enter_slowly(PyObject *self)
{
    return PyObject_CallOneArg(engine.enter, self);
}

/* What the variable holds, a new reference or NULL for none; -1 with an exception. */
static inline int
context_value(PyObject *variable, PyObject **value)
{
    if (PyContextVar_Get(variable, NULL, value) < 0)
        return -1;
    if (*value == Py_None) {
        Py_DECREF(*value);
        *value = NULL;
    }
    return 0;
}

/* Have the variable hold again what it held before. By the token of the entry, which spares making another; where that
 * is refused (another context, in the same task and thread) by a write like any other. */
static inline int
go_back(Span *self)
{
    PyObject *token = self->token;
    self->token = NULL;
    int done = token == NULL ? -1 : PyContextVar_Reset(engine.variable, token);
    Py_XDECREF(token);
    if (LIKELY(done == 0))
        return 0;
    PyErr_Clear();
    token = PyContextVar_Set(engine.variable, self->outer == NULL ? Py_None : self->outer);
    Py_XDECREF(token);
    return token == NULL ? -1 : 0;
}

/* The binding around, onto the span; -1 with an exception, 1 if it is a stray's. */
static int
take_binding(Span *self)
{
    PyObject *binding;
    if (context_value(engine.bound, &binding) < 0)
        return -1;
    if (LIKELY(binding == NULL))
        return 0;
    PyObject *stray = PyObject_GetAttr(binding, words.stray);
    int is_stray = stray == NULL ? -1 : is_on(stray);
    Py_XDECREF(stray);
    if (is_stray != 0) {
        Py_DECREF(binding);
        return is_stray;
    }
    Py_XSETREF(self->context, binding);
    self->plain = 0;
    return 0;
}

/* Stand under a span of ours, or begin a trace. */
static int
take_place(Span *self, Span *parent)
{
    self->id = next_id();
    if (self->id == 0)
        return -1;
    Py_CLEAR(self->span_id);
    if (parent != NULL) {
        Py_XSETREF(self->trace_id, Py_XNewRef(parent->trace_id));
        self->parent_id = parent->id;
        Py_XSETREF(self->root, Py_NewRef(parent->is_root ? (PyObject *)parent : parent->root));
        Py_XSETREF(self->out, Py_XNewRef(parent->out));
        Py_XSETREF(self->parent, Py_NewRef((PyObject *)parent));
        return 0;
    }
    self->is_root = 1;
    if (self->trace_id == NULL || PyUnicode_GET_LENGTH(self->trace_id) == 0) {
        PyObject *made = trace_id_new();
        if (made == NULL)
            return -1;
        Py_XSETREF(self->trace_id, made);
    }
    return 0;
}

static inline int
can_be_under(PyObject *parent)
{
    if (parent == NULL)
        return is_none(engine.origin);
    if (!is_span(parent))
        return 0;
    Span *span = (Span *)parent;
    return span->state <= LEFT && span->id != 0 && (span->is_root || span->root != NULL);
}

PyObject *
span_enter(PyObject *object, PyObject *const *Py_UNUSED(args), Py_ssize_t count)
{
    Span *self = (Span *)object;
    if (UNLIKELY(count != 0)) {
        PyErr_SetString(PyExc_TypeError, "__enter__ takes nothing");
        return NULL;
    }
    if (UNLIKELY(Py_TYPE(object) != engine.type))
        return enter_slowly(object);
    if (UNLIKELY(self->zero != 0)) /* a block of its own was entered before; this one changes nothing */
        return Py_NewRef(object);
    if (UNLIKELY(PyDict_GET_SIZE(engine.held) > 0 || in_generator()))
        return enter_slowly(object);
    PyObject *parent;
    if (context_value(engine.variable, &parent) < 0)
        return NULL;
    if (UNLIKELY(!can_be_under(parent))) {
        Py_XDECREF(parent);
        return enter_slowly(object);
    }
    long long now = now_ns();
    if (UNLIKELY(anchor_check(now) < 0))
        goto failed;
    int rare = take_binding(self);
    if (UNLIKELY(rare != 0)) {
        Py_XDECREF(parent);
        return rare < 0 ? NULL : enter_slowly(object);
    }
    if (take_place(self, (Span *)parent) < 0 || thread_known() < 0)
        goto failed;
    self->thread = PyThread_get_thread_ident();
    PyObject *task = task_current();
    if (task == NULL)
        goto failed;
    Py_XSETREF(self->task, task);
    Py_XSETREF(self->outer, parent);
    self->zero = now;
    self->start = now + ((Anchor *)engine.anchor)->offset;
    open_add(self);
    PyObject *token = PyContextVar_Set(engine.variable, object);
    if (UNLIKELY(token == NULL)) {
        open_discard(self);
        return NULL;
    }
    Py_XSETREF(self->token, token);
    return Py_NewRef(object);
failed:
    Py_XDECREF(parent);
    return NULL;
}

/* -- the end -------------------------------------------------------------------------------------------------- */

static PyObject *
exit_slowly(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    PyObject *arguments[4] = {self, Py_None, Py_None, Py_None};
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "__exit__ takes an exception's type, itself and its traceback");
    memcpy(arguments + 1, args, 3 * sizeof *args);
    PyObject *answer = PyObject_Vectorcall(engine.leave, arguments, 4, NULL);
    if (((Span *)self)->state != OPEN)
        Py_CLEAR(((Span *)self)->token); /* it holds the context */
    return answer;
}

/* Left where it was entered, while it was current: 1; else 0; -1 with an exception. */
static int
is_in_place(Span *self)
{
    PyObject *seen;
    if (PyContextVar_Get(engine.variable, NULL, &seen) < 0)
        return -1;
    Py_XDECREF(seen);
    if (seen != (PyObject *)self || self->thread != PyThread_get_thread_ident())
        return 0;
    return is_none(self->task) ? 1 : task_is_current(self->task);
}

/* Let go of what only an open span needs. */
static void
settle(Span *self)
{
    Py_CLEAR(self->outer);
    PyObject *parent = self->parent;
    if (!is_none(parent) && is_span(parent) && ((Span *)parent)->state == LEFT) {
        /* Tasks that start tasks for ever must not keep every span there ever was. */
        PyObject *above = Py_XNewRef(((Span *)parent)->parent);
        Py_XSETREF(self->parent, above);
    }
}

static int
announce_root(Span *self)
{
    Span *root = (Span *)self->root;
    if (LIKELY(self->is_root || (is_span(self->root) && root->announced)))
        return 0;
    PyObject *held = Py_NewRef(self->root);
    PyObject *answer = PyObject_CallMethodNoArgs(held, words.announce);
    Py_DECREF(held);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

/* The record could not be written: what the plain engine does with an Exception. */
static PyObject *
append_least(Span *self, long long end)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return NULL;
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    if (trace != NULL)
        PyException_SetTraceback(error, trace);
    PyObject *moment = PyLong_FromLongLong(end), *answer = NULL;
    if (moment != NULL)
        answer = PyObject_CallMethodObjArgs((PyObject *)self, words.append_least, moment, error, NULL);
    Py_XDECREF(moment);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    return answer;
}

PyObject *
span_exit(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    Span *self = (Span *)object;
    if (UNLIKELY(count != 3 || args[1] != Py_None || Py_TYPE(object) != engine.type || self->frame != 0 ||
                 !is_none(self->waits)))
        return exit_slowly(object, args, count);
    if (UNLIKELY(self->state != OPEN || self->zero == 0))
        Py_RETURN_NONE;
    long long end = self->start + now_ns() - self->zero;
    int in_place = is_in_place(self);
    if (UNLIKELY(in_place != 1)) {
        PyErr_Clear(); /* an exhausted stack, say: asked once more there */
        return exit_slowly(object, args, count);
    }
    /* The context first: whatever goes wrong below, nothing must go on under a span that is over. */
    Py_INCREF(object);
    self->state = LEFT;
    PyObject *done = NULL;
    if (UNLIKELY(go_back(self) < 0))
        goto end;
    open_discard(self);
    settle(self);
    PyObject *status = Py_NewRef(self->status == NULL ? words.ok : self->status);
    if (LIKELY(announce_root(self) == 0 && span_append(self, status, end) == 0))
        done = Py_NewRef(Py_None);
    else
        done = append_least(self, end);
    Py_DECREF(status);
end:
    Py_DECREF(object);
    return done;
}

/* -- what `with` finds ------------------------------------------------------------------------------------------ */

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *(*edge)(PyObject *, PyObject *const *, Py_ssize_t);
    PyObject *name; /* owned */
} Edge;

static PyTypeObject *edge_type;

PyObject *
span_call(PyObject *self, PyObject *const *args, size_t count, PyObject *names)
{
    Py_ssize_t given = PyVectorcall_NARGS(count);
    if (UNLIKELY(names != NULL && PyTuple_GET_SIZE(names) > 0)) {
        PyErr_SetString(PyExc_TypeError, "the block of a span takes no named arguments");
        return NULL;
    }
    return given == 0 ? span_enter(self, args, 0) : span_exit(self, args, given);
}

/* `Span.__enter__(span)` and `Span.__exit__(span, kind, error, trace)`. */
static PyObject *
edge_call(PyObject *object, PyObject *const *args, size_t count, PyObject *names)
{
    Edge *self = (Edge *)object;
    Py_ssize_t given = PyVectorcall_NARGS(count);
    if (given < 1 || (names != NULL && PyTuple_GET_SIZE(names) > 0) || !is_span(args[0]))
        return PyErr_Format(PyExc_TypeError, "%U takes a span and nothing by name", self->name);
    return self->edge(args[0], args + 1, given - 1);
}

static PyObject *
edge_get(PyObject *object, PyObject *span, PyObject *Py_UNUSED(type))
{
    if (span == NULL)
        return Py_NewRef(object);
    if (LIKELY(Py_TYPE(span) == engine.type)) {
        ((Span *)span)->call = span_call; /* one that `object.__new__` made has none yet */
        return Py_NewRef(span);
    }
    return PyMethod_New(object, span);
}

static void
edge_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    Py_XDECREF(((Edge *)object)->name);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMemberDef edge_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Edge, call), READONLY, NULL},
    {"__name__", T_OBJECT, offsetof(Edge, name), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot edge_slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, edge_get},
    {Py_tp_dealloc, edge_dealloc},
    {Py_tp_members, edge_members},
    {Py_tp_doc, PyDoc_STR("An edge of a span's block.")},
    {0, NULL},
};

static PyType_Spec edge_spec = {
    .name = "flightlog._speed._core.Edge",
    .basicsize = sizeof(Edge),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = edge_slots,
};

/* -- the block of a span that is off ---------------------------------------------------------------------------- */

static PyObject *
off_enter(PyObject *self, PyObject *Py_UNUSED(unused))
{
    return Py_NewRef(self);
}

static PyObject *
off_exit(PyObject *Py_UNUSED(self), PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(count))
{
    Py_RETURN_NONE;
}

static PyMethodDef off_methods[] = {
    {"__enter__", off_enter, METH_NOARGS, PyDoc_STR("Give what stands for a span that is off.")},
    {"__exit__", (PyCFunction)(void (*)(void))off_exit, METH_FASTCALL, PyDoc_STR("Do nothing.")},
};

/* off_block(off) -> (enter, exit): functions that are no descriptors, so that nothing is made to call them. */
PyObject *
off_block(PyObject *Py_UNUSED(module), PyObject *off)
{
    PyObject *enter = PyCFunction_New(&off_methods[0], off), *leave = PyCFunction_New(&off_methods[1], NULL);
    PyObject *both = enter == NULL || leave == NULL ? NULL : PyTuple_Pack(2, enter, leave);
    Py_XDECREF(enter);
    Py_XDECREF(leave);
    return both;
}

PyObject *
edge_new(PyObject *(*edge)(PyObject *, PyObject *const *, Py_ssize_t), const char *name)
{
    if (edge_type == NULL)
        edge_type = (PyTypeObject *)PyType_FromSpec(&edge_spec);
    if (edge_type == NULL)
        return NULL;
    Edge *self = PyObject_New(Edge, edge_type);
    if (self == NULL)
        return NULL;
    self->call = edge_call;
    self->edge = edge;
    self->name = PyUnicode_InternFromString(name);
    return (PyObject *)self;
}
