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
    if (!PyErr_ExceptionMatches(PyExc_RecursionError))
        return 0;
    PyErr_Clear();
    return 1;
}

PyObject *
call_with_room(PyObject *callable, PyObject *const *args, size_t count)
{
    int before = Py_GetRecursionLimit(), raised = before > INT_MAX - MORE ? before : before + MORE;
    Py_SetRecursionLimit(raised);
    PyObject *answer = PyObject_Vectorcall(callable, args, count, NULL);
    if (Py_GetRecursionLimit() == raised) /* else the program has set another meanwhile */
        Py_SetRecursionLimit(before);
    return answer;
}
