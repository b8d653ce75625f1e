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
enter_line(HotLine *hot, const Place *place, PyObject *name, PyObject *args)
{
    if (hot_begin(hot, place, hot_words.enter, NULL) < 0 || hot_member(hot, F_FUNCTION, name) < 0)
        return -1;
    if (!is_none(args) && hot_member(hot, F_ARGS, args) < 0)
        return -1;
    return actor_member(hot, place);
}

static int
record_enter(Call *call, PyObject *name)
{
    Place place;
    int plain = place_find(&place, 1), done = plain < 0 ? -1 : !plain, admits = 0;
    if (done == 0) {
        admits = call_admitted(call);
        done = admits < 0 ? -1 : 0;
    }
    if (done == 0 && admits) {
        HotLine hot;
        done = enter_line(&hot, &place, name, call->given[1]);
        if (done == 0)
            done = hot_write(&hot, &place, call->site, call->site == NULL ? 0 : call->site->left);
        hot_end(&hot);
        if (done < 0 && is_unencodable())
            done = 1;
    }
    place_leave(&place);
    if (done < 0) { /* its exit comes all the same */
        PyObject *lost = hot_lose();
        Py_XDECREF(lost);
        done = lost == NULL ? -1 : 0;
    }
    return done == 0 ? entry_begin(name, admits) : done;
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
    return call_ended(&call, record_enter(&call, call.given[0]));
}

static int
exit_line(HotLine *hot, const Place *place, const Call *call, const Entry *entry, long long now)
{
    if (hot_begin(hot, place, hot_words.exit, NULL) < 0 || hot_member(hot, F_FUNCTION, call->given[0]) < 0)
        return -1;
    PyObject *result = call->given[1];
    if (result != NULL && result != engine.unset && hot_member(hot, F_RESULT, result) < 0)
        return -1;
    if (entry != NULL && hot_number(hot, F_ELAPSED_NS, now - entry->zero) < 0)
        return -1;
    return actor_member(hot, place);
}

static int
record_exit(Call *call)
{
    Place place;
    Entry *entry = NULL, *before = NULL;
    long long now = now_ns();
    int plain = place_find(&place, 1), done = plain < 0 ? -1 : !plain;
    if (done == 0)
        done = entry_end(call->given[0], &entry, &before);
    if (done == 0 && (entry == NULL || entry->is_told)) {
        HotLine hot;
        done = exit_line(&hot, &place, call, entry, now);
        if (done == 0)
            done = hot_write(&hot, &place, NULL, 0);
        hot_end(&hot);
        if (done < 0 && is_unencodable())
            done = 1;
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
