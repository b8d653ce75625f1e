"""Values of a program become bounded, redacted JSON.

`Encoder.encode` turns any value into a fragment of JSON text at the moment it is handed over, so that a list
which the program changes afterwards does not change the record. Each text passes the gate as it is written,
and everything under a secret-named key is replaced whole. Nothing here raises: what cannot be encoded is
replaced by an object that says so, and counted; only that value is, and what stands beside it is kept.

Capturing runs no code of the program: no `__repr__`, `__iter__`, `items` or property, since any of them may raise,
wait, load lazily, change something or never end. An object is told by what it holds (`objects.py`). The one
exception is what an exception says (`budget.py`).

Bounds: `Limits.value_bytes` characters a value, `Limits.nodes` nodes, `Limits.depth` levels. A text that is cut is
listed with its whole length and a keyed hash of the part that was kept, already redacted (`Cut`). The work is
bounded as the result is: of a container no more is taken than there are nodes left, and one more that tells
whether there is a rest.
"""

from __future__ import annotations

from _json import encode_basestring
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import classes, objects
from flightlog.core.numbers import number
from flightlog.core.outcome import said
from flightlog.core.ports import Gate
from flightlog.core.values import KEY_CHARACTERS, WRITERS, key_text, writer_for

HIDDEN: Final = '"[REDACTED]"'
"""What stands for a value under a secret-named key."""

_ERROR_CHARACTERS: Final = 100
_OVERLAP: Final = 4096
"""A text that is cut is scanned this many characters past the cut, so that no half secret stays behind."""
_NAMES: Final = frozenset({"name", "key", "header", "field", "variable", "option"})
_VALUES: Final = frozenset({"value", "val"})
"""Keys of objects that tell a key and its value apart, as settings, forms and headers often are."""
_DATA: Final = frozenset({"data", "stringData"})
"""Keys of what is in an object that Kubernetes calls a secret."""
_MEMBERS_OF_A_PAIR: Final = 8
_DASHES: Final = ("-", b"-")
_MOST_WORDS: Final = 256
_LONGEST_WORD: Final = 4096
"""How much of a list is taken for the words of a command."""
_PATH: Final = 512
"""Characters of a path that are kept, from its end: a long path would be copied for each of its leaves."""


class Limits:
    """How large a captured value may become."""

    __slots__ = ("depth", "nodes", "request_bytes", "value_bytes")

    def __init__(
        self,
        value_bytes: int = 256 * 1024,
        nodes: int = 20_000,
        depth: int = 64,
        request_bytes: int = 64 * 1024,
    ) -> None:
        self.value_bytes = value_bytes
        """Most characters of all texts of one value together."""
        self.nodes = nodes
        """Most elements and members of one value."""
        self.depth = depth
        """Deepest nesting."""
        self.request_bytes = request_bytes
        """Longest raw request of a model that is kept with its body, as JSON."""


class Cut:
    """A text that was too long, and what is known of it."""

    __slots__ = ("digest", "kept", "length", "path")

    def __init__(self, path: str, length: int, kept: int, digest: str) -> None:
        self.path = path
        self.length = length
        """Characters it had (bytes, for bytes)."""
        self.kept = kept
        self.digest = digest
        """Keyed hash of the kept, redacted text."""


def quote(text: str) -> str:
    """Write a text as a JSON string. The result never holds 0x1E, a line feed or NUL."""
    return encode_basestring(text)


class OpenGate:
    """Finds nothing: for what stays in the program's own hands, and before recording starts."""

    def text(self, _path: str, text: str) -> str:
        """As it is."""
        return text

    def beginning(self, _path: str, text: str, length: int) -> str:
        """Its first characters."""
        return text[:length]

    def arguments(self, arguments: list[str]) -> list[str]:
        """As they are."""
        return arguments

    def hides(self, _key: str) -> bool:
        """No."""
        return False

    def under(self, _key: str, text: str) -> str:
        """As it is."""
        return text

    def spares(self, _key: str) -> bool:
        """Yes."""
        return True

    def digest(self, _data: bytes) -> str:
        """None."""
        return ""


