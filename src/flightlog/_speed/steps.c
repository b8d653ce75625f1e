/* `TraceWriter`: writes an execution trace as JSON, the bytes that `steps/wire.py` writes, for what is usual in one.
 *
 * What is not usual (a step of another class, an open step, a number that is none, a text with a lone surrogate) makes
 * `write` answer None, and the caller writes the trace in Python. Values are
 * written by values.c, with the help of `encode`, which Python hands over.
 *
 * Owns: a TraceWriter holds references to two classes and to `encode`, visited and cleared by the collector; while it
 * writes, it owns one buffer. Every object that is written is borrowed from its container, and held while Python code
 * (`encode`) may run. Members of a step are read from where its class keeps them: a step has exactly that class.
 */
#include "values.h"

#include <structmember.h>

#define NANOSECONDS 1000000 /* in a millisecond */

enum { STEP_TYPE, NAME, START, DURATION, INPUT, OUTPUT, NOTES, ERROR, MEMBERS };

static const char *const member_names[MEMBERS] = {"step_type", "name",   "start_ns", "duration_ns",
                                                  "input",     "output", "notes",    "error"};

typedef struct {
    PyObject_HEAD
    PyTypeObject *step;  /* the class of a step */
    PyTypeObject *kind;  /* the str that a step's type may be besides */
    PyObject *encode;    /* writes any value as JSON, in bytes */
    Py_ssize_t offsets[MEMBERS];
} TraceWriter;

/* ---- steps -------------------------------------------------------------------------------------------------- */

typedef struct {
    int64_t first, last; /* the earliest start and the latest end, in milliseconds */
    PyObject *kind;      /* the type of the last step, held, NULL before the first */
    size_t kind_at, kind_size; /* where it stands in what is written */
} extent;

/* Most steps are of the same few types, so the last one's text is at hand. */
static verdict
write_kind(fls_out *out, PyObject *kind, extent *so_far)
{
    if (kind == so_far->kind) {
        if (fls_out_need(out, so_far->kind_size) < 0)
            return RAISED;
        fls_put(out, out->bytes + so_far->kind_at, so_far->kind_size);
        return DONE;
    }
    const size_t at = out->size;
    TRY(fls_write_text(out, kind));
    Py_XSETREF(so_far->kind, Py_NewRef(kind));
    so_far->kind_at = at;
    so_far->kind_size = out->size - at;
    return DONE;
}

static inline PyObject *
member(const TraceWriter *writer, PyObject *step, int which)
{
    return *(PyObject **)((char *)step + writer->offsets[which]);
}

/* Nanoseconds, if it is a plain number of them. */
static verdict
read_time(PyObject *value, int64_t *time)
{
    if (!PyLong_CheckExact(value))
        return UNUSUAL;
    int overflow;
    *time = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow || *time < 0 ? UNUSUAL : DONE;
}

static verdict
write_given(const TraceWriter *writer, fls_out *out, const char *key, size_t size, PyObject *value)
{
    if (value == Py_None)
        return DONE;
    TRY(fls_out_raw(out, key, size));
    return fls_write_value(writer->encode, out, value, 0);
}

#define WRITE_GIVEN(writer, out, key, value)                                                                          \
    write_given(writer, out, ",\"" key "\":", sizeof(",\"" key "\":") - 1, value)

static verdict
write_about(const TraceWriter *writer, fls_out *out, PyObject *const *told)
{
    if ((told[NOTES] != Py_None && !PyDict_CheckExact(told[NOTES])) ||
        (told[ERROR] != Py_None && !PyUnicode_CheckExact(told[ERROR])))
        return UNUSUAL;
    TRY(WRITE_GIVEN(writer, out, "input", told[INPUT]));
    TRY(WRITE_GIVEN(writer, out, "output", told[OUTPUT]));
    if (told[NOTES] != Py_None && PyDict_GET_SIZE(told[NOTES]))
        TRY(WRITE_GIVEN(writer, out, "metadata", told[NOTES]));
    return WRITE_GIVEN(writer, out, "error", told[ERROR]);
}

