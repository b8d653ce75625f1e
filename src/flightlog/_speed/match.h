/* Matching a short path of character classes at one place of a text.
 *
 * A path is a run of elements; an element is a class of bytes, once or any number of times. The text is bytes: of a
 * text with wider characters, 0xFF stands for every character from U+00FF up, so that a class that holds one of
 * those holds 0xFF.
 *
 * Nothing here owns memory or knows Python. Nothing reads outside text[0..length).
 */
#ifndef FLIGHTLOG_SPEED_MATCH_H
#define FLIGHTLOG_SPEED_MATCH_H

#include <stddef.h>
#include <stdint.h>

#define FLS_LONGEST_PATH 63

typedef struct {
    const uint8_t *holds; /* 32 bytes, a bit for each byte of the class; borrowed from the scanner */
    int repeats;          /* any number of times, none included */
} fls_element;

typedef struct {
    const fls_element *elements; /* borrowed from the scanner */
    int count;                   /* at most FLS_LONGEST_PATH */
    uint64_t repeats;            /* a bit for each element that does */
} fls_path;

typedef struct {
    const uint8_t *bytes;
    ptrdiff_t length;
    int64_t budget; /* comparisons that are left; below zero, the answer is yes whatever the text is */
} fls_text;

static inline int
fls_holds(const uint8_t *set, unsigned byte)
{
    return set[byte >> 3] >> (byte & 7) & 1;
}

/* Say whether the path fits from `place` on, forwards (step 1) or backwards (step -1), or the budget is used up. */
int fls_fits(const fls_path *path, fls_text *text, ptrdiff_t place, int step);

#endif
