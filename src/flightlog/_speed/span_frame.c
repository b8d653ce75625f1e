/* Whether the Python frame that runs is a generator's. Owns nothing.
 *
 * The documented way makes a frame object for each call of a function that opens a span, which costs as much as the
 * clock. Where the interpreter's own frame is known (by minor version), it is read instead: one pointer to its code.
 */
#include "core.h"
#include "span.h"

#if PY_VERSION_HEX < 0x030E0000 && defined(__has_include)
#if __has_include(<internal/pycore_frame.h>)
#define KNOWS_FRAMES 1
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include <internal/pycore_frame.h>
#endif
#endif

#define GENERATOR (CO_GENERATOR | CO_ASYNC_GENERATOR)

int
in_generator(void)
{
#ifdef KNOWS_FRAMES
#if PY_VERSION_HEX >= 0x030D0000
    _PyInterpreterFrame *frame = PyThreadState_Get()->current_frame;
    if (frame == NULL)
        return 0;
    PyObject *code = frame->f_executable;
    return code != NULL && PyCode_Check(code) && (((PyCodeObject *)code)->co_flags & GENERATOR) != 0;
#else
    _PyInterpreterFrame *frame = PyThreadState_Get()->cframe->current_frame;
    return frame != NULL && frame->f_code != NULL && (frame->f_code->co_flags & GENERATOR) != 0;
#endif
#else
    PyFrameObject *frame = PyEval_GetFrame();
    if (frame == NULL)
        return 0;
    PyCodeObject *code = PyFrame_GetCode(frame);
    int flags = code->co_flags;
    Py_DECREF(code);
    return (flags & GENERATOR) != 0;
#endif
}
