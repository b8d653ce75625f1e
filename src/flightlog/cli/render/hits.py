"""What a search found: each step or event with the passages in which the words stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from flightlog.cli.render import styled, words
from flightlog.cli.render.marks import kind_style, status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.styled import Part
from flightlog.cli.render.terminal import Terminal
from flightlog.records.event import Event
from flightlog.records.span import Span
from flightlog.store.textport import Hit, Passage

_INDENT: Final = "   "
_LABEL: Final = 8


def lines(hits: Sequence[Hit], terminal: Terminal, now_ns: int) -> Iterator[str]:
    """Draw the hits, a blank line between two; ids are whole at any width.

    Args:
        hits: in the order in which they are drawn.
        terminal: where.
        now_ns: Unix nanoseconds; where somebody looks, times are told from here.
    """
    for place, hit in enumerate(hits):
        if place:
            yield ""
        yield from _hit(hit, terminal, now_ns)


def _hit(hit: Hit, terminal: Terminal, now_ns: int) -> Iterator[str]:
    if hit.span is not None:
        head, ids = _of_span(hit.span, terminal, now_ns), (hit.span.trace_id, hit.span.span_id)
    else:
        assert hit.event is not None
        head, ids = _of_event(hit.event, terminal, now_ns), (hit.event.trace_id, hit.event.span_id)
    yield from styled.lines(head, terminal.width, terminal)
    room = terminal.width - len(_INDENT) - _LABEL
    for passage in hit.passages:
        label = terminal.paint("dim", passage.where.ljust(_LABEL))
        for line in styled.lines(_marked(passage, terminal), room, terminal):
            yield f"{_INDENT}{label}{line}"
            label = " " * _LABEL
    if hit.later:
        said = f"and in {words.of_them(hit.later, 'later step')} of its trace"
        yield _INDENT + " " * _LABEL + terminal.paint("dim", said)
    told = "  ".join(clean(one) for one in ids if one)
    if told:
        yield _INDENT + terminal.paint("dim", told)


def _of_span(span: Span, terminal: Terminal, now_ns: int) -> list[Part]:
    dot = terminal.dot()
    took = words.lasting_span(span, now_ns, unicode=terminal.unicode)
    return [
        (f"{status_sign(span.status, terminal)}  ", status_style(span.status)),
        (clean(span.name) or "(no name)", "bold"),
        *([(dot, "dim"), (clean(span.kind), kind_style(span.kind))] if span.kind else []),
        (f"{dot}{_when(span.start, terminal, now_ns)}{dot}{took}", "dim"),
    ]


def _of_event(event: Event, terminal: Terminal, now_ns: int) -> list[Part]:
    dot = terminal.dot()
    return [
        ("•  " if terminal.unicode else "*  ", "dim"),
        (clean(event.name) or "(no name)", "bold"),
        (f"{dot}event{dot}{_when(event.time, terminal, now_ns)}", "dim"),
    ]


def _when(ns: int, terminal: Terminal, now_ns: int) -> str:
    """For somebody who looks now, how long ago; in a pipe or a file the moment itself."""
    return words.iso(ns) if terminal.whole_tables else words.ago(ns, now_ns)


def _marked(passage: Passage, terminal: Terminal) -> Iterator[Part]:
    """The text with what was looked for in bold, and dots where more of it is left out."""
    text, place = passage.text, 0
    if passage.is_begun:
        yield terminal.ellipsis(), "dim"
    for begin, end in passage.marks:
        yield clean(text[place:begin]), ""
        yield clean(text[begin:end]), "alarm"
        place = end
    yield clean(text[place:]), ""
    if passage.is_cut:
        yield terminal.ellipsis(), "dim"
