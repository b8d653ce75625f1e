"""Large values: when one is large, where it lives, and how it is packed.

Prompts and answers are most of a store's bytes and repeat from call to call, so each is kept once per project,
addressed by BLAKE2b-128 of its JSON, and compressed with zstd. The dictionary beside this file is a text of
our own with the phrases such values are made of; it is used as it stands (raw content) and never trained on
what users record. A released dictionary never changes: the number stored with each payload says which one
unpacks it.

What is said late in a conversation is packed behind its beginning as well, which has many of its words. That
beginning is a payload, too, so an engine must have it to read what is packed behind it; and since its own
messages may be packed behind another, the number also says how many have to be read one for the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from threading import local
from typing import Final

from zstandard import (
    DICT_TYPE_RAWCONTENT,
    STRATEGY_LAZY,
    ZstdCompressionDict,
    ZstdCompressionParameters,
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

DEPTH: Final = 2
"""Times how many beginnings have to be read one for the other before a payload can be, added to its number."""

DEEPEST: Final = 2
"""So many at most: reading stays bounded."""

BEFORE_BYTES: Final = (8 << 10, 32 << 10)
"""What begins behind so many bytes of a conversation is packed behind these.

Of 100 KB of words by chance 45.1 of 55.0 KB are left, of as much English 45.0 of 60.7, of code 44.9 of 54.8; six
such steps, from 2 to 64 KB, would leave 44.1, 40.9 and 43.6, and reading would be six deep.
"""

BEHIND_BYTES: Final = 64 << 10
"""A longer text has all its words itself, and is packed behind nothing."""

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


def pack(values: Sequence[bytes], before: bytes = b"") -> list[bytes]:
    """Compress each value on its own, all in one call, so that the interpreter lock is given up once.

    Args:
        values: each at most `BEHIND_BYTES`, if something is said before them.
        before: the beginning of the conversation that they are from; they are unpacked with the very same.
    """
    compressor = _mine.compressor(before)
    if values and all(values) and hasattr(compressor, "multi_compress_to_buffer"):
        frames = compressor.multi_compress_to_buffer(list(values))
        return [frames[place].tobytes() for place in range(len(frames))]
    return [compressor.compress(value) for value in values]


def unpack(frame: bytes, dictionary: int = DICTIONARY, before: bytes = b"") -> bytes:
    """Give back what `pack` was given; a frame without a dictionary is that already.

    Raises:
        StoreError: the frame is damaged, or was packed with a dictionary that this version does not have.
    """
    if not PLAIN <= dictionary <= DEPTH * DEEPEST + DICTIONARY:
        raise StoreError(f"a payload was packed with dictionary {dictionary}; upgrade Flightlog to read it")
    if dictionary % DEPTH == PLAIN:
        return frame
    try:
        return _mine.decompressor(before).decompress(frame)
    except ZstdError as error:
        raise StoreError(f"a payload is damaged ({error})") from error


class _Packers(local):
    """Those of one thread, and of the last few beginnings: used by two threads at once, zstandard's crash."""

    def __init__(self) -> None:
        self.compressor: Callable[[bytes], ZstdCompressor] = lru_cache(maxsize=4)(_compressor)
        self.decompressor: Callable[[bytes], ZstdDecompressor] = lru_cache(maxsize=4)(_decompressor)


def _compressor(before: bytes) -> ZstdCompressor:
    if not before:
        return ZstdCompressor(level=LEVEL, dict_data=_dictionary())
    dictionary = _behind(before)
    dictionary.precompute_compress(compression_params=_parameters())
    return ZstdCompressor(dict_data=dictionary, compression_params=_parameters())


def _decompressor(before: bytes) -> ZstdDecompressor:
    return ZstdDecompressor(dict_data=_behind(before) if before else _dictionary())


@cache
def _text() -> bytes:
    from importlib.resources import files  # brings all that packs files: some milliseconds of each start

    return files(__package__).joinpath("payload_dictionary.txt").read_bytes()


@cache
def _dictionary() -> ZstdCompressionDict:
    dictionary = ZstdCompressionDict(_text(), dict_type=DICT_TYPE_RAWCONTENT)
    dictionary.precompute_compress(level=LEVEL)
    return dictionary


def _behind(before: bytes) -> ZstdCompressionDict:
    return ZstdCompressionDict(_text() + before, dict_type=DICT_TYPE_RAWCONTENT)


@cache
def _parameters() -> ZstdCompressionParameters:
    """For a text behind others: a fifth more time than `LEVEL`, and 4 % less is left of it.

    The window holds the bundled dictionary, what was said before and `BEHIND_BYTES`.
    """
    return ZstdCompressionParameters(
        strategy=STRATEGY_LAZY, min_match=5, search_log=3, window_log=17, hash_log=15, chain_log=16
    )


_mine: Final = _Packers()
