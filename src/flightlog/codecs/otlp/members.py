"""Encoded attributes as members of a JSON object, each redacted and written once.

The attributes of spans repeat: the method, the host, the model, most of their values. So an attribute is recognised
by its bytes, and one that came before costs a look into a dictionary. Where its value is new, its key mostly is not,
and in protobuf that is told by bytes as well. The dictionaries are bounded.
"""

from __future__ import annotations

from math import isfinite
from struct import Struct as Packed
from typing import Any, Final, Protocol

from flightlog.codecs.otlp.values import is_plain
from flightlog.codecs.otlp.words import VERSION

MOST: Final = 8192
SHORT: Final = 160
"""Bytes of an encoded attribute that is remembered."""
_MOST_LONG: Final = MOST // 4
"""Numbers of three bytes and more that are remembered at a time: fractions, counts of tokens."""

_double: Final = Packed("<d").unpack_from


class Pair(Protocol):
    """Reads an encoded attribute."""

    def __call__(self, raw: Any, /) -> tuple[str, Any]:
        """Its key and its value."""


class Writer(Protocol):
    """Writes a member; `reading.Pen` has the words."""

    def member(self, key: str, value: Any, /) -> tuple[str, str]:
        """The key of a member as a JSON string, and `"key":value`."""

    def string(self, text: str, key: str, /) -> str:
        """A text that stands under a key which hides nothing."""

    def hides(self, key: str, /) -> bool:
        """Whether what stands under this key is secret."""


class Odd(Exception):
    """An attribute that cannot be written and remembered as it is."""

    def __init__(self, *, own: bool) -> None:
        super().__init__()
        self.own = own
        """Whether it says that the record is one of Flightlog's own."""


class Members(dict[bytes, tuple[str, str]]):
    """By the bytes of an attribute: its key as JSON, and the whole member."""

    __slots__ = ("_pair", "_writer")

    def __init__(self, pair: Pair, writer: Writer) -> None:
        super().__init__()
        self._pair = pair
        self._writer = writer

    def __missing__(self, raw: bytes) -> tuple[str, str]:
        name, value = self._pair(raw)
        if name == VERSION:
            raise Odd(own=True)
        kind = type(value)
        if kind is not str and kind is not int and not is_plain(value):
            raise Odd(own=False)
        member = self._writer.member(name, value)
        if len(raw) <= SHORT:
            if len(self) >= MOST:
                self.clear()
            self[raw] = member
        return member


class BytesMembers(Members):
    """The same for attributes in protobuf, where the bytes of a key, too, stand together and are recognised.

    Long numbers, most of which never come again, get a part of the room, so that they put nothing else out of it.
    """

    __slots__ = ("_heads", "_room", "_string")

    def __init__(self, pair: Pair, writer: Writer) -> None:
        super().__init__(pair, writer)
        self._string = writer.string
        self._heads: dict[bytes, tuple[str, str]] = {}
        """By the bytes of a key: the key as JSON, and as it is. Keys that hide are none of them."""
        self._room = _MOST_LONG
        """Long numbers that may still be remembered."""

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self._room = _MOST_LONG

    def __missing__(self, raw: bytes) -> tuple[str, str]:
        if len(raw) < 5:
            return super().__missing__(raw)
        at = raw[1] + 2
        head = self._heads.get(raw[:at])
        if head is None:
            return self._first(raw, at)
        size = len(raw) - at
        if size > 3 and raw[at] == 0x12 and raw[at + 1] == size - 2:
            tag = raw[at + 2]
            digits = ""
            if tag == 0x0A and raw[at + 3] == size - 4:
                return self._text(raw, at + 4, *head)
            if tag == 0x21 and size == 11:
                digits = repr(double) if isfinite(double := _double(raw, at + 3)[0]) else ""
            elif tag == 0x18:
                # Three bytes, as most that come here have.
                if size == 6 and raw[at + 3] >= 0x80 <= raw[at + 4] and raw[at + 5] < 0x80:
                    digits = str(raw[at + 3] & 0x7F | (raw[at + 4] & 0x7F) << 7 | raw[at + 5] << 14)
                elif size < 12 and (number := _number(raw[at + 3 :])) >= 0:
                    digits = str(number)  # 63 bits at most, so none that is negative
            if digits:
                member = (head[0], f"{head[0]}:{digits}")
                is_long = size > 5
                if self._room if is_long else len(self) < MOST:
                    self._room -= is_long
                    self[raw] = member
                return member
        return super().__missing__(raw)

    def _text(self, raw: bytes, at: int, quoted: str, key: str) -> tuple[str, str]:
        """Read an attribute whose value is the text that begins there."""
        text = self._string(raw[at:].decode("utf-8", "replace"), key)
        if len(self) >= MOST:
            self.clear()
        self[raw] = member = (quoted, f"{quoted}:{text}")
        return member

    def _first(self, raw: bytes, at: int) -> tuple[str, str]:
        """Read an attribute the long way, and keep its key in mind."""
        member = super().__missing__(raw)
        key, _ = self._pair(raw)
        if raw[0] == 0x0A and at <= 0x80 and at == len(key.encode()) + 2 and not self._writer.hides(key):
            if len(self._heads) >= MOST:
                self._heads.clear()
            self._heads[raw[:at]] = (member[0], key)
        return member


def _number(data: bytes) -> int:
    """A number of variable length that ends where the data ends; -1 where it does not."""
    number, last = 0 if data else -1, len(data) - 1
    for place, byte in enumerate(data):
        if (byte < 0x80) != (place == last):
            return -1
        number |= (byte & 0x7F) << 7 * place
    return number
