/* The search of sieve.c over many bytes at a time, once for each width of a vector.
 *
 * Included by sieve.c alone, with these names defined before: NAME, TARGET, VECTOR, WIDTH, LOAD, STORE, TABLE,
 * SHUFFLE, AND, OR, SHIFT, SAME, ZERO, FILLED; it undefines them. Owns nothing, and reads
 * text[place..place + WIDTH + 3) and nothing beyond length.
 */
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

/* The groups of each byte, by the two tables of its place in a window. */
__attribute__((target(TARGET))) static inline VECTOR
PASTE(NAME, _groups)(const uint8_t low[16], const uint8_t high[16], VECTOR lows, VECTOR highs)
{
    return AND(SHUFFLE(TABLE(low), lows), SHUFFLE(TABLE(high), highs));
}

__attribute__((target(TARGET))) static int
NAME(const fls_sieve *sieve, const uint8_t *text, ptrdiff_t length, fls_look look, void *context)
{
    const VECTOR four = SAME(15);
    const ptrdiff_t last = length - WIDTH - (FLS_WINDOW - 1); /* where the last whole block begins */
    ptrdiff_t place = 0;
    while (last >= 0 && place < length - (FLS_WINDOW - 1)) {
        const ptrdiff_t start = place < last ? place : last; /* the last block overlaps the one before */
        VECTOR groups[FLS_PARTS];
        for (int part = 0; part < FLS_PARTS; part++)
            groups[part] = SAME(-1);
        for (int which = 0; which < FLS_WINDOW; which++) {
            const VECTOR bytes = LOAD(text + start + which);
            const VECTOR lows = AND(bytes, four), highs = AND(SHIFT(bytes, 4), four);
            for (int part = 0; part < FLS_PARTS; part++)
                groups[part] = AND(groups[part], PASTE(NAME, _groups)(sieve->low[part][which],
                                                                      sieve->high[part][which], lows, highs));
        }
        VECTOR any = groups[0];
        for (int part = 1; part < FLS_PARTS; part++)
            any = OR(any, groups[part]);
        uint64_t kept = FILLED(any);
        kept = kept >> (place - start) << (place - start);
        if (!kept) {
            place = start + WIDTH;
            continue;
        }
        uint8_t left[FLS_PARTS][WIDTH];
        for (int part = 0; part < FLS_PARTS; part++)
            STORE(left[part], groups[part]);
        for (; kept; kept &= kept - 1) {
            const int at = __builtin_ctzll(kept);
            unsigned found = 0;
            for (int part = 0; part < FLS_PARTS; part++)
                found |= (unsigned)left[part][at] << (8 * part);
            const int answer = look(context, start + at, found);
            if (answer)
                return answer;
        }
        place = start + WIDTH;
    }
    return sift_plainly(sieve, text, length, place, look, context);
}

#undef PASTE
#undef PASTE_
#undef NAME
#undef TARGET
#undef VECTOR
#undef WIDTH
#undef LOAD
#undef STORE
#undef TABLE
#undef SHUFFLE
#undef AND
#undef OR
#undef SHIFT
#undef SAME
#undef ZERO
#undef FILLED
