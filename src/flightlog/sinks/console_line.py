"""One step as one line: sign, name, kind, duration, what went wrong, what matters of its attributes."""

from __future__ import annotations

from typing import Final

from flightlog.narration import hot
from flightlog.narration.cells import width, wrapped
from flightlog.narration.line import STANDARD, Columns, head, text
from flightlog.records.event import Event
from flightlog.records.genai import INPUT_TOKENS, OUTPUT_TOKENS, REQUEST_MODEL, RESPONSE_MODEL
from flightlog.records.narration import View, is_narration
from flightlog.records.span import Span
from flightlog.sinks import plain
from flightlog.sinks.console_pieces import Piece, laid
from flightlog.sinks.signs import event_sign, level_style, status_sign, status_style
from flightlog.sinks.stream import Look

_MESSAGE: Final = 120
_WIDE: Final = 110
"""Cells from which on a narration's target has a column of its own."""
_NARROW: Final = Columns(target=0)
_SLIM: Final = Columns(action=0, target=0)
_LEAST_TEXT: Final = 24
"""Cells that a sentence should have beside the columns."""
_ATTRIBUTES: Final = 4


def start_text(span: Span, seen: Look, before: str = "") -> str:
    """A step that began."""
    sign = "▸" if seen.unicode else ">"
    return laid(("cyan", sign), (("", plain.short(span.name)), _kind(span)), seen, before)


def span_text(span: Span, seen: Look, before: str = "") -> str:
    """A step that ended, or in a tree one that did not.

    Args:
        span: the step.
        seen: what the terminal can show.
        before: what stands in front of any further line, as wide as what is in front of the first.
    """
    style = status_style(span.status)
    pieces = [("bold", plain.short(span.name)), _kind(span)]
    pieces.append(("", plain.duration(span.duration_ns) or span.status))
    if span.error is not None:
        told = ": ".join(part for part in (span.error.type, span.error.message) if part)
        pieces.append(("red", plain.short(told, _MESSAGE)))
    elif span.status not in {"ok", "running"}:
        pieces.append((style, span.status))
    pieces.append(("dim", _model(span)))
    return laid((style, status_sign(span.status, seen)), pieces, seen, before)


def event_text(event: Event, seen: Look, view: View = "human", before: str = "") -> str:
    """A point in time; a narration with its columns aligned, in this voice.

    Args:
        event: what happened.
        seen: what the terminal can show.
        view: the voice of narrations.
        before: what stands in front of any further line, as wide as what is in front of the first.
    """
    sign = (level_style(event.level) or "yellow", event_sign(seen))
    if is_narration(event):
        first, *more = _said(event, seen, view, width(before))
        return "\n".join(
            [f"{seen.paint(*sign)} {first}", *(seen.paint("dim", before) + line for line in more)]
        )
    if hot.is_hot(event):
        return laid(sign, [("dim", hot.line(event))], seen, before)
    said = plain.pairs(event.attributes, _ATTRIBUTES)
    pieces = (("", plain.short(event.name)), ("", plain.short(event.body, _MESSAGE)), ("dim", said))
    return laid(sign, pieces, seen, before)


def _said(event: Event, seen: Look, view: View, taken: int) -> list[str]:
    """A narration; of a terminal's cells some are taken on each line. What comes next stands under the sentence."""
    sentence = seen.readable(text(event, view))
    if not seen.width:
        return [head(event, STANDARD, seen.paint) + sentence]
    room = seen.width - taken - len("• ")
    columns = STANDARD if seen.width >= _WIDE else _NARROW
    if room - columns.untimed < _LEAST_TEXT:
        columns = _SLIM
    first, *more = wrapped(sentence, max(room - columns.untimed, _LEAST_TEXT // 2))
    indent = " " * (columns.untimed + len("• "))
    return [head(event, columns, seen.paint) + first, *(indent + line for line in more)]


def _kind(span: Span) -> Piece:
    return "dim", "" if span.kind in {"", "step", "function"} else plain.short(span.kind, 20)


def _model(span: Span) -> str:
    """Model and tokens of a model call; without the model where the name ends with it."""
    attributes = span.attributes
    model = attributes.get(RESPONSE_MODEL) or attributes.get(REQUEST_MODEL)
    tokens = [attributes.get(name) for name in (INPUT_TOKENS, OUTPUT_TOKENS)]
    said = [plain.short(model)] if isinstance(model, str) and not span.name.endswith(f" {model}") else []
    if any(isinstance(number, int) for number in tokens):
        said.append("/".join("?" if number is None else plain.value(number) for number in tokens) + " tokens")
    return " ".join(said)
