"""A whole trace told as prose: sentences in order of time, each with its depth, narrations among the spans.

A story has chapters: what happened right under a root and has something below it begins one. What is below
another is told after it, deeper. Steps that run beside each other are told with "Meanwhile", runs of alike ones
by two and a number, the failed among them counted and one of them told. A narrated span is told by its
narration (`claims.py`); how it failed is added where no narration on it says so. The last sentence sums up.

Nothing here recurses, and what is told is bounded: so many siblings under one step, so many sentences in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct

from flightlog.narration import events as tell_event
from flightlog.narration import spans as tell_span
from flightlog.narration.claims import claims
from flightlog.narration.folding import Fold, Place, Shapes, event_shape, folded, walk
from flightlog.narration.words import duration, of_them, short
from flightlog.records.attributes import EXCEPTION
from flightlog.records.event import Event
from flightlog.records.genai import INPUT_TOKENS, OUTPUT_TOKENS
from flightlog.records.kinds import LEVELS
from flightlog.records.narration import View, is_narration
from flightlog.records.span import Fault, Span

MOST_SIBLINGS: Final = 60
"""Sentences told right under one step, beyond which the rest is a number."""
MOST_SENTENCES: Final = 3_000
"""Sentences of one story."""

_FOR_EVER: Final = 2**63

What = Literal["opening", "narration", "step", "event", "more", "closing"]
"""What a sentence tells: a beginning, words of the program's own, a span, an event, a number of those that are
not told one by one, how all of it ended."""


class Sentence(Struct, frozen=True, omit_defaults=True):
    """One sentence of a story."""

    what: What
    text: str
    """Safe to show, on one line."""
    time: int
    """Unix nanoseconds: when it began, or was said."""
    depth: int = 0
    level: str = "info"
    """`error` for what failed."""
    chapter: bool = False
    """A chapter begins with it."""
    trace_id: str = ""
    span_id: str = ""
    event_id: str = ""


class Manner(Struct, frozen=True):
    """How a story is told."""

    view: View = "human"
    level: str = "trace"
    """Spans and events below this level are left out; what is under such a span is not."""
    now: int | None = None
    """Unix nanoseconds: how far what is open has come."""
    everything: bool = False
    """No folds and no bounds."""


PLAINLY: Final = Manner()
"""The plain voice, all levels, folded."""


class _Head(Struct, eq=False):
    """A span to be told, with all that is under it."""

    place: Place
    depth: int
    claimed: Event | None = None
    meanwhile: bool = False
    chapter: bool = False


class _Said(Struct, eq=False):
    """A sentence that is ready."""

    sentence: Sentence


def story(
    roots: Sequence[Place], loose: Iterable[Event] = (), manner: Manner = PLAINLY
) -> Iterator[Sentence]:
    """Tell one trace from its beginning to its end; one without spans by its events alone.

    Args:
        roots: by start, as `analysis.tree.Tree.roots`.
        loose: events of no span in the trace.
        manner: voice, level, and how much of it.
    """
    teller = _Teller(roots, manner)
    most = None if manner.everything else MOST_SENTENCES
    for number, sentence in enumerate(teller.sentences(roots, loose)):
        if most is not None and number >= most:
            left = teller.spans - teller.told
            yield Sentence(
                "more", f"…and {of_them(max(left, 1), 'more step')} that are not told here.", sentence.time
            )
            break
        yield sentence
    root = main_root(roots)
    if root is not None:
        yield closing(root, roots, manner.now)


def main_root(roots: Sequence[Place]) -> Place | None:
    """The root that speaks for the trace: the earliest without a parent, else the earliest."""
    return next((place for place in roots if not place.record.parent_id), roots[0] if roots else None)


def closing(root: Place, roots: Sequence[Place], now: int | None) -> Sentence:
    """How all of it ended, how many steps it had and how they went, and what the models read and wrote."""
    spans = [place.record for place in walk(roots)]
    ends = [span.end for span in spans if span.end is not None]
    took = max(ends) - min(span.start for span in spans) if ends else None
    parts = [tell_span.outcome(root.record, took, now=now)]
    counts = [of_them(len(spans), "step")]
    for status, word in (("error", "failed"), ("cancelled", "cancelled"), ("interrupted", "interrupted")):
        if number := sum(span.status == status for span in spans):
            counts.append(f"{number:,} {word}")
    parts.append(", ".join(counts) + ".")
    calls = [span for span in spans if span.kind == "llm"]
    if used := tell_span.tokens(_sum(calls, INPUT_TOKENS), _sum(calls, OUTPUT_TOKENS)):
        parts.append(f"{of_them(len(calls), 'model call')}: {used}.")
    level = "error" if root.record.status == "error" else "info"
    return Sentence(
        "closing",
        " ".join(parts),
        max(ends, default=root.record.start),
        level=level,
        trace_id=root.record.trace_id,
    )


def _sum(spans: Iterable[Span], name: str) -> int | None:
    found = [number for span in spans if type(number := span.attributes.get(name)) is int]
    return sum(found) if found else None


class _Teller:
    """Tells what is under some roots; what is said of one trace is bounded by whoever listens."""

    def __init__(self, roots: Sequence[Place], manner: Manner) -> None:
        self._manner = manner
        self._shapes = Shapes(roots)
        self.spans = sum(self._shapes.size(root) for root in roots)
        self.told: int = 0
        """Spans that were told, or counted."""

    def sentences(self, roots: Sequence[Place], loose: Iterable[Event]) -> Iterator[Sentence]:
        rest = list(reversed(self._items(roots, list(loose), 0, {})))
        main = main_root(roots)
        while rest:
            item = rest.pop()
            if isinstance(item, _Said):
                yield item.sentence
            elif item.place is main:
                rest.extend(reversed(self._root(item)))
            else:
                rest.extend(reversed(self._span(item)))

    def _root(self, head: _Head) -> list[_Head | _Said]:
        """The root that speaks for the trace: how it ended is said at the very end."""
        self.told += 1
        place = head.place
        items = self._below(place, 1, None)
        if any(is_narration(event) and self._is_loud(event.level) for event in place.events):
            return items
        return [_Said(_of_span("opening", place.record, tell_span.opening(place.record), 0)), *items]

    def _span(self, head: _Head) -> list[_Head | _Said]:
        place, span = head.place, head.place.record
        self.told += 1
        if not self._is_loud("error" if span.status == "error" else span.level):
            return self._below(place, head.depth, head.claimed)
        own = [event for event in place.events if is_narration(event) and self._is_loud(event.level)]
        said = head.claimed or (own[0] if own else None)
        below = self._below(place, head.depth + 1, said)
        chapter = head.chapter and bool(below)
        if said is None:
            text = tell_span.sentence(span, place.events, now=self._manner.now, told_below=passes_on(place))
            first = _of_span(
                "step", span, _meanwhile(text) if head.meanwhile else text, head.depth, chapter=chapter
            )
            return [_Said(first), *below]
        items = [_Said(self._narration(said, head.depth, chapter=chapter)), *below]
        if span.status != "ok" and not any(event.level in {"error", "fatal"} for event in (said, *own)):
            text = tell_span.sentence(span, place.events, now=self._manner.now, told_below=passes_on(place))
            items.append(_Said(_of_span("step", span, text, head.depth + 1)))
        return items

    def _below(self, place: Place, depth: int, said: Event | None) -> list[_Head | _Said]:
        """What is under a span and on it, but for the narration that was told in its stead."""
        error = place.record.error
        events = [event for event in place.events if event is not said and not repeats(event, error)]
        return self._items(place.children, events, depth, claims(place.children, events))

    def _items(
        self, children: Sequence[Place], events: Sequence[Event], depth: int, claimed: dict[int, Event]
    ) -> list[_Head | _Said]:
        """Children and events in order of time, alike ones folded, and no more than a reader can bear."""
        taken = {id(event) for event in claimed.values()}
        told = [
            event
            for event in events
            if id(event) not in taken and tell_event.is_told(event) and self._is_loud(event.level)
        ]
        timed = [*self._children(children, depth, claimed), *self._events(told, depth)]
        timed.sort(key=lambda found: found[0])
        items = [item for _, item in timed]
        if self._manner.everything or len(items) <= MOST_SIBLINGS + 1:
            return items
        kept, rest = items[:MOST_SIBLINGS], items[MOST_SIBLINGS:]
        return [*kept, self._rest(rest, timed[MOST_SIBLINGS][0], depth)]

    def _children(
        self, children: Sequence[Place], depth: int, claimed: dict[int, Event]
    ) -> Iterator[tuple[int, _Head | _Said]]:
        parts: Iterable[Place | Fold[Place]] = children
        if not self._manner.everything:
            parts = folded(
                children, lambda child: (self._shapes.of(child), id(child) in claimed), is_odd=_has_failed
            )
        beside = _beside(children)
        for part in parts:
            if isinstance(part, Fold):
                meanwhile = all(id(place) in beside for place in part.items)
                yield part.items[0].record.start, _Said(self._fold(part, depth, meanwhile=meanwhile))
                continue
            head = _Head(part, depth, claimed.get(id(part)), id(part) in beside, chapter=depth <= 1)
            yield part.record.start, head

    def _events(self, told: Sequence[Event], depth: int) -> Iterator[tuple[int, _Said]]:
        parts: Iterable[Event | Fold[Event]] = told if self._manner.everything else folded(told, event_shape)
        for part in parts:
            if isinstance(part, Fold):
                first = part.items[0]
                text = f"…and {len(part.items):,} more like it: {tell_event.sentence(part.all[0], self._manner.view)}"
                yield (
                    first.time,
                    _Said(Sentence("more", text, first.time, depth, first.level, trace_id=first.trace_id)),
                )
            elif is_narration(part):
                yield part.time, _Said(self._narration(part, depth))
            else:
                yield part.time, _Said(_of_event("event", part, tell_event.sentence(part), depth))

    def _narration(self, event: Event, depth: int, *, chapter: bool = False) -> Sentence:
        return _of_event(
            "narration", event, tell_event.narrated(event, self._manner.view), depth, chapter=chapter
        )

    def _fold(self, fold: Fold[Place], depth: int, *, meanwhile: bool) -> Sentence:
        first = fold.items[0].record
        self.told += sum(self._shapes.size(place) for place in fold.items)
        name = short(fold.all[0].record.name)
        text = f"…and {'meanwhile ' if meanwhile else ''}{len(fold.items):,} more like {name}"
        if failed := sum(place.record.status == "error" for place in fold.items):
            text += f", {failed:,} failed"
        known = sorted(took for place in fold.items if (took := place.record.duration_ns) is not None)
        if known:
            text += f" ({duration(known[0])} to {duration(known[-1])})"
        level = "error" if failed else first.level
        return Sentence("more", text + ".", first.start, depth, level, trace_id=first.trace_id)

    def _rest(self, items: Sequence[_Head | _Said], time: int, depth: int) -> _Said:
        heads = [item for item in items if isinstance(item, _Head)]
        self.told += sum(self._shapes.size(head.place) for head in heads)
        failed = sum(head.place.record.status == "error" for head in heads)
        text = f"…and {of_them(len(items), 'more sentence')} not told here"
        if failed:
            text += f"; {of_them(failed, 'step')} among them failed"
        text += "."
        return _Said(Sentence("more", text, time, depth, "error" if failed else "info"))

    def _is_loud(self, level: str) -> bool:
        return LEVELS.get(level, 0) >= LEVELS.get(self._manner.level, 0)


def _meanwhile(text: str) -> str:
    first = text.partition(" ")[0]
    return f"Meanwhile, {text[:1].lower() + text[1:] if first in tell_span.OPENERS else text}"


def passes_on(place: Place) -> bool:
    """Whether a child of it has the same error, which is told there."""
    error = place.record.error
    return error is not None and any(
        child.record.error is not None
        and (child.record.error.type, child.record.error.message) == (error.type, error.message)
        for child in place.children
    )


def repeats(event: Event, error: Fault | None) -> bool:
    """Whether an `exception` event says no more than the error of its own span does."""
    if event.name != "exception" or error is None:
        return False
    told = (event.attributes.get(EXCEPTION["type"]), event.attributes.get(EXCEPTION["message"]))
    return told == (error.type, error.message)


def _has_failed(place: Place) -> bool:
    return place.record.status == "error"


def _beside(siblings: Iterable[Place]) -> set[int]:
    """Identities of those that began while one that began before them was not over."""
    found: set[int] = set()
    until = 0
    for place in sorted(siblings, key=lambda one: one.record.start):
        span = place.record
        if span.start < until:
            found.add(id(place))
        until = max(until, _FOR_EVER if span.end is None else span.end)
    return found


def _of_span(what: What, span: Span, text: str, depth: int, *, chapter: bool = False) -> Sentence:
    level = "error" if span.status == "error" else span.level
    return Sentence(what, text, span.start, depth, level, chapter, span.trace_id, span.span_id)


def _of_event(what: What, event: Event, text: str, depth: int, *, chapter: bool = False) -> Sentence:
    return Sentence(
        what, text, event.time, depth, event.level, chapter, event.trace_id, event.span_id, event.event_id
    )
