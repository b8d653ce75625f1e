"""A trace, or a flow of several, as a Mermaid sequence diagram: who asked whom for what, from top to bottom.

Participants are the services, agents, models and tools of the spans and the actors and targets of the narrations,
in the order in which they appear. An arrow is a step or a narration; its answer is dashed, and ends in a cross
where it failed. A narration that has no target is a note over its actor. Runs of alike steps are a `loop` around
one of them. A diagram that nobody can read is cut: at `MOST_MESSAGES`, at `MOST_PARTICIPANTS`, and well before
the 50,000 characters beyond which Mermaid refuses a text; a note says so. Every text is escaped (`escaping.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from msgspec import Struct

from flightlog.narration import events as tell_event
from flightlog.narration import spans as tell_span
from flightlog.narration.claims import claims
from flightlog.narration.escaping import broken, escaped
from flightlog.narration.folding import Fold, Place, Shapes, event_shape, folded, walk
from flightlog.narration.trace import PLAINLY, Manner, main_root, passes_on, repeats
from flightlog.narration.words import duration, of_them, short
from flightlog.records.event import Event
from flightlog.records.genai import OUTPUT_TOKENS, SERVER_ADDRESS
from flightlog.records.kinds import LEVELS
from flightlog.records.narration import is_narration
from flightlog.records.span import Span

MOST_MESSAGES: Final = 150
MOST_PARTICIPANTS: Final = 20
MOST_CHARACTERS: Final = 40_000

T = TypeVar("T")

_PROGRAM: Final = "program"
_OTHERS: Final = "others"
_NAME: Final = 40
_TARGETS: Final = 3
"""Targets that differ only in digits and are participants one by one; more of them are one together."""
_MODELS: Final[Mapping[str, str]] = {
    "llm": "ask",
    "embedding": "embed",
    "rerank": "rank",
    "speech_to_text": "transcribe",
    "text_to_speech": "speak",
}
"""Kinds of calls of models, and what is asked of one."""
_NAMED: Final[Mapping[str, str]] = {
    "agent": "run",
    "workflow": "run",
    "tool": "call",
    "retrieval": "search",
    "guardrail": "check",
    "evaluation": "run",
}
"""Kinds whose spans are participants by their name, and what is asked of one."""
_SYSTEMS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "db": (("db.system.name", "db.system", SERVER_ADDRESS), "database"),
    "http": ((SERVER_ADDRESS,), "HTTP"),
}
"""Kinds whose spans ask a system: the attributes that may name it (OpenTelemetry), and its name without them."""
_DIGITS: Final = re.compile(r"\d+")


class _Step(Struct, eq=False):
    """A span to be drawn, under the participant that began it."""

    place: Place
    caller: str
    service: str
    claimed: Event | None = None


class _Say(Struct, eq=False):
    """An event to be drawn."""

    event: Event
    caller: str


class _Loop(Struct, eq=False):
    """Many of a kind, drawn as one of them."""

    label: str
    first: _Step | _Say
    hidden: int
    """Spans or events that are not drawn for it."""
    failed: int = 0


class _Put(Struct, eq=False):
    """Lines that are ready; those that close something are drawn in any case."""

    lines: tuple[str, ...]
    closes: bool = False


_Op = _Step | _Say | _Loop | _Put


def diagram(roots: Sequence[Place], loose: Iterable[Event] = (), manner: Manner = PLAINLY) -> Iterator[str]:
    """Draw one trace, or the roots of several; the lines of the document, which begins with `sequenceDiagram`."""
    pen = _Pen(roots, manner)
    events = list(loose)
    pen.look_at(event for place in walk(roots) for event in place.events)
    pen.look_at(events)
    pen.draw(pen.items(roots, events, "", ""))
    return pen.document()


class _Pen:
    def __init__(self, roots: Sequence[Place], manner: Manner) -> None:
        self._manner = manner
        self._shapes = Shapes(roots)
        traces: dict[str, list[Place]] = {}
        for root in roots:
            traces.setdefault(root.record.trace_id, []).append(root)
        self._mains = {id(main_root(some)) for some in traces.values()}
        """The roots that speak for their traces."""
        self._targets: Counter[str] = Counter()
        self._ids: dict[str, str] = {}
        self._lines: list[str] = []
        self._messages = 0
        self._characters = 0
        self._left_out = 0

    def look_at(self, events: Iterable[Event]) -> None:
        """Learn which targets there are: many that differ only in a number become one participant."""
        found = {tell_event.target(event) for event in events if is_narration(event)}
        self._targets.update(_DIGITS.sub("#", target) for target in found if target)

    def document(self) -> Iterator[str]:
        """The whole, participants first."""
        yield "sequenceDiagram"
        for name, number in self._ids.items():
            yield f"    participant {number} as {escaped(name, _NAME)}"
        yield from (f"    {line}" for line in self._lines)
        if self._left_out:
            first, *others = self._ids.values() or (self._id(_PROGRAM),)
            over = ",".join((first, *others[-1:]))
            yield f"    Note over {over}: {escaped(f'{self._left_out:,} more steps and narrations are not drawn')}"

    def draw(self, items: list[_Op]) -> None:
        """Draw items, and whatever is under them, from top to bottom."""
        rest = list(reversed(items))
        while rest:
            op = rest.pop()
            if isinstance(op, _Put):
                if op.closes or not self._is_full():
                    self._put(op.lines)
            elif self._is_full():
                self._left_out += self._size(op)
            elif isinstance(op, _Loop):
                rest.extend(reversed(self._loop(op)))
            elif isinstance(op, _Say):
                self._put([self._said(op)])
            else:
                rest.extend(reversed(self._step(op)))

    def items(
        self,
        children: Sequence[Place],
        events: Sequence[Event],
        caller: str,
        service: str,
        said: Event | None = None,
    ) -> list[_Op]:
        """Children and events in order of time, runs of alike ones as loops."""
        claimed = claims(children, events)
        taken = {id(event) for event in (*claimed.values(), said)}
        told = [
            one
            for one in events
            if id(one) not in taken and tell_event.is_told(one) and self._is_loud(one.level)
        ]
        timed: list[tuple[int, _Op]] = []
        for part in self._folded(children, lambda child: (self._shapes.of(child), id(child) in claimed)):
            if isinstance(part, Fold):
                first = _Step(part.items[0], caller, service, claimed.get(id(part.items[0])))
                failed = sum(place.record.status == "error" for place in part.items)
                label = f"{len(part.items):,} like {short(part.items[0].record.name)}"
                timed.append((first.place.record.start, _Loop(label, first, len(part.items), failed)))
            else:
                timed.append((part.record.start, _Step(part, caller, service, claimed.get(id(part)))))
        for found in self._folded(told, event_shape):
            if isinstance(found, Fold):
                one = found.items[0]
                timed.append(
                    (one.time, _Loop(f"{len(found.items):,} times", _Say(one, caller), len(found.items)))
                )
            else:
                timed.append((found.time, _Say(found, caller)))
        timed.sort(key=lambda pair: pair[0])
        return [op for _, op in timed]

    def _folded(self, items: Sequence[T], shape: Callable[[T], Hashable]) -> Iterator[T | Fold[T]]:
        return iter(items) if self._manner.everything else folded(items, shape, shown=0)

    def _loop(self, loop: _Loop) -> list[_Op]:
        """One of them between `loop` and `end`, with how many of them failed."""
        ops: list[_Op] = [_Put((f"loop {escaped(loop.label)}",), closes=True), loop.first]
        if loop.failed:
            over = self._id(loop.first.caller or _PROGRAM)
            ops.append(_Put((f"Note over {over}: {escaped(f'{loop.failed:,} of them failed')}",)))
        return [*ops, _Put(("end",), closes=True)]

    def _step(self, step: _Step) -> list[_Op]:
        place, span = step.place, step.place.record
        who = self._who(step)
        service = span.service or step.service
        if not self._is_loud("error" if span.status == "error" else span.level):
            return self.items(place.children, place.events, step.caller or who, service, step.claimed)
        own = [event for event in place.events if is_narration(event) and self._is_loud(event.level)]
        if id(place) in self._mains:
            return self._root(step, who, service, narrated=bool(own))
        said = step.claimed or (own[0] if own else None)
        below = self.items(place.children, self._news(place), who, service, said)
        if said is None:
            asked = [
                _Put((f"{self._id(step.caller or who)}->>{self._id(who)}: {broken(_label(span, who))}",))
            ]
            return [*asked, *below, *self._answer(step, who)]
        has_failed = span.status != "ok" and not any(one.level in {"error", "fatal"} for one in (said, *own))
        return [_Say(said, step.caller or who), *below, *(self._answer(step, who) if has_failed else ())]

    def _root(self, step: _Step, who: str, service: str, *, narrated: bool) -> list[_Op]:
        place, span = step.place, step.place.record
        below = self.items(place.children, self._news(place), who, service)
        number = self._id(who)
        opening = () if narrated else (_Put((f"Note over {number}: {broken(tell_span.opening(span))}",)),)
        outcome = tell_span.outcome(span, span.duration_ns, now=self._manner.now)
        return [*opening, *below, _Put((f"Note over {number}: {broken(outcome)}",), closes=True)]

    def _news(self, place: Place) -> list[Event]:
        return [event for event in place.events if not repeats(event, place.record.error)]

    def _answer(self, step: _Step, who: str) -> list[_Op]:
        """How a step ended: a dashed arrow back, with a cross where it failed; for what is open a note."""
        span = step.place.record
        here, back = self._id(who), self._id(step.caller or who)
        took = duration(span.duration_ns)
        if span.status in {"running", "paused"}:
            told = tell_span.sentence(span, step.place.events, now=self._manner.now)
            return [_Put((f"Note over {here}: {broken(told)}",))]
        if span.status == "ok":
            if here == back:
                return []
            written = span.attributes.get(OUTPUT_TOKENS)
            used = of_them(written, "token") if type(written) is int else ""
            return [_Put((f"{here}-->>{back}: {broken(', '.join(filter(None, (used, took))) or 'done')}",))]
        told = tell_span.sentence(span, step.place.events, told_below=passes_on(step.place))
        return [_Put((f"{here}--x{back}: {broken(told)}",))]

    def _said(self, say: _Say) -> str:
        event = say.event
        text = broken(tell_event.sentence(event, self._manner.view))
        actor = tell_event.actor(event) if is_narration(event) else ""
        here = self._id(actor or say.caller or short(event.service) or _PROGRAM)
        there = self._id(self._target(event)) if self._target(event) else here
        if here == there:
            return f"Note over {here}: {text}"
        return f"{here}{'--x' if event.level in {'error', 'fatal'} else '->>'}{there}: {text}"

    def _target(self, event: Event) -> str:
        found = tell_event.target(event) if is_narration(event) else ""
        alike = _DIGITS.sub("#", found)
        return alike if self._targets[alike] > _TARGETS else found

    def _who(self, step: _Step) -> str:
        """The participant that does a span's work: a model, a tool, an agent, another service, or its caller."""
        span = step.place.record
        if not step.caller:
            return short(span.service or span.name) or _PROGRAM
        if span.kind in _MODELS:
            return short(tell_span.model_of(span.attributes) or span.name)
        if span.kind in _NAMED:
            return short(span.name)
        if span.kind in _SYSTEMS:
            names, otherwise = _SYSTEMS[span.kind]
            found = (span.attributes.get(name) for name in names)
            return next((short(name) for name in found if isinstance(name, str) and name), otherwise)
        return short(span.service) if span.service and span.service != step.service else step.caller

    def _id(self, name: str) -> str:
        """What a participant is called within the diagram."""
        is_full = len(self._ids) >= MOST_PARTICIPANTS and not self._manner.everything
        if name not in self._ids and is_full:
            name = _OTHERS
        return self._ids.setdefault(name, f"p{len(self._ids) + 1}")

    def _put(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._lines.append(line)
            self._messages += 1
            self._characters += len(line) + 5

    def _is_full(self) -> bool:
        if self._manner.everything:
            return False
        return self._messages >= MOST_MESSAGES or self._characters >= MOST_CHARACTERS

    def _size(self, op: _Step | _Say | _Loop) -> int:
        if isinstance(op, _Loop):
            return op.hidden
        return self._shapes.size(op.place) if isinstance(op, _Step) else 1

    def _is_loud(self, level: str) -> bool:
        return LEVELS.get(level, 0) >= LEVELS.get(self._manner.level, 0)


def _label(span: Span, who: str) -> str:
    """What is asked of a participant: what sort of thing, and its name where that is not the participant's."""
    asked = _MODELS.get(span.kind) or _NAMED.get(span.kind, "")
    name = short(span.name)
    if not asked:
        return name
    return asked if who in name or name in who else f"{asked}: {name}"
