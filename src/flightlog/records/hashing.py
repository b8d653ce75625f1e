"""Hashes that other programs can compute as well: of bytes, and of a value as JSON in one canonical form.

They are not keyed, unlike what records hold of texts: whoever has the value can compare it.
"""

from __future__ import annotations


def sha256_hex(data: bytes | memoryview | str, /) -> str:
    """SHA-256 of some bytes, or of a text as UTF-8: 64 hexadecimal digits.

    Raises:
        TypeError: it is neither.
    """
    from hashlib import sha256  # few programs hash, and importing it takes a millisecond

    return sha256(data.encode(errors="surrogatepass") if isinstance(data, str) else data).hexdigest()


def json_hash(value: object, /) -> str:
    """SHA-256 of a value as canonical JSON: 64 hexadecimal digits; equal values have equal hashes.

    The form is compact UTF-8 with the members of objects in the order of their names' code points; numbers stand as
    Python writes them, so that 1 and 1.0 differ. Tuples are lists.

    Raises:
        TypeError: there is something in it that JSON does not have.
        ValueError: NaN, an infinity, or a value that contains itself.
    """
    from json import dumps  # as above

    return sha256_hex(
        dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    )
