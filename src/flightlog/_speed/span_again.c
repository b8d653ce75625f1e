/* Texts that come again: each text of `memo.texts` that was written last, found by its address.
 *
 * All of it is forgotten when `memo.texts` was: then the fragment of one text that is always in it is no longer the
 * same object. Owns the texts that it knows, and that fragment.
 */
#include "span.h"

#define KNOWN 1024 /* a power of two */

static struct {
    PyObject *text; /* owned, or NULL */
    Piece piece;
} known[KNOWN];

static PyObject *landmark; /* the fragment of that one text, owned */
unsigned texts_age;

static int
forget_all(void)
{
    PyObject *fragment = PyObject_GetItem(engine.texts, words.landmark);
    if (fragment == NULL)
        return -1;
    for (size_t at = 0; at < KNOWN; at++)
        Py_CLEAR(known[at].text); /* a text: letting go of it runs nothing */
    texts_age++;
    Py_XSETREF(landmark, fragment);
    return 0;
}

int
texts_hold(void)
{
    PyObject *found = PyDict_GetItemWithError(engine.texts, words.landmark);
    return LIKELY(found != NULL && found == landmark) ? 0 : forget_all();
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
