/* The hot tier in C: what its files share, and who owns each reference.
 *
 * `tier` owns what it was handed by `hot_use`, for good. A call owns nothing beyond itself.
 *
 * The functions of core/hot.py are the reference. Each function here does the plain case, and hands its arguments as
 * they are to the one in Python for every other, before it has changed anything.
 */
#ifndef FLIGHTLOG_SPEED_HOT_H
#define FLIGHTLOG_SPEED_HOT_H

#include "event.h"

/* What `hot_use` takes. */
typedef struct {
    PyObject *tiny, *correlated, *enter, *leave, *iteration, *state; /* the same in plain Python */
    PyObject *actors, *entered; /* a dict, a variable */
    PyObject *site_at, *made, *tally;
} Tier;

extern Tier tier;
int tier_is_used(void); /* 0 with an exception: it was not told what to work with */

enum { SILENT = 0, ASKING = 1, LISTENING = 2 };
extern int heard; /* whether anybody records level trace: nobody, that depends, everybody */

/* Interned names. */
typedef struct {
    PyObject *mark, *tiny, *enter, *exit, *loop, *state, *left_out, *actor, *target, *correlation_id, *function, *args;
    PyObject *result, *elapsed_ns, *i, *n, *name, *before, *after, *text, *action, *detail, *every, *per_second;
    PyObject *fn, *dunder_name, *error, *status;
} HotWords;

extern HotWords hot_words;

/* plain.c */
int line_small(Line *line, PyObject *value);
int is_hiding(PyObject *key);
PyObject *small_json(PyObject *value, PyObject *key);
PyObject *small_members(PyObject *names, PyObject *values, Py_ssize_t skip, PyObject *key);
int plain_add(PyObject *module);

/* hot_sites.c */
typedef struct {
    long long seen, left, due;
    double room;
} Counts;
typedef struct {
    PyObject_HEAD
    Counts now;
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
int every_of(PyObject *number, void *every); /* a converter of arguments: any whole number, as a long long */
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
int place_hot(Place *place, int may_name);     /* as place_stand; `may_name`: the binding may name the actor */
int place_find(Place *place, int wants_actor); /* the same, with the actor if that is wanted */
int hot_member(EventLine *hot, int field, PyObject *value);
int hot_mark(EventLine *hot, PyObject *mark); /* the first member */
int hot_number(EventLine *hot, int field, long long value);

/* What is said: its name, its text (NULL: none), and what writes its members. */
typedef struct {
    PyObject *name, *text;
    int (*members)(EventLine *hot, const Place *place, const void *what);
} Saying;
/* 0: said; 1: the function in Python shall; -1 with an exception. `site` (NULL: none) tells what it has left out. */
int hot_say(const Saying *saying, const Place *place, Site *site, const void *what);

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
