/* The small parts that Python and C share: the clock's anchor, the pool of ids, the list of open spans.
 *
 * Anchor is the base class of core/clock.py's clock: two numbers. IdPool owns its maker (core/ids.py's `Ids`), which
 * is the only source of chance. OpenSpans owns one reference to each span in it; there is one list.
 */
#include "span.h"
#include <structmember.h>
#include <stddef.h>
#include <time.h>

/* -- the anchor ---------------------------------------------------------------------------------------------- */

/* The clock of `time.monotonic_ns`, which the plain engine reads: a span may begin by one and end by the other. */
long long
now_ns(void)
{
#ifdef __APPLE__
    return (long long)clock_gettime_nsec_np(CLOCK_UPTIME_RAW);
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000000LL + now.tv_nsec;
#endif
}

int
anchor_check(long long now)
{
    if (LIKELY(now < ((Anchor *)engine.anchor)->due))
        return 0;
    PyObject *argument = PyLong_FromLongLong(now);
    if (argument == NULL)
        return -1;
    PyObject *answer = PyObject_CallMethodOneArg(engine.anchor, words.check, argument);
    Py_DECREF(argument);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

static PyMemberDef anchor_members[] = {
    {"due", T_LONGLONG, offsetof(Anchor, due), 0, "Monotonic time from which on `check` should be called."},
    {"offset", T_LONGLONG, offsetof(Anchor, offset), 0, "Unix nanoseconds minus monotonic nanoseconds."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot anchor_slots[] = {
    {Py_tp_members, anchor_members},
    {0, NULL},
};

static PyType_Spec anchor_spec = {
    .name = "flightlog._speed._core.Anchor",
    .basicsize = sizeof(Anchor),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = anchor_slots,
};

/* -- ids ------------------------------------------------------------------------------------------------------ */

#define BATCH 128 /* as in core/ids.py */

typedef struct {
    PyObject_HEAD
    PyObject *ids; /* owned */
    int left;
    uint64_t made[BATCH];
} IdPool;

/* Several ids from one large random number, as `Ids.span_ids` makes them: the last one is used first. */
static int
refill(IdPool *self)
{
    PyObject *number = PyObject_CallMethod(self->ids, "bits", "i", BATCH * 64);
    if (number == NULL)
        return -1;
    PyObject *bytes = PyObject_CallMethod(number, "to_bytes", "is", BATCH * 8, "big");
    Py_DECREF(number);
    if (bytes == NULL)
        return -1;
    const unsigned char *from = (const unsigned char *)PyBytes_AS_STRING(bytes);
    int zeros = 0;
    for (int at = 0; at < BATCH; at++) {
        uint64_t value = 0;
        for (int byte = 0; byte < 8; byte++)
            value = value << 8 | *from++;
        self->made[at] = value;
        zeros += value == 0;
    }
    Py_DECREF(bytes);
    self->left = BATCH;
    if (zeros) { /* no id is all zeros */
        self->left = 1;
        self->made[0] = 1;
    }
    return 0;
}

uint64_t
next_id(void)
{
    IdPool *pool = (IdPool *)engine.ids;
    while (UNLIKELY(pool->left == 0)) {
        if (refill(pool) < 0)
            return 0;
    }
    return pool->made[--pool->left];
}

PyObject *
trace_id_new(void)
{
    return PyObject_CallMethod(((IdPool *)engine.ids)->ids, "trace_id", NULL);
}

static PyObject *
pool_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(names))
{
    PyObject *ids;
    if (!PyArg_ParseTuple(args, "O", &ids))
        return NULL;
    IdPool *self = (IdPool *)type->tp_alloc(type, 0);
    if (self != NULL)
        self->ids = Py_NewRef(ids);
    return (PyObject *)self;
}

static void
pool_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    Py_XDECREF(((IdPool *)object)->ids);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *
pool_pop(PyObject *self, PyObject *Py_UNUSED(unused))
{
    IdPool *pool = (IdPool *)self;
    while (pool->left == 0) {
        if (refill(pool) < 0)
            return NULL;
    }
    char digits[16];
    put_hex(digits, pool->made[--pool->left]);
    return PyUnicode_FromStringAndSize(digits, 16);
}

static PyObject *
pool_clear(PyObject *self, PyObject *Py_UNUSED(unused))
{
    ((IdPool *)self)->left = 0;
    Py_RETURN_NONE;
}

static PyMethodDef pool_methods[] = {
    {"pop", pool_pop, METH_NOARGS, PyDoc_STR("The next span id.")},
    {"clear", pool_clear, METH_NOARGS, PyDoc_STR("Forget the ids made ahead.")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot pool_slots[] = {
    {Py_tp_new, pool_new},
    {Py_tp_dealloc, pool_dealloc},
    {Py_tp_methods, pool_methods},
    {0, NULL},
};

static PyType_Spec pool_spec = {
    .name = "flightlog._speed._core.IdPool",
    .basicsize = sizeof(IdPool),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = pool_slots,
};

/* -- open spans ----------------------------------------------------------------------------------------------- */

static Span *first_open, *last_open; /* oldest first */
static Py_ssize_t open_count;

void
open_add(Span *span)
{
    if (span->is_listed)
        return;
    span->is_listed = 1;
    span->open_next = NULL;
    span->open_prev = last_open;
    if (last_open != NULL)
        last_open->open_next = span;
    else
        first_open = span;
    last_open = span;
    open_count++;
    Py_INCREF(span);
}

void
open_discard(Span *span)
{
    if (!span->is_listed)
        return;
    span->is_listed = 0;
    *(span->open_prev != NULL ? &span->open_prev->open_next : &first_open) = span->open_next;
    *(span->open_next != NULL ? &span->open_next->open_prev : &last_open) = span->open_prev;
    span->open_next = span->open_prev = NULL;
    open_count--;
    Py_DECREF(span);
}

static PyObject *
open_list(void)
{
    for (;;) {
        Py_ssize_t count = open_count;
        PyObject *found = PyList_New(count); /* may run the collector, and that anything */
        if (found == NULL || count == open_count) {
            Py_ssize_t at = 0;
            if (found != NULL)
                for (Span *span = first_open; span != NULL; span = span->open_next)
                    PyList_SET_ITEM(found, at++, Py_NewRef((PyObject *)span));
            return found;
        }
        Py_DECREF(found);
    }
}

static PyObject *
checked(PyObject *span)
{
    if (engine.type != NULL && is_span(span))
        return span;
    return PyErr_Format(PyExc_TypeError, "%.100s is no span", Py_TYPE(span)->tp_name);
}

static PyObject *
open_add_method(PyObject *Py_UNUSED(self), PyObject *span)
{
    if (checked(span) == NULL)
        return NULL;
    open_add((Span *)span);
    Py_RETURN_NONE;
}

static PyObject *
open_discard_method(PyObject *Py_UNUSED(self), PyObject *span)
{
    if (checked(span) == NULL)
        return NULL;
    open_discard((Span *)span);
    Py_RETURN_NONE;
}

static PyObject *
open_clear(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(unused))
{
    while (first_open != NULL)
        open_discard(first_open);
    Py_RETURN_NONE;
}

static PyObject *
open_iter(PyObject *Py_UNUSED(self))
{
    PyObject *found = open_list();
    if (found == NULL)
        return NULL;
    PyObject *iterator = PyObject_GetIter(found);
    Py_DECREF(found);
    return iterator;
}

static Py_ssize_t
open_length(PyObject *Py_UNUSED(self))
{
    return open_count;
}

static int
open_contains(PyObject *Py_UNUSED(self), PyObject *span)
{
    return engine.type != NULL && is_span(span) && ((Span *)span)->is_listed;
}

static PyMethodDef open_methods[] = {
    {"add", open_add_method, METH_O, PyDoc_STR("Put a span in, unless it is there.")},
    {"discard", open_discard_method, METH_O, PyDoc_STR("Take a span out, if it is there.")},
    {"clear", open_clear, METH_NOARGS, PyDoc_STR("Take all out.")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot open_slots[] = {
    {Py_tp_methods, open_methods},
    {Py_tp_iter, open_iter},
    {Py_sq_length, open_length},
    {Py_sq_contains, open_contains},
    {0, NULL},
};

static PyType_Spec open_spec = {
    .name = "flightlog._speed._core.OpenSpans",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = open_slots,
};

static int
add_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromSpec(spec);
    if (type == NULL)
        return -1;
    int done = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return done;
}

int
parts_add(PyObject *module)
{
    if (add_type(module, &anchor_spec) < 0 || add_type(module, &pool_spec) < 0)
        return -1;
    return add_type(module, &open_spec) < 0 ? -1 : region_add(module);
}
