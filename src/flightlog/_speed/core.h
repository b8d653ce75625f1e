/* What the files of the compiled core share: the interpreter's headers, and how each part joins the module.
 *
 * Each part is one pair of files and one function `fls_<part>_add`, which puts its names into the module and
 * returns 0, or -1 with an exception set. The module stays owned by the caller. No part keeps a reference to the
 * module, and none but module.c is known to Python's importer.
 *
 * The module lives in the main interpreter alone (module.c sees to it), so a part may keep static state.
 */
#ifndef FLIGHTLOG_SPEED_CORE_H
#define FLIGHTLOG_SPEED_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifdef Py_GIL_DISABLED
#error "the compiled core relies on the interpreter lock"
#endif
#if PY_VERSION_HEX < 0x030B0000
#error "the compiled core is for Python 3.11 and later"
#endif

int fls_scan_add(PyObject *module);
int fls_steps_add(PyObject *module);
int fls_span_add(PyObject *module);
int fls_hot_add(PyObject *module);
int fls_otlp_add(PyObject *module);

/* What `presence.py` expects; raised whenever the two no longer fit each other, so that a core that was built from
 * older sources is not used. */
#define FLS_EDITION 6

#endif
