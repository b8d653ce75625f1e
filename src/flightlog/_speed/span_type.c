/* The type Span: where its members are, how it is born from the free list, seen by the garbage collector, and freed.
 *
 * A Span owns every object that it points to but its neighbours in the list of open spans; a dead one on the free list
 * owns its buffer alone. Its base class is handed over from Python (`span_type(base)`) and has every rare method. Each
 * member has the name that the slot of the plain class has, so that those methods work on both.
 */
#include "span.h"
#include <structmember.h>
#include <stddef.h>

#define MOST_FREE 128
#define MOST_KEPT_ROOM 1024 /* bytes of a dead span's buffer that are worth keeping */

static Span *dead[MOST_FREE]; /* without type, and without references */
static int dead_count;

Span *
span_new(void)
{
    Span *self;
    if (LIKELY(dead_count > 0)) {
        self = dead[--dead_count];
        memset(&self->start, 0, offsetof(Span, span_id) - offsetof(Span, start)); /* the rest was when it died */
        (void)PyObject_Init((PyObject *)self, engine.type);
    }
    else {
        self = PyObject_GC_New(Span, engine.type);
        if (self == NULL)
            return NULL;
        memset((char *)self + sizeof(PyObject), 0, sizeof(Span) - sizeof(PyObject));
    }
    self->plain = 1;
    PyObject_GC_Track((PyObject *)self);
    return self;
}

#define EACH_OBJECT(DO)                                                                                        \
    DO(span_id) DO(trace_id) DO(parent_field) DO(name) DO(kind) DO(level_field) DO(status) DO(remote) DO(root) \
    DO(out) DO(outer) DO(parent) DO(task) DO(context) DO(attributes) DO(input) DO(output) DO(error) DO(links)  \
    DO(waits) DO(before) DO(after) DO(keys)

static int
span_traverse(PyObject *object, visitproc visit, void *arg)
{
    Span *self = (Span *)object;
    Py_VISIT(Py_TYPE(object));
#define VISIT(name) Py_VISIT(self->name);
    EACH_OBJECT(VISIT)
#undef VISIT
    return 0;
}

static int
span_clear(PyObject *object)
{
    Span *self = (Span *)object;
    self->count = 0;
#define CLEAR(name) Py_CLEAR(self->name);
    EACH_OBJECT(CLEAR)
#undef CLEAR
    return 0;
}

