"""The gate's encoder for documents that come from outside: what `core/memo.py` is for a program's own values.

Names, keys and short texts repeat in a document as they do in a program, so each is looked at once and then answered
from a dictionary, which is bounded. Everything else goes through the walk of `core/capture.py`: the same limits, the
same rules, the same marks for what was cut. A pen belongs to one import and is used by one thread.
"""

from __future__ import annotations

from typing import Any, Final

from flightlog.core.capture import Cut, Encoder, Limits, quote
from flightlog.core.numbers import number
from flightlog.core.ports import Gate

_SHORT: Final = 64
"""A text that is longer is not remembered."""
_MOST: Final = 8192
_LONGEST_NAME: Final = 4096


class Pen:
    """Writes JSON; no text gets into it but through the gate. It keeps the contract of `codecs.otlp.reading.Pen`."""

    def __init__(self, gate: Gate, value_bytes: int) -> None:
        """Prepare.

        Args:
            gate: decides what is secret.
            value_bytes: most characters of all texts of one value together.
        """
        self._gate = gate
        self._encoder = Encoder(gate, Limits(value_bytes), self._failed)
        self._texts = _Texts(gate)
        self.text = self._texts.__getitem__
        """A text as a JSON string: a name, an id. In the place of a method, whose call would cost more than it does."""
        self._value_bytes = value_bytes
        self._keys: dict[str, tuple[str, bool]] = {}
        self.failures = 0
        """Values that could not be encoded; something that says so stands in their place."""
        self.cuts = 0
        """Texts that were longer than `value_bytes`."""

    def member(self, key: str, value: Any, /) -> tuple[str, str]:
        """The key of a member as a JSON string, and `"key":value`."""
        known = self._keys.get(key)
        if known is None:
            known = self._key(key)
        name, hidden = known
        if hidden:
            fragment, cuts = self._encoder.secret(key, value)
            return name, f"{name}:{self._noted(fragment, cuts)}"
        kind = type(value)
        if kind is str:
            if len(value) <= _SHORT:
                return name, f"{name}:{self._texts[value]}"
        elif kind is int:
            return name, f"{name}:{number(value)}"
        elif kind is bool:
            return name, f"{name}:true" if value else f"{name}:false"
        elif kind is float:
            return name, f"{name}:{number(value)}"
        return name, f"{name}:{self.value(value, key)}"

    def value(self, value: Any, path: str, /) -> str:
        """A value as JSON; `path` is the field of the record, or the key, that it stands under."""
        return self._noted(*self._encoder.encode(value, path))

    def string(self, text: str, key: str, /) -> str:
        """A text that stands under a key which hides nothing."""
        if len(text) > self._value_bytes:
            return self.value(text, key)
        return quote(self._gate.text(key, text))

    def hides(self, key: str, /) -> bool:
        """Whether what stands under this key is secret."""
        return self._gate.hides(key)

    def passes(self, text: str, /) -> bool:
        """Whether the gate would let this text through as it is."""
        return self._gate.text("", text) == text

    def _key(self, key: str) -> tuple[str, bool]:
        name = self._texts[key]
        known = (name, self._gate.hides(key))
        if key in self._texts:
            if len(self._keys) >= _MOST:
                self._keys.clear()
            self._keys[key] = known
        return known

    def _noted(self, fragment: str, cuts: list[Cut]) -> str:
        self.cuts += len(cuts)
        return fragment

    def _failed(self) -> None:
        self.failures += 1


class _Texts(dict[str, str]):
    """Texts as JSON strings; the short ones in which nothing was found are remembered."""

    __slots__ = ("_gate",)

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def __missing__(self, text: str) -> str:
        clean = self._gate.text("", text)
        fragment = quote(clean[:_LONGEST_NAME])
        if len(text) <= _SHORT and clean is text:
            if len(self) >= _MOST:
                self.clear()
            self[text] = fragment
        return fragment
