/* The calls of the hot tier: `tiny`, `correlated`, `iteration`, `state` (`enter` and `exit` are in hot_pairs.c).
 *
 * Each asks first whether anybody listens. Arguments are sorted without a copy, and where anything about the call is
 * not plain (who asks decides, a capture is on, a generator holds a span, a stray binding, a name that is no text)
 * the function in core/hot.py is called with them as they came, before a call was counted or a pair was changed. What
 * only turns out while the line is made (a text that UTF-8 cannot hold, a line that is too long) puts back what was
 * counted. Owns nothing beyond a call.
 */
#include "hot_call.h"

Tier tier;
HotWords hot_words;
int heard = ASKING;

int
tier_is_used(void)
{
    if (LIKELY(tier.tally != NULL && engine.is_used))
        return 1;
    PyErr_SetString(PyExc_RuntimeError, "the hot tier was not told what to work with");
    return 0;
}

/* -- what they take -------------------------------------------------------------------------------------------- */

static const Shape tiny_shape = {
    2, 4, 6, 1,
    {&hot_words.actor, &hot_words.action, &hot_words.target, &hot_words.text, &hot_words.every,
     &hot_words.per_second},
    &tier.tiny,
};
static const Shape correlated_shape = {
    5, 5, 7, 1,
    {&hot_words.actor, &hot_words.action, &hot_words.target, &hot_words.text, &hot_words.correlation_id,
     &hot_words.every, &hot_words.per_second},
    &tier.correlated,
};
static const Shape iteration_shape = {
    1, 3, 6, 1,
    {&hot_words.i, &hot_words.n, &hot_words.detail, &hot_words.name, &hot_words.every, &hot_words.per_second},
    &tier.iteration,
};
static const Shape state_shape = {
    3, 3, 5, 0,
    {&hot_words.name, &hot_words.before, &hot_words.after, &hot_words.every, &hot_words.per_second},
    &tier.state,
};

/* -- the text -------------------------------------------------------------------------------------------------- */

/* What is said: a new reference, or NULL for nothing; -1 with an exception. */
static int
said(const Call *call, PyObject *text, PyObject **made)
{
    Py_ssize_t rest = call->count - call->shape->positional;
    *made = NULL;
    if (text == NULL && rest <= 0)
        return 0;
    if (LIKELY(text != NULL && PyUnicode_CheckExact(text) && rest <= 0)) {
        *made = Py_NewRef(text);
        return 0;
    }
    PyObject *args = PyTuple_New(rest > 0 ? rest : 0);
    if (args == NULL)
        return -1;
    for (Py_ssize_t at = 0; at < rest; at++)
        PyTuple_SET_ITEM(args, at, Py_NewRef(call->args[call->shape->positional + at]));
    *made = PyObject_CallFunctionObjArgs(tier.made, text == NULL ? words.empty : text, args, NULL);
    Py_DECREF(args);
    if (*made != NULL && !PyUnicode_CheckExact(*made))
        PyErr_SetString(PyExc_TypeError, "a text was expected");
    return PyErr_Occurred() ? -1 : 0;
}

/* -- one call, from its place to its line ---------------------------------------------------------------------- */

typedef int (*Members)(EventLine *, const Place *, const void *);

/* 0: written, or left out; 1: the function in Python shall do it; -1 with an exception. */
static int
record(Call *call, PyObject *name, PyObject *text, int wants_actor, Members members)
{
    Place place;
    Saying saying = {name, NULL, members};
    int plain = place_find(&place, wants_actor), done = plain < 0 ? -1 : !plain;
    if (done == 0) {
        int admits = call_admitted(call);
        done = admits == 1 ? said(call, text, &saying.text) : admits;
        if (done == 0 && admits == 1)
            done = hot_say(&saying, &place, call->site, call);
        if (done < 0 && is_unencodable())
            done = 1;
    }
    Py_XDECREF(saying.text);
    place_leave(&place);
    return done;
}

int
actor_member(EventLine *hot, const Place *place)
{
    return place->actor == NULL ? 0 : hot_member(hot, F_ACTOR, place->actor);
}

static int
tiny_members(EventLine *hot, const Place *Py_UNUSED(place), const void *what)
{
    const Call *call = what;
    PyObject *target = call->given[2];
    if (hot_mark(hot, hot_words.tiny) < 0 || hot_member(hot, F_ACTOR, call->given[0]) < 0)
        return -1;
    if (target == NULL || (PyUnicode_CheckExact(target) && PyUnicode_GET_LENGTH(target) == 0))
        return 0;
    return hot_member(hot, F_TARGET, target);
}

