/* What stands within the wrapper that `hot.traced_fn` puts around a plain function: says that a call began, calls,
 * and says how it ended.
 *
 * As in traced.c the wrapper is a function of Python. A Teller does the plain case of core/hot_calls.py. Where it is
 * not plain when the call begins, `slow`, the wrapper in plain Python, does all of it, before the call was counted.
 * Where only its end is not (it raises, or gives a generator), `ended(result, error, ns)` and `follow(answer, zero)`
 * do that.
 *
 * A Teller owns its function and what it was made with.
 */
#include "hot.h"
#include <structmember.h>
#include <stddef.h>

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    Callee callee;
    PyObject *action, *function, *module, *actor, *slow, *ended, *follow; /* owned */
    Site *site;
    long long every;
    double per_second;
} Teller;

/* Where it is said, and by whom: the actor that was named, else that of the function's module. */
static int
find_place(const Teller *self, Place *place)
{
    int named = PyUnicode_GET_LENGTH(self->actor) > 0;
    int plain = place_hot(place, !named);
    if (plain != 1)
        return plain;
    PyObject *actor = named ? self->actor : PyDict_GetItemWithError(tier.actors, self->module);
    if (actor == NULL || !PyUnicode_CheckExact(actor))
        return PyErr_Occurred() ? -1 : 0;
    place->actor = Py_NewRef(actor);
    return 1;
}

/* What is told of a call: how far it is, and what it was given or gave. */
typedef struct {
    const Teller *self;
    PyObject *mark, *value;
    int field;
    long long ns; /* -1: it has begun */
} Told;

static int
call_members(EventLine *hot, const Place *place, const void *what)
{
    const Told *told = what;
    if (hot_mark(hot, told->mark) < 0 || hot_member(hot, F_ACTOR, place->actor) < 0 ||
        hot_member(hot, F_FUNCTION, told->self->function) < 0 || hot_member(hot, told->field, told->value) < 0)
        return -1;
    return told->ns < 0 ? 0 : hot_number(hot, F_ELAPSED_NS, told->ns);
}

static int
say(const Place *place, const Told *told)
{
    const Saying saying = {told->self->action, NULL, call_members};
    return hot_say(&saying, place, told->self->site, told);
}

/* 0: said; 1: the function in Python shall; -1 with an exception. */
static int
say_enter(const Teller *self, const Place *place, PyObject *args, PyObject *kwargs)
{
    PyObject *given = callee_named(&self->callee, args, kwargs);
    if (given == NULL)
        return -1;
    const Told told = {self, hot_words.enter, given, F_ARGS, -1};
    int done = say(place, &told);
    Py_DECREF(given);
    return done;
}

static int
say_exit(const Teller *self, PyObject *answer, long long ns)
{
    Place place;
    const Told told = {self, hot_words.exit, answer, F_RESULT, ns};
    int plain = find_place(self, &place), done = plain < 0 ? -1 : !plain;
    if (done == 0)
        done = say(&place, &told);
    place_leave(&place);
    return done;
}

/* ended(result, error, ns); -1 with an exception. */
static int
end_slowly(const Teller *self, PyObject *answer, PyObject *error, long long ns)
{
    PyObject *number = PyLong_FromLongLong(ns), *told = NULL;
    if (number != NULL)
        told = PyObject_CallFunctionObjArgs(self->ended, answer, error, number, NULL);
    Py_XDECREF(number);
    Py_XDECREF(told);
    return told == NULL ? -1 : 0;
}

/* Tell of the exception that is set, and have it set again. */
static void
end_failed(const Teller *self, long long ns)
{
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    if (end_slowly(self, Py_None, error, ns) < 0) { /* what came between goes on, as it would from an `except` */
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(trace);
        return;
    }
    PyErr_Restore(type, error, trace);
}

/* A generator or coroutine that nobody else holds: something in its place ends the call. 1: it does. */
static int
follow(const Teller *self, PyObject **answer, long long zero)
{
    PyObject *number = PyLong_FromLongLong(zero), *stand_in = NULL;
    if (number != NULL)
        stand_in = PyObject_CallFunctionObjArgs(self->follow, *answer, number, NULL);
    Py_XDECREF(number);
    if (stand_in == NULL)
        return -1;
    if (stand_in != Py_None) {
        Py_SETREF(*answer, stand_in);
        return 1;
    }
    Py_DECREF(stand_in);
    return 0;
}

