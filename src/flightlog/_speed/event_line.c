/* The line of an event: where it stands, its head, its members, its way into the journal. What `event`, the hot calls
 * and a narration have in common.
 *
 * The plain place is a span of ours or none, seen by no generator, with a binding that is no stray's. Owns nothing
 * beyond what event.h says.
 */
#include "event.h"
#include "hot.h"

/* -- where it stands ------------------------------------------------------------------------------------------- */

int
is_plain_parent(PyObject *parent)
{
    if (parent == NULL)
        return is_none(engine.origin);
    if (Py_TYPE(parent) != engine.type)
        return 0;
    Span *span = (Span *)parent;
    return span->state <= LEFT && span->id != 0 && is_text(span->trace_id) &&
           (span->is_root || (span->root != NULL && is_span(span->root)));
}

static int
find_binding(Place *place, PyObject *binding, PyObject *excluded)
{
    PyObject *stray = PyObject_GetAttr(binding, words.stray);
    int plain = stray == NULL ? -1 : stray == Py_False;
    Py_XDECREF(stray);
    if (plain == 1 && excluded != NULL) {
        PyObject *members = PyObject_GetAttr(binding, words.members);
        int named = members == NULL ? -1 : PyDict_CheckExact(members) ? PyDict_Contains(members, excluded) : 1;
        Py_XDECREF(members);
        plain = named < 0 ? -1 : !named;
    }
    if (plain == 1) {
        place->field = PyObject_GetAttr(binding, words.field);
        plain = place->field == NULL ? -1 : PyUnicode_CheckExact(place->field);
    }
    return plain;
}

/* What `bind` put around; not plain where it has a member of the excluded name. */
static int
take_binding(Place *place, PyObject *excluded)
{
    PyObject *binding;
    if (PyContextVar_Get(engine.bound, NULL, &binding) < 0)
        return -1;
    int plain = LIKELY(is_none(binding)) ? 1 : find_binding(place, binding, excluded);
    Py_XDECREF(binding);
    return plain;
}

int
place_bound(Place *place, Span *parent, PyObject *excluded)
{
    *place = (Place){(Span *)Py_XNewRef((PyObject *)parent), NULL, NULL};
    return take_binding(place, excluded);
}

int
place_stand(Place *place, PyObject *excluded)
{
    PyObject *parent;
    *place = (Place){NULL, NULL, NULL};
    if (UNLIKELY(PyDict_GET_SIZE(engine.held) > 0 && in_holding_generator()))
        return 0;
    if (PyContextVar_Get(engine.variable, NULL, &parent) < 0)
        return -1;
    if (parent == Py_None)
        Py_CLEAR(parent);
    if (UNLIKELY(!is_plain_parent(parent))) {
        Py_XDECREF(parent);
        return 0;
    }
    place->parent = (Span *)parent;
    return take_binding(place, excluded);
}

void
place_leave(Place *place)
{
    Py_XDECREF((PyObject *)place->parent);
    Py_XDECREF(place->field);
    Py_XDECREF(place->actor);
}

/* -- its line -------------------------------------------------------------------------------------------------- */

static int
line_head(Line *line, Span *parent, uint64_t id)
{
    if (line_room(line, 160) < 0)
        return -1;
    PUT(line, "\x1e{\"v\":1,\"type\":\"event\",\"event_id\":\"");
    line->at = put_hex(line->at, id);
    PUT(line, "\",");
    if (parent != NULL) {
        PUT(line, "\"trace_id\":\"");
        if ((parent->trace_id != NULL && line_text(line, parent->trace_id) < 0) || line_room(line, 96) < 0)
            return -1;
        PUT(line, "\",\"span_id\":\"");
        line->at = put_hex(line->at, parent->id);
        PUT(line, "\",");
    }
    return line_room(line, 64);
}

static int
line_level(Line *line, PyObject *level)
{
    if (level == NULL || level == words.info)
        return 0;
    PyObject *field = PyObject_CallOneArg(engine.level_field, level);
    int done = field == NULL ? -1 : line_text(line, field);
    Py_XDECREF(field);
    return done;
}

int
event_open(EventLine *event, const Place *place, PyObject *level)
{
    Line *line = &event->line;
    line_begin(line);
    event->cuts = NULL;
    event->members = 0;
    long long now = now_ns();
    if (anchor_check(now) < 0 || (place->parent != NULL && announce_root(place->parent) < 0))
        return -1;
    uint64_t id = next_id();
    if (id == 0 || line_head(line, place->parent, id) < 0)
        return -1;
    if (level == words.trace)
        PUT(line, "\"level\":\"trace\",");
    else if (line_level(line, level) < 0)
        return -1;
    if (line_room(line, 64) < 0)
        return -1;
    PUT(line, "\"time\":");
    if (line_moment(line, now + ((Anchor *)engine.anchor)->offset) < 0)
        return -1;
    return line_bytes(line, ",\"name\":", 8);
}

