/* Writing any value of a program as JSON, as msgspec does, or leaving it to Python.
 *
 * Texts, whole numbers of 64 bits, bools, None, and lists, tuples and dicts of such are written here; any other value
 * is handed to `encode`, a callable that returns bytes. Every object is borrowed, and held while `encode` may run.
 */
#ifndef FLIGHTLOG_SPEED_VALUES_H
#define FLIGHTLOG_SPEED_VALUES_H

#include "text.h"

#define FLS_SHORT 1000 /* characters of a text that is written in one go */

/* What a function that writes answers: done, an exception is set, or Python has to write the trace. */
typedef enum { DONE = 0, RAISED = -1, UNUSUAL = -2 } verdict;

#define TRY(call)                                                                                                     \
    do {                                                                                                              \
        const verdict tried = (verdict)(call);                                                                        \
        if (tried != DONE)                                                                                            \
            return tried;                                                                                             \
    } while (0)

verdict fls_write_text(fls_out *out, PyObject *text);

/* `depth`: how many containers the value is in; with too many, it is Python's to write. */
verdict fls_write_value(PyObject *encode, fls_out *out, PyObject *value, int depth);

#endif
