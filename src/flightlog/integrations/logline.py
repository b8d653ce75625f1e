"""One line of a log, from whichever library, as a `log` event on the span that was current.

What `logs.py`, `structlog.py` and `loguru.py` have in common: how much of a line is kept, which level it has, whose
line it is for a level filter such as `info,myapp.worker=trace`, and that a line which goes through two libraries
(structlog on top of `logging`, `logging` into loguru) is recorded once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from os import environ
from sys import _getframe
from types import CodeType, FrameType, FunctionType
from typing import Any, Final

from flightlog.core.engine import event, verdicts
from flightlog.core.outcome import fault_of, text_of
from flightlog.integrations.heard import VARIABLE, LogMouth
from flightlog.records.attributes import EXCEPTION
from flightlog.records.kinds import Level

MOST_FIELDS: Final = 64
"""Fields of a line that are kept beside ours."""

MOST_CHARACTERS: Final = 256 * 1024
"""Characters of text that the fields of a line may have together."""

LEFT_OUT: Final = "flightlog.left_out"
"""The attribute that counts the fields which were too many or too long."""

LOGGER: Final = "logger"
SEVERITY: Final = "severity"
"""The attribute with the library's own word for a level that is none of ours."""
FILE: Final = "code.file.path"
LINE: Final = "code.line.number"
FUNCTION: Final = "code.function.name"

_OURS: Final = frozenset({"level", "body", LOGGER, SEVERITY, FILE, LINE, FUNCTION, LEFT_OUT})
"""Names that a line's own field cannot have; it gets another one."""

_NUMBERS: Final[tuple[tuple[int, Level], ...]] = (
    (50, "fatal"),
    (40, "error"),
    (30, "warn"),
    (20, "info"),
    (10, "debug"),
)
_STANDARD: Final = frozenset({5, 10, 20, 30, 40, 50})
_MOST_SPEAKERS: Final = 1024
_MOST_FRAMES: Final = 60


class _Talk(threading.local):
    """What this thread is recording or handing on at this moment."""

    recording = False
    handled = ""
    """The text of the record that `logging` hands to its handlers, once it was recorded."""
    entry: tuple[int, CodeType] | None = None
    """The call of another library whose line was recorded and may reach `logging` next."""
    entry_text: str | None = None
    """What that line says, where it reaches `logging` as it is."""


_talk: Final = _Talk()
_mouth: Final = LogMouth()
_speakers: Final[dict[str, Callable[..., None]]] = {}


def level_of(number: int) -> Level:
    """The level that a number of `logging` or loguru stands for; a number in between counts as the lower one."""
    return next((level for least, level in _NUMBERS if number >= least), "trace")


def is_off(level: Level) -> bool:
    """Whether nothing of this level is recorded anywhere: nothing need be read or formatted for it."""
    return verdicts.get(level) is False


def severity(name: object, number: int) -> dict[str, object]:
    """The library's own word for a level, where the number alone would lose it."""
    return {} if number in _STANDARD else {SEVERITY: name}


def record(
    logger: str,
    level: Level,
    body: str,
    fields: Iterable[tuple[object, object]] = (),
    error: BaseException | None = None,
    *,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Record one line.

    Whatever a value does when it is captured, a line that it logs itself comes to an end: of such a line only the
    message is kept.

    Args:
        logger: whose line it is; filters of levels take it as the name of a module.
        level: how important.
        body: what it says.
        fields: its own fields.
        error: an exception that it tells of, which becomes an `exception` event after it.
        facts: fields that we know of it, under our names.
    """
    speak = _speakers.get(logger) or _speaker(logger)
    if _talk.recording:
        speak("log", level, body, {LOGGER: logger})
        return
    _talk.recording = True
    try:
        speak("log", level, body, {LOGGER: logger, **(facts or {}), **bounded(fields)})
        if VARIABLE in environ:
            _mouth.tell(level, body)
        if error is not None:
            fault = fault_of(error)
            speak("exception", level, "", {EXCEPTION[key]: value for key, value in fault.items()})
    finally:
        _talk.recording = False


def bounded(fields: Iterable[tuple[object, object]]) -> dict[str, object]:
    """As many fields as are kept, and how many are not."""
    kept: dict[str, object] = {}
    room, left_out = MOST_CHARACTERS, 0
    for key, value in fields:
        size = len(value) if isinstance(value, (str, bytes, bytearray)) else 0
        if len(kept) >= MOST_FIELDS or size > room:
            left_out += 1
            continue
        room -= size
        name = key if type(key) is str else text_of(key)
        kept[f"extra.{name}" if name in _OURS else name] = value
    if left_out:
        kept[LEFT_OUT] = left_out
    return kept


def _speaker(logger: str) -> Callable[..., None]:
    """`_speak` as if it stood in the module of this name: that is what a filter of levels asks for."""
    made = FunctionType(_speak.__code__, {"__name__": logger, "event": event})
    if len(_speakers) >= _MOST_SPEAKERS:
        _speakers.clear()
    _speakers[logger] = made
    return made


def _speak(name: str, level: Level, body: str, attributes: dict[str, Any]) -> None:
    event(name, level, body, **attributes)


# -- a line that goes through two libraries -----------------------------------------------------------------------


class Handled:
    """While `logging` hands on a record that was recorded: whoever gets the same text has the same line."""

    __slots__ = ("_before", "_text")

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> None:
        self._before, _talk.handled = _talk.handled, self._text

    def __exit__(self, *_: object) -> None:
        _talk.handled = self._before


def is_handled(text: str) -> bool:
    """Whether this is what `logging` is handing on in this thread, recorded already."""
    return bool(text) and _talk.handled == text


def entry_of(library: str) -> FrameType | None:
    """The frame in which the program's call went into a library, seen from further in; None if it did not."""
    prefix = f"{library}."
    found: FrameType | None = None
    frame: FrameType | None = _getframe(2)
    for _ in range(_MOST_FRAMES):
        if frame is None:
            break
        module = frame.f_globals.get("__name__", "")
        if isinstance(module, str) and (module == library or module.startswith(prefix)):
            found = frame
        elif found is not None:
            break
        frame = frame.f_back
    return found


def expect_echo(entry: FrameType | None, text: str | None = None) -> None:
    """Remember that the line of this call was recorded: the next one that comes out of the same call is its echo.

    A frame is known by its address, which another one may have later: where the text stays as it is, it is compared.
    """
    _talk.entry = None if entry is None else (id(entry), entry.f_code)
    _talk.entry_text = text


def is_echo(text: str) -> bool:
    """Whether the call that leads here is one whose line was recorded already; asked and answered once."""
    expected = _talk.entry
    if expected is None or _talk.entry_text not in (None, text):
        return False
    frame: FrameType | None = _getframe(1)
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return False
        if (id(frame), frame.f_code) == expected:
            _talk.entry = None
            return True
        frame = frame.f_back
    return False
