"""The logging sink: what a program narrates, as records of the standard library's `logging`.

    FLIGHTLOG_SINKS=store,logging                        # logger flightlog.narration
    FLIGHTLOG_SINKS=store,logging:app.story?view=story   # another logger, another voice
    FLIGHTLOG_SINKS=store,logging:story.{actor}          # a logger for each actor

It is a sink and does not listen where a narration is said. So a log file holds only what passed the gate; muting,
levels, sampling and captures need no second word; and a handler that is slow or blocked holds up no narration. What it
costs: a record comes about a tenth of a second after the narration, from the sink's thread, and may stand in the log
file behind a line that was logged later. Its `created` is the time of the narration.

No record goes round in circles: nothing that runs in a sink's thread is recorded, and every record carries the
narration's id as `flightlog_event_id`, by which `integrations/logs.py` knows it wherever a queue takes it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from flightlog.codecs.lines import decode
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.kinds import Level
from flightlog.records.line import Line
from flightlog.records.narration import MARK, SAID, VIEWS, View, is_narration, spoken
from flightlog.sinks.port import Batch

if TYPE_CHECKING:
    import logging

NAME: Final = "flightlog.narration"
"""The logger, where no other is named."""
ACTOR: Final = "{actor}"
MOST_LOGGERS: Final = 256
"""Loggers live as long as their program: actors beyond this many share the one of no actor."""

_NUMBERS: Final[dict[Level, int]] = {
    "trace": 5,
    "debug": 10,
    "info": 20,
    "warn": 30,
    "error": 40,
    "fatal": 50,
}
_TOLD: Final = frozenset({MARK, "source"})
"""Attributes that are no fields of the log record."""


class Logs:
    """Tells narrations to `logging`; every other record is none of its business."""

    def __init__(self, name: str = NAME, view: View = "human") -> None:
        """Prepare.

        Args:
            name: of the logger; `{actor}` in it is replaced.
            view: which voice is the message, `human`, `cute` or `story`; the plain one where a narration has no other.

        Raises:
            ValueError: there is no such voice.
        """
        if view not in VIEWS:
            raise ValueError(f"view is {view!r}; expected one of {', '.join(VIEWS)}")
        self._name = name or NAME
        self._view: View = view
        self._named: set[str] = set()
        self._told: set[str] = set()

    def append(self, batch: Batch, /) -> None:
        """Tell the narrations among the lines.

        Raises:
            Exception: whatever a handler raised. The rest is told when the batch comes again, and what was told or
                refused is not told twice.
        """
        for line in batch:
            event = _narration(line)
            if event is not None and event.event_id not in self._told:
                self._told.add(event.event_id)
                self._tell(event)
        self._told.clear()

    def flush(self, timeout: float, /) -> bool:  # noqa: ARG002 - nothing waits here
        """Nothing waits here."""
        return True

    def close(self) -> None:
        """The loggers and their handlers are the program's."""

    def forked(self) -> None:
        """The child has the same loggers."""

    def _tell(self, event: Event) -> None:
        import logging  # 10 ms, and only for programs that want this

        logger = logging.getLogger(self._logger_name(event))
        number = _NUMBERS[event.level]
        if logger.isEnabledFor(number):
            logger.handle(_record(event, logger, number, spoken(event, self._view)))

    def _logger_name(self, event: Event) -> str:
        """The name of the logger, with the actor in it if it is to be."""
        if ACTOR not in self._name:
            return self._name
        actor = str(event.attributes.get("actor") or "")
        if actor not in self._named and len(self._named) >= MOST_LOGGERS:
            actor = ""
        self._named.add(actor)
        return self._name.replace(ACTOR, actor).strip(".") or NAME


def _narration(line: Line) -> Event | None:
    if line.find(b'"event"') < 0:
        return None
    try:
        event = decode(line)
    except BadRecord:
        return None
    return event if isinstance(event, Event) and is_narration(event) else None


def _record(event: Event, logger: logging.Logger, number: int, message: str) -> logging.LogRecord:
    """A log record that says when and where the narration was said, with everything known of it beside."""
    module, line = _source(event)
    record = logger.makeRecord(logger.name, number, module, line, message, (), None, event.name)
    record.module = module
    created = event.time / 1e9
    record.relativeCreated += (created - record.created) * 1000
    record.created = created
    record.msecs = event.time // 10**6 % 1000 + (
        0 if sys.version_info >= (3, 13) else event.time % 10**6 / 1e6
    )
    fields: dict[str, Any] = {SAID: event.event_id, "action": event.name}
    fields.update({"trace_id": event.trace_id, "span_id": event.span_id} if event.trace_id else {})
    own = {key: value for key, value in event.attributes.items() if key not in _TOLD}
    for key, value in {**own, **fields}.items():
        taken = key in vars(record) or key in {"message", "asctime"}
        record.__dict__[f"narration_{key}" if taken else key] = value
    return record


def _source(event: Event) -> tuple[str, int]:
    """Module and line that said it, as far as the narration knows them."""
    module, _, line = str(event.attributes.get("source") or "").rpartition(":")
    return (module, int(line)) if line.isdecimal() else ("", 0)
