"""Traces as frame-trace (0.1.0) and `ExecutionTrace.to_json` write them: a root span, and one for each step.

Ids and kinds are those of `ExecutionTrace.save`: what was saved and is imported as well is there once. A step has no
parent in this format, so all of them are under the root. An error of a step that another one of the same name made
good is none of the trace. Of a step's own keys those that have no meaning here are kept as attributes.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any, Final

from msgspec import UNSET

from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.formats.reading import (
    MILLI,
    Made,
    Sample,
    fault,
    mapping,
    moment,
    ns,
    number,
    objects,
    process,
    text,
    trace_id,
    without,
)
from flightlog.records.span import Span

NAME: Final = "frame-trace"

_KINDS: Final = {
    "AudioCapture": "audio_capture",
    "VoiceActivity": "voice_activity",
    "SpeechToText": "speech_to_text",
    "Retrieval": "retrieval",
    "LlmGeneration": "llm",
    "ToolExecution": "tool",
    "TextToSpeech": "text_to_speech",
    "AudioPlayback": "audio_playback",
    "Error": "step",
}
_KNOWN: Final = frozenset(
    """step_type name start_time_ms start_time_ns duration_ms duration_ns input output metadata error""".split()  # noqa: SIM905 - a list of words reads best as one
)
_KNOWN_OF_TRACE: Final = frozenset(
    """trace_id conversation_id turn_number steps total_duration_ms start_time_ms metadata""".split()  # noqa: SIM905 - a list of words reads best as one
)
_word: Final = re.compile(r"[^\W_]+")
_AGAIN: Final = frozenset({"again", "attempt", "re", "retried", "retry", "retrying", "try"})


def tells(sample: Sample) -> bool:
    """Whether this is such a document: a trace, or a list or lines of them."""
    return any(
        isinstance(one.get("steps"), list)
        and (
            any("step_type" in step for step in objects(one, "steps"))
            or (not one["steps"] and "total_duration_ms" in one)
        )
        for one in sample.objects
    )


class Taker:
    """Makes a trace of each value."""

    def __init__(self) -> None:
        self._process = process(NAME)

    def take(self, _key: str, value: Any, /) -> list[Made]:
        """The spans of one trace.

        Raises:
            Malformed: it is none.
        """
        if not isinstance(value, dict) or not isinstance(value.get("steps"), list):
            raise Malformed("no execution trace: it must be an object with a list of `steps`")
        told = text(value, "trace_id")
        trace = trace_id(NAME, told) if _is_whole(told) else _made_id(told)
        root = _span_id(trace, -1)
        context: dict[str, Any] = {}
        if session := text(value, "conversation_id"):
            context["session"] = session
        if (turn := number(value, "turn_number")) is not None:
            context["turn"] = int(turn)
        steps = [
            self._step(step, number, trace, root, context)
            for number, step in enumerate(objects(value, "steps"))
        ]
        begun = moment(value, "start_time_ms", unit=MILLI)
        start = min([*(step.start for step in steps), *([] if begun is None else [begun])], default=0)
        failed = _failed_for_good(steps)
        return [
            self._process,
            Span(
                trace_id=trace,
                span_id=root,
                name="execution_trace",
                kind="workflow",
                start=start,
                end=max((step.end or 0 for step in steps), default=start),
                status="error" if failed else "ok",
                error=failed.error if failed else None,
                attributes={
                    "flightlog.execution_trace.id": told,
                    **mapping(value, "metadata"),
                    **without(value, _KNOWN_OF_TRACE),
                },
                context=context,
                process_id=self._process.process_id,
            ),
            *steps,
        ]

    def end(self) -> list[Made]:
        """Nothing is left: a trace is one value."""
        return []

    def _step(self, told: dict[str, Any], place: int, trace: str, root: str, context: dict[str, Any]) -> Span:
        own = text(told, "step_type")
        attributes = {**mapping(told, "metadata"), **without(told, _KNOWN)}
        kind = _KINDS.get(own, own)
        if kind != own:
            attributes["flightlog.step_type"] = own
        start = moment(told, "start_time_ns", unit=1)
        if start is None:
            start = moment(told, "start_time_ms", unit=MILLI) or 0
        took = number(told, "duration_ns")
        took = ns(number(told, "duration_ms") or 0, MILLI) if took is None else ns(took, 1)
        message = told.get("error")
        is_error = message is not None or own == "Error"
        return Span(
            trace_id=trace,
            span_id=_span_id(trace, place, f"{start // MILLI} {text(told, 'name')}"),
            parent_id=root,
            name=text(told, "name") or own or "step",
            kind=kind,
            start=start,
            end=start + max(0, took),
            status="error" if is_error else "ok",
            input=UNSET if told.get("input") is None else told["input"],
            output=UNSET if told.get("output") is None else told["output"],
            error=_fault(message) if is_error else None,
            attributes=attributes,
            context=context,
            process_id=self._process.process_id,
        )


def _fault(message: object) -> Any:
    kind, colon, rest = message.partition(": ") if isinstance(message, str) else ("", "", "")
    return fault(rest, kind) if colon and kind.isidentifier() else fault(message or "failed")


def _failed_for_good(steps: list[Span]) -> Span | None:
    """The first step that failed and that none of its name made good later."""
    good: set[tuple[str, ...]] = set()
    found = None
    for step in reversed(steps):
        if step.status == "ok":
            good.add(_thing(step.name))
        elif _thing(step.name) not in good:
            found = step
    return found


def _thing(name: str) -> tuple[str, ...]:
    """The words of a name without those that count tries."""
    kept: list[str] = []
    counts = False
    for word in _word.findall(name.casefold()):
        if word not in _AGAIN and not (counts and word.isdecimal()):
            kept.append(word)
        counts = word in _AGAIN
    return tuple(kept) or (name,)


def _is_whole(own: str) -> bool:
    return len(own) == 32 and re.fullmatch("[0-9a-f]+", own) is not None and own.strip("0") != ""


def _made_id(own: str) -> str:
    return blake2b(b"execution trace\0" + own.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _span_id(trace: str, number: int, of: str = "") -> str:
    own = blake2b(f"{trace} {of}".encode("utf-8", "replace"), digest_size=5)
    return f"{(number + 1) & 0xFFFFFF:06x}{own.hexdigest()}"
