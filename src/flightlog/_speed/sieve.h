/* Finding the places of a text where one of many short windows may stand, many bytes at a time.
 *
 * The windows are dealt into 32 groups. For each byte of a window two tables say by its low and by its high
 * four bits which groups it can belong to; a place is kept when a group is left after all look-ups. The tables
 * let through more than the windows (two classes of one group mix), never less: whoever asks looks again.
 *
 * Owns nothing; reads only text[0..length), and beyond the end as if a byte stood there that every window may end in.
 */
#ifndef FLIGHTLOG_SPEED_SIEVE_H
#define FLIGHTLOG_SPEED_SIEVE_H

#include <stddef.h>
#include <stdint.h>

#define FLS_PARTS 4 /* of the groups, eight bits each */
#define FLS_GROUPS (8 * FLS_PARTS)
#define FLS_WINDOW 4

typedef struct {
    uint8_t low[FLS_PARTS][FLS_WINDOW][16];  /* by the low four bits of each byte of a window: a bit for each group */
    uint8_t high[FLS_PARTS][FLS_WINDOW][16]; /* by the high four bits */
    uint32_t open[FLS_WINDOW];               /* the groups with a window of which that byte may be beyond the end */
} fls_sieve;

/* Called with each place that is kept, in order, and a bit for each group that is left; nonzero ends the search. */
typedef int (*fls_look)(void *context, ptrdiff_t place, unsigned groups);

/* Search, and return what `look` returned last, or 0 when no place was kept. */
int fls_sift(const fls_sieve *sieve, const uint8_t *text, ptrdiff_t length, fls_look look, void *context);

/* Name the instructions that `fls_sift` uses on this processor: "avx512", "avx2", "ssse3" or "plain". */
const char *fls_sieve_kind(void);

/* Use the instructions of that name from now on, if the processor has them; returns whether it has. For tests. */
int fls_sieve_use(const char *kind);

#endif
