"""Texts that repeat, redacted and quoted once; and from them the members of a record's objects.

Names of spans, keys of attributes and short values come back again and again. Here each is looked at by the
gate once and then answered from a dictionary. The dictionaries are bounded: a program that makes names without
end pays for the scan each time, and for no memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flightlog._speed.presence import ENGINE
from flightlog.border import let_through
from flightlog.core.capture import Cut, Encoder, Limits, OpenGate, quote
from flightlog.core.numbers import number
from flightlog.core.outcome import text_of

SHORT: Final = 64
"""A text that is longer is not remembered."""
_MOST: Final = 8192
_MAX_INT: Final = 2**63 - 1
_MIN_INT: Final = -(2**63)

LONGEST_NAME: Final = 4096
"""Characters of a name or key that are kept."""
_UNREADABLE: Final = '"(unreadable)"'

CUT: Final = "flightlog.cut"
"""The attribute that lists the texts which were too long."""


_encoder = Encoder(OpenGate(), Limits(), lambda: None)
"""Until recording starts; no line leaves before that."""


class _Texts(dict[str, str]):
    """Short texts that repeat (names, keys, enum-like values), each redacted and quoted once; bounded.

    What failed once is not remembered, the next look may succeed; nor is what holds a secret.
    """

    def __missing__(self, text: str) -> str:
        if type(text) is not str:  # a name or kind is whatever the program says
            return self[text_of(text)]
        try:
            clean = _encoder.gate.text("", text)
            fragment = quote(clean[:LONGEST_NAME])
        except Exception as failure:  # noqa: BLE001 - the border; the stack may be exhausted: the less the better
            let_through(failure)
            _encoder.failed()
            return _UNREADABLE
        if len(text) <= SHORT and clean is text:
            if len(self) >= _MOST:
                self.clear()
            self[text] = fragment
        return fragment


class _Keys(dict[str, tuple[str, bool]]):
    """Attribute keys: their quoted form with the colon, and whether what stands under them is secret; bounded."""

    def __missing__(self, key: str) -> tuple[str, bool]:
        fragment = texts[key]
        try:
            answer = (f"{fragment}:", _encoder.gate.hides(key))
        except Exception as failure:  # noqa: BLE001 - the border, as above: what cannot be judged is hidden
            let_through(failure)
            _encoder.failed()
            return (f"{fragment}:", True)
        if key in texts:
            if len(self) >= _MOST:
                self.clear()
            self[key] = answer
        return answer


texts: Final = _Texts()
keys: Final = _Keys()


def _met(text: str) -> str | None:
    """The quoted form of a short text that nobody has remembered, for C; None where the gate fails on it."""
    try:
        clean = _encoder.gate.text("", text)
        fragment = quote(clean)
    except Exception as failure:  # noqa: BLE001 - the border; whoever encodes the value counts it
        let_through(failure)
        return None
    if clean is text:
        if len(texts) >= _MOST:
            texts.clear()
        texts[text] = fragment
    return fragment


_small: Final[Callable[[object, str], str | None] | None] = None if ENGINE is None else ENGINE.small
"""The JSON of a small plain value under a key that hides nothing, made in C; it gives None for any other."""


def member(key: str, value: object, note: Callable[[list[Cut]], object]) -> str:
    """One `"key":value` of a JSON object, redacted; `note` hears of what was cut."""
    name, hidden = keys[key]
    if hidden:
        return secret_member(name, key, value, note)
    kind = type(value)
    if kind is str:
        if len(value) <= SHORT:  # type: ignore[arg-type]  # its type was just asked
            return name + texts[value]  # type: ignore[index]  # as above
    elif kind is int:
        if _MIN_INT <= value <= _MAX_INT:  # type: ignore[operator]  # as above
            return f"{name}{value}"
    elif kind is bool:
        return name + ("true" if value else "false")
    elif value is None:
        return name + "null"
    elif kind is float:
        return name + number(value)  # type: ignore[arg-type]  # as above
    if _small is not None and (told := _small(value, key)) is not None:
        return name + told
    fragment, cut = _encoder.encode(value, key)
    if cut:
        note(cut)
    return name + fragment


def plain_members(given: dict[str, object]) -> dict[str, str] | None:
    """The members of an object whose keys hide nothing and whose values are short and plain; None for any other.

    One loop over what the caller keeps: `engine.span` takes a copy, whose values are asked for a second time.
    """
    found = {}
    for key, value in given.items():
        name, hidden = keys[key]
        kind = type(value)
        if hidden:
            return None
        if kind is str:
            if len(value) > SHORT:  # type: ignore[arg-type]  # its type was just asked
                return None
            found[key] = name + texts[value]  # type: ignore[index]  # as above
        elif kind is float:
            if value - value != 0.0:  # type: ignore[operator]  # as above
                return None
            found[key] = f"{name}{value!r}"
        elif kind is int:
            if not _MIN_INT <= value <= _MAX_INT:  # type: ignore[operator]  # as above
                return None
            found[key] = f"{name}{value}"
        elif kind is bool:
            found[key] = name + ("true" if value else "false")
        else:
            return None
    return found


def told_under(key: str, value: object) -> object:
    """What may be told of a value under this key, elsewhere than under it: the value, unless the key hides."""
    if value is None or type(value) is bool or not keys[key][1]:
        return value
    fragment, _ = _encoder.secret(key, value)
    is_plain = fragment[:1] == '"' and "\\" not in fragment
    return fragment[1:-1] if is_plain else "[REDACTED]"


def secret_member(name: str, key: str, value: object, note: Callable[[list[Cut]], object]) -> str:
    """The member of a secret's key: `name` is the key as it is written, with its colon."""
    fragment, cut = _encoder.secret(key, value)
    if cut:
        note(cut)
    return name + fragment


def captured(value: object, path: str) -> tuple[str, list[Cut]]:
    """Any value as JSON text, and what was cut from it."""
    if _small is not None and (told := _small(value, path)) is not None:
        return told, []
    return _encoder.encode(value, path)


def redacted(text: str) -> str:
    """A text as the gate lets it through."""
    return _encoder.gate.text("", text)


def redacted_beginning(text: str, length: int) -> str:
    """The beginning of a text as the gate lets it through, where there is room for so many characters."""
    return _encoder.gate.beginning("", text, length)


def cut_items(cuts: list[Cut]) -> str:
    """What was cut, as the items of a JSON array."""
    return ",".join(
        f'{{"path":{texts[cut.path]},"length":{cut.length},"kept":{cut.kept},"hash":{quote(cut.digest)}}}'
        for cut in cuts
    )


def use(encoder: Encoder) -> None:
    """Forget every text and encode with this encoder from now on."""
    global _encoder  # noqa: PLW0603 - one engine a process; a class around it would cost each span a look-up
    _encoder = encoder
    _limit()
    forget()


def forget() -> None:
    """Look at every text anew: the gate has other rules now."""
    keys.clear()
    texts.clear()
    if ENGINE is not None:
        ENGINE.forget_texts()


def _limit() -> None:
    if ENGINE is not None:
        limits = _encoder.limits
        ENGINE.limit(limits.value_bytes, limits.depth, limits.nodes)


if ENGINE is not None:
    ENGINE.remember(_met, captured)
    _limit()
