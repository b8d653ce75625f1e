/* Where a span begins and ends: the plain case here, every other in core/_pure.py.
 *
 * The plain case is a span of exactly our type, below another or a root without a parent from elsewhere, entered
 * in a function's own frame (not a generator's), below no generator that holds a span; and left there without an
 * exception, in the thread and task where it was entered. One write of the context variable at each edge; its value is
 * the only thing that is believed about what is current.
 *
 * Whoever calls owns the span.
 */
#include "span.h"
#include <limits.h>

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
    int is_given = self->trace_id == NULL ? 0 : PyObject_IsTrue(self->trace_id); /* it is whatever the program set */
    if (is_given < 0)
        return -1;
    if (!is_given) {
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
    const int alone = PyDict_GET_SIZE(engine.held) > 0;
    if (UNLIKELY(in_generator() || (alone && in_holding_generator())))
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
    if (take_place(self, (Span *)parent) < 0 || this_thread(&self->thread) < 0 || thread_known(self->thread) < 0)
        goto failed;
    PyObject *task = task_current();
    if (task == NULL)
        goto failed;
    Py_XSETREF(self->task, task);
    Py_XSETREF(self->outer, parent);
    self->alone = (char)alone;
    self->zero = now;
    self->start = now + ((Anchor *)engine.anchor)->offset;
    self->has_start = 1;
    open_add(self);
    if (UNLIKELY(context_enter(self) < 0)) {
        open_discard(self);
        return NULL;
    }
    return Py_NewRef(object);
failed:
    Py_XDECREF(parent);
    return NULL;
}

/* -- the end -------------------------------------------------------------------------------------------------- */

static PyObject *
call(PyObject *callable, PyObject *const *args, size_t count)
{
    return PyObject_Vectorcall(callable, args, count, NULL);
}

/* Whether the context still says that this span is current. */
static int
is_current(Span *self)
{
    PyObject *type, *error, *trace, *seen = NULL;
    PyErr_Fetch(&type, &error, &trace);
    if (PyContextVar_Get(engine.variable, NULL, &seen) < 0)
        PyErr_Clear();
    Py_XDECREF(seen);
    PyErr_Restore(type, error, trace);
    return seen == (PyObject *)self;
}

/* What is left where not even the plain engine has room, on the stack or in memory: the span is over, that is all. */
static PyObject *
exit_barely(Span *self)
{
    int here = is_current(self);
    self->state = here ? LEFT : STRAY;
    if (here && context_leave(self) < 0)
        PyErr_Clear();
    Py_CLEAR(self->outer);
    open_discard(self);
    Py_RETURN_NONE;
}

/* By the plain engine; where the stack is used up, with more of it, and where memory was, once more: an open span whose
 * block is over would stay open for ever. */
static PyObject *
exit_slowly(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
    PyObject *arguments[4] = {object, Py_None, Py_None, Py_None};
    Span *self = (Span *)object;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "__exit__ takes an exception's type, itself and its traceback");
    memcpy(arguments + 1, args, 3 * sizeof *args);
    Py_INCREF(object);
    int was_open = self->state == OPEN && self->zero != 0;
    int is_deep = PyErr_GivenExceptionMatches(args[1], PyExc_RecursionError);
    PyObject *answer = (is_deep ? call_with_room : call)(engine.leave, arguments, 4);
    if (UNLIKELY(answer == NULL && was_open && (self->state == OPEN || is_current(self)) && is_exhausted())) {
        if (self->state == OPEN)
            answer = call_with_room(engine.leave, arguments, 4);
        if (answer == NULL && (!PyErr_Occurred() || ((self->state == OPEN || is_current(self)) && is_exhausted())))
            answer = exit_barely(self);
    }
    context_forget(self);
    Py_DECREF(object);
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
    unsigned long long thread;
    if (seen != (PyObject *)self)
        return 0;
    if (this_thread(&thread) < 0)
        return -1;
    if (self->thread != thread)
        return 0;
    return is_none(self->task) ? 1 : task_is_current(self->task);
}

/* Let go of what only an open span needs. */
static void
settle(Span *self)
{
    self->announced = 1; /* whatever begins under it from now on: it does not run any more */
    Py_CLEAR(self->outer);
    PyObject *parent = self->parent;
    if (!is_none(parent) && is_span(parent) && ((Span *)parent)->state == LEFT) {
        /* Tasks that start tasks for ever must not keep every span there ever was. */
        PyObject *above = Py_XNewRef(((Span *)parent)->parent);
        Py_XSETREF(self->parent, above);
    }
}

int
announce_root(Span *self)
{
    PyObject *root = self->is_root ? (PyObject *)self : self->root;
    if (UNLIKELY(root == NULL)) {
        PyErr_SetString(PyExc_AttributeError, "_root"); /* as a slot that was never filled */
        return -1;
    }
    if (LIKELY(is_span(root) && ((Span *)root)->announced))
        return 0;
    Py_INCREF(root);
    PyObject *answer = PyObject_CallMethodNoArgs(root, words.announce);
    Py_DECREF(root);
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
    PyObject *append = moment == NULL ? NULL : PyObject_GetAttr((PyObject *)self, words.append_least);
    PyObject *arguments[] = {moment, error};
    if (append != NULL)
        answer = PyObject_Vectorcall(append, arguments, 2, NULL);
    if (append != NULL && answer == NULL && is_exhausted())
        answer = call_with_room(append, arguments, 2);
    Py_XDECREF(append);
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
                 !is_none(self->waits) || self->start > LLONG_MAX / 2))
        return exit_slowly(object, args, count);
    if (UNLIKELY(self->state != OPEN || self->zero == 0))
        Py_RETURN_NONE;
    long long end = self->start + (now_ns() - self->zero);
    int in_place = is_in_place(self);
    if (UNLIKELY(in_place != 1)) {
        if (in_place < 0 && !is_exhausted())
            return NULL; /* the program's own, which came between: the plain engine lets it through as well */
        return exit_slowly(object, args, count);
    }
    /* The context first: whatever goes wrong below, nothing must go on under a span that is over. */
    Py_INCREF(object);
    self->state = LEFT;
    PyObject *done = NULL;
    if (UNLIKELY(context_leave(self) < 0))
        goto end;
    open_discard(self);
    settle(self);
    PyObject *status = Py_NewRef(self->status == NULL ? words.ok : self->status);
    if (LIKELY((self->is_root || announce_root(self) == 0) && span_append(self, status, end) == 0))
        done = Py_NewRef(Py_None);
    else
        done = append_least(self, end);
    Py_DECREF(status);
end:
    Py_DECREF(object);
    return done;
}
