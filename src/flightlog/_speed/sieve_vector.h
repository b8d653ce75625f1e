/* The search of sieve.c over many bytes at a time, once for each width of a vector.
 *
 * Included by sieve.c alone, with these names defined before: NAME, TARGET, VECTOR, WIDTH, LOAD, STORE, TABLE,
 * SHUFFLE, AND, OR, SHIFT, SAME, ZERO, EQUAL, BITS; it undefines them. Owns nothing, and reads
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
        VECTOR groups[FLS_HALVES] = {SAME(-1), SAME(-1)};
        for (int which = 0; which < FLS_WINDOW; which++) {
            const VECTOR bytes = LOAD(text + start + which);
            const VECTOR lows = AND(bytes, four), highs = AND(SHIFT(bytes, 4), four);
            for (int half = 0; half < FLS_HALVES; half++)
                groups[half] = AND(groups[half], PASTE(NAME, _groups)(sieve->low[half][which],
                                                                      sieve->high[half][which], lows, highs));
        }
        const uint64_t none = (uint32_t)BITS(EQUAL(OR(groups[0], groups[1]), ZERO()));
        uint64_t kept = ~none & (((uint64_t)1 << WIDTH) - 1);
        kept = kept >> (place - start) << (place - start);
        uint8_t left[FLS_HALVES][WIDTH];
        if (kept) {
            STORE(left[0], groups[0]);
            STORE(left[1], groups[1]);
        }
        for (; kept; kept &= kept - 1) {
            const int at = __builtin_ctzll(kept);
            const int answer = look(context, start + at, left[0][at] | (unsigned)left[1][at] << 8);
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
#undef EQUAL
#undef BITS
