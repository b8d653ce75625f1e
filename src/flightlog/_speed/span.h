/* The compiled span: its layout, what the files of the engine share, and who owns each reference.
 *
 * A Span owns every object that it points to; `open_next` and `open_prev` alone are borrowed, from the list of open
 * spans, which owns one reference to each span in it. `engine` owns what it was handed by `use` and `install`, for
 * good. Nothing here decides anything: the words, the gate and every rare case are in core/_pure.py, whose
 * functions are called for whatever is not plain.
 *
 * Python code may run wherever an object is called, looked up with a miss, or released; so no pointer into a
 * dictionary is held across such a call without a reference, and a line is made on the stack of its maker.
 */
#ifndef FLIGHTLOG_SPEED_SPAN_H
#define FLIGHTLOG_SPEED_SPAN_H

#include "core.h"
#include <stdint.h>
#include <string.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum { OPEN = 0, LEFT = 1, STRAY = 2 }; /* as in core/context.py */
#define MOST_INLINE 8                   /* attributes that are kept as bytes until somebody asks for the dict */

/* What `with` calls: `__enter__` or `__exit__` of one span, within whose memory it lies (span_block.c). While somebody
 * holds it, it owns one reference to its span; while nobody does, its count is 0 and it is only memory. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
} Edge;

typedef struct Span {
    PyObject_HEAD
    Edge entry, exit;
    PyObject *weakrefs;
    /* Numbers, all 0 in a new span: `start` is the first, `span_id` stands behind the last. */
    long long start, zero, told, frame;
    unsigned long long thread;
    uint64_t id;        /* 0: `span_id` says */
    uint64_t parent_id; /* 0: `parent_field` says */
    int state;
    char plain, announced, is_root, is_listed, has_start;
    char alone; /* entered while generators held spans and none of them ran */
    /* Objects; NULL stands for the value in the comment. */
    PyObject *span_id;      /* "" */
    PyObject *trace_id;     /* "" */
    PyObject *parent_field; /* "" */
    PyObject *name;         /* "" */
    PyObject *kind;         /* "step" */
    PyObject *level_field;  /* "" */
    PyObject *status;       /* "ok" */
    PyObject *remote;       /* "" */
    PyObject *root;         /* the span itself where `is_root`, else unset */
    PyObject *out, *outer, *parent, *task, *context;                      /* None */
    PyObject *before, *after; /* what its context held before and after it was entered; span_context.c */
    PyObject *attributes, *input, *output, *error, *links, *waits;        /* None */
    struct Span *open_next, *open_prev;
    /* Attributes that nobody has asked for: `members` is their JSON, joined; `keys` is the tuple of names that the
     * call came with, of which `which[i]` is the i-th attribute's, and `ends[i]` is where it ends. */
    PyObject *keys;
    uint32_t count;
    uint32_t ends[MOST_INLINE];
    unsigned char which[MOST_INLINE];
    /* From here on kept when a dead span is used again. */
    char *members;
    size_t room;
} Span;

/* What Python hands over once (`use`), and with each plan (`install`). */
typedef struct {
    PyTypeObject *type; /* Span itself */
    PyObject *variable, *bound, *held, *verdicts, *texts, *keys, *modules;
    PyObject *off, *unset;
    PyObject *make_span, *make_event, *enter, *leave, *append; /* the same in plain Python */
    PyObject *member, *captured, *cut_list, *level_field, *task_here, *lose, *meet_thread, *thread_fields;
    PyObject *get_ident; /* what tells threads apart, where it is not the interpreter's own; else NULL */
    PyObject *anchor, *ids; /* the Clock, the IdPool */
    PyObject *write, *journal, *origin;
    PyObject *plain; /* the globals of core/_pure.py */
    Py_ssize_t surely_fits; /* bytes of a line for which nobody asks what the limit is */
    int roots_may_drop;
    int withholds; /* whether arguments and results of calls stay out of the record */
    int keeps_all; /* whether no content is withheld from any span */
    PyObject *at_trace, *at_debug, *at_info; /* what `verdicts` says of a level, borrowed; NULL: ask it */
    int is_used; /* whether `use` was called: nothing that records is handed out before */
} Engine;

