/* The small parts that Python and C share: the clock's anchor, the pool of ids, the list of open spans.
 *
 * Anchor is the base class of core/clock.py's clock: two numbers. IdPool owns its source of chance (core/ids.py's
 * `Ids`, which the operating system seeds), asks it once, and again in a forked child, and goes on from there.
 * OpenSpans owns one reference to each span in it; there is one list.
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
anchor_due(long long now)
{
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

typedef struct {
    PyObject_HEAD
    PyObject *ids; /* owned */
    int is_seeded;
    uint64_t state[4];
} IdPool;

/* Begin anew from 256 bits of the source of chance. */
static int
seed(IdPool *self)
{
    PyObject *number = PyObject_CallMethod(self->ids, "bits", "i", 256);
    if (number == NULL)
        return -1;
    PyObject *bytes = PyObject_CallMethod(number, "to_bytes", "is", (int)sizeof self->state, "little");
    Py_DECREF(number);
    if (bytes == NULL)
        return -1;
    if (!PyBytes_CheckExact(bytes) || PyBytes_GET_SIZE(bytes) != sizeof self->state) {
        Py_DECREF(bytes);
        PyErr_SetString(PyExc_TypeError, "the source of ids gave something else than was asked for");
        return -1;
    }
    memcpy(self->state, PyBytes_AS_STRING(bytes), sizeof self->state);
    Py_DECREF(bytes);
    self->state[0] |= self->state[1] == 0 && self->state[2] == 0 && self->state[3] == 0; /* never all zeros */
    self->is_seeded = 1;
    return 0;
}

static inline uint64_t
turned(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

/* xoshiro256** by Blackman and Vigna: 64 bits that pass every known test, in a nanosecond. */
static inline uint64_t
bits(uint64_t *state)
{
    uint64_t made = turned(state[1] * 5, 7) * 9, shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = turned(state[3], 45);
    return made;
}

static uint64_t
id_of(IdPool *pool)
{
    if (UNLIKELY(!pool->is_seeded) && seed(pool) < 0)
        return 0;
    uint64_t made = bits(pool->state);
    return LIKELY(made != 0) ? made : 1; /* no id is all zeros */
}

uint64_t
next_id(void)
{
    return id_of((IdPool *)engine.ids);
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
    uint64_t made = id_of((IdPool *)self);
    if (made == 0)
        return NULL;
    char digits[16];
    put_hex(digits, made);
    return PyUnicode_FromStringAndSize(digits, 16);
}

static PyObject *
pool_clear(PyObject *self, PyObject *Py_UNUSED(unused))
{
    ((IdPool *)self)->is_seeded = 0;
    Py_RETURN_NONE;
}

static PyMethodDef pool_methods[] = {
    {"pop", pool_pop, METH_NOARGS, PyDoc_STR("The next span id.")},
    {"clear", pool_clear, METH_NOARGS, PyDoc_STR("Begin anew, from whatever the source of chance gives next.")},
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

PyTypeObject *anchor_type, *pool_type; /* owned, for good */

/* `where`, if given, owns the type from now on. */
static int
add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **where)
{
    PyObject *type = PyType_FromSpec(spec);
    if (type == NULL)
        return -1;
    int done = PyModule_AddType(module, (PyTypeObject *)type);
    if (where != NULL)
        *where = (PyTypeObject *)type;
    else
        Py_DECREF(type);
    return done;
}

int
parts_add(PyObject *module)
{
    if (add_type(module, &anchor_spec, &anchor_type) < 0 || add_type(module, &pool_spec, &pool_type) < 0)
        return -1;
    return add_type(module, &open_spec, NULL) < 0 ? -1 : region_add(module);
}