static PyObject *
tiny(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    Call call;
    if (heard == SILENT && is_silent(&tiny_shape, count, names))
        Py_RETURN_NONE;
    int fits = call_take(&call, &tiny_shape, args, count, names);
    if (fits && heard == SILENT)
        Py_RETURN_NONE;
    if (!fits || heard != LISTENING || !PyUnicode_CheckExact(call.given[1]))
        return call_slowly(&call);
    return call_ended(&call, record(&call, call.given[1], call.given[3], 0, tiny_members));
}

static int
correlated_members(EventLine *hot, const Place *Py_UNUSED(place), const void *what)
{
    const Call *call = what;
    if (hot_mark(hot, hot_words.tiny) < 0 || hot_member(hot, F_ACTOR, call->given[0]) < 0 ||
        hot_member(hot, F_TARGET, call->given[2]) < 0)
        return -1;
    return hot_member(hot, F_CORRELATION_ID, call->given[4]);
}

static PyObject *
correlated(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    Call call;
    if (heard == SILENT && is_silent(&correlated_shape, count, names))
        Py_RETURN_NONE;
    int fits = call_take(&call, &correlated_shape, args, count, names);
    if (fits && heard == SILENT)
        Py_RETURN_NONE;
    if (!fits || heard != LISTENING || !PyUnicode_CheckExact(call.given[1]))
        return call_slowly(&call);
    return call_ended(&call, record(&call, call.given[1], call.given[3], 0, correlated_members));
}

static int
iteration_members(EventLine *hot, const Place *place, const void *what)
{
    const Call *call = what;
    PyObject *name = call->given[3];
    if (hot_member(hot, F_I, call->given[0]) < 0)
        return -1;
    if (!is_none(call->given[1]) && hot_member(hot, F_N, call->given[1]) < 0)
        return -1;
    if (name != NULL && PyUnicode_GET_LENGTH(name) > 0 && hot_member(hot, F_NAME, name) < 0)
        return -1;
    return actor_member(hot, place);
}

static PyObject *
iteration(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    Call call;
    if (heard == SILENT && is_silent(&iteration_shape, count, names))
        Py_RETURN_NONE;
    int fits = call_take(&call, &iteration_shape, args, count, names);
    if (fits && heard == SILENT)
        Py_RETURN_NONE;
    if (!fits || heard != LISTENING || (call.given[3] != NULL && !PyUnicode_CheckExact(call.given[3])))
        return call_slowly(&call);
    return call_ended(&call, record(&call, hot_words.loop, call.given[2], 1, iteration_members));
}

static int
state_members(EventLine *hot, const Place *place, const void *what)
{
    const Call *call = what;
    if (hot_member(hot, F_NAME, call->given[0]) < 0 ||
        hot_member(hot, F_BEFORE, call->given[1]) < 0 || hot_member(hot, F_AFTER, call->given[2]) < 0)
        return -1;
    return actor_member(hot, place);
}

static PyObject *
state(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    Call call;
    if (heard == SILENT && is_silent(&state_shape, count, names))
        Py_RETURN_NONE;
    int fits = call_take(&call, &state_shape, args, count, names);
    if (fits && heard == SILENT)
        Py_RETURN_NONE;
    if (!fits || heard != LISTENING)
        return call_slowly(&call);
    int hides = PyUnicode_CheckExact(call.given[0]) ? is_hiding(call.given[0]) : 0;
    if (hides < 0)
        PyErr_Clear(); /* what cannot be judged is hidden, there */
    if (hides != 0)
        return call_slowly(&call);
    return call_ended(&call, record(&call, hot_words.state, NULL, 1, state_members));
}

