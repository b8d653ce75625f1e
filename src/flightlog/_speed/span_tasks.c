/* The asyncio task around a span, asked for without Python code where asyncio is the interpreter's own.
 *
 * Owns the last task that was seen and its `Task` (core/tasks.py, which holds the task just as long). A task that is
 * current in its loop is the current task of whichever thread runs that loop; so in a thread where it was current
 * before, one look into asyncio's own dictionary tells whether it still is. Where asyncio is another (a patched one,
 * or a later Python without that dictionary) core/tasks.py is asked each time.
 */
#include "span.h"

/* asyncio's C function; None where it must not be used, NULL before it was looked for. */
static PyObject *running_loop;
static PyObject *current_tasks; /* asyncio's dict of loop to task */

static struct {
    unsigned long long thread;
    PyObject *loop, *task, *wrapper, *field; /* owned; all or none */
} last;

/* Look for asyncio's C parts; whatever is not as expected, core/tasks.py does it. */
static int
meet_asyncio(void)
{
    PyObject *library = PyDict_GetItemString(engine.modules, "_asyncio");
    PyObject *face = PyDict_GetItem(engine.modules, words.asyncio);
    PyObject *tasks = PyDict_GetItemString(engine.modules, "asyncio.tasks");
    if (library == NULL || face == NULL || tasks == NULL)
        return 0; /* half imported, or in plain Python: asked again next time */
    PyObject *get = PyObject_GetAttrString(library, "_get_running_loop");
    PyObject *shown = PyObject_GetAttrString(face, "_get_running_loop");
    PyObject *held = PyObject_GetAttrString(library, "_current_tasks");
    PyObject *used = PyObject_GetAttrString(tasks, "_current_tasks");
    PyErr_Clear();
    if (shown != NULL) { /* else it is still being imported */
        int is_plain = get != NULL && get == shown && held != NULL && held == used && PyDict_CheckExact(held);
        running_loop = Py_NewRef(is_plain ? get : Py_None);
        current_tasks = is_plain ? Py_NewRef(held) : NULL;
    }
    Py_XDECREF(get);
    Py_XDECREF(shown);
    Py_XDECREF(held);
    Py_XDECREF(used);
    return 0;
}

static void
remember(PyObject *loop, PyObject *task, PyObject *wrapper, unsigned long long thread)
{
    PyObject *field = PyObject_GetAttr(wrapper, words.field);
    if (field == NULL)
        return;
    PyObject *before[] = {last.loop, last.task, last.wrapper, last.field};
    last.field = field;
    last.loop = Py_NewRef(loop);
    last.task = Py_NewRef(task);
    last.wrapper = Py_NewRef(wrapper);
    last.thread = thread;
    for (size_t at = 0; at < 4; at++)
        Py_XDECREF(before[at]); /* may run anything */
}

PyObject *
forget_task(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    PyObject *before[] = {last.loop, last.task, last.wrapper, last.field};
    last.loop = last.task = last.wrapper = last.field = NULL;
    for (size_t at = 0; at < 4; at++)
        Py_XDECREF(before[at]);
    Py_RETURN_NONE;
}

static inline int
is_last_here(unsigned long long thread)
{
    return last.loop != NULL && last.thread == thread && PyDict_GetItemWithError(current_tasks, last.loop) == last.task;
}

PyObject *
task_current(void)
{
    if (LIKELY(running_loop == NULL)) {
        /* Nobody imports asyncio without there being more modules than before. */
        static Py_ssize_t without;
        Py_ssize_t count = PyDict_GET_SIZE(engine.modules);
        if (LIKELY(count == without))
            return Py_NewRef(Py_None);
        if (PyDict_GetItemWithError(engine.modules, words.asyncio) == NULL) {
            if (PyErr_Occurred())
                return NULL;
            without = count;
            return Py_NewRef(Py_None);
        }
        if (meet_asyncio() < 0)
            return NULL;
    }
    if (running_loop == NULL || running_loop == Py_None)
        return PyObject_CallNoArgs(engine.task_here);
    unsigned long long thread = PyThread_get_thread_ident();
    if (is_last_here(thread))
        return Py_NewRef(last.wrapper);
    PyErr_Clear();
    PyObject *loop = PyObject_CallNoArgs(running_loop);
    if (loop == NULL || loop == Py_None)
        return loop;
    PyObject *wrapper = PyObject_CallNoArgs(engine.task_here);
    if (wrapper != NULL && wrapper != Py_None) {
        PyObject *task = PyObject_GetAttr(wrapper, words.task);
        if (task != NULL && PyDict_GetItemWithError(current_tasks, loop) == task)
            remember(loop, task, wrapper, thread);
        PyErr_Clear();
        Py_XDECREF(task);
    }
    Py_DECREF(loop);
    return wrapper;
}

int
task_is_current(PyObject *task)
{
    if (task == last.wrapper && is_last_here(PyThread_get_thread_ident()))
        return 1;
    PyErr_Clear();
    PyObject *here = task_current();
    if (here == NULL)
        return -1;
    int is_same = here == task;
    if (!is_same && here != Py_None) {
        PyObject *this_one = PyObject_GetAttr(here, words.task), *that_one = PyObject_GetAttr(task, words.task);
        is_same = this_one != NULL && that_one != NULL ? this_one == that_one : -1;
        Py_XDECREF(this_one);
        Py_XDECREF(that_one);
    }
    Py_DECREF(here);
    return is_same;
}

PyObject *
task_field(PyObject *task)
{
    return task == last.wrapper ? Py_NewRef(last.field) : PyObject_GetAttr(task, words.field);
}
