"""The stderr sink: what happened, a line each as it ends, for people or as JSON.

    14:03:22.120 info   1.24 s  ✓ llm        answer  gen_ai.request.model=gpt-4.1-mini
    14:03:22.131 warn           • event      retry  attempt=1 reason=TimeoutError
    14:03:22.140 info  queue      dispatch        job-1        Dispatched job-1 to worker 2
    14:03:22.141 TRACE queue loop iter_0/8 "Iteration 0/8: job-1"

Time of day, level, duration, status, kind, name, the first attributes; of a narration actor, action, target and
what it says in the voice chosen. A span that has not ended has no line. A standard error that is closed, or whose
reader went away, is left alone from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from flightlog.codecs.lines import decode
from flightlog.narration import hot
from flightlog.narration.line import line as narration_line
from flightlog.records.annotation import Annotation
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.line import Line
from flightlog.records.narration import View, is_narration
from flightlog.records.span import Span
from flightlog.sinks import plain
from flightlog.sinks.port import Batch
from flightlog.sinks.signs import event_sign, level_style, status_sign, status_style
from flightlog.sinks.stream import Look, look, put

_ATTRIBUTES: Final = 6
_MESSAGE: Final = 120
_KIND: Final = 14
"""Cells of the column of kinds: the longest of those that are well known."""


class Stderr:
    """Writes to standard error."""

    def __init__(self, form: str = "human", view: View = "human") -> None:
        """Prepare.

        Args:
            form: `human` for aligned lines, `json` for the lines as they are.
            view: the voice in which narrations are told to people.

        Raises:
            ValueError: there is no such form.
        """
        forms: dict[str, Callable[[Batch], str]] = {"human": partial(_for_people, view), "json": _as_json}
        if form not in forms:
            raise ValueError(f"form is {form!r}; expected one of {', '.join(forms)}")
        self._say = forms[form]
        self._is_gone = False

    def append(self, batch: Batch, /) -> None:
        """Write the lines.

        Raises:
            OSError: standard error is there and cannot be written.
        """
        if not self._is_gone and (text := self._say(batch)):
            self._is_gone = not put(text)

    def flush(self, timeout: float, /) -> bool:  # noqa: ARG002 - nothing waits here
        """Nothing waits here."""
        return True

    def close(self) -> None:
        """Standard error is the program's: it stays open. It may be another one when lines come again."""
        self._is_gone = False

    def forked(self) -> None:
        """The child has the same standard error."""


def _as_json(batch: Batch) -> str:
    return "".join(plain.clean_json(line.decode("utf-8", "backslashreplace")) + "\n" for line in batch)


def _for_people(view: View, batch: Batch) -> str:
    seen = look()
    return "".join(f"{seen.readable(text)}\n" for line in batch if (text := _line(line, seen, view)))


def _line(line: Line, seen: Look, view: View) -> str:
    """One line for people; nothing for what they need not see."""
    try:
        record = decode(line)
    except BadRecord:
        return seen.paint("dim", plain.short(line.decode("utf-8", "backslashreplace"), _MESSAGE))
    if isinstance(record, Span):
        return "" if record.end is None else _span(record, record.end, seen)
    if isinstance(record, Event):
        return (
            narration_line(record, view, paint=seen.paint) if is_narration(record) else _event(record, seen)
        )
    if isinstance(record, Annotation):
        return _annotation(record, seen)
    return ""


def _span(span: Span, end: int, seen: Look) -> str:
    level = "error" if span.status == "error" else span.level
    sign = status_sign(span.status, seen), status_style(span.status)
    head = _row(seen, end, level, sign, span.kind, took=plain.duration(end - span.start))
    parts = [seen.paint("bold", plain.short(span.name))]
    if span.error is not None:
        told = ": ".join(part for part in (span.error.type, span.error.message) if part)
        parts.append(seen.paint("red", plain.short(told, _MESSAGE)))
    elif span.status != "ok":
        parts.append(seen.paint(status_style(span.status), span.status))
    parts.append(plain.pairs(span.attributes, _ATTRIBUTES))
    return head + "  ".join(filter(None, parts))


def _event(event: Event, seen: Look) -> str:
    if hot.is_hot(event):
        return seen.paint("dim", f"{plain.clock(event.time)} {hot.line(event)}")
    head = _row(seen, event.time, event.level, (event_sign(seen), level_style(event.level)), "event")
    parts = (
        plain.short(event.name),
        plain.short(event.body, _MESSAGE),
        plain.pairs(event.attributes, _ATTRIBUTES),
    )
    return head + "  ".join(filter(None, parts))


def _annotation(annotation: Annotation, seen: Look) -> str:
    said = annotation.label or ("" if annotation.value is None else str(annotation.value))
    head = _row(seen, annotation.time, "info", (event_sign(seen), ""), "annotation")
    return head + plain.short(" ".join(filter(None, (annotation.name, said, annotation.note))), _MESSAGE)


def _row(seen: Look, ns: int, level: str, sign: tuple[str, str], kind: str, *, took: str = "") -> str:
    """The columns before the name, aligned."""
    return (
        f"{seen.paint('dim', plain.clock(ns))} {seen.paint(level_style(level), f'{level:<5}')} {took:>8}  "
        f"{seen.paint(sign[1], sign[0])} {seen.paint('dim', f'{plain.short(kind, _KIND):<{_KIND}}')} "
    )
