/* What a call site has left out, and what was entered and not left yet: the numbers of core/hot_sites.py and the chain
 * of core/hot_pairs.py, where C can read them.
 *
 * Site, Tally and Entry are base classes or types that Python uses under its own names. An Entry owns its name and the
 * one around it, and never more than `MOST_OPEN` hang on each other. The table of sites that were seen last owns one
 * reference to each code object and site in it; core/hot_sites.py makes every site, and has the table forgotten when
 * it forgets its own.
 */
#include "hot.h"
#include <limits.h>
#include <structmember.h>
#include <stddef.h>

#define SEEN 512 /* a power of two */

static struct {
    PyCodeObject *code;
    PyObject *site;
    int at;
} table[SEEN];

static PyTypeObject *site_type, *tally_type;
PyTypeObject *entry_type;

int
is_tally(PyObject *object)
{
    return PyObject_TypeCheck(object, tally_type);
}

int
is_site(PyObject *object)
{
    return PyObject_TypeCheck(object, site_type);
}

/* -- sites ----------------------------------------------------------------------------------------------------- */

static PyObject *
forget_sites(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    for (size_t at = 0; at < SEEN; at++) {
        PyObject *code = (PyObject *)table[at].code, *site = table[at].site;
        table[at].code = NULL;
        table[at].site = NULL;
        Py_XDECREF(code);
        Py_XDECREF(site);
    }
    Py_RETURN_NONE;
}

Site *
site_here(void)
{
    PyFrameObject *frame = PyEval_GetFrame();
    if (frame == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "no Python code runs");
        return NULL;
    }
    PyCodeObject *code = PyFrame_GetCode(frame);
    int at = PyFrame_GetLasti(frame);
    size_t place = (((size_t)code >> 5) ^ ((size_t)at * 7)) & (SEEN - 1);
    if (LIKELY(table[place].code == code && table[place].at == at)) {
        Py_DECREF(code);
        return (Site *)Py_NewRef(table[place].site);
    }
    PyObject *site = PyObject_CallOneArg(tier.site_at, (PyObject *)frame);
    if (site != NULL && !PyObject_TypeCheck(site, site_type)) {
        PyErr_SetString(PyExc_TypeError, "a site of another sort");
        Py_CLEAR(site);
    }
    if (site == NULL) {
        Py_DECREF(code);
        return NULL;
    }
    PyObject *before[] = {(PyObject *)table[place].code, table[place].site};
    table[place].code = code;
    table[place].at = at;
    table[place].site = Py_NewRef(site);
    Py_XDECREF(before[0]);
    Py_XDECREF(before[1]);
    return (Site *)site;
}

void
site_leave_out(Site *site)
{
    site->now.left++;
    ((Tally *)tier.tally)->left_out++;
}

int
site_has_room(Site *site, double per_second)
{
    long long now = now_ns();
    double most = per_second > 1.0 ? per_second : 1.0, room = most;
    if (site->now.room >= 0) {
        room = site->now.room + (double)(now - site->now.due) * per_second / 1e9;
        room = room < most ? room : most;
    }
    site->now.due = now;
    site->now.room = room >= 1.0 ? room - 1.0 : room;
    return room >= 1.0;
}

/* One in more rounds than a program has is the first alone. */
int
every_of(PyObject *number, void *every)
{
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
    *(long long *)every = overflow > 0 ? LLONG_MAX : overflow < 0 ? 1 : value;
    return !(value == -1 && PyErr_Occurred());
}

int
site_admits(Site *site, long long every, double per_second)
{
    long long seen = site->now.seen++;
    if ((every > 1 && seen % every != 0) || (per_second > 0 && !site_has_room(site, per_second))) {
        site_leave_out(site);
        return 0;
    }
    return 1;
}

