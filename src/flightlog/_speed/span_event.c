/* `event(name, /, level, body, **attributes)`: a point in time under the span that is current, or under none.
 *
 * The plain case is a level that is on, and a plain place; the rest is the plain engine's. Owns nothing beyond a call.
 */
#include "event.h"

static PyObject *
event_slowly(PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    return PyObject_Vectorcall(engine.make_event, args, (size_t)count, names);
}

typedef struct {
    PyObject *name, *level, *body; /* borrowed from the call; NULL where not given */
    PyObject *const *values;
    PyObject *names; /* NULL for none */
} Said;

/* Sort the arguments; 0: the plain engine shall say what is wrong with them. */
static int
sort_out(Said *said, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    if (count < 1 || count > 3 || !PyUnicode_CheckExact(args[0]))
        return 0;
    *said = (Said){args[0], count > 1 ? args[1] : NULL, count > 2 ? args[2] : NULL, args + count, names};
    if (names == NULL)
        return 1;
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(names); at++) {
        PyObject *name = PyTuple_GET_ITEM(names, at);
        if (UNLIKELY(!PyUnicode_CheckExact(name) || !PyUnicode_CHECK_INTERNED(name)))
            return 0;
        PyObject **where = name == words.level ? &said->level : name == words.body ? &said->body : NULL;
        if (where == NULL)
            continue;
        if (*where != NULL)
            return 0;
        *where = said->values[at];
    }
    return 1;
}

static int
tell(EventLine *event, const Place *place, const Said *said)
{
    if (event_open(event, place, said->level) < 0 || line_again(&event->line, said->name) < 0 ||
        event_body(event, said->body) < 0)
        return -1;
    for (Py_ssize_t at = 0; said->names != NULL && at < PyTuple_GET_SIZE(said->names); at++) {
        PyObject *name = PyTuple_GET_ITEM(said->names, at);
        if (name != words.level && name != words.body && event_member(event, name, said->values[at]) < 0)
            return -1;
    }
    return event_write(event, place);
}

/* 0: written; 1: the plain engine shall; -1 with an exception. */
static int
write_event(const Said *said)
{
    Place place;
    int plain = place_stand(&place, NULL), done = plain < 0 ? -1 : !plain;
    if (LIKELY(done == 0)) {
        EventLine event;
        done = tell(&event, &place, said);
        event_end(&event);
        if (done < 0 && is_unencodable())
            done = 1;
    }
    place_leave(&place);
    return done;
}

PyObject *
make_event(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    Said said;
    if (UNLIKELY(!sort_out(&said, args, count, names) || (said.level != NULL && !PyUnicode_CheckExact(said.level))))
        return event_slowly(args, count, names);
    PyObject *verdict = verdict_of(said.level);
    if (verdict == Py_False)
        Py_RETURN_NONE;
    if (UNLIKELY(verdict != Py_True))
        return event_slowly(args, count, names);
    int done = write_event(&said);
    if (UNLIKELY(done > 0))
        return event_slowly(args, count, names);
    if (UNLIKELY(done < 0))
        return lose();
    Py_RETURN_NONE;
}
