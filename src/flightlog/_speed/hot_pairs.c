/* The calls of the hot tier that come in pairs: `enter` and `exit`.
 *
 * As hot.c; a pair is changed where its call is recorded or left out, and put back where the function in Python does
 * the call after all. Owns nothing beyond a call.
 */
#include "hot_call.h"

static const Shape enter_shape = {
    1, 2, 4, 0, {&hot_words.fn, &hot_words.args, &hot_words.every, &hot_words.per_second}, &tier.enter,
};
static const Shape exit_shape = {1, 2, 2, 0, {&hot_words.fn, &hot_words.result}, &tier.leave};

static int
enter_members(EventLine *hot, const Place *place, const void *what)
{
    const Call *call = what;
    if (hot_member(hot, F_FUNCTION, call->given[0]) < 0)
        return -1;
    if (!is_none(call->given[1]) && hot_member(hot, F_ARGS, call->given[1]) < 0)
        return -1;
    return actor_member(hot, place);
}

static int
record_enter(Call *call)
{
    Place place;
    const Saying saying = {hot_words.enter, NULL, enter_members};
    int plain = place_find(&place, 1), done = plain < 0 ? -1 : !plain, admits = 0;
    if (done == 0) {
        admits = call_admitted(call);
        done = admits < 0 ? -1 : admits ? hot_say(&saying, &place, call->site, call) : 0;
    }
    place_leave(&place);
    if (done < 0)
        done = lost(); /* its exit comes all the same */
    return done == 0 ? entry_begin(call->given[0], admits) : done;
}

PyObject *
hot_enter(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    Call call;
    if (heard == SILENT && is_silent(&enter_shape, count, names))
        Py_RETURN_NONE;
    int fits = call_take(&call, &enter_shape, args, count, names);
    if (fits && heard == SILENT)
        Py_RETURN_NONE;
    if (!fits || heard != LISTENING || !PyUnicode_CheckExact(call.given[0]))
        return call_slowly(&call);
    return call_ended(&call, record_enter(&call));
}

/* What an exit is told of: its call, and when it was entered, if that is known. */
typedef struct {
    const Call *call;
    const Entry *entry;
    long long now;
} Exit;

static int
exit_members(EventLine *hot, const Place *place, const void *what)
{
    const Exit *exit = what;
    PyObject *result = exit->call->given[1];
    if (hot_member(hot, F_FUNCTION, exit->call->given[0]) < 0)
        return -1;
    if (result != NULL && result != engine.unset && hot_member(hot, F_RESULT, result) < 0)
        return -1;
    if (exit->entry != NULL && hot_number(hot, F_ELAPSED_NS, exit->now - exit->entry->zero) < 0)
        return -1;
    return actor_member(hot, place);
}

static int
record_exit(Call *call)
{
    Place place;
    Entry *entry = NULL, *before = NULL;
    const Saying saying = {hot_words.exit, NULL, exit_members};
    long long now = now_ns();
    int plain = place_find(&place, 1), done = plain < 0 ? -1 : !plain;
    if (done == 0)
        done = entry_end(call->given[0], &entry, &before);
    if (done == 0 && (entry == NULL || entry->is_told)) {
        const Exit exit = {call, entry, now};
        done = hot_say(&saying, &place, NULL, &exit);
        if (done == 1 && entry != NULL && entry_set(before) < 0)
            done = -1;
    }
    Py_XDECREF((PyObject *)entry);
    Py_XDECREF((PyObject *)before);
    place_leave(&place);
    return done;
}

PyObject *
hot_exit(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    Call call;
    if (heard == SILENT && is_silent(&exit_shape, count, names))
        Py_RETURN_NONE;
    int fits = call_take(&call, &exit_shape, args, count, names);
    if (fits && heard == SILENT)
        Py_RETURN_NONE;
    if (!fits || heard != LISTENING || !PyUnicode_CheckExact(call.given[0]))
        return call_slowly(&call);
    return call_ended(&call, record_exit(&call));
}