/* A text that is not remembered: captured, and what was cut of it noted. */
int
event_long_text(EventLine *event, PyObject *text)
{
    PyObject *found = PyObject_CallFunctionObjArgs(engine.captured, text, words.body, NULL);
    if (found == NULL)
        return -1;
    int done = -1;
    if (!PyTuple_CheckExact(found) || PyTuple_GET_SIZE(found) != 2 || !PyList_CheckExact(PyTuple_GET_ITEM(found, 1)))
        PyErr_SetString(PyExc_TypeError, "a capture is a text and a list");
    else
        done = line_text(&event->line, PyTuple_GET_ITEM(found, 0));
    if (done == 0 && PyList_GET_SIZE(PyTuple_GET_ITEM(found, 1)) > 0) {
        if (event->cuts == NULL)
            event->cuts = PyList_New(0);
        done = event->cuts == NULL ? -1
                                   : PyList_SetSlice(event->cuts, PY_SSIZE_T_MAX, PY_SSIZE_T_MAX,
                                                     PyTuple_GET_ITEM(found, 1));
    }
    Py_DECREF(found);
    return done;
}

/* What is no text is told as one: the JSON of the value, as a text. */
static int
told_body(EventLine *event, PyObject *body)
{
    PyObject *found = PyObject_CallFunctionObjArgs(engine.captured, body, words.body, NULL);
    if (found == NULL)
        return -1;
    int done = -1;
    if (PyTuple_CheckExact(found) && PyTuple_GET_SIZE(found) == 2)
        done = event_long_text(event, PyTuple_GET_ITEM(found, 0));
    else
        PyErr_SetString(PyExc_TypeError, "a capture is a text and a list");
    Py_DECREF(found);
    return done;
}

#define SHORT 40 /* characters of a body in which nobody looks for an image: `media.SHORTEST` */

/* What is said, if anything is. */
int
event_body(EventLine *event, PyObject *body)
{
    int is_said = body == NULL ? 0 : PyObject_IsTrue(body);
    if (is_said <= 0)
        return is_said;
    int hides = is_hiding(words.body);
    if (hides < 0 || line_bytes(&event->line, ",\"body\":", 8) < 0)
        return -1;
    if (LIKELY(PyUnicode_CheckExact(body) && PyUnicode_GET_LENGTH(body) <= SHORT && !hides))
        return line_again(&event->line, body);
    return PyUnicode_Check(body) ? event_long_text(event, body) : told_body(event, body);
}

int
event_member(EventLine *event, PyObject *key, PyObject *value)
{
    const char *before = event->members++ == 0 ? OPENING "{" : ",";
    if (line_bytes(&event->line, before, strlen(before)) < 0)
        return -1;
    return line_member(&event->line, key, value, NULL, &event->cuts);
}

/* -- where it goes --------------------------------------------------------------------------------------------- */

/* The attributes' last tells what was cut. */
static int
finish(EventLine *event, const Place *place)
{
    Line *line = &event->line;
    if (event->cuts != NULL && PyList_GET_SIZE(event->cuts) > 0) {
        const char *before = event->members++ == 0 ? OPENING "{" : ",";
        PyObject *told = PyObject_CallOneArg(engine.cut_list, event->cuts);
        int done = told == NULL || line_bytes(line, before, strlen(before)) < 0 || line_text(line, told) < 0;
        Py_XDECREF(told);
        if (done)
            return -1;
    }
    if (event->members > 0 && line_bytes(line, "}", 1) < 0)
        return -1;
    if (place->field != NULL && line_text(line, place->field) < 0)
        return -1;
    return line_bytes(line, "}\n", 2);
}

int
event_write(EventLine *event, const Place *place)
{
    if (finish(event, place) < 0)
        return -1;
    if (UNLIKELY(is_too_long(&event->line)))
        return 1;
    PyObject *out = place->parent == NULL ? NULL : Py_XNewRef(place->parent->out);
    int done = line_write(&event->line, out);
    Py_XDECREF(out);
    return done;
}

void
event_end(EventLine *event)
{
    line_end(&event->line);
    Py_CLEAR(event->cuts);
}

PyObject *
lose(void)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return NULL;
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    if (trace != NULL)
        PyException_SetTraceback(error, trace);
    PyObject *answer = PyObject_CallOneArg(engine.lose, error);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    return answer;
}

int
lost(void)
{
    PyObject *answer = lose();
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}
