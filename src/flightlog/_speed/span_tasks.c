/* The asyncio task around a span, asked for without Python code where asyncio is the interpreter's own.
 *
 * Owns the last task that was seen, its loop, its `Task` (core/tasks.py, which holds the task just as long), and what
 * asyncio kept in the thread while that loop ran there (in its dictionary; in 3.13 in its state): the loop, or what is
 * made anew for each loop that begins to run. While that is the same, so is the loop, and one look into
 * asyncio's own dictionary tells whether the task still is. Else asyncio is asked, which may cost a system call; and
 * where asyncio is another (a patched one, or a later Python without that dictionary) core/tasks.py is asked each time.
 */
#include "span.h"

#if PY_VERSION_HEX >= 0x030D0000 && PY_VERSION_HEX < 0x030E0000 && defined(__has_include)
#if __has_include(<internal/pycore_tstate.h>)
#define KNOWS_THREADS 1
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#include <internal/pycore_tstate.h>
#endif
#endif

/* asyncio's C function; None where it must not be used, NULL before it was looked for. */
static PyObject *running_loop;
static PyObject *current_tasks; /* asyncio's dict of loop to task */

static struct {
    PyObject *loop, *task, *wrapper, *field, *mark; /* owned; all or none, but for the mark */
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
remember(PyObject *loop, PyObject *task, PyObject *wrapper, PyObject *mark)
{
    PyObject *field = PyObject_GetAttr(wrapper, words.field);
    if (field == NULL)
        return;
    PyObject *before[] = {last.loop, last.task, last.wrapper, last.field, last.mark};
    last.field = field;
    last.loop = Py_NewRef(loop);
    last.task = Py_NewRef(task);
    last.wrapper = Py_NewRef(wrapper);
    last.mark = Py_XNewRef(mark);
    for (size_t at = 0; at < 5; at++)
        Py_XDECREF(before[at]); /* may run anything */
}

PyObject *
forget_task(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    PyObject *before[] = {last.loop, last.task, last.wrapper, last.field, last.mark};
    last.loop = last.task = last.wrapper = last.field = last.mark = NULL;
    for (size_t at = 0; at < 5; at++)
        Py_XDECREF(before[at]);
    Py_RETURN_NONE;
}

/* What asyncio keeps in this thread for the loop that runs; borrowed, NULL for nothing. */
static inline PyObject *
mark_here(void)
{
#ifdef KNOWS_THREADS
    return ((_PyThreadStateImpl *)PyThreadState_Get())->asyncio_running_loop;
#else
    PyObject *kept = PyThreadState_GetDict();
    return kept == NULL ? NULL : PyDict_GetItemWithError(kept, words.running);
#endif
}

/* The last task, if it is current in its loop, which runs here; a new reference, or NULL, also with an exception. */
static inline PyObject *
last_again(void)
{
    PyObject *loop = Py_NewRef(last.loop); /* what its hash does is its own */
    PyObject *task = PyDict_GetItemWithError(current_tasks, loop);
    Py_DECREF(loop);
    return LIKELY(task != NULL && task == last.task) ? Py_NewRef(last.wrapper) : NULL;
}

static int has_marks; /* whether a loop was seen to leave one */

/* The task of the loop that runs here, as core/tasks.py tells it, or None; a new reference. */
static PyObject *
task_anew(PyObject *mark)
{
    PyObject *loop = PyObject_CallNoArgs(running_loop);
    if (loop == NULL || loop == Py_None)
        return loop;
    PyObject *wrapper = PyObject_CallNoArgs(engine.task_here);
    PyObject *task = wrapper == NULL || wrapper == Py_None ? NULL : PyObject_GetAttr(wrapper, words.task);
    if (task != NULL && mark != NULL && mark == mark_here() && PyDict_GetItemWithError(current_tasks, loop) == task) {
        has_marks = 1;
        remember(loop, task, wrapper, mark);
    }
    Py_XDECREF(task);
    Py_DECREF(loop);
    if (LIKELY(!PyErr_Occurred()))
        return wrapper;
    Py_XDECREF(wrapper);
    return NULL;
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
    PyObject *mark = mark_here();
    if (mark == NULL && has_marks)
        return Py_NewRef(Py_None); /* no loop ever ran in this thread */
    if (LIKELY(mark != NULL && mark == last.mark)) {
        PyObject *wrapper = last_again();
        if (LIKELY(wrapper != NULL || PyErr_Occurred()))
            return wrapper;
    }
    Py_XINCREF(mark);
    PyObject *wrapper = task_anew(mark);
    Py_XDECREF(mark);
    return wrapper;
}

int
task_is_current(PyObject *task)
{
    Py_INCREF(task); /* its span may lose it while asyncio is asked */
    PyObject *here = task_current();
    int is_same = here == NULL ? -1 : here == task;
    if (is_same == 0 && here != Py_None) {
        PyObject *this_one = PyObject_GetAttr(here, words.task), *that_one = PyObject_GetAttr(task, words.task);
        is_same = this_one != NULL && that_one != NULL ? this_one == that_one : -1;
        Py_XDECREF(this_one);
        Py_XDECREF(that_one);
    }
    Py_XDECREF(here);
    Py_DECREF(task);
    return is_same;
}

PyObject *
task_field(PyObject *task)
{
    return task == last.wrapper ? Py_NewRef(last.field) : PyObject_GetAttr(task, words.field);
}
