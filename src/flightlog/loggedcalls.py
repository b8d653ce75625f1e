"""Calls that log records tell of, gathered until it is known whether spans tell of them as well.

What several records say of one call is put together: Claude Code writes what a model said after what that took, Gemini
CLI what it was given before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import structs

from flightlog.dialects import claude_code, gemini_cli
from flightlog.dialects.gen_ai_events import CHOICE, DETAILS
from flightlog.dialects.logged import (
    Prompt,
    around,
    is_prompt,
    name_of,
    prompt_of,
    span_of,
    tells_a_call,
    widened,
)
from flightlog.dialects.values import first_text, number, text
from flightlog.records.event import Event
from flightlog.records.span import Span
from flightlog.store.port import Reader

_MOST: Final = 10_000
"""Of prompts and of requests, so many of the last are remembered."""
_MOST_OF_ONE: Final = 100
_NEAR_NS: Final = 100_000_000
"""Records of one call are written so near to each other."""
_REQUEST: Final = "request_text"
_ANSWER: Final = "response"


_Told = tuple[int, str]
"""When something was told, and what."""


class LoggedCalls:
    """Calls that came in log records since it was settled last."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], tuple[str, Event]] = {}
        """Names and records, by project and what is written once for a call."""
        self._requests: dict[str, list[_Told]] = {}
        """What calls of a prompt are given."""
        self._answers: dict[str, list[_Told]] = {}
        """What they said."""
        self._prompts: dict[str, Event] = {}
        """What somebody asked for, by the trace that is made for it."""

    def __len__(self) -> int:
        return len(self._held)

    def take(self, event: Event) -> None:
        """Look at a log record; an event that came within its span tells of that."""
        if "otlp" in event.otel and "log" not in event.otel:
            return
        name = name_of(event)
        if is_prompt(name):
            if (prompt := prompt_of(name, event)) is not None:
                self._prompts.pop(prompt.trace_id, None)
                self._prompts[prompt.trace_id] = event
                if len(self._prompts) > _MOST:
                    del self._prompts[next(iter(self._prompts))]
        elif name == gemini_cli.REQUEST:
            if request := text(event.attributes.get(_REQUEST)):
                _remember(self._requests, _of(event), (event.time, request))
        elif name == claude_code.ANSWER:
            if answer := text(event.attributes.get(_ANSWER)):
                _remember(self._answers, _of(event), (event.time, answer))
        elif tells_a_call(name, event):
            own = f"{event.trace_id}{event.span_id}" if name == CHOICE else event.event_id
            self._held[event.project, own] = (name, event)

    def spans(self) -> Iterator[Span]:
        """The calls, as their libraries would tell of them in spans."""
        talks = {(event.trace_id, event.span_id) for name, event in self._held.values() if name == DETAILS}
        for name, event in self._held.values():
            if name != CHOICE or (event.trace_id, event.span_id) not in talks:
                yield span_of(name, event, self._more(name, event))

    def _more(self, name: str, event: Event) -> dict[str, str]:
        """What other records say of the same call."""
        if name == claude_code.API_REQUEST:
            said = _nearest(self._answers.get(_of(event), ()), event.time)
            return {_ANSWER: said} if said else {}
        if name in gemini_cli.CALLS and name != gemini_cli.TOOL_CALL:
            took = number(event.attributes.get("duration_ms")) or 0
            given = _nearest(self._requests.get(_of(event), ()), event.time - int(took * 1_000_000))
            return {_REQUEST: given} if given else {}
        return {}

    def clear(self) -> None:
        """Forget the calls, which are settled."""
        self._held.clear()

    def around(self, calls: Iterable[Span], reader: Reader) -> list[Span]:
        """The spans around those calls that go into the store, where they are not there as wide already."""
        prompts = self._around_whom()
        found: dict[str, Span] = {}
        for call in calls:
            prompt = prompts.get(call.trace_id)
            if prompt is None:
                continue
            before = found.get(call.trace_id)
            one = around(prompt, call)
            found[call.trace_id] = one if before is None else widened(before, one)
        return [new for span in found.values() if (new := self._wider(span, reader)) is not None]

    def _around_whom(self) -> Mapping[str, Prompt]:
        told = (prompt_of(name, event) for name, event in self._held.values())
        return {prompt.trace_id: prompt for prompt in told if prompt is not None}

    def _wider(self, span: Span, reader: Reader) -> Span | None:
        asked = self._prompts.get(span.trace_id)
        if asked is not None:
            wanted = text(asked.attributes.get("prompt"))
            span = structs.replace(
                span, start=min(span.start, asked.time), **({"input": wanted} if wanted else {})
            )
        known = reader.span(span.trace_id, span.span_id)
        if known is None:
            return span
        wide = widened(known, span)
        return None if wide is known else structs.replace(wide, revision=known.revision + 1)


def _of(event: Event) -> str:
    """Which records tell of one call: those of a request, else of a prompt."""
    known = event.attributes
    asked = first_text(known, "request_id", "prompt.id", "prompt_id", "session.id")
    return f"{event.project}\n{event.process_id}\n{asked}"


def _nearest(told: Iterable[_Told], time: int) -> str:
    """What was told at about this time; empty where nothing was."""
    near = [(abs(when - time), what) for when, what in told]
    distance, what = min(near, default=(_NEAR_NS, ""))
    return what if distance < _NEAR_NS else ""


def _remember(kept: dict[str, list[_Told]], name: str, told: _Told) -> None:
    """Remember it as the last; of what was told before, not too much."""
    before = kept.pop(name, [])
    kept[name] = [*before[1 - _MOST_OF_ONE :], told] if told not in before else before
    if len(kept) > _MOST:
        del kept[next(iter(kept))]
