/* Writing JSON text; see text.h. Owns the bytes of each buffer between open and free. */
#include "text.h"

int
fls_out_open(fls_out *out, size_t room)
{
    out->size = 0;
    out->room = room + FLS_SPARE;
    out->bytes = PyMem_Malloc(out->room);
    out->is_ascii = 1;
    if (out->bytes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

void
fls_out_free(fls_out *out)
{
    PyMem_Free(out->bytes);
    out->bytes = NULL;
}

int
fls_out_grow(fls_out *out, size_t more)
{
    const size_t most = (size_t)PY_SSIZE_T_MAX / 2;
    if (more > most - out->size) {
        PyErr_NoMemory();
        return -1;
    }
    size_t room = out->room * 2;
    if (room < out->size + more + FLS_SPARE)
        room = out->size + more + FLS_SPARE;
    char *bytes = PyMem_Realloc(out->bytes, room);
    if (bytes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    out->bytes = bytes;
    out->room = room;
    return 0;
}

static inline int
is_escaped(uint8_t byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

static char *
escape(char *to, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[] = "btn\0fr"; /* of the bytes from 8 on; 11 has none */
    *to++ = '\\';
    if (byte == '"' || byte == '\\') {
        *to++ = (char)byte;
    } else if (byte >= 8 && byte <= 13 && byte != 11) {
        *to++ = letters[byte - 8];
    } else {
        memcpy(to, "u00", 3);
        to[3] = digits[byte >> 4];
        to[4] = digits[byte & 15];
        to += 5;
    }
    return to;
}

char *
fls_copy_escaped(char *to, const uint8_t *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (is_escaped(from[i]))
            to = escape(to, from[i]);
        else
            *to++ = (char)from[i];
    return to;
}

int
fls_out_wide_string(fls_out *out, PyObject *text)
{
    PyObject *encoded = PyUnicode_AsUTF8String(text);
    if (encoded == NULL)
        return -1;
    out->is_ascii = 0;
    const int written = fls_out_quoted(out, PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded));
    Py_DECREF(encoded);
    return written;
}

static char *
two_digits(char *to, uint32_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    memcpy(to, pairs + 2 * number, 2);
    return to + 2;
}

static char *
eight_digits(char *to, uint32_t number)
{
    const uint32_t high = number / 10000, low = number % 10000;
    two_digits(two_digits(to, high / 100), high % 100);
    return two_digits(two_digits(to + 4, low / 100), low % 100);
}

/* The digits of a number below 10**8 without the zeros before them. */
static inline char *
few_digits(char *to, uint32_t number)
{
    char all[8];
    eight_digits(all, number);
    const int digits = number < 10000 ? (number < 100 ? 1 + (number >= 10) : 3 + (number >= 1000))
                                      : (number < 1000000 ? 5 + (number >= 100000) : 7 + (number >= 10000000));
    uint64_t eight;
    memcpy(&eight, all, 8);
    const int zeros = 8 - digits;
#if PY_BIG_ENDIAN
    eight <<= 8 * zeros;
#else
    eight >>= 8 * zeros;
#endif
    memcpy(to, &eight, 8); /* more than its digits: what is put next overwrites the rest */
    return to + digits;
}

char *
fls_long_digits(char *to, int64_t number)
{
    const uint64_t eight = 100000000;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    if (number < 0)
        *to++ = '-';
    if (rest < eight)
        return few_digits(to, (uint32_t)rest);
    if (rest < eight * eight)
        return eight_digits(few_digits(to, (uint32_t)(rest / eight)), (uint32_t)(rest % eight));
    to = few_digits(to, (uint32_t)(rest / (eight * eight)));
    rest %= eight * eight;
    return eight_digits(eight_digits(to, (uint32_t)(rest / eight)), (uint32_t)(rest % eight));
}

PyObject *
fls_out_str(const fls_out *out)
{
    if (!out->is_ascii)
        return PyUnicode_DecodeUTF8(out->bytes, (Py_ssize_t)out->size, NULL);
    PyObject *text = PyUnicode_New((Py_ssize_t)out->size, 127);
    if (text != NULL)
        memcpy(PyUnicode_1BYTE_DATA(text), out->bytes, out->size);
    return text;
}
