/* The hot tier in C: what its files share, and who owns each reference.
 *
 * `tier` owns what it was handed by `hot_use`, for good. A Place owns its parent and its binding's field from
 * `place_find` to `place_leave`; a HotLine owns its bytes and its list of cuts from `hot_begin` to `hot_end`. A call
 * owns nothing beyond itself.
 *
 * The functions of core/hot.py are the reference. Each function here does the plain case, and hands its arguments as
 * they are to the one in Python for every other, before it has changed anything.
 */
#ifndef FLIGHTLOG_SPEED_HOT_H
#define FLIGHTLOG_SPEED_HOT_H

#include "span.h"

/* What `hot_use` takes. */
typedef struct {
    PyObject *tiny, *correlated, *enter, *leave, *iteration, *state; /* the same in plain Python */
    PyObject *actors, *entered; /* a dict, a variable */
    PyObject *site_at, *made, *captured, *tally;
} Tier;

extern Tier tier;

enum { SILENT = 0, ASKING = 1, LISTENING = 2 };
extern int heard; /* whether anybody records level trace: nobody, that depends, everybody */

/* Interned names. */
typedef struct {
    PyObject *mark, *tiny, *enter, *exit, *loop, *state, *left_out, *actor, *target, *correlation_id, *function, *args;
    PyObject *result, *elapsed_ns, *i, *n, *name, *before, *after, *text, *action, *detail, *every, *per_second;
    PyObject *fn, *members, *dunder_name, *error, *status;
} HotWords;

extern HotWords hot_words;

/* plain.c */
int line_small(Line *line, PyObject *value);
int is_hiding(PyObject *key);
PyObject *small_json(PyObject *value, PyObject *key);
int plain_add(PyObject *module);

/* hot_sites.c */
typedef struct {
    PyObject_HEAD
    long long seen, left, due;
    double room;
} Site;
typedef struct {
    PyObject_HEAD
    long long left_out;
} Tally;
typedef struct Entry {
    PyObject_HEAD
    PyObject *name;      /* owned */
    struct Entry *outer; /* owned, or NULL */
    long long zero, depth;
    char is_told;
} Entry;
extern PyTypeObject *entry_type;
int sites_add(PyObject *module);
Site *site_here(void); /* of the Python code that runs; a new reference, or NULL with an exception */
int site_admits(Site *site, long long every, double per_second);
int site_has_room(Site *site, double per_second);
void site_leave_out(Site *site);
int entry_begin(PyObject *name, int is_told);     /* -1 with an exception */
int entry_end(PyObject *name, Entry **found, Entry **before); /* new references or NULL; -1 with an exception */
int entry_set(Entry *entry);
int is_tally(PyObject *object);
int is_site(PyObject *object);

/* hot_line.c */
enum {
    F_MARK, F_LEFT_OUT, F_ACTOR, F_TARGET, F_CORRELATION_ID, F_FUNCTION, F_ARGS, F_RESULT, F_ELAPSED_NS, F_I, F_N,
    F_NAME, F_BEFORE, F_AFTER, F_ERROR, F_STATUS, FIELDS
};
extern PyObject **const field_words[FIELDS];
typedef struct {
    Span *parent;    /* NULL: none */
    PyObject *field; /* of the binding; NULL: none */
    PyObject *actor; /* borrowed from `_actors`, held; NULL where nobody asked */
} Place;
int place_find(Place *place, int wants_actor); /* 1: plain; 0: the plain engine's; -1 with an exception */
int place_stand(Place *place, int may_name); /* the same without an actor; `may_name`: the binding may name one */
int place_bound(Place *place, Span *parent); /* the same under a parent that is known */
void place_leave(Place *place);
int is_plain_parent(PyObject *parent);

typedef struct {
    Line line;
    PyObject *cuts; /* NULL before there are any */
    int members;
} HotLine;
int hot_open(HotLine *hot, const Place *place, PyObject *level, int (*write)(Line *, PyObject *));
int hot_text(HotLine *hot, PyObject *text);
int hot_long_text(HotLine *hot, PyObject *text);
int hot_begin(HotLine *hot, const Place *place, PyObject *name, PyObject *text);
int hot_member(HotLine *hot, int field, PyObject *value);
int hot_number(HotLine *hot, int field, long long value);
int hot_write(HotLine *hot, const Place *place, Site *site, long long left); /* 1: the plain engine's */
void hot_end(HotLine *hot);
PyObject *hot_lose(void); /* None, with the exception counted; NULL where it is no Exception */

/* hot_loop.c */
int loop_add(PyObject *module);

/* traced.c */
typedef struct {
    PyObject *function; /* all owned */
    PyObject *names;    /* of its parameters, without the object or class; NULL: `named` knows the arguments */
    PyObject *rest;     /* `*args` */
    PyObject *named;    /* named(args, kwargs); NULL: nobody wants them */
    Py_ssize_t skip, positional;
} Callee;
int callee_take(Callee *callee, PyObject *function, PyObject *names);
int callee_visit(Callee *callee, visitproc visit, void *arg);
void callee_clear(Callee *callee);
PyObject *callee_call(const Callee *callee, PyObject *args, PyObject *kwargs);
PyObject *callee_named(const Callee *callee, PyObject *args, PyObject *kwargs);
int is_alone(PyObject *answer); /* a generator or coroutine that nobody else holds */
int traced_add(PyObject *module);

/* hot_traced.c */
int hot_traced_add(PyObject *module);

/* said.c */
int said_add(PyObject *module);

#endif
