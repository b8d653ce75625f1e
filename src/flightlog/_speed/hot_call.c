/* The arguments of a hot call, sorted without a copy, and what its call site makes of it.
 *
 * Owns nothing but a call's site, from `call_admitted` to `call_ended`. Where the function in Python does the call
 * after all, what was counted is put back first.
 */
#include "hot_call.h"

PyObject *
call_slowly(const Call *call)
{
    if (UNLIKELY(!tier_is_used()))
        return NULL;
    return PyObject_Vectorcall(*call->shape->slow, call->args, (size_t)call->count, call->names);
}

static int
take_named(Call *call)
{
    const Shape *shape = call->shape;
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(call->names); at++) {
        PyObject *name = PyTuple_GET_ITEM(call->names, at);
        int place = 0;
        while (place < shape->count && *shape->names[place] != name)
            place++;
        if (place == shape->count || call->given[place] != NULL)
            return 0;
        call->given[place] = call->args[call->count + at];
    }
    return 1;
}

#define MOST_RATE 1000000000 /* a second: beyond it a double may say something else than the number */

/* How often; 0: not by plain numbers. */
static int
take_rate(Call *call, PyObject *every, PyObject *per_second)
{
    call->every = 1;
    if (every != NULL) {
        int overflow;
        if (!PyLong_CheckExact(every))
            return 0;
        call->every = PyLong_AsLongLongAndOverflow(every, &overflow);
        if (overflow)
            return 0;
    }
    if (per_second == NULL)
        return 1;
    if (PyFloat_CheckExact(per_second))
        call->per_second = PyFloat_AS_DOUBLE(per_second);
    else if (PyLong_CheckExact(per_second)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(per_second, &overflow);
        if (overflow || number > MOST_RATE || number < -MOST_RATE)
            return 0;
        call->per_second = (double)number;
    }
    else
        return 0;
    return call->per_second == call->per_second;
}

int
call_take_named(Call *call, const Shape *shape)
{
    if (!take_named(call))
        return 0;
    for (int at = 0; at < shape->required; at++)
        if (call->given[at] == NULL)
            return 0;
    return shape->count == shape->positional ||
           take_rate(call, call->given[shape->count - 2], call->given[shape->count - 1]);
}

/* -- its place in the source ----------------------------------------------------------------------------------- */

int
call_admitted(Call *call)
{
    if (LIKELY(call->every == 1 && call->per_second == 0))
        return 1;
    Site *site = call->site = site_here();
    if (site == NULL)
        return -1;
    call->before = site->now;
    return site_admits(site, call->every, call->per_second);
}

/* Have the function in Python do all of it, as if nothing had been counted. */
static PyObject *
again(Call *call)
{
    if (call->site != NULL)
        call->site->now = call->before;
    return call_slowly(call);
}

PyObject *
call_ended(Call *call, int done)
{
    PyObject *answer;
    if (LIKELY(done == 0))
        answer = Py_NewRef(Py_None);
    else
        answer = done > 0 ? again(call) : lose();
    Py_XDECREF((PyObject *)call->site);
    return answer;
}
