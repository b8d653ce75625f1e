/* A call where the stack is used up, as it is when a RecursionError leaves a block: what must still be said of the
 * block is called with some more frames than the program allows itself. Owns nothing.
 *
 * The limit is Python's own, for frames that live on the heap; the C stack has its own in the interpreter, where it has
 * one, and is not touched.
 */
#include "span.h"

#define MORE 200 /* frames: formatting a traceback takes some 30 */

int
is_exhausted(void)
{
    if (!PyErr_ExceptionMatches(PyExc_RecursionError) && !PyErr_ExceptionMatches(PyExc_MemoryError))
        return 0;
    PyErr_Clear();
    return 1;
}

PyObject *
call_with_room(PyObject *callable, PyObject *const *args, size_t count)
{
    /* The limit is every thread's: the first to come raises it, the last to go puts it back. */
    static int inside, before;
    if (inside++ == 0) {
        before = Py_GetRecursionLimit();
        if (before <= INT_MAX - MORE)
            Py_SetRecursionLimit(before + MORE);
    }
    PyObject *answer = PyObject_Vectorcall(callable, args, count, NULL);
    if (--inside == 0 && before <= INT_MAX - MORE && Py_GetRecursionLimit() == before + MORE)
        Py_SetRecursionLimit(before); /* else the program has set another meanwhile */
    return answer;
}