static PyObject *
call_told(const Teller *self, PyObject *args, PyObject *kwargs)
{
    long long zero = now_ns();
    PyObject *answer = callee_call(&self->callee, args, kwargs);
    int followed = answer != NULL && is_alone(answer) ? follow(self, &answer, zero) : 0;
    if (followed > 0)
        return answer;
    if (UNLIKELY(answer == NULL || followed < 0)) {
        Py_XDECREF(answer);
        end_failed(self, now_ns() - zero);
        return NULL;
    }
    long long ns = now_ns() - zero;
    int done = say_exit(self, answer, ns);
    if (done < 0)
        done = lost();
    else if (done > 0)
        done = end_slowly(self, answer, Py_None, ns);
    if (done < 0)
        Py_CLEAR(answer);
    return answer;
}

/* Say that the call begins, if that is plain. 1: said; 0: it is left out; 2: it is not plain; -1 with an exception. */
static int
begin(const Teller *self, PyObject *args, PyObject *kwargs)
{
    Place place;
    const Counts before = self->site->now;
    int plain = find_place(self, &place), done = plain == 0 ? 2 : plain;
    if (plain < 0)
        done = lost();
    if (plain == 1)
        done = site_admits(self->site, self->every, self->per_second);
    if (plain == 1 && done == 1) {
        int said = say_enter(self, &place, args, kwargs);
        if (said > 0) {
            self->site->now = before;
            done = 2;
        }
        if (said < 0)
            done = lost() < 0 ? -1 : 1;
    }
    place_leave(&place);
    return done;
}

static PyObject *
teller_call(PyObject *object, PyObject *const *given, size_t count, PyObject *Py_UNUSED(names))
{
    Teller *self = (Teller *)object;
    if (PyVectorcall_NARGS(count) != 2 || !PyTuple_CheckExact(given[0]) || !PyDict_CheckExact(given[1]))
        return PyErr_Format(PyExc_TypeError, "a teller takes a tuple and a dict");
    if (heard == SILENT)
        return callee_call(&self->callee, given[0], given[1]);
    int begun = heard == LISTENING ? begin(self, given[0], given[1]) : 2;
    if (begun == 2)
        return PyObject_Call(self->slow, given[0], given[1]);
    if (begun < 0)
        return NULL;
    return begun ? call_told(self, given[0], given[1]) : callee_call(&self->callee, given[0], given[1]);
}

/* Teller(function, names, action, called, module, actor, site, every, per_second, slow, ended, follow) */
static PyObject *
teller_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(names))
{
    PyObject *function, *names, *action, *called, *module, *actor, *site, *slow, *ended, *follow;
    long long every;
    double per_second;
    if (!PyArg_ParseTuple(args, "OOUUUUOO&dOOO", &function, &names, &action, &called, &module, &actor, &site, every_of,
                          &every, &per_second, &slow, &ended, &follow))
        return NULL;
    if (!is_site(site) || names == Py_None)
        return PyErr_Format(PyExc_TypeError, "a teller wants a site and the names of its arguments");
    Teller *self = (Teller *)type->tp_alloc(type, 0);
    if (self == NULL || callee_take(&self->callee, function, names) < 0) {
        Py_XDECREF((PyObject *)self);
        return NULL;
    }
    self->call = teller_call;
    self->action = Py_NewRef(action);
    self->function = Py_NewRef(called);
    self->module = Py_NewRef(module);
    self->actor = Py_NewRef(actor);
    self->slow = Py_NewRef(slow);
    self->ended = Py_NewRef(ended);
    self->follow = Py_NewRef(follow);
    self->site = (Site *)Py_NewRef(site);
    self->every = every;
    self->per_second = per_second;
    return (PyObject *)self;
}

static int
teller_traverse(PyObject *object, visitproc visit, void *arg)
{
    Teller *self = (Teller *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->slow);
    Py_VISIT(self->ended);
    Py_VISIT(self->follow);
    return callee_visit(&self->callee, visit, arg);
}

static int
teller_clear(PyObject *object)
{
    Teller *self = (Teller *)object;
    callee_clear(&self->callee);
    Py_CLEAR(self->slow);
    Py_CLEAR(self->ended);
    Py_CLEAR(self->follow);
    return 0;
}

static void
teller_dealloc(PyObject *object)
{
    Teller *self = (Teller *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    (void)teller_clear(object);
    Py_XDECREF(self->action);
    Py_XDECREF(self->function);
    Py_XDECREF(self->module);
    Py_XDECREF(self->actor);
    Py_XDECREF((PyObject *)self->site);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Teller, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, teller_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_dealloc, teller_dealloc},
    {Py_tp_traverse, teller_traverse},
    {Py_tp_clear, teller_clear},
    {Py_tp_members, members},
    {Py_tp_doc, PyDoc_STR("What tells of the calls of a function.")},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "flightlog._speed._core.Teller",
    .basicsize = sizeof(Teller),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = slots,
};

int
hot_traced_add(PyObject *module)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&spec);
    int done = type == NULL ? -1 : PyModule_AddType(module, type);
    Py_XDECREF((PyObject *)type);
    return done;
}
