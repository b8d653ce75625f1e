/* Texts that come again: each text of `memo.texts` that was written last, found by its address.
 *
 * All of it is forgotten when core/memo.py says so: the gate has other rules then. Owns the texts that it knows.
 */
#include "span.h"

Again texts_again[KNOWN];

unsigned texts_age;

static PyObject *
forget_texts(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    texts_age++;
    for (size_t at = 0; at < KNOWN; at++)
        Py_CLEAR(texts_again[at].text); /* a text: letting go of it runs nothing */
    Py_RETURN_NONE;
}

int
line_first(Line *line, PyObject *text)
{
    Again *found = &texts_again[again_at(text)];
    PyObject *fragment = PyUnicode_CheckExact(text) ? PyDict_GetItemWithError(engine.texts, text) : NULL;
    if (fragment == NULL)
        return PyErr_Occurred() ? -1 : line_known(line, text);
    Py_ssize_t size;
    const char *bytes = PyUnicode_AsUTF8AndSize(fragment, &size);
    if (bytes == NULL)
        return -1;
    if (size > WIDE)
        return line_bytes(line, bytes, (size_t)size);
    Py_XSETREF(found->text, Py_NewRef(text));
    found->piece.size = (size_t)size;
    memcpy(found->piece.bytes, bytes, (size_t)size);
    return line_piece(line, &found->piece);
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
