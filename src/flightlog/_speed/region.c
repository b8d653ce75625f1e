/* A mapped segment's bytes and the place where the next record goes: what `mmap.write` is, without its object of
 * bytes and its tuple of arguments.
 *
 * A Region owns one exported buffer of the map, and with it the map, until `close`; a map with a buffer out refuses
 * to be unmapped, so whoever unmaps closes the Region first. A record is reserved and copied in one go under the
 * interpreter lock, so records never overlap. Never: a system call, a lock, a write behind the end or after `close`.
 */
#include "span.h"
#include <structmember.h>
#include <stddef.h>

typedef struct {
    PyObject_HEAD
    Py_buffer view; /* `buf` is NULL once it is closed */
    Py_ssize_t at;
} Region;

static PyTypeObject *region_type;

static PyObject *
region_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(names))
{
    PyObject *map;
    Py_ssize_t at = 0;
    if (!PyArg_ParseTuple(args, "O|n", &map, &at))
        return NULL;
    Region *self = (Region *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    if (PyObject_GetBuffer(map, &self->view, PyBUF_WRITABLE) < 0) {
        self->view.buf = NULL;
        Py_DECREF(self);
        return NULL;
    }
    self->at = at < 0 ? 0 : at > self->view.len ? self->view.len : at;
    return (PyObject *)self;
}

static void
region_release(Region *self)
{
    if (self->view.buf != NULL) {
        self->view.buf = NULL;
        PyBuffer_Release(&self->view);
    }
}

static void
region_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    region_release((Region *)object);
    type->tp_free(object);
    Py_DECREF(type);
}

static inline int
copy_in(Region *self, const char *data, size_t size)
{
    if (UNLIKELY(self->view.buf == NULL || (size_t)(self->view.len - self->at) < size))
        return 0;
    memcpy((char *)self->view.buf + self->at, data, size);
    self->at += (Py_ssize_t)size;
    return 1;
}

static PyObject *region_write(PyObject *self, PyObject *data);

/* `append` is whatever the writer remembers; only a Region's own `write` is answered here. */
int
region_put(PyObject *append, const char *data, size_t size)
{
    if (append == NULL || !PyCFunction_CheckExact(append) || PyCFunction_GET_FUNCTION(append) != region_write)
        return 0;
    return copy_in((Region *)PyCFunction_GET_SELF(append), data, size);
}

static PyObject *
region_write(PyObject *self, PyObject *data)
{
    if (!PyBytes_Check(data))
        return PyErr_Format(PyExc_TypeError, "a record is bytes, not %.100s", Py_TYPE(data)->tp_name);
    if (!copy_in((Region *)self, PyBytes_AS_STRING(data), (size_t)PyBytes_GET_SIZE(data))) {
        PyErr_SetString(PyExc_ValueError, "the segment is full or closed");
        return NULL;
    }
    return PyLong_FromSsize_t(PyBytes_GET_SIZE(data));
}

static PyObject *
region_tell(PyObject *object, PyObject *Py_UNUSED(unused))
{
    Region *self = (Region *)object;
    if (self->view.buf == NULL) {
        PyErr_SetString(PyExc_ValueError, "the segment is closed");
        return NULL;
    }
    return PyLong_FromSsize_t(self->at);
}

static PyObject *
region_seek(PyObject *object, PyObject *args)
{
    Region *self = (Region *)object;
    Py_ssize_t offset;
    int from;
    if (!PyArg_ParseTuple(args, "ni", &offset, &from))
        return NULL;
    if (self->view.buf == NULL || offset != 0 || from != SEEK_END) {
        PyErr_SetString(PyExc_ValueError, "a segment that is open can be sought the end of, and nothing else");
        return NULL;
    }
    self->at = self->view.len;
    Py_RETURN_NONE;
}

static PyObject *
region_close(PyObject *object, PyObject *Py_UNUSED(unused))
{
    region_release((Region *)object);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"write", region_write, METH_O, PyDoc_STR("Append one record; ValueError when it does not fit.")},
    {"tell", region_tell, METH_NOARGS, PyDoc_STR("Where the next record goes; ValueError once it is closed.")},
    {"seek", region_seek, METH_VARARGS, PyDoc_STR("seek(0, SEEK_END): take no further record.")},
    {"close", region_close, METH_NOARGS, PyDoc_STR("Give the buffer back, so that the map can be unmapped.")},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, region_new},
    {Py_tp_dealloc, region_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, PyDoc_STR("Region(map, at=0): where records are appended in a mapped segment.")},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "flightlog._speed._core.Region",
    .basicsize = sizeof(Region),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

/* -- the door -------------------------------------------------------------------------------------------------- */

PyTypeObject *door_type;

static int
door_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Door *)self)->append);
    return 0;
}

static int
door_clear(PyObject *self)
{
    Py_CLEAR(((Door *)self)->append);
    return 0;
}

static void
door_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    (void)door_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef door_members[] = {
    {"append", T_OBJECT_EX, offsetof(Door, append), 0, "Takes one framed record, or raises ValueError."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot door_slots[] = {
    {Py_tp_traverse, door_traverse},
    {Py_tp_clear, door_clear},
    {Py_tp_dealloc, door_dealloc},
    {Py_tp_members, door_members},
    {Py_tp_doc, PyDoc_STR("Base class of what has an `append` that the compiled engine reads for each record.")},
    {0, NULL},
};

static PyType_Spec door_spec = {
    .name = "flightlog._speed._core.Door",
    .basicsize = sizeof(Door),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = door_slots,
};

int
region_add(PyObject *module)
{
    region_type = (PyTypeObject *)PyType_FromSpec(&spec);
    door_type = (PyTypeObject *)PyType_FromSpec(&door_spec);
    if (region_type == NULL || door_type == NULL)
        return -1;
    return PyModule_AddType(module, region_type) < 0 ? -1 : PyModule_AddType(module, door_type);
}