static void
span_dealloc(PyObject *object)
{
    Span *self = (Span *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_TRASHCAN_BEGIN(object, span_dealloc)
    if (self->weakrefs != NULL)
        PyObject_ClearWeakRefs(object);
    (void)span_clear(object);
    if (type == engine.type && dead_count < MOST_FREE) {
        if (self->room > MOST_KEPT_ROOM) {
            PyMem_Free(self->members);
            self->members = NULL;
            self->room = 0;
        }
        dead[dead_count++] = self;
    }
    else {
        PyMem_Free(self->members);
        type->tp_free(object);
    }
    Py_DECREF(type);
    Py_TRASHCAN_END
}

/* -- members that are more than a pointer ------------------------------------------------------------------- */

static PyObject *
hex_text(uint64_t value)
{
    char digits[16];
    put_hex(digits, value);
    return PyUnicode_FromStringAndSize(digits, 16);
}

/* The number that 16 lower-case hexadecimal digits stand for; 0 for any other text. */
static uint64_t
hex_value(PyObject *text)
{
    if (!PyUnicode_CheckExact(text) || !PyUnicode_IS_COMPACT_ASCII(text) || PyUnicode_GET_LENGTH(text) != 16)
        return 0;
    const char *digits = (const char *)PyUnicode_1BYTE_DATA(text);
    uint64_t value = 0;
    for (int at = 0; at < 16; at++) {
        char digit = digits[at];
        unsigned nibble;
        if (digit >= '0' && digit <= '9')
            nibble = (unsigned)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            nibble = (unsigned)(digit - 'a' + 10);
        else
            return 0;
        value = value << 4 | nibble;
    }
    return value;
}

static PyObject *
get_span_id(PyObject *object, void *Py_UNUSED(closure))
{
    Span *self = (Span *)object;
    if (self->span_id == NULL) {
        if (self->id == 0)
            return Py_NewRef(words.empty);
        self->span_id = hex_text(self->id);
    }
    return Py_XNewRef(self->span_id);
}

static int
refuse_deletion(PyObject *value)
{
    if (value != NULL)
        return 0;
    PyErr_SetString(PyExc_TypeError, "a member of a span cannot be deleted");
    return -1;
}

static int
set_span_id(PyObject *object, PyObject *value, void *Py_UNUSED(closure))
{
    Span *self = (Span *)object;
    if (refuse_deletion(value) < 0)
        return -1;
    self->id = hex_value(value);
    Py_XSETREF(self->span_id, Py_NewRef(value));
    return 0;
}

static PyObject *
get_start(PyObject *object, void *Py_UNUSED(closure))
{
    Span *self = (Span *)object;
    if (self->has_start)
        return PyLong_FromLongLong(self->start);
    PyErr_SetString(PyExc_AttributeError, "start"); /* as a slot that was never filled */
    return NULL;
}

static int
set_start(PyObject *object, PyObject *value, void *Py_UNUSED(closure))
{
    if (refuse_deletion(value) < 0)
        return -1;
    long long start = PyLong_AsLongLong(value);
    if (start == -1 && PyErr_Occurred())
        return -1;
    ((Span *)object)->start = start;
    ((Span *)object)->has_start = 1;
    return 0;
}

static PyObject *
get_parent_field(PyObject *object, void *Py_UNUSED(closure))
{
    Span *self = (Span *)object;
    if (self->parent_field == NULL) {
        if (self->parent_id == 0)
            return Py_NewRef(words.empty);
        char field[] = "\"parent_id\":\"0123456789abcdef\",";
        put_hex(field + sizeof("\"parent_id\":\"") - 1, self->parent_id);
        self->parent_field = PyUnicode_FromStringAndSize(field, sizeof field - 1);
    }
    return Py_XNewRef(self->parent_field);
}

static int
set_parent_field(PyObject *object, PyObject *value, void *Py_UNUSED(closure))
{
    Span *self = (Span *)object;
    if (refuse_deletion(value) < 0)
        return -1;
    self->parent_id = 0;
    Py_XSETREF(self->parent_field, Py_NewRef(value));
    return 0;
}

static PyObject *
get_root(PyObject *object, void *Py_UNUSED(closure))
{
    Span *self = (Span *)object;
    if (self->is_root)
        return Py_NewRef(object);
    if (self->root == NULL) {
        PyErr_SetString(PyExc_AttributeError, "_root");
        return NULL;
    }
    return Py_NewRef(self->root);
}

static int
set_root(PyObject *object, PyObject *value, void *Py_UNUSED(closure))
{
    Span *self = (Span *)object;
    if (refuse_deletion(value) < 0)
        return -1;
    self->is_root = value == object; /* no reference to itself: it would have to wait for the collector */
    Py_XSETREF(self->root, self->is_root ? NULL : Py_NewRef(value));
    return 0;
}

/* Attributes that were kept as bytes become the dict that they stand for. */
static int
unfold(Span *self)
{
    PyObject *found = PyDict_New();
    if (found == NULL)
        return -1;
    uint32_t from = 0;
    for (uint32_t at = 0; at < self->count; at++) {
        PyObject *member = PyUnicode_DecodeUTF8(self->members + from, self->ends[at] - from, NULL);
        PyObject *key = PyTuple_GET_ITEM(self->keys, self->which[at]);
        if (member == NULL || PyDict_SetItem(found, key, member) < 0) {
            Py_XDECREF(member);
            Py_DECREF(found);
            return -1;
        }
        Py_DECREF(member);
        from = self->ends[at] + 1; /* a comma stands between them */
    }
    self->count = 0;
    Py_XSETREF(self->attributes, found);
    return 0;
}

static PyObject *
get_attributes(PyObject *object, void *Py_UNUSED(closure))
{
    Span *self = (Span *)object;
    if (self->count > 0 && unfold(self) < 0)
        return NULL;
    return Py_NewRef(self->attributes == NULL ? Py_None : self->attributes);
}

static int
set_attributes(PyObject *object, PyObject *value, void *Py_UNUSED(closure))
{
    Span *self = (Span *)object;
    if (refuse_deletion(value) < 0)
        return -1;
    self->count = 0;
    Py_XSETREF(self->attributes, Py_NewRef(value));
    return 0;
}

/* A text that is mostly the same one: NULL stands for it. */
typedef struct {
    size_t offset;
    PyObject **usual;
} Usual;

static Usual usual_trace_id = {offsetof(Span, trace_id), &words.empty};
static Usual usual_name = {offsetof(Span, name), &words.empty};
static Usual usual_kind = {offsetof(Span, kind), &words.step};
static Usual usual_level_field = {offsetof(Span, level_field), &words.empty};
static Usual usual_status = {offsetof(Span, status), &words.ok};
static Usual usual_remote = {offsetof(Span, remote), &words.empty};

static PyObject *
get_usual(PyObject *object, void *closure)
{
    const Usual *where = closure;
    PyObject *value = *(PyObject **)((char *)object + where->offset);
    return Py_NewRef(value == NULL ? *where->usual : value);
}

static int
set_usual(PyObject *object, PyObject *value, void *closure)
{
    const Usual *where = closure;
    if (refuse_deletion(value) < 0)
        return -1;
    PyObject **slot = (PyObject **)((char *)object + where->offset);
    Py_XSETREF(*slot, value == *where->usual ? NULL : Py_NewRef(value));
    return 0;
}

static PyGetSetDef getset[] = {
    {"span_id", get_span_id, set_span_id, "16 hexadecimal digits.", NULL},
    {"start", get_start, set_start, "Unix nanoseconds, from when its block is entered.", NULL},
    {"trace_id", get_usual, set_usual, "32 hexadecimal digits.", &usual_trace_id},
    {"_parent_field", get_parent_field, set_parent_field, NULL, NULL},
    {"_root", get_root, set_root, NULL, NULL},
    {"_attributes", get_attributes, set_attributes, NULL, NULL},
    {"_name", get_usual, set_usual, NULL, &usual_name},
    {"_kind", get_usual, set_usual, NULL, &usual_kind},
    {"_level_field", get_usual, set_usual, NULL, &usual_level_field},
    {"_status", get_usual, set_usual, NULL, &usual_status},
    {"_remote", get_usual, set_usual, NULL, &usual_remote},
    {NULL, NULL, NULL, NULL, NULL},
};

#define OBJECT(name) {"_" #name, T_OBJECT, offsetof(Span, name), 0, NULL}

static PyMemberDef members[] = {
    {"_zero", T_LONGLONG, offsetof(Span, zero), 0, NULL},
    {"_told", T_LONGLONG, offsetof(Span, told), 0, NULL},
    {"_frame", T_LONGLONG, offsetof(Span, frame), 0, NULL},
    {"_thread", T_ULONGLONG, offsetof(Span, thread), 0, NULL},
    {"_state", T_INT, offsetof(Span, state), 0, NULL},
    {"_plain", T_BOOL, offsetof(Span, plain), 0, NULL},
    {"_announced", T_BOOL, offsetof(Span, announced), 0, NULL},
    {"_alone", T_BOOL, offsetof(Span, alone), 0, NULL},
    OBJECT(out),
    OBJECT(outer),
    OBJECT(parent),
    OBJECT(task),
    OBJECT(context),
    OBJECT(input),
    OBJECT(output),
    OBJECT(error),
    OBJECT(links),
    OBJECT(waits),
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Span, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyObject *
span_append_method(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "_append takes a status and an end");
        return NULL;
    }
    long long end = PyLong_AsLongLong(args[1]);
    if (end == -1 && PyErr_Occurred())
        return NULL;
    if (span_append((Span *)self, args[0], end) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* It is made anew without arguments, and then given its members (`__slots__` names them), as the plain one is. */
static PyObject *
new_arguments(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(unused))
{
    return PyTuple_New(0);
}

static PyMethodDef methods[] = {
    {"__getnewargs__", new_arguments, METH_NOARGS, NULL},
    {"_append", (PyCFunction)(void (*)(void))span_append_method, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, span_dealloc},
    {Py_tp_traverse, span_traverse},
    {Py_tp_clear, span_clear},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, getset},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "flightlog.Span",
    .basicsize = sizeof(Span),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

/* span_type(base) -> the type; made once. */
PyObject *
make_type(PyObject *Py_UNUSED(module), PyObject *base)
{
    if (!is_used())
        return NULL;
    if (engine.type == NULL) {
        PyObject *bases = PyTuple_Pack(1, base);
        if (bases == NULL)
            return NULL;
        PyTypeObject *type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, bases);
        Py_DECREF(bases);
        if (type == NULL || block_add(type) < 0)
            return NULL;
        engine.type = type;
    }
    return Py_XNewRef((PyObject *)engine.type);
}
