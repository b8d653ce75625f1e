/* The one write of the context variable at each edge of a span.
 *
 * What a context holds is one immutable map; a write makes another. Where the interpreter's own structures are known
 * (by minor version), an open span keeps the map from before its write and the one that the write made. If the
 * context still has the latter when the span is left, nothing was written in between, and it gets the former back,
 * which spares making a third. Whatever else happened meanwhile, and by every other Python, the variable is written
 * like any other: what the program has put into other variables stays.
 *
 * A span owns both maps, from `context_enter` until it is left.
 */
#include "span.h"

#if PY_VERSION_HEX < 0x030E0000 && defined(__has_include)
#if __has_include(<internal/pycore_context.h>)
#define KNOWS_CONTEXTS 1
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include <internal/pycore_context.h>
#endif
#endif

static int
write_variable(PyObject *value)
{
    PyObject *token = PyContextVar_Set(engine.variable, value);
    Py_XDECREF(token);
    return token == NULL ? -1 : 0;
}

#ifdef KNOWS_CONTEXTS

static inline PyObject **
map_of(const PyThreadState *state)
{
    struct _pycontextobject *context = (struct _pycontextobject *)state->context;
    return context == NULL ? NULL : (PyObject **)&context->ctx_vars;
}

/* Whether the variable is known to hold what stands around the span; nothing at all is what nobody has written. */
static inline int
is_around(const Span *self, const PyThreadState *state)
{
    const struct _pycontextvarobject *variable = (struct _pycontextvarobject *)engine.variable;
    return self->outer == NULL || (variable->var_cached == self->outer && variable->var_cached_tsid == state->id &&
                                   variable->var_cached_tsver == state->context_ver);
}

/* Whether what stands where the map is known to stand is one. */
static inline int
is_map(PyObject *map)
{
    static PyTypeObject *type; /* borrowed from the interpreter, which has it for good */
    if (UNLIKELY(type == NULL && map != NULL && strcmp(Py_TYPE(map)->tp_name, "hamt") == 0))
        type = Py_TYPE(map);
    return map != NULL && Py_TYPE(map) == type;
}

int
context_enter(Span *self)
{
    PyThreadState *state = PyThreadState_Get();
    PyObject **map = map_of(state);
    context_forget(self);
    if (UNLIKELY(map == NULL || !is_map(*map) || !is_around(self, state)))
        return write_variable((PyObject *)self);
    PyObject *before = Py_NewRef(*map);
#if PY_VERSION_HEX < 0x030C0000
    const int was_on = PyGC_Disable(); /* the collector runs what writes variables, too */
#endif
    int done = write_variable((PyObject *)self);
#if PY_VERSION_HEX < 0x030C0000
    if (was_on)
        PyGC_Enable();
#endif
    if (UNLIKELY(done < 0)) { /* without a token, the variable may have been written all the same */
        ((struct _pycontextvarobject *)engine.variable)->var_cached = NULL;
        Py_SETREF(*map, before);
        return -1;
    }
    self->before = before;
    self->after = Py_NewRef(*map);
    return 0;
}

int
context_leave(Span *self)
{
    PyThreadState *state = PyThreadState_Get();
    PyObject **map = map_of(state);
    if (UNLIKELY(map == NULL || self->after == NULL || *map != self->after)) {
        context_forget(self);
        return write_variable(self->outer == NULL ? Py_None : self->outer);
    }
    struct _pycontextvarobject *variable = (struct _pycontextvarobject *)engine.variable;
    PyObject *after = self->after;
    *map = self->before;
    self->before = self->after = NULL;
    variable->var_cached = self->outer; /* borrowed, as the interpreter does: the map holds it */
    variable->var_cached_tsid = state->id;
    variable->var_cached_tsver = state->context_ver;
    Py_DECREF(after); /* the context's */
    Py_DECREF(after);
    return 0;
}

#else

int
context_enter(Span *self)
{
    return write_variable((PyObject *)self);
}

int
context_leave(Span *self)
{
    return write_variable(self->outer == NULL ? Py_None : self->outer);
}

#endif

void
context_forget(Span *self)
{
    Py_CLEAR(self->before);
    Py_CLEAR(self->after);
}
