/* What Python hands over to the compiled engine, and what the engine adds to the module.
 *
 * `engine` owns each part that it was given, until it is given another; `words` owns its texts for good. Nothing here
 * is called for a record.
 */
#include "span.h"

Engine engine;
Words words;

/* -- what Python hands over --------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    PyObject **where;
} Part;

static const Part parts[] = {
    {"variable", &engine.variable},
    {"bound", &engine.bound},
    {"held", &engine.held},
    {"verdicts", &engine.verdicts},
    {"texts", &engine.texts},
    {"keys", &engine.keys},
    {"modules", &engine.modules},
    {"off", &engine.off},
    {"unset", &engine.unset},
    {"make_span", &engine.make_span},
    {"make_event", &engine.make_event},
    {"enter", &engine.enter},
    {"leave", &engine.leave},
    {"append", &engine.append},
    {"member", &engine.member},
    {"cut_list", &engine.cut_list},
    {"level_field", &engine.level_field},
    {"task_here", &engine.task_here},
    {"lose", &engine.lose},
    {"meet_thread", &engine.meet_thread},
    {"thread_fields", &engine.thread_fields},
    {"anchor", &engine.anchor},
    {"ids", &engine.ids},
    {"plain", &engine.plain},
};

/* use(parts): take the dictionaries, variables and functions that the engine works with. */
static PyObject *
use(PyObject *Py_UNUSED(module), PyObject *given)
{
    for (size_t at = 0; at < sizeof parts / sizeof *parts; at++) {
        PyObject *part = PyDict_GetItemString(given, parts[at].name);
        if (part == NULL)
            return PyErr_Format(PyExc_TypeError, "the engine misses its part %s", parts[at].name);
        Py_XSETREF(*parts[at].where, Py_NewRef(part));
    }
    if (!PyContextVar_CheckExact(engine.variable) || !PyContextVar_CheckExact(engine.bound) ||
        !PyDict_Check(engine.verdicts) || !PyDict_Check(engine.texts) || !PyDict_Check(engine.keys) ||
        !PyDict_Check(engine.modules) || !PyDict_Check(engine.held) || !PyDict_Check(engine.thread_fields) ||
        !PyDict_Check(engine.plain)) {
        PyErr_SetString(PyExc_TypeError, "a part of the engine is of another type");
        return NULL;
    }
    Py_RETURN_NONE;
}

/* install(write, journal, origin, most_line, roots_may_drop): record by this plan from now on. */
static PyObject *
install(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *write, *journal, *origin;
    Py_ssize_t most_line;
    int roots_may_drop;
    if (!PyArg_ParseTuple(args, "OOOnp", &write, &journal, &origin, &most_line, &roots_may_drop))
        return NULL;
    engine.surely_fits = most_line < 1000 ? most_line : 1000;
    engine.roots_may_drop = roots_may_drop;
    Py_XSETREF(engine.write, Py_NewRef(write));
    Py_XSETREF(engine.journal, Py_NewRef(PyObject_TypeCheck(journal, door_type) ? journal : Py_None));
    Py_XSETREF(engine.origin, Py_NewRef(origin));
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"span_type", make_type, METH_O, PyDoc_STR("Make the type Span upon a base class.")},
    {"off_block", off_block, METH_O, PyDoc_STR("What enters and leaves the block of a span that is off.")},
    {"use", use, METH_O, PyDoc_STR("Take the parts of the engine, by name.")},
    {"forget_task", forget_task, METH_NOARGS, PyDoc_STR("In a forked child: forget the task that was seen last.")},
    {"install", install, METH_VARARGS, PyDoc_STR("Record by this plan.")},
    {"span", (PyCFunction)(void (*)(void))make_span, METH_FASTCALL | METH_KEYWORDS, PyDoc_STR("Make a span.")},
    {"event", (PyCFunction)(void (*)(void))make_event, METH_FASTCALL | METH_KEYWORDS, PyDoc_STR("Record an event.")},
    {NULL, NULL, 0, NULL},
};

static int
learn_words(void)
{
    static const struct {
        PyObject **where;
        const char *text;
    } list[] = {
        {&words.empty, ""},         {&words.ok, "ok"},           {&words.step, "step"},
        {&words.info, "info"},      {&words.asyncio, "asyncio"}, {&words.field, "field"},
        {&words.stray, "stray"},    {&words.append, "append"},   {&words.note, "_note"},
        {&words.captured, "_captured"}, {&words.link_all, "_link_all"}, {&words.task, "task"},
        {&words.kind, "kind"},      {&words.level, "level"},
        {&words.input, "input"},    {&words.links, "links"},     {&words.body, "body"},
        {&words.announce, "_announce"}, {&words.append_least, "_append_least"}, {&words.check, "check"},
        {&words.most_line, "_most_line"},
    };
    for (size_t at = 0; at < sizeof list / sizeof *list; at++) {
        *list[at].where = PyUnicode_InternFromString(list[at].text);
        if (*list[at].where == NULL)
            return -1;
    }
    return 0;
}

int
fls_span_add(PyObject *module)
{
    line_prepare();
    if (learn_words() < 0 || parts_add(module) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
