/* Events: where one stands, its line, and the texts that come again; who owns each reference.
 *
 * A Place owns its parent, its binding's field and its actor from `place_stand` or `place_bound` to `place_leave`. An
 * EventLine owns its bytes and its list of cuts from `event_open` to `event_end`. The functions of core/_pure.py are
 * the reference; where one of these answers 1, nothing was written, and the plain engine shall.
 */
#ifndef FLIGHTLOG_SPEED_EVENT_H
#define FLIGHTLOG_SPEED_EVENT_H

#include "span.h"

typedef struct {
    Span *parent;    /* NULL: none */
    PyObject *field; /* of the binding; NULL: none */
    PyObject *actor; /* NULL where nobody asked */
} Place;

typedef struct {
    Line line;
    PyObject *cuts; /* NULL before there are any */
    int members;
} EventLine;

/* event_line.c */
int is_plain_parent(PyObject *parent);
int place_stand(Place *place, PyObject *excluded); /* 1: plain; 0: the plain engine's; -1 with an exception */
int place_bound(Place *place, Span *parent, PyObject *excluded); /* the same under a parent that is known */
void place_leave(Place *place);
int event_open(EventLine *event, const Place *place, PyObject *level); /* up to its name; no level: info */
int event_body(EventLine *event, PyObject *body);
int event_long_text(EventLine *event, PyObject *text); /* one that is not remembered */
int event_member(EventLine *event, PyObject *key, PyObject *value);
int event_write(EventLine *event, const Place *place); /* 1: the plain engine's */
void event_end(EventLine *event);
PyObject *lose(void); /* None, with the exception that is set counted; NULL where it is no Exception */
int lost(void);       /* the same: 0, or -1 */

#define OPENING ",\"attributes\":"

#endif