extern Engine engine;

/* Interned texts. */
typedef struct {
    PyObject *empty, *ok, *step, *info, *asyncio, *field, *stray, *append, *note, *captured, *link_all, *task, *running;
    PyObject *kind, *level, *input, *links, *body, *announce, *append_least, *check, *most_line, *members, *trace;
    PyObject *debug;
} Words;

extern Words words;

/* A line in the making: on the stack, and on the heap beyond that. */
typedef struct {
    char *base, *at, *end;
    char stack[1536];
} Line;

static inline void
line_begin(Line *line)
{
    line->base = line->at = line->stack;
    line->end = line->stack + sizeof line->stack;
}

int line_grow(Line *line, size_t need);

static inline int
line_room(Line *line, size_t need)
{
    return LIKELY((size_t)(line->end - line->at) >= need) ? 0 : line_grow(line, need);
}

static inline void
line_end(Line *line)
{
    if (UNLIKELY(line->base != line->stack))
        PyMem_Free(line->base);
}

/* Bytes for which there is room. */
#define PUT(line, literal) (memcpy((line)->at, literal, sizeof(literal) - 1), (line)->at += sizeof(literal) - 1)

static inline int
line_bytes(Line *line, const char *data, size_t size)
{
    if (line_room(line, size) < 0)
        return -1;
    memcpy(line->at, data, size);
    line->at += size;
    return 0;
}

int line_text(Line *line, PyObject *text);            /* a str as UTF-8, as it is */
char *put_digits(char *at, long long value);          /* a number, for which there is room */
int line_int(Line *line, long long value);
int line_moment(Line *line, long long value); /* Unix nanoseconds */
void line_prepare(void);
char *put_hex(char *at, uint64_t value);              /* 16 digits, for which there is room */
int line_known(Line *line, PyObject *text);           /* the redacted, quoted form, from `memo.texts` */
int line_member(Line *line, PyObject *key, PyObject *value, PyObject *owner, PyObject **note);
int line_write(Line *line, PyObject *out);            /* to `out`, or to the journal if it is NULL or None */
int is_too_long(const Line *line);
int is_unencodable(void);                             /* whether the exception that is set says so; clears it */

/* A few bytes that are copied at once. */
#define WIDE 64
typedef struct {
    size_t size;
    char bytes[WIDE];
} Piece;

/* Where there is room for WIDE bytes. */
static inline char *
put_piece(char *at, const Piece *piece)
{
    memcpy(at, piece->bytes, WIDE / 2);
    if (UNLIKELY(piece->size > WIDE / 2))
        memcpy(at + WIDE / 2, piece->bytes + WIDE / 2, WIDE / 2);
    return at + piece->size;
}

static inline int
line_piece(Line *line, const Piece *piece)
{
    if (line_room(line, WIDE) < 0)
        return -1;
    line->at = put_piece(line->at, piece);
    return 0;
}

/* span_again.c */
int again_add(PyObject *module);
#define KNOWN 1024 /* a power of two */
typedef struct {
    PyObject *text; /* owned, or NULL */
    Piece piece;
} Again;
extern Again texts_again[KNOWN];             /* by a text's address */
int line_first(Line *line, PyObject *text); /* one that is not among them */

static inline size_t
again_at(PyObject *text)
{
    return ((size_t)text >> 4) & (KNOWN - 1);
}

static inline int
line_again(Line *line, PyObject *text) /* as `line_known` */
{
    const Again *found = &texts_again[again_at(text)];
    return LIKELY(found->text == text) ? line_piece(line, &found->piece) : line_first(line, text);
}

extern unsigned texts_age;                   /* another number whenever texts and keys were forgotten */

/* span_line.c */
int span_append(Span *self, PyObject *status, long long end); /* -1 with an exception */
int thread_known(unsigned long long thread); /* have the field of this thread at hand; -1 with an exception */
int thread_asked(unsigned long long *thread); /* as `engine.get_ident` says; -1 with an exception */

