/* One call of the hot tier: its arguments by their place, and its place in the source.
 *
 * A Call borrows its arguments from whoever calls, and owns its site until `ended`.
 */
#ifndef FLIGHTLOG_SPEED_HOT_CALL_H
#define FLIGHTLOG_SPEED_HOT_CALL_H

#include "hot.h"

#define MOST 7

/* What a function takes. */
typedef struct {
    int required, positional, count; /* of `names`: those behind the positional ones come by name alone */
    int takes_rest;
    PyObject **names[MOST];
    PyObject **slow;
} Shape;

/* What one call was given; all borrowed. */
typedef struct {
    const Shape *shape;
    PyObject *const *args;
    PyObject *names;
    Py_ssize_t count;
    PyObject *given[MOST];
    long long every;
    double per_second;
    /* of its call site, before this call was counted */
    Site *site; /* owned; NULL: it never leaves out any */
    Counts before;
} Call;

/* Sort the arguments; 0: the function in Python shall say what is wrong with them, or deal with them. */
int call_take_named(Call *call, const Shape *shape);
static inline int
call_take(Call *call, const Shape *shape, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    call->shape = shape;
    call->args = args;
    call->names = names;
    call->count = count;
    call->every = 1;
    call->per_second = 0;
    call->site = NULL;
    if (UNLIKELY(count > shape->positional && !shape->takes_rest))
        return 0;
    for (int at = 0; at < shape->count; at++)
        call->given[at] = at < shape->positional && at < count ? args[at] : NULL;
    return LIKELY(names == NULL) ? count >= shape->required : call_take_named(call, shape);
}

PyObject *call_slowly(const Call *call);
int call_admitted(Call *call);               /* 1: it is recorded; 0: left out, and counted; -1 with an exception */
PyObject *call_ended(Call *call, int done);  /* 0: None; 1: Python does it; -1: what was raised is counted */

/* Whether this is nothing but a call that fits while nobody listens. */
static inline int
is_silent(const Shape *shape, Py_ssize_t count, PyObject *names)
{
    return LIKELY(names == NULL && count >= shape->required && (shape->takes_rest || count <= shape->positional));
}

/* hot_pairs.c */
PyObject *hot_enter(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *hot_exit(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names);

/* hot.c */
int actor_member(EventLine *hot, const Place *place);

#endif
