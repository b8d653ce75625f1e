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
#define MOST_FRAMES 64 /* as in core/context.py */

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

/* Whether a generator that holds a span runs here; 1 where the interpreter's own frames are not known. */
int
in_holding_generator(void)
{
#ifdef KNOWS_FRAMES
#if PY_VERSION_HEX >= 0x030D0000
    _PyInterpreterFrame *frame = PyThreadState_Get()->current_frame;
#else
    _PyInterpreterFrame *frame = PyThreadState_Get()->cframe->current_frame;
#endif
    for (int left = MOST_FRAMES; frame != NULL && left > 0; frame = frame->previous, left--) {
#if PY_VERSION_HEX >= 0x030D0000
        PyObject *code = frame->f_executable;
#else
        PyObject *code = (PyObject *)frame->f_code;
#endif
        if (code == NULL || !PyCode_Check(code) || (((PyCodeObject *)code)->co_flags & GENERATOR) == 0 ||
            frame->frame_obj == NULL)
            continue; /* `held` knows frame objects: what has none is not in it */
        PyObject *identity = PyLong_FromVoidPtr(frame->frame_obj);
        int found = identity == NULL ? -1 : PyDict_Contains(engine.held, identity);
        Py_XDECREF(identity);
        if (found != 0) {
            PyErr_Clear(); /* no memory for a number: then asked once more in plain Python */
            return 1;
        }
    }
    return 0;
#else
    return 1;
#endif
}
