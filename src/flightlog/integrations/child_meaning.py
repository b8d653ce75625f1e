"""What a line says that a child process printed: a narration, a record of ours, a log line in JSON, or just a text.

An event of ours keeps its id and time: if the child recorded it itself it is there once all the same. A narration as
the console prints it has no id; it becomes a narration only while nobody else records into our home, else the child
has recorded it and the line stays what it is, a line. Spans that a child prints are its own to record; where nobody
else records, its events stand on our span, since theirs will never be known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from flightlog.codecs.lines import decode
from flightlog.core.outcome import text_of
from flightlog.core.past_event import PastEvent
from flightlog.integrations import logline
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.kinds import Level
from flightlog.records.narration import MARK, NARRATION, SAID

OUTPUT: Final = "output"
"""The name of an event that is a line of text."""
STREAM: Final = "stream"

_MESSAGES: Final = ("message", "msg", "event")
_LEVELS: Final = ("level", "levelname", "severity", "lvl", "log.level")
_TIMES: Final = ("timestamp", "time", "ts", "@timestamp", "asctime")
_NAMES: Final = ("logger", "name", "log.logger")
_WORDS: Final[Mapping[str, Level]] = {
    **{word: word for word in ("trace", "debug", "info", "warn", "error", "fatal")},
    "alert": "fatal",
    "critical": "fatal",
    "crit": "fatal",
    "emergency": "fatal",
    "panic": "fatal",
    "err": "error",
    "exception": "error",
    "warning": "warn",
    "notice": "info",
    "information": "info",
    "success": "info",
    "verbose": "debug",
    "silly": "trace",
}
_NUMBERS: Final[Mapping[int, Level]] = {
    10: "trace",
    20: "debug",
    30: "info",
    40: "warn",
    50: "error",
    60: "fatal",
}
"""As bunyan and pino count, whose lines give a number where those of others give a word."""
_RECORDS: Final = frozenset({"span", "event", "process", "annotation"})
_HEX_ID: Final = re.compile(r"[0-9a-f]{16}")
_HEX_TRACE: Final = re.compile(r"[0-9a-f]{32}")
_SECOND: Final = 10**9

_NARRATED: Final = re.compile(
    r"\d\d:\d\d:\d\d\.\d{3} (?P<level>trace|debug|info |warn |error|fatal) "
    r"(?P<actor>.{10}) (?P<action>\S.{14}) (?P<target>.{12}) (?P<sentence>\S.*)"
)
"""A narration in the columns of `narration/line.py`."""


KNOWN: Final = PastEvent("log")
"""Stands for a line whose event is there already."""


class Understanding:
    """Reads the lines of one stream."""

    __slots__ = ("_is_recorded", "_started", "_stream", "was_logged")

    def __init__(self, stream: str, started: int, is_recorded: Callable[[], bool]) -> None:
        """Prepare.

        Args:
            stream: what the lines come from, `stdout` or `stderr`.
            started: when the child was started, in Unix nanoseconds.
            is_recorded: whether some other process records into our home as well.
        """
        self._stream = stream
        self._started = started
        self._is_recorded = is_recorded
        self.was_logged: Callable[[str, str], bool] | None = None
        """Whether somebody below recorded this level and message when it was logged."""

    def event(self, text: str, now: int) -> PastEvent | None:
        """What a line says; None for what is not ours to tell, or was recorded when it was logged."""
        if text.startswith("{") and text.rstrip().endswith("}"):
            try:
                fields = msgspec.json.decode(text)
            except (msgspec.MsgspecError, RecursionError):
                fields = None
            if isinstance(fields, dict):
                if _is_record(fields):
                    return self._own(text)
                if (told := self._logged(fields, now)) is not None:
                    return None if told is KNOWN else told
        elif (told := self._narrated(text, now)) is not None:
            return told
        return PastEvent(OUTPUT, body=text, attributes={STREAM: self._stream}, time=now)

    def _logged(self, fields: dict[str, Any], now: int) -> PastEvent | None:
        """A log line in JSON: it has a message and a level."""
        message, level = _first(fields, _MESSAGES), _first(fields, _LEVELS)
        if message is None or level is None or (known := _level(fields[level])) is None:
            return None
        if not isinstance(fields[message], str):
            return None
        if (
            SAID not in fields
            and self._is_recorded()
            and self.was_logged
            and self.was_logged(known, fields[message])
        ):
            return KNOWN
        own = {key: value for key, value in fields.items() if key not in (message, level)}
        logger = _first(own, _NAMES)
        shown: dict[str, Any] = {STREAM: self._stream}
        if logger is not None:
            shown[logline.LOGGER] = text_of(own.pop(logger))
        shown.update(logline.bounded(own.items()))
        when = _first(fields, _TIMES)
        time = now if when is None else self._time(fields[when], now)
        said = fields.get(SAID)
        if isinstance(said, str) and _HEX_ID.fullmatch(said):
            return self._said(said, fields[message], known, shown, time)
        return PastEvent("log", level=known, body=fields[message], attributes=shown, time=time)

    def _own(self, text: str) -> PastEvent | None:
        """An event that was printed as one of our own lines, as it is."""
        try:
            event = decode(text)
        except BadRecord:
            return None
        if not isinstance(event, Event) or not _HEX_ID.fullmatch(event.event_id):
            return None
        told = PastEvent(
            event.name,
            level=event.level,
            body=event.body,
            attributes=event.attributes,
            time=event.time,
            event_id=event.event_id,
        )
        return self._placed(told, event.trace_id, event.span_id)

    def _said(
        self, event_id: str, message: str, level: Level, fields: dict[str, Any], time: int
    ) -> PastEvent:
        """A narration that the child's log tells (`sinks/logs.py`)."""
        trace_id, span_id = text_of(fields.pop("trace_id", "")), text_of(fields.pop("span_id", ""))
        fields.pop(SAID, None)
        action = text_of(fields.pop("action", NARRATION))
        told = PastEvent(
            action,
            level=level,
            body=message,
            attributes={**fields, MARK: NARRATION},
            time=time,
            event_id=event_id,
        )
        return self._placed(told, trace_id, span_id)

    def _placed(self, event: PastEvent, trace_id: str, span_id: str) -> PastEvent:
        """Put it where it says that it belongs, if that place will be known."""
        if _HEX_TRACE.fullmatch(trace_id) and self._is_recorded():
            event.trace_id = trace_id
            event.span_id = span_id if _HEX_ID.fullmatch(span_id) else ""
        return event

    def _time(self, found: object, now: int) -> int:
        """The time that a line gives, if the child can have written it then; else when it came."""
        ns = _nanoseconds(found)
        return ns if self._started - _SECOND <= ns <= now + _SECOND else now

    def _narrated(self, text: str, now: int) -> PastEvent | None:
        found = _NARRATED.fullmatch(text)
        if found is None or self._is_recorded():
            return None
        columns = {name: column.rstrip() for name, column in found.groupdict().items()}
        if any(
            "  " in columns[name] or columns[name].startswith(" ") for name in ("actor", "action", "target")
        ):
            return None
        told = {name: columns[name] for name in ("actor", "target") if columns[name]}
        attributes = {MARK: NARRATION, **told, STREAM: self._stream}
        level: Level = _WORDS[columns["level"]]
        return PastEvent(
            columns["action"], level=level, body=columns["sentence"], attributes=attributes, time=now
        )


def _is_record(fields: dict[str, Any]) -> bool:
    return isinstance(fields.get("v"), int) and fields.get("type") in _RECORDS


def _first(fields: Mapping[str, object], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in fields), None)


def _level(found: object) -> Level | None:
    if isinstance(found, str):
        return _WORDS.get(found.strip().lower())
    return _NUMBERS.get(found) if type(found) is int else None


def _nanoseconds(found: object) -> int:
    """A time in text or as a number of seconds, milliseconds, microseconds or nanoseconds; 0 if it is none."""
    if isinstance(found, bool):
        return 0
    try:
        if isinstance(found, str):
            moment = datetime.fromisoformat(found.replace(",", "."))
            return int(moment.timestamp() * 1e9)  # without a zone it is the local time, as logs are written
        if not isinstance(found, (int, float)):
            return 0
        size = abs(found)
        factor = 1e9 if size < 1e11 else 1e6 if size < 1e14 else 1e3 if size < 1e17 else 1
        return int(found * factor)
    except (ValueError, OverflowError, OSError):
        return 0