/* What every step has. Written with a cursor of its own: the compiler keeps that in a register. */
static verdict
write_head(fls_out *out, PyObject *const *told, int64_t start_ms, int64_t took_ms, extent *so_far)
{
    FLS_PUT(out, "{\"step_type\":");
    TRY(write_kind(out, told[STEP_TYPE], so_far));
    if (PyUnicode_IS_ASCII(told[NAME]) && PyUnicode_GET_LENGTH(told[NAME]) < FLS_SHORT) {
        const size_t size = (size_t)PyUnicode_GET_LENGTH(told[NAME]);
        TRY(fls_out_need(out, 6 * size));
        char *to = FLS_AT(out->bytes + out->size, ",\"name\":");
        to = fls_quoted(to, PyUnicode_1BYTE_DATA(told[NAME]), size);
        to = FLS_AT(to, ",\"start_time_ms\":");
        to = fls_digits(to, start_ms);
        to = FLS_AT(to, ",\"duration_ms\":");
        out->size = (size_t)(fls_digits(to, took_ms) - out->bytes);
    } else {
        FLS_PUT(out, ",\"name\":");
        TRY(fls_write_text(out, told[NAME]));
        FLS_PUT(out, ",\"start_time_ms\":");
        fls_put_int(out, start_ms);
        FLS_PUT(out, ",\"duration_ms\":");
        fls_put_int(out, took_ms);
    }
    return (verdict)fls_out_need(out, 0);
}

static verdict
write_told(const TraceWriter *writer, fls_out *out, PyObject *const *told, int precise, extent *so_far)
{
    int64_t start, took;
    if (!PyUnicode_CheckExact(told[NAME]) ||
        !(PyUnicode_CheckExact(told[STEP_TYPE]) || Py_IS_TYPE(told[STEP_TYPE], writer->kind)))
        return UNUSUAL;
    TRY(read_time(told[START], &start));
    TRY(read_time(told[DURATION], &took));
    const int64_t start_ms = start / NANOSECONDS, took_ms = took / NANOSECONDS;
    TRY(write_head(out, told, start_ms, took_ms, so_far));
    TRY(write_about(writer, out, told));
    if (precise) {
        FLS_PUT(out, ",\"start_time_ns\":");
        fls_put_int(out, start);
        FLS_PUT(out, ",\"duration_ns\":");
        fls_put_int(out, took);
    }
    so_far->first = so_far->first < 0 || start_ms < so_far->first ? start_ms : so_far->first;
    so_far->last = start_ms + took_ms > so_far->last ? start_ms + took_ms : so_far->last;
    return (verdict)fls_out_raw(out, "}", 1);
}

/* What is written after Python code may have run is held: such code can give the step other members. */
static verdict
write_step(const TraceWriter *writer, fls_out *out, PyObject *step, int precise, extent *so_far)
{
    PyObject *told[MEMBERS];
    if (!Py_IS_TYPE(step, writer->step))
        return UNUSUAL;
    for (int i = 0; i < MEMBERS; i++)
        if ((told[i] = member(writer, step, i)) == NULL)
            return UNUSUAL;
    for (int i = INPUT; i < MEMBERS; i++)
        Py_INCREF(told[i]);
    const verdict done = write_told(writer, out, told, precise, so_far);
    for (int i = INPUT; i < MEMBERS; i++)
        Py_DECREF(told[i]);
    return done;
}

static verdict
write_steps(const TraceWriter *writer, fls_out *out, PyObject *steps, int precise, extent *so_far)
{
    TRY(fls_out_raw(out, ",\"steps\":[", 10));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(steps); i++) {
        if (i)
            TRY(fls_out_raw(out, ",", 1));
        PyObject *step = PyList_GET_ITEM(steps, i);
        Py_INCREF(step);
        const verdict done = write_step(writer, out, step, precise, so_far);
        Py_DECREF(step);
        TRY(done);
    }
    return (verdict)fls_out_raw(out, "]", 1);
}

/* args: trace_id, conversation_id, turn_number, metadata (None: none), steps, precise. */
static verdict
write_trace(const TraceWriter *writer, fls_out *out, PyObject *const *args, int precise)
{
    extent so_far = {-1, -1, NULL, 0, 0};
    FLS_PUT(out, "{\"trace_id\":");
    TRY(fls_write_value(writer->encode, out, args[0], 0));
    FLS_PUT(out, ",\"conversation_id\":");
    TRY(fls_write_value(writer->encode, out, args[1], 0));
    FLS_PUT(out, ",\"turn_number\":");
    TRY(fls_write_value(writer->encode, out, args[2], 0));
    const verdict done = write_steps(writer, out, args[4], precise, &so_far);
    Py_XDECREF(so_far.kind);
    TRY(done);
    if (so_far.first < 0)
        return UNUSUAL; /* the steps went while Python code ran */
    FLS_PUT(out, ",\"total_duration_ms\":");
    fls_put_int(out, so_far.last - so_far.first);
    FLS_PUT(out, ",\"start_time_ms\":");
    fls_put_int(out, so_far.first);
    TRY(fls_out_need(out, 0));
    TRY(WRITE_GIVEN(writer, out, "metadata", args[3]));
    return (verdict)fls_out_raw(out, "}", 1);
}

