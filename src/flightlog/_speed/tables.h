/* The tables of a scanner: looks, the windows by which they are found, and how the sieve is set for them.
 *
 * One block of memory holds all of them; whoever has filled a `fls_tables` owns it and frees it with
 * `fls_tables_free`. Filled once, never changed.
 */
#ifndef FLIGHTLOG_SPEED_TABLES_H
#define FLIGHTLOG_SPEED_TABLES_H

#include "core.h"
#include "match.h"
#include "sieve.h"

#define FLS_A_GROUP 64  /* looks of a group, at most */
#define FLS_OUTSIDE 256 /* what stands beyond the end of a text, in the table of windows */
#define FLS_NONE 256    /* no byte */
#define FLS_BEHIND FLS_WINDOW /* of the places in and around a window: the one behind four bytes of it */
#define FLS_BEFORE (FLS_WINDOW + 1)
#define FLS_PLACES (FLS_WINDOW + 2)

typedef struct {
    fls_path whole;
    fls_path forwards;  /* what is behind the window */
    fls_path backwards; /* what is before the window, read backwards */
    int in_texts, in_documents;
    int window;         /* elements of the window, at most FLS_WINDOW; whatever stands behind them will do */
    int needs;          /* a byte that is in every text in which it fits, or FLS_NONE where that is not asked */
} fls_looked;

typedef struct {
    fls_sieve sieve;
    Py_ssize_t looks;
    fls_looked *told; /* looks of them, in the order in which they were told */
    fls_looked **look; /* by group and number in it: FLS_A_GROUP for each group */
    uint64_t *holding; /* by place, byte or FLS_OUTSIDE, and group: the looks that may have that byte there */
    uint64_t *held[2]; /* by group: [0] the looks that hold in texts, [1] those that hold in documents */
    void *block;
} fls_tables;

/* Where `holding` tells of a byte at one of the places. */
static inline size_t
fls_held_at(int which, unsigned byte, int group)
{
    return ((size_t)which * (FLS_OUTSIDE + 1) + byte) * FLS_GROUPS + (size_t)group;
}

/* Fill the tables from what Python hands over, all of it borrowed:
 *   classes  32 bytes a class, a bit for each byte that belongs to it;
 *   weights  256 doubles: how common each byte is;
 *   looks    a tuple of (in_texts, in_documents, path), a path being pairs of 16-bit numbers: class, repeats.
 * Returns 0, or -1 with an exception set and nothing to free. */
int fls_tables_fill(fls_tables *tables, const Py_buffer *classes, const Py_buffer *weights, PyObject *looks);

void fls_tables_free(fls_tables *tables);

#endif
