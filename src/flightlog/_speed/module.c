/* The module `flightlog._speed._core`: made in two phases, in the main interpreter and no other.
 *
 * Owns nothing: what the parts add belongs to the module's dictionary.
 */
#include "core.h"

static int
execute(PyObject *module)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "the compiled core runs in the main interpreter alone");
        return -1;
    }
    if (fls_scan_add(module) < 0)
        return -1;
    if (fls_steps_add(module) < 0)
        return -1;
    if (fls_span_add(module) < 0)
        return -1;
    if (fls_hot_add(module) < 0)
        return -1;
    if (fls_otlp_add(module) < 0)
        return -1;
    return PyModule_AddIntConstant(module, "EDITION", FLS_EDITION);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "flightlog._speed._core",
    .m_doc = "Parts of Flightlog in C. Private: `presence.py` says whether they are there.",
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModuleDef_Init(&definition);
}