static PyMemberDef site_members[] = {
    {"seen", T_LONGLONG, offsetof(Site, now.seen), 0, "Calls, counted where not each is recorded."},
    {"left", T_LONGLONG, offsetof(Site, now.left), 0, "Calls left out since the last that was recorded."},
    {"_due", T_LONGLONG, offsetof(Site, now.due), 0, NULL},
    {"_room", T_DOUBLE, offsetof(Site, now.room), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMemberDef tally_members[] = {
    {"left_out", T_LONGLONG, offsetof(Tally, left_out), 0, "Calls that no counter tells of yet."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot site_slots[] = {{Py_tp_members, site_members}, {0, NULL}};
static PyType_Slot tally_slots[] = {{Py_tp_members, tally_members}, {0, NULL}};

static PyType_Spec site_spec = {
    .name = "flightlog._speed._core.Site",
    .basicsize = sizeof(Site),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = site_slots,
};

static PyType_Spec tally_spec = {
    .name = "flightlog._speed._core.Tally",
    .basicsize = sizeof(Tally),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = tally_slots,
};

/* -- pairs ----------------------------------------------------------------------------------------------------- */

#define MOST_OPEN 1000 /* as in core/hot_pairs.py */

static Entry *
entry_made(PyObject *name, Entry *outer, int is_told)
{
    Entry *self = PyObject_New(Entry, entry_type);
    if (self == NULL)
        return NULL;
    if (outer != NULL && outer->depth >= MOST_OPEN)
        outer = NULL;
    self->name = Py_NewRef(name);
    self->outer = (Entry *)Py_XNewRef((PyObject *)outer);
    self->depth = outer == NULL ? 1 : outer->depth + 1;
    self->is_told = (char)is_told;
    self->zero = now_ns();
    return self;
}

/* Entry(name, outer, *, is_told) */
static PyObject *
entry_new(PyTypeObject *Py_UNUSED(type), PyObject *args, PyObject *names)
{
    static char *known[] = {"name", "outer", "is_told", NULL};
    PyObject *name, *outer;
    int is_told;
    if (!PyArg_ParseTupleAndKeywords(args, names, "UO$p", known, &name, &outer, &is_told))
        return NULL;
    if (outer != Py_None && Py_TYPE(outer) != entry_type)
        return PyErr_Format(PyExc_TypeError, "%.100s is no entry", Py_TYPE(outer)->tp_name);
    return (PyObject *)entry_made(name, outer == Py_None ? NULL : (Entry *)outer, is_told);
}

static void
entry_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    Entry *self = (Entry *)object;
    Py_XDECREF(self->name);
    Py_XDECREF((PyObject *)self->outer);
    type->tp_free(object);
    Py_DECREF(type);
}

/* The innermost entry of this context, a new reference or NULL for none; -1 with an exception. */
static int
innermost(Entry **entry)
{
    PyObject *found;
    *entry = NULL;
    if (PyContextVar_Get(tier.entered, NULL, &found) < 0)
        return -1;
    if (found != NULL && Py_TYPE(found) == entry_type)
        *entry = (Entry *)found;
    else
        Py_XDECREF(found);
    return 0;
}

int
entry_begin(PyObject *name, int is_told)
{
    Entry *outer;
    if (innermost(&outer) < 0)
        return -1;
    Entry *entry = entry_made(name, outer, is_told);
    Py_XDECREF((PyObject *)outer);
    int done = entry == NULL ? -1 : entry_set(entry);
    Py_XDECREF((PyObject *)entry);
    return done;
}

int
entry_set(Entry *entry)
{
    PyObject *token = PyContextVar_Set(tier.entered, entry == NULL ? Py_None : (PyObject *)entry);
    Py_XDECREF(token);
    return token == NULL ? -1 : 0;
}

int
entry_end(PyObject *name, Entry **found, Entry **before)
{
    *found = NULL;
    if (innermost(before) < 0)
        return -1;
    Entry *entry = *before; /* which holds all those around it */
    while (entry != NULL && entry->name != name && PyUnicode_Compare(entry->name, name) != 0)
        entry = entry->outer;
    if (entry == NULL)
        return 0;
    *found = (Entry *)Py_NewRef((PyObject *)entry);
    return entry_set(entry->outer);
}

static PyMemberDef entry_members[] = {
    {"name", T_OBJECT, offsetof(Entry, name), READONLY, NULL},
    {"outer", T_OBJECT, offsetof(Entry, outer), READONLY, NULL},
    {"zero", T_LONGLONG, offsetof(Entry, zero), READONLY, NULL},
    {"depth", T_LONGLONG, offsetof(Entry, depth), READONLY, NULL},
    {"is_told", T_BOOL, offsetof(Entry, is_told), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot entry_slots[] = {
    {Py_tp_new, entry_new},
    {Py_tp_dealloc, entry_dealloc},
    {Py_tp_members, entry_members},
    {Py_tp_doc, PyDoc_STR("A function that was entered, and those around it.")},
    {0, NULL},
};

static PyType_Spec entry_spec = {
    .name = "flightlog._speed._core.Entry",
    .basicsize = sizeof(Entry),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = entry_slots,
};

static PyMethodDef functions[] = {
    {"forget_sites", forget_sites, METH_NOARGS, PyDoc_STR("Forget the call sites that were seen last.")},
    {NULL, NULL, 0, NULL},
};

int
sites_add(PyObject *module)
{
    site_type = (PyTypeObject *)PyType_FromSpec(&site_spec);
    entry_type = (PyTypeObject *)PyType_FromSpec(&entry_spec);
    tally_type = (PyTypeObject *)PyType_FromSpec(&tally_spec);
    if (site_type == NULL || entry_type == NULL || tally_type == NULL)
        return -1;
    if (PyModule_AddType(module, site_type) < 0 || PyModule_AddType(module, entry_type) < 0 ||
        PyModule_AddType(module, tally_type) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
