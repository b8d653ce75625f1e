/* The iterator that `hot.loop` gives where somebody listens: hands on each item, and says that its round begins.
 *
 * Rounds owns its items' iterator, its site, its texts and the function in Python that begins a round where that is
 * not plain, called as `begin(i, frame)` before anything was counted.
 */
#include "hot.h"
#include <structmember.h>
#include <stddef.h>

typedef struct {
    PyObject_HEAD
    PyObject *items, *begin; /* owned, as all of these; `items` is NULL once they are exhausted */
    PyObject *actor, *n, *name; /* NULL or None where there is none */
    Site *site;
    long long i, every;
    double per_second;
} Rounds;

static int
rounds_traverse(PyObject *object, visitproc visit, void *arg)
{
    Rounds *self = (Rounds *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->items);
    Py_VISIT(self->begin);
    Py_VISIT(self->n);
    return 0;
}

static int
rounds_clear(PyObject *object)
{
    Rounds *self = (Rounds *)object;
    Py_CLEAR(self->items);
    Py_CLEAR(self->begin);
    Py_CLEAR(self->n);
    return 0;
}

static void
rounds_dealloc(PyObject *object)
{
    Rounds *self = (Rounds *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    (void)rounds_clear(object);
    Py_XDECREF(self->actor);
    Py_XDECREF(self->name);
    Py_XDECREF((PyObject *)self->site);
    type->tp_free(object);
    Py_DECREF(type);
}

/* Rounds(items, begin, site, actor, n, name, every, per_second) */
static PyObject *
rounds_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(names))
{
    PyObject *items, *begin, *site, *actor, *n, *name;
    long long every;
    double per_second;
    if (!PyArg_ParseTuple(args, "OOOUOUO&d", &items, &begin, &site, &actor, &n, &name, every_of, &every,
                          &per_second))
        return NULL;
    if (!tier_is_used())
        return NULL;
    if (!PyIter_Check(items) || !is_site(site))
        return PyErr_Format(PyExc_TypeError, "rounds want an iterator and a site");
    Rounds *self = (Rounds *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->items = Py_NewRef(items);
    self->begin = Py_NewRef(begin);
    self->site = (Site *)Py_NewRef(site);
    self->actor = Py_NewRef(actor);
    self->n = Py_NewRef(n);
    self->name = Py_NewRef(name);
    self->every = every;
    self->per_second = per_second;
    return (PyObject *)self;
}

typedef struct {
    const Rounds *rounds;
    long long i;
} Round;

static int
round_members(EventLine *hot, const Place *Py_UNUSED(place), const void *what)
{
    const Round *round = what;
    const Rounds *self = round->rounds;
    if (PyUnicode_GET_LENGTH(self->actor) > 0 && hot_member(hot, F_ACTOR, self->actor) < 0)
        return -1;
    if (hot_number(hot, F_I, round->i) < 0 || (self->n != Py_None && hot_member(hot, F_N, self->n) < 0))
        return -1;
    return PyUnicode_GET_LENGTH(self->name) > 0 ? hot_member(hot, F_NAME, self->name) : 0;
}

/* 0: said, or left out; 1: the function in Python shall; -1 with an exception. */
static int
say_round(const Rounds *self, long long i)
{
    Place place;
    const Round round = {self, i};
    const Saying saying = {hot_words.loop, NULL, round_members};
    int plain = place_find(&place, 0), done = plain < 0 ? -1 : !plain;
    if (done == 0)
        done = hot_say(&saying, &place, self->site, &round);
    place_leave(&place);
    return done;
}

/* As `_Rounds.begin` in core/hot.py. */
static int
begin_round(Rounds *self, long long i)
{
    if (self->every > 1 && i % self->every != 0) {
        site_leave_out(self->site);
        return 0;
    }
    const Counts before = self->site->now;
    if (self->per_second > 0 && !site_has_room(self->site, self->per_second)) {
        site_leave_out(self->site);
        return 0;
    }
    int done = say_round(self, i);
    if (done <= 0)
        return done < 0 ? lost() : 0;
    self->site->now.due = before.due;
    self->site->now.room = before.room;
    PyObject *number = PyLong_FromLongLong(i), *frame = (PyObject *)PyEval_GetFrame();
    PyObject *answer = NULL;
    if (number != NULL)
        answer = PyObject_CallFunctionObjArgs(self->begin, number, frame == NULL ? Py_None : frame, NULL);
    Py_XDECREF(number);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

static PyObject *
rounds_next(PyObject *object)
{
    Rounds *self = (Rounds *)object;
    if (self->items == NULL)
        return NULL;
    PyObject *items = Py_NewRef(self->items);
    PyObject *item = (*Py_TYPE(items)->tp_iternext)(items);
    Py_DECREF(items);
    if (item == NULL) {
        Py_CLEAR(self->items);
        return NULL;
    }
    long long i = self->i++;
    if (LIKELY(heard != SILENT) && begin_round(self, i) < 0) {
        Py_DECREF(item);
        return NULL;
    }
    return item;
}

static PyType_Slot slots[] = {
    {Py_tp_new, rounds_new},
    {Py_tp_dealloc, rounds_dealloc},
    {Py_tp_traverse, rounds_traverse},
    {Py_tp_clear, rounds_clear},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, rounds_next},
    {Py_tp_doc, PyDoc_STR("The rounds of a loop that is told of.")},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "flightlog._speed._core.Rounds",
    .basicsize = sizeof(Rounds),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int
loop_add(PyObject *module)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&spec);
    int done = type == NULL ? -1 : PyModule_AddType(module, type);
    Py_XDECREF((PyObject *)type);
    return done;
}
