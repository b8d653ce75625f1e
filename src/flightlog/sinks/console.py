"""The console: what the program does, on standard error, for whoever watches it run.

`summary` shows a card when a trace ends, `tree` the tree of its steps before that, `live` each step as it
starts and ends, indented by its depth. Only this process's own steps are shown. Without a terminal the same
lines come without colour. A trace that is still open when recording ends gets its card then.

A span whose parent is elsewhere is no trace of its own and has no card. A program that was given its place in a
trace by its environment, as `flightlog run` gives it, has one card when recording ends, with the totals of all
it recorded. Its workers have none, and their lines carry their process's number.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from flightlog.codecs.lines import decode
from flightlog.propagation.traceparent import parse
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.narration import View
from flightlog.records.span import Span
from flightlog.sinks import console_tree
from flightlog.sinks.console_card import Card
from flightlog.sinks.console_line import event_text, span_text, start_text
from flightlog.sinks.console_pieces import followed
from flightlog.sinks.console_places import Places, Step
from flightlog.sinks.console_program import is_worker, program_name
from flightlog.sinks.plain import short
from flightlog.sinks.port import Batch
from flightlog.sinks.stream import Look, look, put

MODES: Final = ("summary", "tree", "live")

MOST_ROOTS: Final = 1_000
"""Roots that are followed at once; the oldest is let go, without its card."""

MOST_IN_TREE: Final = 5_000
"""Steps of one root that are kept for its tree."""

_DEEPEST: Final = 30
_SILENT: Final = frozenset({"chunk"})
"""Events that are not shown: there are thousands of them."""


class Console:
    """Shows steps and cards on standard error."""

    def __init__(
        self, mode: str = "live", clock: Callable[[], float] = time.monotonic, view: View = "human"
    ) -> None:
        """Prepare.

        Args:
            mode: `summary`, `tree` or `live`.
            clock: monotonic seconds.
            view: the voice in which narrations are told.

        Raises:
            ValueError: there is no such mode.
        """
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}; expected one of {', '.join(MODES)}")
        self._mode = mode
        self._clock = clock
        self._view: View = view
        self._is_gone = False
        self._begin()

    def _begin(self) -> None:
        papers = parse(os.environ.get("TRACEPARENT", ""))
        self._places = Places([papers[1]] if papers else [])
        self._worker = f"pid {os.getpid()}" if is_worker() else ""
        self._trace_id = papers[0] if papers and not self._worker else ""
        self._program = program_name()
        self._totals = Card()
        self._cards: dict[str, Card] = {}
        self._traces: Counter[str] = Counter()
        self._kept: dict[str, list[Span | Event]] = {}

    def append(self, batch: Batch, /) -> None:
        """Show the lines, each in its place.

        Raises:
            OSError: standard error is there and cannot be written.
        """
        now, wall_ns = self._clock(), time.time_ns()
        steps: list[Step] = []
        for line in batch:
            try:
                record = decode(line)
            except BadRecord:
                continue
            if isinstance(record, (Span, Event)):
                steps += self._places.feed(record, now, wall_ns)
        self._show(steps)

    def tick(self) -> bool:
        """Show what has waited long enough for a parent or an end; say whether something still waits."""
        self._show(self._places.overdue(self._clock()))
        return self._places.is_waiting

    def flush(self, timeout: float, /) -> bool:  # noqa: ARG002 - nothing here takes time
        """Show nothing before its time: what waits for its parent or its end goes on waiting."""
        return True

    def close(self) -> None:
        """Show the cards of traces that are still open and the program's, and begin anew."""
        self._show(self._places.overdue(float("inf")))
        seen = look()
        self._put([line for root in list(self._cards) for line in self._end(root, seen)])
        if self._trace_id and self._totals.spans:
            self._put(list(self._totals.totals(self._program, self._trace_id, seen)))
        self._begin()
        self._is_gone = False

    def forked(self) -> None:
        """Begin with nothing: what the parent follows is the parent's."""
        self._begin()

    def _show(self, steps: list[Step]) -> None:
        if steps:
            seen = look()
            self._put([line for step in steps for line in self._lines(step, seen)])

    def _put(self, lines: list[str]) -> None:
        if lines and not self._is_gone:
            seen = look()
            self._is_gone = not put("".join(f"{seen.readable(line)}\n" for line in lines))

    def _lines(self, step: Step, seen: Look) -> Iterator[str]:
        """What there is to see of one step."""
        self._note(step)
        is_silent = step.told or (step.what == "event" and step.record.name in _SILENT)
        if self._mode == "live" and not is_silent:
            yield self._live(step, seen)
        if step.what == "end" and step.depth == 0 and isinstance(step.record, Span):
            self._cards[step.root].root = step.record
            yield from self._end(step.root, seen)

    def _note(self, step: Step) -> None:
        if step.what != "start":
            self._totals.add(step.record)
        if step.what == "event" and step.root not in self._cards:
            return  # on its own, or on a root whose card was shown
        if step.depth == 0 and isinstance(step.record, Span) and step.root not in self._cards:
            self._cards[step.root] = Card(step.record)
            self._traces[step.record.trace_id] += 1
            if len(self._cards) > MOST_ROOTS:
                self._let_go(next(iter(self._cards)))
        card = self._cards.get(step.root)
        if card is None or step.what == "start":
            return
        card.add(step.record)
        if self._mode == "tree":
            kept = self._kept.setdefault(step.root, [])
            if len(kept) < MOST_IN_TREE:
                kept.append(step.record)

    def _let_go(self, root: str) -> Card:
        self._kept.pop(root, None)
        card = self._cards.pop(root)
        if card.root is not None:
            self._traces[card.root.trace_id] -= 1
            if not self._traces[card.root.trace_id]:
                del self._traces[card.root.trace_id]
        return card

    def _end(self, root: str, seen: Look) -> Iterator[str]:
        """The end of what is shown of one root: the tree if that is wanted, and the card if it is a trace's."""
        kept = self._kept.get(root, [])
        card = self._let_go(root)
        is_trace = card.root is not None and not card.root.parent_id
        if self._mode == "tree" and (is_trace or not self._worker):
            spans = {record.span_id: record for record in kept if isinstance(record, Span)}
            if card.root is not None:
                spans[card.root.span_id] = card.root
            events = [record for record in kept if isinstance(record, Event)]
            yield from console_tree.lines(spans.values(), events, seen, self._view)
            if card.spans > len(spans):
                yield f"{card.spans - len(spans):,} more steps"
        if is_trace:
            yield from card.lines(seen)

    def _live(self, step: Step, seen: Look) -> str:
        indent = "  " * min(step.depth, _DEEPEST) + (f"({step.depth}) " if step.depth > _DEEPEST else "")
        before, record = " " * len(indent), step.record
        if isinstance(record, Event):
            text = event_text(record, seen, self._view, before)
        else:
            runs = step.what == "start" and record.end is None
            text = (start_text if runs else span_text)(record, seen, before)
        aside = [said for said in (step.aside, self._worker) if said]
        if len(self._traces) > 1:
            aside.append(record.trace_id[:8])
        return indent + followed(text, short(f"[{' '.join(aside)}]") if aside else "", seen, before)
