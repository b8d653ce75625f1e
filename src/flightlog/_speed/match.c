/* Matching a path of character classes; see match.h. Owns nothing, allocates nothing. */
#include "match.h"

static int
fits_plainly(const fls_path *path, fls_text *text, ptrdiff_t place, int step)
{
    for (int i = 0; i < path->count; i++, place += step) {
        if (place < 0 || place >= text->length)
            return 0;
        if (!fls_holds(path->elements[i].holds, text->bytes[place])) {
            text->budget -= i;
            return 0;
        }
    }
    return 1;
}

/* The states with those added that are reached without reading: past an element that may be there no time. */
static uint64_t
reached(const fls_path *path, uint64_t states)
{
    for (uint64_t added = states & path->repeats; added; added &= path->repeats) {
        added = added << 1 & ~states;
        states |= added;
    }
    return states;
}

/* Go on while all there is is one run, and what may follow it: nearly all of the time. Returns where that ends. */
static ptrdiff_t
run_on(const fls_element *element, fls_text *text, ptrdiff_t place, int step)
{
    const ptrdiff_t start = place;
    const uint8_t *run = element[0].holds, *next = element[1].holds;
    while (place >= 0 && place < text->length && fls_holds(run, text->bytes[place]) &&
           !fls_holds(next, text->bytes[place]))
        place += step;
    text->budget -= step > 0 ? place - start : start - place;
    return place;
}

int
fls_fits(const fls_path *path, fls_text *text, ptrdiff_t place, int step)
{
    if (!path->repeats)
        return fits_plainly(path, text, place, step) || text->budget < 0;
    const uint64_t done = (uint64_t)1 << path->count;
    uint64_t states = reached(path, 1); /* bit i: the elements before i are behind us */
    for (; !(states & done); place += step) {
        if (text->budget < 0)
            return 1;
        if (!states || place < 0 || place >= text->length)
            return 0;
        uint64_t next = 0;
        const int first = __builtin_ctzll(states);
        if (states == (uint64_t)3 << first && first + 1 < path->count) {
            place = run_on(&path->elements[first], text, place, step);
            if (place < 0 || place >= text->length)
                return 0;
        }
        for (uint64_t rest = states; rest; rest &= rest - 1) {
            const int i = __builtin_ctzll(rest);
            text->budget--;
            if (fls_holds(path->elements[i].holds, text->bytes[place]))
                next |= path->repeats >> i & 1 ? (uint64_t)1 << i : (uint64_t)2 << i;
        }
        states = next ? reached(path, next) : 0;
    }
    return 1;
}