static PyObject *
TraceWriter_write(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 6 || !PyList_CheckExact(args[4])) {
        PyErr_SetString(PyExc_TypeError,
                        "write() takes trace_id, conversation_id, turn_number, metadata, a list of steps, precise");
        return NULL;
    }
    const int precise = PyObject_IsTrue(args[5]);
    if (precise < 0)
        return NULL;
    if (!PyList_GET_SIZE(args[4]))
        Py_RETURN_NONE;
    fls_out out;
    if (fls_out_open(&out, 256 + 192 * (size_t)PyList_GET_SIZE(args[4])) < 0)
        return NULL;
    const verdict done = write_trace((const TraceWriter *)self, &out, args, precise);
    PyObject *answer = NULL;
    if (done == DONE)
        answer = fls_out_str(&out);
    else if (done == UNUSUAL)
        answer = Py_NewRef(Py_None);
    fls_out_free(&out);
    return answer;
}

/* ---- making ------------------------------------------------------------------------------------------------- */

/* Find where a class with `__slots__` keeps a member. */
static int
find_member(PyTypeObject *step, const char *name, Py_ssize_t *offset)
{
    PyObject *found = PyObject_GetAttrString((PyObject *)step, name);
    if (found == NULL)
        return -1;
    int answer = -1;
    const int is_member = Py_IS_TYPE(found, &PyMemberDescr_Type);
    const PyMemberDef *member = is_member ? ((PyMemberDescrObject *)found)->d_member : NULL;
    if (member != NULL && member->type == T_OBJECT_EX && ((PyDescrObject *)found)->d_type == step) {
        *offset = member->offset;
        answer = 0;
    } else {
        PyErr_Format(PyExc_TypeError, "%s is no slot of the class of a step", name);
    }
    Py_DECREF(found);
    return answer;
}

static PyObject *
TraceWriter_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyTypeObject *step, *kind;
    PyObject *encode;
    if (!PyArg_ParseTuple(args, "O!O!O:TraceWriter", &PyType_Type, &step, &PyType_Type, &kind, &encode))
        return NULL;
    if (!PyType_IsSubtype(kind, &PyUnicode_Type)) {
        PyErr_SetString(PyExc_TypeError, "the type of a step is a str");
        return NULL;
    }
    TraceWriter *writer = (TraceWriter *)type->tp_alloc(type, 0);
    if (writer == NULL)
        return NULL;
    writer->step = (PyTypeObject *)Py_NewRef(step);
    writer->kind = (PyTypeObject *)Py_NewRef(kind);
    writer->encode = Py_NewRef(encode);
    for (int i = 0; i < MEMBERS; i++)
        if (find_member(step, member_names[i], &writer->offsets[i]) < 0) {
            Py_DECREF(writer);
            return NULL;
        }
    return (PyObject *)writer;
}

static int
TraceWriter_traverse(PyObject *self, visitproc visit, void *arg)
{
    TraceWriter *writer = (TraceWriter *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(writer->step);
    Py_VISIT(writer->kind);
    Py_VISIT(writer->encode);
    return 0;
}

static int
TraceWriter_clear(PyObject *self)
{
    TraceWriter *writer = (TraceWriter *)self;
    Py_CLEAR(writer->encode);
    return 0;
}

static void
TraceWriter_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    TraceWriter_clear(self);
    Py_CLEAR(((TraceWriter *)self)->step);
    Py_CLEAR(((TraceWriter *)self)->kind);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"write", (PyCFunction)(void (*)(void))TraceWriter_write, METH_FASTCALL,
     "Write a trace as JSON; None where Python has to."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Writes execution traces as JSON."},
    {Py_tp_new, TraceWriter_new},
    {Py_tp_dealloc, TraceWriter_dealloc},
    {Py_tp_traverse, TraceWriter_traverse},
    {Py_tp_clear, TraceWriter_clear},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "flightlog._speed._core.TraceWriter",
    .basicsize = sizeof(TraceWriter),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int
fls_steps_add(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL)
        return -1;
    const int added = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return added;
}
