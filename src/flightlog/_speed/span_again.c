/* Texts that come again: each text of `memo.texts` that was written last, found by its address.
 *
 * All of it is forgotten when core/memo.py says so: the gate has other rules then. Owns the texts that it knows.
 */
#include "span.h"

#define KNOWN 1024 /* a power of two */

static struct {
    PyObject *text; /* owned, or NULL */
    Piece piece;
} known[KNOWN];

unsigned texts_age;

static PyObject *
forget_texts(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    texts_age++;
    for (size_t at = 0; at < KNOWN; at++)
        Py_CLEAR(known[at].text); /* a text: letting go of it runs nothing */
    Py_RETURN_NONE;
}

int
line_again(Line *line, PyObject *text)
{
    size_t at = ((size_t)text >> 4) & (KNOWN - 1);
    if (LIKELY(known[at].text == text))
        return line_piece(line, &known[at].piece);
    PyObject *fragment = PyUnicode_CheckExact(text) ? PyDict_GetItemWithError(engine.texts, text) : NULL;
    if (fragment == NULL)
        return PyErr_Occurred() ? -1 : line_known(line, text);
    Py_ssize_t size;
    const char *bytes = PyUnicode_AsUTF8AndSize(fragment, &size);
    if (bytes == NULL)
        return -1;
    if (size > WIDE)
        return line_bytes(line, bytes, (size_t)size);
    Py_XSETREF(known[at].text, Py_NewRef(text));
    known[at].piece.size = (size_t)size;
    memcpy(known[at].piece.bytes, bytes, (size_t)size);
    return line_piece(line, &known[at].piece);
}

static PyMethodDef functions[] = {
    {"forget_texts", forget_texts, METH_NOARGS, PyDoc_STR("Forget what was remembered of texts and keys.")},
    {NULL, NULL, 0, NULL},
};

int
again_add(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
