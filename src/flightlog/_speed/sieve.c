/* The search for windows; see sieve.h. Owns nothing, allocates nothing.
 *
 * The best instructions that the processor has are chosen at the first call. Every way gives the same places.
 */
#include "sieve.h"

#include <string.h>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define FLS_X86 1
#include <immintrin.h>
#else
#define FLS_X86 0
#endif

static inline unsigned
groups_of(const fls_sieve *sieve, int which, unsigned byte)
{
    const unsigned low = byte & 15, high = byte >> 4;
    unsigned groups = 0;
    for (int part = 0; part < FLS_PARTS; part++)
        groups |= (unsigned)(sieve->low[part][which][low] & sieve->high[part][which][high]) << (8 * part);
    return groups;
}

/* The places from `place` on, one by one: the end of every text, and all of it where nothing faster is to be had. */
static int
sift_plainly(const fls_sieve *sieve, const uint8_t *text, ptrdiff_t length, ptrdiff_t place, fls_look look,
             void *context)
{
    for (; place < length; place++) {
        unsigned groups = groups_of(sieve, 0, text[place]);
        for (int which = 1; groups && which < FLS_WINDOW; which++)
            groups &= place + which < length ? groups_of(sieve, which, text[place + which]) : sieve->open[which];
        if (groups) {
            const int answer = look(context, place, groups);
            if (answer)
                return answer;
        }
    }
    return 0;
}

#if FLS_X86

#define FLS_LOAD16(from) _mm_loadu_si128((const __m128i *)(const void *)(from))

#define NAME sift_ssse3
#define TARGET "ssse3"
#define VECTOR __m128i
#define WIDTH 16
#define LOAD FLS_LOAD16
#define STORE(to, vector) _mm_storeu_si128((__m128i *)(void *)(to), vector)
#define TABLE FLS_LOAD16
#define SHUFFLE _mm_shuffle_epi8
#define AND _mm_and_si128
#define OR _mm_or_si128
#define SHIFT _mm_srli_epi16
#define SAME _mm_set1_epi8
#define ZERO _mm_setzero_si128
#define FILLED(vector) (0xFFFFu ^ (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(vector, ZERO())))
#include "sieve_vector.h"

#define NAME sift_avx2
#define TARGET "avx2"
#define VECTOR __m256i
#define WIDTH 32
#define LOAD(from) _mm256_loadu_si256((const __m256i *)(const void *)(from))
#define STORE(to, vector) _mm256_storeu_si256((__m256i *)(void *)(to), vector)
#define TABLE(from) _mm256_broadcastsi128_si256(FLS_LOAD16(from))
#define SHUFFLE _mm256_shuffle_epi8
#define AND _mm256_and_si256
#define OR _mm256_or_si256
#define SHIFT _mm256_srli_epi16
#define SAME _mm256_set1_epi8
#define ZERO _mm256_setzero_si256
#define FILLED(vector) (~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(vector, ZERO())))
#include "sieve_vector.h"

#define NAME sift_avx512
#define TARGET "avx512f,avx512bw"
#define VECTOR __m512i
#define WIDTH 64
#define LOAD _mm512_loadu_si512
#define STORE _mm512_storeu_si512
#define TABLE(from) _mm512_broadcast_i32x4(FLS_LOAD16(from))
#define SHUFFLE _mm512_shuffle_epi8
#define AND _mm512_and_si512
#define OR _mm512_or_si512
#define SHIFT _mm512_srli_epi16
#define SAME _mm512_set1_epi8
#define ZERO _mm512_setzero_si512
#define FILLED(vector) _mm512_test_epi8_mask(vector, vector)
#include "sieve_vector.h"

#endif

enum { UNKNOWN, PLAIN, SSSE3, AVX2, AVX512 };

static const char *const names[] = {"", "plain", "ssse3", "avx2", "avx512"};
static int chosen = UNKNOWN; /* written under the interpreter lock */

static int
best(void)
{
#if FLS_X86
    __builtin_cpu_init();
    /* Of processors with avx512bw, those without vbmi run slower for a while after wide instructions. */
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi"))
        return AVX512;
    if (__builtin_cpu_supports("avx2"))
        return AVX2;
    if (__builtin_cpu_supports("ssse3"))
        return SSSE3;
#endif
    return PLAIN;
}

const char *
fls_sieve_kind(void)
{
    if (chosen == UNKNOWN)
        chosen = best();
    return names[chosen];
}

int
fls_sieve_use(const char *kind)
{
    for (int i = PLAIN; i <= best(); i++)
        if (!strcmp(kind, names[i])) {
            chosen = i;
            return 1;
        }
    return 0;
}

int
fls_sift(const fls_sieve *sieve, const uint8_t *text, ptrdiff_t length, fls_look look, void *context)
{
    if (chosen == UNKNOWN)
        chosen = best();
#if FLS_X86
    /* The widest instructions for which the text is long enough. */
    if (chosen >= AVX512 && length >= 64 + FLS_WINDOW - 1)
        return sift_avx512(sieve, text, length, look, context);
    if (chosen >= AVX2 && length >= 32 + FLS_WINDOW - 1)
        return sift_avx2(sieve, text, length, look, context);
    if (chosen >= SSSE3)
        return sift_ssse3(sieve, text, length, look, context);
#endif
    return sift_plainly(sieve, text, length, 0, look, context);
}
