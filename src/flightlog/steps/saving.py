"""An execution trace becomes a trace like any other: one root span, and a span for each step.

Ids are made from the trace's own id and the position of the step, so that saving again writes the same spans.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from flightlog.core.outcome import text_of
from flightlog.core.past import Past, record
from flightlog.core.unset import UNSET
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
    root_id = _span_id(trace_id, -1)
    context = _context(trace)
    steps = [(number, step) for number, step in enumerate(trace.steps()) if not step.is_open]
    failed = _failed_for_good([step for _, step in steps])
    start, end = trace.start_ns, max((step.end_ns for _, step in steps), default=trace.start_ns)
    attributes: dict[str, Any] = {"flightlog.execution_trace.id": trace.trace_id, **trace.metadata}
    root = Past(trace_id, root_id, NAME, _kept(start), _kept(end), kind="workflow", attributes=attributes)
    root.context = context
    if failed is not None:
        root.error, root.status = _error(failed), "error"
    elif any(_is_cancelled(step) for _, step in steps):
        root.status = "cancelled"
    if not record(root):
        return ""
    for number, step in steps:
        record(_span(trace_id, root_id, number, step, context))
    return trace_id


def _span(trace_id: str, root_id: str, number: int, step: TraceStep, context: dict[str, Any]) -> Past:
    own = type_text(step.step_type)
    kind = KINDS.get(own, own)
    attributes: dict[str, Any] = dict(step.notes or {})
    if kind != own:
        attributes["flightlog.step_type"] = own
    cancelled = _is_cancelled(step)
    return Past(
        trace_id,
        _span_id(trace_id, number),
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


def _failed_for_good(steps: list[TraceStep]) -> TraceStep | None:
    """The first step that failed and did not succeed when it was tried again: later, under the same type and name.

    The type `Error` stands in the place of what the step was, so there the name alone tells.
    """
    succeeded: set[tuple[str, str]] = set()
    found = None
    for step in reversed(steps):
        own, name = type_text(step.step_type), text_of(step.name)
        if not step.failed:
            succeeded |= {(own, name), (StepType.ERROR, name)}
        elif (own, name) not in succeeded and not _is_cancelled(step):
            found = step
    return found


def _is_cancelled(step: TraceStep) -> bool:
    """Whether the exception that left its block stands for no failure: `ExecutionTrace.step` wrote its name."""
    return (step.error or "").partition(":")[0] in {"CancelledError", "KeyboardInterrupt"}


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


def _span_id(trace_id: str, number: int) -> str:
    """Ids in the order of the steps: of spans that start together the one with the lesser id is told first."""
    return f"{blake2b(trace_id.encode(), digest_size=4).hexdigest()}{number + 1:08x}"