class Encoder:
    """Encodes values for one gate and one set of limits; safe from any thread."""

    __slots__ = ("failed", "gate", "limits")

    def __init__(self, gate: Gate, limits: Limits, failed: Callable[[], object]) -> None:
        self.gate = gate
        self.limits = limits
        self.failed = failed
        """Called once for each value that could not be encoded."""

    def encode(self, value: object, path: str) -> tuple[str, list[Cut]]:
        """Turn a value into JSON text, and say what was cut.

        Args:
            value: anything at all.
            path: where it stands in the record, e.g. `input` or an attribute's key.
        """
        walk = Walk(self)
        try:
            return walk.value(value, path, 0), walk.cuts
        except Exception as error:  # noqa: BLE001 - the border: a value must never break its program
            let_through(error)
            return self.failure(error, as_text=type(value) is str), walk.cuts

    def secret(self, key: str, value: object) -> tuple[str, list[Cut]]:
        """Turn what stands under a secret's key into JSON text, as `encode` does any other value."""
        walk = Walk(self)
        try:
            return walk.secret(key, value, key, 0), walk.cuts
        except Exception as error:  # noqa: BLE001 - the border, as above
            let_through(error)
            return self.failure(error, as_text=type(value) is str), walk.cuts

    def failure(self, error: Exception, *, as_text: bool = False) -> str:
        """Count a value that could not be encoded, and make what stands in its place.

        Args:
            error: why.
            as_text: a text is replaced by a text: some fields of a record can be nothing else.
        """
        try:
            self.failed()
            text = f"{classes.short_name(type(error))}: {said(error)}"
            redacted = self.gate.text("flightlog.capture_error", text)[:_ERROR_CHARACTERS]
            if as_text:
                return quote(f"[flightlog.capture_error: {redacted}]")
            return f'{{"flightlog.capture_error":{quote(redacted)}}}'
        except Exception as again:  # noqa: BLE001 - the border: the gate fails, or the stack is used up
            let_through(again)
            return _UNSPEAKABLE_TEXT if as_text else _UNSPEAKABLE


_TYPE_HASH: Final = classes.declared(type, "__hash__")
_UNSPEAKABLE: Final = '{"flightlog.capture_error":"the value could not be redacted"}'
_UNSPEAKABLE_TEXT: Final = '"[flightlog.capture_error: the text could not be redacted]"'
"""Say nothing of the error: without a gate nothing that came from the program may leave."""


