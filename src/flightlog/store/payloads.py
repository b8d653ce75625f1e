"""Large values: when one is large, where it lives, and how it is packed.

Prompts and answers are most of a store's bytes and repeat from call to call, so each is kept once per project,
addressed by BLAKE2b-128 of its JSON, and compressed with zstd. The dictionary beside this file is a text of
our own with the phrases such values are made of; it is used as it stands (raw content) and never trained on
what users record. A released dictionary never changes: the number stored with each payload says which one
unpacks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Final

from zstandard import (
    DICT_TYPE_RAWCONTENT,
    ZstdCompressionDict,
    ZstdCompressor,
    ZstdDecompressor,
    ZstdError,
)

from flightlog.records.errors import StoreError

INLINE_BYTES: Final = 512
"""A value of this many bytes or more is a payload; a shorter one stays in its span's row."""

DICTIONARY: Final = 1
"""Number of the dictionary that `pack` uses."""

PLAIN: Final = 0
"""Number of the dictionary of what is stored as it is."""

PLAIN_BYTES: Final = 24
"""A text of so many bytes, such as stands between the messages of a request, would not get shorter."""

LEVEL: Final = 3
"""zstd level: 120,000 spans/s and half the size of no dictionary, by the store's measurements."""

_SLICE: Final = 2047
"""`hashlib` gives up the interpreter lock for longer pieces, and beside a busy thread gets it back 5 ms later."""


def digest(data: bytes, size: int) -> bytes:
    """BLAKE2b of `size` bytes, computed without giving up the interpreter lock."""
    if len(data) <= _SLICE:
        return blake2b(data, digest_size=size).digest()
    state = blake2b(digest_size=size)
    view = memoryview(data)
    for place in range(0, len(data), _SLICE):
        state.update(view[place : place + _SLICE])
    return state.digest()


def digests(values: Iterable[bytes], size: int) -> Iterator[bytes]:
    """`digest` of each value; a copy of one empty state costs less than a state of its own: 0.37 of 0.53 us."""
    fresh = blake2b(digest_size=size).copy
    for data in values:
        if len(data) > _SLICE:
            yield digest(data, size)
        else:
            state = fresh()
            state.update(data)
            yield state.digest()


def address(data: bytes) -> bytes:
    """Where a payload lives within its project: BLAKE2b-128 of its bytes."""
    return digest(data, 16)


def running_addresses(data: bytes, ends: Sequence[int]) -> Iterator[bytes]:
    """The address of what stands before each of these places, which rise: each byte is read once for all."""
    state = blake2b(digest_size=16)
    view = memoryview(data)
    start = 0
    for end in ends:
        for place in range(start, end, _SLICE):
            state.update(view[place : min(place + _SLICE, end)])
        start = end
        yield state.copy().digest()


def pack(values: Sequence[bytes]) -> list[bytes]:
    """Compress each value on its own, all in one call, so that the interpreter lock is given up once."""
    compressor = _compressor()
    if values and all(values) and hasattr(compressor, "multi_compress_to_buffer"):
        frames = compressor.multi_compress_to_buffer(list(values))
        return [frames[place].tobytes() for place in range(len(frames))]
    return [compressor.compress(value) for value in values]


def unpack(frame: bytes, dictionary: int = DICTIONARY) -> bytes:
    """Give back what `pack` was given; a frame of dictionary `PLAIN` is that already.

    Raises:
        StoreError: the frame is damaged, or was packed with a dictionary that this version does not have.
    """
    if dictionary == PLAIN:
        return frame
    if dictionary != DICTIONARY:
        raise StoreError(f"a payload was packed with dictionary {dictionary}; upgrade Flightlog to read it")
    try:
        return _decompressor().decompress(frame)
    except ZstdError as error:
        raise StoreError(f"a payload is damaged ({error})") from error


@cache
def _dictionary() -> ZstdCompressionDict:
    text = files(__package__).joinpath("payload_dictionary.txt").read_bytes()
    dictionary = ZstdCompressionDict(text, dict_type=DICT_TYPE_RAWCONTENT)
    dictionary.precompute_compress(level=LEVEL)
    return dictionary


@cache
def _compressor() -> ZstdCompressor:
    return ZstdCompressor(level=LEVEL, dict_data=_dictionary())


@cache
def _decompressor() -> ZstdDecompressor:
    return ZstdDecompressor(dict_data=_dictionary())
