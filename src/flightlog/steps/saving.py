"""An execution trace becomes a trace like any other: one root span, and a span for each step.

Ids are made from the trace's own id and the position, the start and the name of the step: whoever saves a step that
was handed on writes the same span, and steps that two services added to the same trace, each after what both were
handed, are two. Saving again writes the same spans; one that has changed meanwhile is written as its next revision.
A step that tried again what had failed leaves a `retry`
event on the root, which is in error only where something failed for good (`attempts.py`).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from flightlog.core.outcome import text_of
from flightlog.core.past import Past, record
from flightlog.core.past_event import PastEvent, record_event
from flightlog.core.unset import UNSET
from flightlog.steps.attempts import Retry, failed_for_good, is_cancelled, retries
from flightlog.steps.step import StepType, TraceStep, type_text

if TYPE_CHECKING:
    from flightlog.steps.trace import ExecutionTrace

KINDS: Final[dict[str, str]] = {
    StepType.AUDIO_CAPTURE: "audio_capture",
    StepType.VOICE_ACTIVITY: "voice_activity",
    StepType.SPEECH_TO_TEXT: "speech_to_text",
    StepType.RETRIEVAL: "retrieval",
    StepType.LLM_GENERATION: "llm",
    StepType.TOOL_EXECUTION: "tool",
    StepType.TEXT_TO_SPEECH: "text_to_speech",
    StepType.AUDIO_PLAYBACK: "audio_playback",
    StepType.ERROR: "step",
}
"""Kind of a span by step type; any other step type is its own kind."""

NAME: Final = "execution_trace"
"""Name of the root span."""

_HEX: Final = frozenset("0123456789abcdef")


def save(trace: ExecutionTrace) -> str:
    """Record all of it; see `ExecutionTrace.save`."""
    trace_id = _trace_id(text_of(trace.trace_id))
    root_id = _id(trace_id, -1)
    context = _context(trace)
    steps = [(number, step) for number, step in enumerate(trace.steps()) if not step.is_open]
    ended = [step for _, step in steps]
    failed = failed_for_good(ended)
    start, end = trace.start_ns, max((step.end_ns for _, step in steps), default=trace.start_ns)
    attributes: dict[str, Any] = {"flightlog.execution_trace.id": trace.trace_id, **trace.metadata}
    root = Past(trace_id, root_id, NAME, _kept(start), _kept(end), kind="workflow", attributes=attributes)
    root.context = context
    if failed is not None:
        root.error, root.status = _error(failed), "error"
    elif any(map(is_cancelled, ended)):
        root.status = "cancelled"
    if not record(root, trace.saved.of):
        return ""
    for number, step in steps:
        span_id = trace.saved.id_of(number, _id(trace_id, number, _told_apart_by(step)))
        record(_span(trace_id, root_id, span_id, step, context), trace.saved.of)
    for retry in retries(ended):
        number, step = steps[retry.place]
        record_event(_event(trace_id, root_id, number, step, retry))
    return trace_id


def _span(trace_id: str, root_id: str, span_id: str, step: TraceStep, context: dict[str, Any]) -> Past:
    own = type_text(step.step_type)
    kind = KINDS.get(own, own)
    attributes: dict[str, Any] = dict(step.notes or {})
    if kind != own:
        attributes["flightlog.step_type"] = own
    cancelled = is_cancelled(step)
    return Past(
        trace_id,
        span_id,
        step.name,
        _kept(step.start_ns),
        _kept(step.end_ns),
        parent_id=root_id,
        kind=kind,
        input=UNSET if step.input is None else step.input,
        output=UNSET if step.output is None else step.output,
        error=_error(step) if step.failed and not cancelled else None,
        status="cancelled" if cancelled else None,
        attributes=attributes,
        context=context,
    )


def _event(trace_id: str, root_id: str, number: int, step: TraceStep, retry: Retry) -> PastEvent:
    """What tells a reader of the trace that a step was another try."""
    return PastEvent(
        "retry",
        attributes={"attempt": retry.attempt, "reason": retry.reason, "step": step.name},
        time=_kept(step.start_ns),
        event_id=_id(trace_id, number, f"retry {_told_apart_by(step)}"),
        trace_id=trace_id,
        span_id=root_id,
    )


def _error(step: TraceStep) -> dict[str, str]:
    message = step.error or "failed"
    kind, colon, rest = message.partition(": ")
    if colon and kind.isidentifier():
        return {"type": kind, "message": rest}
    return {"type": "", "message": message}


def _context(trace: ExecutionTrace) -> dict[str, Any]:
    context: dict[str, Any] = {}
    if trace.conversation_id is not None:
        context["session"] = str(trace.conversation_id)
    if trace.turn_number is not None:
        context["turn"] = trace.turn_number
    return context


def _kept(time: int) -> int:
    """A point in time that a store can hold: nearly any, from 1677 to 2262."""
    return max(-(2**63), min(time, 2**63 - 1))


def _trace_id(own: str) -> str:
    """The trace's own id where it is one of 32 digits, else one made from it."""
    if len(own) == 32 and set(own) <= _HEX and own.strip("0"):
        return own
    return blake2b(b"execution trace\0" + own.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _told_apart_by(step: TraceStep) -> str:
    """What is the same of a step wherever it is handed on, also in whole milliseconds, and differs from others."""
    return f"{step.start_time_ms} {text_of(step.name)}"


def _id(trace_id: str, number: int, of: str = "") -> str:
    """Ids in the order of the steps: of spans that start together the one with the lesser id is told first."""
    own = blake2b(f"{trace_id} {of}".encode("utf-8", "replace"), digest_size=5)
    return f"{(number + 1) & 0xFFFFFF:06x}{own.hexdigest()}"
