/* Matching a path of character classes; see match.h. Owns nothing, allocates nothing. */
#include "match.h"

#include <string.h>

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

/* The states with those added that are reached without reading: past elements that may be there no time. Added to a row
 * of them, a state carries on to what is behind the row. */
static inline uint64_t
reached(uint64_t repeats, uint64_t states)
{
    return states | (((states & repeats) + repeats) ^ repeats);
}

/* The bytes that a run holds and none of the others does. */
static void
set_alone(const fls_path *path, int first, uint64_t others, uint8_t alone[32])
{
    memcpy(alone, path->elements[first].holds, 32);
    for (; others; others &= others - 1) {
        const uint8_t *other = path->elements[__builtin_ctzll(others)].holds;
        for (int i = 0; i < 32; i++)
            alone[i] &= (uint8_t)~other[i];
    }
}

static inline int
is_inside(const fls_text *text, ptrdiff_t place)
{
    return (size_t)place < (size_t)text->length; /* a place before the beginning is beyond the end, too */
}

/* Go on while the run `first` is read and none of the others, which may follow it: nearly all of the time. Returns
 * where that ends. */
static ptrdiff_t
run_on(const fls_path *path, int first, uint64_t others, fls_text *text, ptrdiff_t place, int step)
{
    const ptrdiff_t start = place;
    const uint8_t *run = path->elements[first].holds, *next = path->elements[first + 1].holds;
    if (others & (others - 1)) {
        uint8_t alone[32];
        set_alone(path, first, others, alone);
        while (is_inside(text, place) && fls_holds(alone, text->bytes[place]))
            place += step;
    }
    else
        while (is_inside(text, place) && fls_holds(run, text->bytes[place]) && !fls_holds(next, text->bytes[place]))
            place += step;
    text->budget -= step > 0 ? place - start : start - place;
    return place;
}

/* The states after a byte has been read, without those that are reached from there. */
static uint64_t
read_byte(const fls_path *path, uint64_t states, fls_text *text, unsigned byte)
{
    uint64_t next = 0;
    for (uint64_t rest = states; rest; rest &= rest - 1) {
        const uint64_t state = rest & -rest;
        text->budget--;
        if (fls_holds(path->elements[__builtin_ctzll(rest)].holds, byte))
            next |= path->repeats & state ? state : state << 1;
    }
    return next;
}

int
fls_fits(const fls_path *path, fls_text *text, ptrdiff_t place, int step)
{
    const uint64_t repeats = path->repeats, done = (uint64_t)1 << path->count;
    if (!repeats)
        return fits_plainly(path, text, place, step) || text->budget < 0;
    uint64_t states = reached(repeats, 1); /* bit i: the elements before i are behind us */
    for (; !(states & done); place += step) {
        if (text->budget < 0)
            return 1;
        const uint64_t first = states & -states;
        if (first & repeats && states == reached(repeats, first))
            place = run_on(path, __builtin_ctzll(first), states ^ first, text, place, step);
        if (!is_inside(text, place))
            return 0;
        states = read_byte(path, states, text, text->bytes[place]);
        if (!states)
            return 0;
        states = reached(repeats, states);
    }
    return 1;
}
