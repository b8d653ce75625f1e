"""Calls that a program tells of in log records alone: each becomes a span of its own.

Claude Code and Gemini CLI write a record when a call of a model or a tool is over, with all that it took, and spans
only where somebody asked for them, or of some calls; others write OpenTelemetry's one event with everything
(`gen_ai.client.inference.operation.details`) and no span. The record itself is kept as it came.

Such a span has an id made from the record, and its attributes. Where the record names no trace, the calls of one
prompt, else of one session, are in a trace made from that. Whether a span told of the same call is for `counting.py`
to say: then the span counts, and is lent what only the record knows (`reading.lent`).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, structs

from flightlog.dialects import claude_code, gemini_cli, gen_ai_events
from flightlog.dialects.values import first_text, mapping, number, text
from flightlog.records import genai
from flightlog.records.event import Event
from flightlog.records.span import Fault, Span
from flightlog.records.understood import LOGGED

_CLAUDE: Final = "claude_code."
_GEMINI: Final = "gemini_cli."
CALLS: Final = claude_code.CALLS | gemini_cli.CALLS
_PROMPTS: Final[Mapping[str, str]] = {
    claude_code.PROMPT: claude_code.SPAN_OF_PROMPT,
    gemini_cli.PROMPT: gemini_cli.SPAN_OF_PROMPT,
}
_TALKS: Final = frozenset({gen_ai_events.DETAILS, gen_ai_events.CHOICE})
"""Records that other libraries write once for a call, beside its span."""
_TOLD_AT_THE_END: Final = (genai.INPUT_TOKENS, genai.OUTPUT_TOKENS, "gen_ai.output.messages")
_MS: Final = 1_000_000


class Prompt(Struct, frozen=True):
    """Calls that belong together."""

    trace_id: str
    span_id: str
    """Of the span around them, which is made for them."""
    name: str


def name_of(event: Event) -> str:
    """What a log record is called, with the name of its program: Claude Code tells that apart."""
    if event.name.startswith((_CLAUDE, _GEMINI)):
        return event.name
    scope = event.otel.get("scope")
    told = text(scope.get("name")) if isinstance(scope, Mapping) else ""
    return _CLAUDE + event.name if "claude_code" in told or event.body.startswith(_CLAUDE) else event.name


def tells_a_call(name: str, event: Event) -> bool:
    """Whether it tells of a whole call; `name` is its name."""
    if name in CALLS:
        return True
    if name not in _TALKS or _is_of_a_program(event):
        return False
    if name == gen_ai_events.CHOICE:
        return bool(event.trace_id and event.span_id)
    known = {**mapping(event.body), **event.attributes}
    return any(told in known for told in (*_TOLD_AT_THE_END, genai.ERROR_TYPE))


def _is_of_a_program(event: Event) -> bool:
    """Whether a program that has records of its own wrote the common one beside them."""
    scope = event.otel.get("scope")
    told = text(scope.get("name")) if isinstance(scope, Mapping) else ""
    return "gemini-cli" in told or "gemini_cli" in told or "claude_code" in told


def prompt_of(name: str, event: Event) -> Prompt | None:
    """What a record of a program belongs to that names no trace; None for any other."""
    if event.trace_id or not name.startswith((_CLAUDE, _GEMINI)):
        return None
    known = event.attributes
    asked = first_text(known, "prompt.id", "prompt_id") or text(known.get("session.id")) or event.process_id
    told = f"{event.project}\n{name.partition('.')[0]}\n{asked}"
    around = claude_code.SPAN_OF_PROMPT if name.startswith(_CLAUDE) else gemini_cli.SPAN_OF_PROMPT
    return Prompt(_digest(told, 16), _digest(f"{told}\nprompt", 8), around)


def is_prompt(name: str) -> bool:
    """Whether such a record has what somebody asked for."""
    return name in _PROMPTS


def span_of(name: str, event: Event, more: Mapping[str, Any]) -> Span:
    """The call that a record tells of, as its library would tell of it in a span.

    Args:
        name: of the record.
        event: the record.
        more: what other records say of the same call, as attributes.
    """
    prompt = prompt_of(name, event)
    known = _talk(name, event) if name in _TALKS else {**event.attributes, **more}
    took = number(known.get("duration_ms"))
    if took is None:
        took = (number(known.get("gen_ai.client.operation.duration")) or 0) * 1000
    fault = _fault(name, known)
    own = f"{event.trace_id}{event.span_id}" if name == gen_ai_events.CHOICE else event.event_id
    scope = event.otel.get("scope")
    return Span(
        trace_id=event.trace_id or (prompt.trace_id if prompt else _digest(f"{event.project}\n{own}", 16)),
        span_id=_digest(f"{event.project}\n{own}\ncall", 8),
        parent_id=event.span_id or (prompt.span_id if prompt else ""),
        name=_called(known) if name in _TALKS else name,
        start=max(0, event.time - max(0, int(took * _MS))),
        end=event.time,
        status="error" if fault else "ok",
        error=fault,
        attributes=known,
        context=event.context,
        otel={"scope": scope if isinstance(scope, Mapping) else {}, LOGGED: event.event_id},
        process_id=event.process_id,
        project=event.project,
        environment=event.environment,
        service=event.service,
        version=event.version,
    )


def _talk(name: str, event: Event) -> dict[str, Any]:
    """The attributes that a span would have which says the same as a common record."""
    body = mapping(event.body)
    if name == gen_ai_events.DETAILS:
        return {**body, **event.attributes}
    said = {"role": "assistant", **mapping(body.get("message")), "finish_reason": body.get("finish_reason")}
    written = msgspec.json.encode([said]).decode()
    return {genai.OPERATION: "chat", "gen_ai.output.messages": written, **event.attributes}


def _called(known: Mapping[str, Any]) -> str:
    return f"{text(known.get(genai.OPERATION)) or 'chat'} {text(known.get(genai.REQUEST_MODEL))}".strip()


def _fault(name: str, known: Mapping[str, Any]) -> Fault | None:
    has_failed = name.endswith(".api_error") or str(known.get("success", "")).lower() == "false"
    kind = first_text(known, genai.ERROR_TYPE, "error_type")
    if not has_failed and not (kind and name in _TALKS):
        return None
    code = known.get("status_code")
    message = first_text(known, "error", "error.message", "error_message")
    return Fault(type=kind or ("" if code is None else str(code)), message=message)


def around(prompt: Prompt, call: Span) -> Span:
    """The span around the calls of a prompt, as far as one of them shows it."""
    return Span(
        trace_id=prompt.trace_id,
        span_id=prompt.span_id,
        name=prompt.name,
        kind="agent",
        start=call.start,
        end=call.end,
        status="ok",
        context={name: call.context[name] for name in ("session", "user") if name in call.context},
        otel={LOGGED: "prompt"},
        process_id=call.process_id,
        project=call.project,
        environment=call.environment,
        service=call.service,
        version=call.version,
    )


def widened(known: Span, other: Span) -> Span:
    """A span around calls with what another one says of the same; itself where that is nothing more."""
    ends = [one.end for one in (known, other) if one.end is not None]
    wide = structs.replace(
        known,
        start=min(known.start, other.start),
        end=max(ends, default=None),
        input=other.input if known.input is UNSET else known.input,
        context={**other.context, **known.context},
    )
    return known if wide == known else wide


def _digest(told: str, size: int) -> str:
    return blake2b(told.encode("utf-8", "replace"), digest_size=size).hexdigest()