/* -- the module's part ----------------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    PyObject **where;
} Part;

static const Part parts[] = {
    {"tiny", &tier.tiny},
    {"correlated", &tier.correlated},
    {"enter", &tier.enter},
    {"exit", &tier.leave},
    {"iteration", &tier.iteration},
    {"state", &tier.state},
    {"actors", &tier.actors},
    {"entered", &tier.entered},
    {"site_at", &tier.site_at},
    {"made", &tier.made},
    {"tally", &tier.tally},
};

#define PARTS (sizeof parts / sizeof *parts)

static int
is_of_kind(PyObject *part, PyObject *const *where)
{
    if (where == &tier.actors)
        return PyDict_Check(part);
    if (where == &tier.entered)
        return PyContextVar_CheckExact(part);
    return where == &tier.tally ? is_tally(part) : PyCallable_Check(part);
}

/* hot_use(parts): take the functions, dictionaries and variables that the tier works with. */
static PyObject *
hot_use(PyObject *Py_UNUSED(module), PyObject *given)
{
    if (!PyDict_Check(given))
        return PyErr_Format(PyExc_TypeError, "the parts of the tier are a dict, not %.100s", Py_TYPE(given)->tp_name);
    for (size_t at = 0; at < PARTS; at++) {
        PyObject *part = PyDict_GetItemString(given, parts[at].name);
        if (part == NULL)
            return PyErr_Format(PyExc_TypeError, "the hot tier misses its part %s", parts[at].name);
        if (!is_of_kind(part, parts[at].where))
            return PyErr_Format(PyExc_TypeError, "the hot tier's part %s is of another type", parts[at].name);
    }
    for (size_t at = 0; at < PARTS; at++)
        Py_XSETREF(*parts[at].where, Py_NewRef(PyDict_GetItemString(given, parts[at].name)));
    Py_RETURN_NONE;
}

/* hot_listen(verdict): whether level trace is on for everybody (True), for nobody (False), or that depends (None). */
static PyObject *
hot_listen(PyObject *Py_UNUSED(module), PyObject *verdict)
{
    int is_ready = tier.tally != NULL && engine.is_used;
    heard = verdict == Py_False ? SILENT : verdict == Py_True && is_ready ? LISTENING : ASKING;
    Py_RETURN_NONE;
}

#define CALL(name, function, doc) \
    {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL | METH_KEYWORDS, PyDoc_STR(doc)}

static PyMethodDef functions[] = {
    {"hot_use", hot_use, METH_O, PyDoc_STR("Take the parts of the hot tier, by name.")},
    {"hot_listen", hot_listen, METH_O, PyDoc_STR("Say whether anybody records level trace.")},
    CALL("tiny", tiny, "tiny(actor, action, target='', text='', *args, every=1, per_second=0.0)\n--\n\n"
                       "Say in a few words what was done."),
    CALL("correlated", correlated,
         "correlated(actor, action, target, text, correlation_id, *args, every=1, per_second=0.0)\n--\n\n"
         "Say the same with the flow that it belongs to."),
    CALL("enter", hot_enter,
         "enter(fn, args=None, *, every=1, per_second=0.0)\n--\n\nSay that a function was entered."),
    CALL("exit", hot_exit, "exit(fn, result=...)\n--\n\nSay that a function was left."),
    CALL("iteration", iteration, "iteration(i, n=None, detail='', *args, name='', every=1, per_second=0.0)\n--\n\n"
                                 "Say which round of a loop this is."),
    CALL("state", state, "state(name, before, after, *, every=1, per_second=0.0)\n--\n\nSay that a value changed."),
    {NULL, NULL, 0, NULL},
};

static int
learn_words(void)
{
    static const struct {
        PyObject **where;
        const char *text;
    } list[] = {
        {&hot_words.mark, "flightlog.event"}, {&hot_words.left_out, "flightlog.left_out"},
        {&hot_words.tiny, "tiny"},            {&hot_words.enter, "enter"},
        {&hot_words.exit, "exit"},            {&hot_words.loop, "loop"},
        {&hot_words.state, "state"},          {&hot_words.actor, "actor"},
        {&hot_words.target, "target"},        {&hot_words.correlation_id, "correlation_id"},
        {&hot_words.function, "function"},    {&hot_words.args, "args"},
        {&hot_words.result, "result"},        {&hot_words.elapsed_ns, "elapsed_ns"},
        {&hot_words.i, "i"},                  {&hot_words.n, "n"},
        {&hot_words.name, "name"},            {&hot_words.before, "before"},
        {&hot_words.after, "after"},          {&hot_words.text, "text"},
        {&hot_words.action, "action"},        {&hot_words.detail, "detail"},
        {&hot_words.every, "every"},          {&hot_words.per_second, "per_second"},
        {&hot_words.fn, "fn"},                {&hot_words.dunder_name, "__name__"},
        {&hot_words.error, "error"},          {&hot_words.status, "status"},
    };
    for (size_t at = 0; at < sizeof list / sizeof *list; at++) {
        *list[at].where = PyUnicode_InternFromString(list[at].text);
        if (*list[at].where == NULL)
            return -1;
    }
    return 0;
}

int
fls_hot_add(PyObject *module)
{
    if (learn_words() < 0 || plain_add(module) < 0 || sites_add(module) < 0 || loop_add(module) < 0 ||
        traced_add(module) < 0 || hot_traced_add(module) < 0 || said_add(module) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
