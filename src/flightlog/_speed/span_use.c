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
    enum { ANY, DICT, VARIABLE, ANCHOR, IDS } kind;
} Part;

static const Part parts[] = {
    {"variable", &engine.variable, VARIABLE},
    {"bound", &engine.bound, VARIABLE},
    {"held", &engine.held, DICT},
    {"verdicts", &engine.verdicts, DICT},
    {"texts", &engine.texts, DICT},
    {"keys", &engine.keys, DICT},
    {"modules", &engine.modules, DICT},
    {"off", &engine.off, ANY},
    {"unset", &engine.unset, ANY},
    {"make_span", &engine.make_span, ANY},
    {"make_event", &engine.make_event, ANY},
    {"enter", &engine.enter, ANY},
    {"leave", &engine.leave, ANY},
    {"append", &engine.append, ANY},
    {"member", &engine.member, ANY},
    {"cut_list", &engine.cut_list, ANY},
    {"level_field", &engine.level_field, ANY},
    {"task_here", &engine.task_here, ANY},
    {"lose", &engine.lose, ANY},
    {"meet_thread", &engine.meet_thread, ANY},
    {"thread_fields", &engine.thread_fields, DICT},
    {"get_ident", &engine.get_ident, ANY},
    {"anchor", &engine.anchor, ANCHOR},
    {"ids", &engine.ids, IDS},
    {"plain", &engine.plain, DICT},
};

#define PARTS (sizeof parts / sizeof *parts)

static int
is_of_kind(PyObject *part, int kind)
{
    PyTypeObject *const types[] = {NULL, &PyDict_Type, &PyContextVar_Type, anchor_type, pool_type};
    return types[kind] == NULL || PyObject_TypeCheck(part, types[kind]);
}

/* use(parts): take the dictionaries, variables and functions that the engine works with. */
static PyObject *
use(PyObject *Py_UNUSED(module), PyObject *given)
{
    if (!PyDict_Check(given))
        return PyErr_Format(PyExc_TypeError, "the parts of the engine are a dict, not %.100s", Py_TYPE(given)->tp_name);
    for (size_t at = 0; at < PARTS; at++) {
        PyObject *part = PyDict_GetItemString(given, parts[at].name);
        if (part == NULL)
            return PyErr_Format(PyExc_TypeError, "the engine misses its part %s", parts[at].name);
        if (!is_of_kind(part, parts[at].kind))
            return PyErr_Format(PyExc_TypeError, "the engine's part %s is of another type", parts[at].name);
    }
    for (size_t at = 0; at < PARTS; at++) {
        PyObject *part = PyDict_GetItemString(given, parts[at].name);
        Py_XSETREF(*parts[at].where, Py_XNewRef(part == Py_None ? NULL : part));
    }
    engine.is_used = 1;
    engine.at_trace = engine.at_debug = engine.at_info = NULL; /* until `heed_levels` */
    Py_RETURN_NONE;
}

/* install(write, journal, origin, most_line, roots_may_drop, withholds, keeps_all): record by this plan from now on. */
static PyObject *
install(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *write, *journal, *origin;
    Py_ssize_t most_line;
    int roots_may_drop, withholds, keeps_all;
    if (!PyArg_ParseTuple(args, "OOOnppp", &write, &journal, &origin, &most_line, &roots_may_drop, &withholds,
                          &keeps_all))
        return NULL;
    engine.surely_fits = most_line < 1000 ? most_line : 1000;
    engine.roots_may_drop = roots_may_drop;
    engine.withholds = withholds;
    engine.keeps_all = keeps_all;
    Py_XSETREF(engine.write, Py_NewRef(write));
    Py_XSETREF(engine.journal, Py_NewRef(PyObject_TypeCheck(journal, door_type) ? journal : Py_None));
    Py_XSETREF(engine.origin, Py_NewRef(origin));
    Py_RETURN_NONE;
}

/* -- which levels are on -------------------------------------------------------------------------------------- */

PyObject *
verdict_asked(PyObject *level)
{
    if (level == NULL)
        level = words.info;
    else if (!PyUnicode_CheckExact(level))
        return NULL;
    PyObject *verdict = PyDict_GetItemWithError(engine.verdicts, level);
    if (verdict == NULL)
        PyErr_Clear();
    return verdict;
}

static PyObject *
sure_verdict(PyObject *level)
{
    PyObject *verdict = verdict_asked(level);
    return verdict == Py_True || verdict == Py_False ? verdict : NULL;
}

/* heed_levels(): `verdicts` has changed. */
static PyObject *
heed_levels(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    if (engine.is_used) {
        engine.at_trace = sure_verdict(words.trace);
        engine.at_debug = sure_verdict(words.debug);
        engine.at_info = sure_verdict(words.info);
    }
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"heed_levels", heed_levels, METH_NOARGS, PyDoc_STR("Say that the verdicts on the levels have changed.")},
    {"span_type", make_type, METH_O, PyDoc_STR("Make the type Span upon a base class.")},
    {"off_block", off_block, METH_O, PyDoc_STR("What enters and leaves the block of a span that is off.")},
    {"use", use, METH_O, PyDoc_STR("Take the parts of the engine, by name.")},
    {"forget_task", forget_task, METH_NOARGS, PyDoc_STR("In a forked child: forget the task that was seen last.")},
    {"install", install, METH_VARARGS, PyDoc_STR("Record by this plan.")},
    {"function", function, METH_VARARGS, PyDoc_STR("The function `span` or `event`, with its signature and text.")},
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
        {&words.running, "__asyncio_running_event_loop__"},
        {&words.kind, "kind"},      {&words.level, "level"},
        {&words.input, "input"},    {&words.links, "links"},     {&words.body, "body"},
        {&words.announce, "_announce"}, {&words.append_least, "_append_least"}, {&words.check, "check"},
        {&words.most_line, "_most_line"}, {&words.members, "members"},
        {&words.trace, "trace"},     {&words.debug, "debug"},
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
    if (learn_words() < 0 || parts_add(module) < 0 || again_add(module) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
