/* Writing JSON text into a buffer that grows, as msgspec writes it, byte for byte.
 *
 * A `fls_out` owns its bytes until `fls_out_free`, or until `fls_out_str` has made a str of them. Every function that
 * can need memory returns 0, or -1 with an exception set. The objects that are written are borrowed.
 *
 * There are always FLS_SPARE bytes free behind what is written. What is `put` uses them without asking; as many have
 * to be left when it is done, so between two functions that ask, no more than FLS_SPARE bytes are put.
 */
#ifndef FLIGHTLOG_SPEED_TEXT_H
#define FLIGHTLOG_SPEED_TEXT_H

#include "core.h"

#include <stdint.h>
#include <string.h>

#define FLS_SPARE 128

typedef struct {
    char *bytes;
    size_t size, room;
    int is_ascii;
} fls_out;

int fls_out_open(fls_out *out, size_t room);
void fls_out_free(fls_out *out);

/* Make room for `more` bytes behind what is written, and the spare ones. */
int fls_out_grow(fls_out *out, size_t more);

/* Write a str that is not ASCII as JSON string; a lone surrogate is a UnicodeEncodeError. */
int fls_out_wide_string(fls_out *out, PyObject *text);

/* Copy bytes with what JSON wants escaped escaped, and return where they end: at most six times as many. */
char *fls_copy_escaped(char *to, const uint8_t *from, size_t size);

/* Write a whole number and return where it ends: at most 20 bytes are its digits, and at most 28 are written to. */
char *fls_long_digits(char *to, int64_t number);

/* A str of what is written, a new reference; the bytes stay the buffer's. */
PyObject *fls_out_str(const fls_out *out);

static inline int
fls_out_need(fls_out *out, size_t more)
{
    return out->room - out->size >= more + FLS_SPARE ? 0 : fls_out_grow(out, more);
}

static inline int
fls_out_raw(fls_out *out, const char *bytes, size_t size)
{
    if (fls_out_need(out, size) < 0)
        return -1;
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
    return 0;
}

static inline void
fls_put(fls_out *out, const char *bytes, size_t size)
{
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

/* Say whether one of eight bytes is a control character, a quote or a backslash. */
static inline int
fls_has_escapes(uint64_t eight)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    const uint64_t quote = eight ^ (ones * '"'), slash = eight ^ (ones * '\\');
    const uint64_t found = ((eight - ones * 0x20) & ~eight) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
    return (found & tops) != 0;
}

/* Four to eight bytes as eight, some of them twice. */
static inline uint64_t
fls_few(const uint8_t *from, size_t size)
{
    uint32_t head, tail;
    memcpy(&head, from, 4);
    memcpy(&tail, from + size - 4, 4);
    return head | (uint64_t)tail << 32;
}

/* Write the bytes of a string between quotes; room for six times as many is there. */
static inline char *
fls_quoted(char *to, const uint8_t *from, size_t size)
{
    *to++ = '"';
    while (size > 8) {
        uint64_t eight;
        memcpy(&eight, from, 8);
        if (fls_has_escapes(eight)) {
            to = fls_copy_escaped(to, from, 8);
        } else {
            memcpy(to, &eight, 8);
            to += 8;
        }
        from += 8;
        size -= 8;
    }
    if (size >= 4) {
        const uint64_t rest = fls_few(from, size);
        if (fls_has_escapes(rest)) {
            to = fls_copy_escaped(to, from, size);
        } else {
            const uint32_t head = (uint32_t)rest, tail = (uint32_t)(rest >> 32);
            memcpy(to, &head, 4);
            memcpy(to + size - 4, &tail, 4);
            to += size;
        }
    } else {
        to = fls_copy_escaped(to, from, size);
    }
    *to++ = '"';
    return to;
}

static inline char *
fls_digits(char *to, int64_t number)
{
    if (number < 0 || number >= 10)
        return fls_long_digits(to, number);
    *to = (char)('0' + number);
    return to + 1;
}

static inline void
fls_put_int(fls_out *out, int64_t number)
{
    out->size = (size_t)(fls_digits(out->bytes + out->size, number) - out->bytes);
}

/* Write a literal at a place, and give the place behind it. */
#define FLS_AT(to, literal) ((char *)memcpy(to, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

static inline int
fls_out_quoted(fls_out *out, const char *bytes, Py_ssize_t size)
{
    if (size > PY_SSIZE_T_MAX / 16) {
        PyErr_NoMemory();
        return -1;
    }
    if (fls_out_need(out, 6 * (size_t)size + 2) < 0)
        return -1;
    char *const end = fls_quoted(out->bytes + out->size, (const uint8_t *)bytes, (size_t)size);
    out->size = (size_t)(end - out->bytes);
    return 0;
}

/* Write a str as JSON string; a lone surrogate is a UnicodeEncodeError. */
static inline int
fls_out_string(fls_out *out, PyObject *text)
{
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(text) < 0)
        return -1;
#endif
    if (!PyUnicode_IS_ASCII(text))
        return fls_out_wide_string(out, text);
    return fls_out_quoted(out, (const char *)PyUnicode_1BYTE_DATA(text), PyUnicode_GET_LENGTH(text));
}

#define FLS_PUT(out, literal) fls_put(out, literal, sizeof(literal) - 1)

#endif