/* span_parts.c */
typedef struct {
    PyObject_HEAD
    long long due, offset;
} Anchor;
int parts_add(PyObject *module);
extern PyTypeObject *anchor_type, *pool_type;
uint64_t next_id(void); /* 0 with an exception */
void open_add(Span *span);
void open_discard(Span *span);
long long now_ns(void);
int anchor_due(long long now); /* it is time */

static inline int
anchor_check(long long now) /* look at the wall clock if it is time; -1 with an exception */
{
    return LIKELY(now < ((Anchor *)engine.anchor)->due) ? 0 : anchor_due(now);
}

PyObject *trace_id_new(void);

/* span_tasks.c */
PyObject *task_current(void);            /* a core/tasks.py Task, or None; a new reference */
int task_is_current(PyObject *task);     /* -1 with an exception */
PyObject *task_field(PyObject *task);    /* a new reference */
PyObject *forget_task(PyObject *module, PyObject *unused);

/* span_frame.c */
int in_generator(void);                  /* whether the Python frame that runs is a generator's */
int in_holding_generator(void);          /* whether one that holds a span runs here; 1 if that is not known */

/* span_context.c: the variable, when a span is entered and left; -1 with an exception */
int context_enter(Span *self);
int context_leave(Span *self);
void context_forget(Span *self);

/* span_edges.c: new references; `args` of the exit are the exception's type, itself and its traceback, or None */
PyObject *span_enter(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *span_exit(PyObject *self, PyObject *const *args, Py_ssize_t count);

int announce_root(Span *self); /* have its root say that it runs, unless it did; -1 with an exception */

/* span_room.c */
PyObject *call_with_room(PyObject *callable, PyObject *const *args, size_t count); /* also where the stack is used up */
int is_exhausted(void); /* whether the exception that is set says that stack or memory is used up; clears it */

/* span_block.c */
int block_add(PyTypeObject *type); /* put `__enter__` and `__exit__` onto the type of spans */
PyObject *off_block(PyObject *module, PyObject *off);

/* span_face.c */
PyTypeObject *face_type(const char *name, descrgetfunc get);
PyObject *face_new(PyTypeObject *type, PyObject *plain, vectorcallfunc call); /* says of itself what `plain` does */
PyObject *function(PyObject *module, PyObject *args);
PyObject *verdict_asked(PyObject *level); /* as `verdicts` says; borrowed */

/* Whether a level (NULL: info) is on: Py_True, Py_False, or NULL or None where that depends. All borrowed. */
static inline PyObject *
verdict_of(PyObject *level)
{
    PyObject *verdict = level == NULL || level == words.info ? engine.at_info
                        : level == words.trace               ? engine.at_trace
                        : level == words.debug               ? engine.at_debug
                                                             : NULL;
    return LIKELY(verdict != NULL) ? verdict : verdict_asked(level);
}

int is_used(void); /* 0 with an exception: there is no engine yet to record with */

/* span_type.c */
PyObject *make_type(PyObject *module, PyObject *base); /* needs `use` before it */

/* span_make.c, span_event.c */
Span *span_new(void);
PyObject *make_span(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *make_event(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names);

/* region.c */
typedef struct {
    PyObject_HEAD
    PyObject *append; /* owned; NULL before it is set */
} Door;
extern PyTypeObject *door_type;
int region_add(PyObject *module);
int region_put(PyObject *append, const char *data, size_t size); /* 1: taken; 0: not by this, or full */

static inline int
is_none(PyObject *object)
{
    return object == NULL || object == Py_None;
}

static inline int
is_span(PyObject *object) /* one of ours, whatever subclass */
{
    return Py_TYPE(object) == engine.type || PyType_IsSubtype(Py_TYPE(object), engine.type);
}

static inline int
this_thread(unsigned long long *thread) /* -1 with an exception */
{
    *thread = PyThread_get_thread_ident();
    return LIKELY(engine.get_ident == NULL) ? 0 : thread_asked(thread);
}

static inline int
is_text(PyObject *object) /* NULL stands for an empty one; what it says can be written as it is */
{
    return object == NULL || PyUnicode_CheckExact(object);
}

static inline int
is_on(PyObject *flag) /* a bool of the core's own */
{
    return flag == Py_True;
}

#endif