class Walk:
    """One value on its way to JSON: what is left of its budget, and the containers it is inside of."""

    __slots__ = ("characters", "cuts", "depth", "encoder", "gate", "inside", "instances", "nodes")

    def __init__(self, encoder: Encoder) -> None:
        limits = encoder.limits
        self.encoder = encoder
        self.gate = encoder.gate
        self.characters = limits.value_bytes
        self.nodes = limits.nodes
        self.depth = limits.depth
        self.inside: set[int] = set()
        self.instances = 0
        """How many objects of the program, told by what they hold, we are inside of."""
        self.cuts: list[Cut] = []

    def value(self, value: Any, path: str, depth: int) -> str:
        """Write any value."""
        self.nodes -= 1
        kind = type(value)
        try:
            return (WRITERS.get(kind) or writer_for(kind))(self, value, path, depth)
        except Exception as error:  # noqa: BLE001 - the border: what stands beside this value is kept
            let_through(error)
            return self._failed(kind, value, error)

    def _failed(self, kind: type, value: Any, error: Exception) -> str:
        if classes.declared(type(kind), "__hash__") is _TYPE_HASH:
            return self.encoder.failure(error, as_text=kind is str)
        return objects.instance(kind)(self, value, "", 0)  # the class, not the value, was what failed

    def text(self, text: str, path: str, whole: int | None = None) -> str:
        """Redact, then cap, then hash: in this order, so that no hash speaks of a secret.

        Args:
            text: what to write.
            path: where it stands.
            whole: its length where `text` is only a part of it.
        """
        room = max(self.characters, 0)
        is_longer = len(text) > room + _OVERLAP
        redacted = self.gate.beginning(path, text, room) if is_longer else self.gate.text(path, text)
        if len(redacted) > room or is_longer or whole is not None:
            kept = redacted[:room]
            digest = self.gate.digest(kept.encode(errors="replace"))
            self.cuts.append(Cut(path, len(text) if whole is None else whole, len(kept), digest))
            redacted = kept
        self.characters -= len(redacted)
        return quote(redacted)

    def mapping(self, items: list[tuple[Any, Any]], whole: int | None, path: str, depth: int) -> str:
        """Write members; `whole` is how many there are, None where only those at hand are known."""
        parts = []
        names: set[str] | None = None
        for index, (key, value) in enumerate(items):
            if self.nodes <= 0 or self.characters <= 0:
                parts.append(f'"…":"{_rest(whole, len(items), index)}"')
                break
            if type(key) is str:
                name = key
            else:
                if names is None:
                    names = {key for key, _ in items if type(key) is str}
                name = self._key(key)
                if name in names:  # {1: …, "1": …}: two members of one name, of which readers keep one
                    name = f"{name} ({classes.short_name(type(key))})"
                names.add(name)
            under = f"{path}.{name}"
            if len(under) > _PATH:
                under = under[-_PATH:]
            if (
                self.gate.hides(name)
                or (name in _VALUES and self._is_named_secret(items, value))
                or (name in _DATA and _is_secret_document(items))
            ):
                parts.append(f"{self.text(name, '')}:{self.secret(name, value, under, depth + 1)}")
            else:
                parts.append(f"{self.text(name, '')}:{self.value(value, under, depth + 1)}")
        return "{" + ",".join(parts) + "}"

    def _key(self, key: Any) -> str:
        """What stands for a key that is no text; a long one is redacted before it is cut."""
        name = key_text(key)
        if len(name) > KEY_CHARACTERS:
            name = self.gate.beginning("", name, KEY_CHARACTERS)[:KEY_CHARACTERS]
        return name

    def _is_named_secret(self, items: list[tuple[Any, Any]], value: Any) -> bool:
        """Whether another member says that this value is a secret's: `{"name": "password", "value": …}`."""
        if type(value) is not str or len(items) > _MEMBERS_OF_A_PAIR:
            return False
        return any(
            type(key) is str and key in _NAMES and type(name) is str and self.gate.hides(name)
            for key, name in items
        )

    def secret(self, name: str, value: Any, path: str, depth: int) -> str:
        """Write what stands under a secret's key: texts and numbers as the gate says, nothing of a container."""
        kind = type(value)
        if value is None or kind is bool:
            return self.value(value, path, depth)
        if kind is str or kind is bytes:
            self.nodes -= 1
            spares = self.gate.spares(name)
            data = value[: self.encoder.limits.value_bytes + (_OVERLAP if spares else 0)]
            text = data if kind is str else data.decode(errors="replace")
            if not spares:
                return quote(self.gate.under(name, text))
            return self.text(text, name, len(value) if len(data) < len(value) else None)
        if self.gate.spares(name):
            return self.value(value, path, depth)
        self.nodes -= 1
        return quote(self.gate.under(name, number(value))) if kind is int or kind is float else HIDDEN

    def sequence(self, items: list[Any] | tuple[Any, ...], whole: int | None, path: str, depth: int) -> str:
        """Write elements; `whole` as above."""
        if len(items) == 2 and _is_text(items[0]) and _is_text(items[1]) and items[1][:1] not in _DASHES:
            return self._pair(items[0], items[1], path, depth)
        if _may_be_command(items):
            items = self._words(items)
        parts = []
        for index, value in enumerate(items):
            if self.nodes <= 0 or self.characters <= 0:
                parts.append(f'"… {_rest(whole, len(items), index)}"')
                break
            parts.append(self.value(value, path, depth + 1))
        return "[" + ",".join(parts) + "]"

    def _words(self, items: list[Any] | tuple[Any, ...]) -> list[Any]:
        """What is left of the words of a command: what an option means is told by the words before it."""
        words = self.gate.arguments([item if type(item) is str else "" for item in items])
        return [word if type(item) is str else item for item, word in zip(items, words, strict=True)]

    def _pair(self, first: str | bytes, second: str | bytes, path: str, depth: int) -> str:
        """Write two texts, which may be a key and its value: headers are kept so."""
        name = first[:_PATH].decode(errors="replace") if isinstance(first, bytes) else first
        written = self.value(first, path, depth + 1)
        if not second.isalpha() and len(name) <= _PATH and self.gate.hides(name):
            return f"[{written},{self.secret(name, second, path, depth + 1)}]"
        return f"[{written},{self.value(second, path, depth + 1)}]"

    def hidden(self) -> str:
        """What stands in the place of a secret of which no text is at hand."""
        return HIDDEN

    def some(self, values: Iterable[Any]) -> list[Any]:
        """As many of the values as there are nodes left, and one more that tells whether there is a rest."""
        return list(islice(values, max(self.nodes, 0) + 1))


def _may_be_command(items: list[Any] | tuple[Any, ...]) -> bool:
    """Whether these are texts, none of them long, of which one begins as an option does."""
    return (
        1 < len(items) <= _MOST_WORDS
        and type(items[0]) is str
        and any(type(item) is str and item[:1] == "-" for item in items)
        and all(type(item) is not str or len(item) <= _LONGEST_WORD for item in items)
    )


def _is_secret_document(items: list[tuple[Any, Any]]) -> bool:
    return len(items) <= _MEMBERS_OF_A_PAIR and any(
        type(key) is str and key == "kind" and type(kind) is str and kind == "Secret" for key, kind in items
    )


def _is_text(value: Any) -> bool:
    return type(value) is str or type(value) is bytes


def _rest(whole: int | None, taken: int, index: int) -> str:
    """Say how many were left out, where that is known."""
    return "more" if whole is None else f"{max(whole, taken) - index} more"
