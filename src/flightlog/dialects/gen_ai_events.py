"""Messages in the bodies of events and log records: what OpenTelemetry's conventions had between 1.27 and 1.37.

`gen_ai.user.message`, `gen_ai.choice` and their like, as events of a span or as log records that name it; and the one
event that has all of it now, `gen_ai.client.inference.operation.details`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects import gen_ai
from flightlog.dialects.facts import Facts, Seen, Told
from flightlog.dialects.messages import messages
from flightlog.dialects.values import mapping, parsed, text
from flightlog.records import genai

DETAILS: Final = "gen_ai.client.inference.operation.details"
CHOICE: Final = "gen_ai.choice"
ROLES: Final[Mapping[str, str]] = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
PROMPT: Final = "gen_ai.content.prompt"
COMPLETION: Final = "gen_ai.content.completion"

NAMES: Final = frozenset({DETAILS, CHOICE, PROMPT, COMPLETION, *ROLES})
"""Events that hold a part of a conversation."""


def read(seen: Seen) -> Facts | None:
    """What the events of a span say."""
    told = [event for event in seen.events if event.name in NAMES]
    if not told:
        return None
    facts = Facts()
    given: list[Any] = []
    said: list[Any] = []
    reasons: list[str] = []
    for event in told:
        body = _body(event)
        if event.name == DETAILS:
            _take_details(facts, seen, event)
        elif event.name == CHOICE:
            said += (
                messages({"finish_reason": body.get("finish_reason"), **_choice(body)}, role="assistant")
                or ()
            )
            reasons.append(text(body.get("finish_reason")))
        elif event.name in ROLES:
            given += messages({"role": ROLES[event.name], **_named(body)}) or ()
        elif event.name == PROMPT:
            given += messages(body.get("gen_ai.prompt")) or ()
        else:
            said += messages(body.get("gen_ai.completion"), role="assistant") or ()
    facts.messages = facts.messages or given or None
    facts.answers = facts.answers or said or None
    facts.put(genai.FINISH_REASONS, [reason for reason in reasons if reason])
    return facts


def _body(event: Told) -> dict[str, Any]:
    """The body of a log record, and the attributes beside it, some of which a library had to make texts."""
    body = mapping(event.body)
    more = {name: parsed(value) for name, value in event.attributes.items()}
    return {**more, **mapping(more.get("body")), **body}


def _choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    message = mapping(body.get("message"))
    if not message and isinstance(body.get("message"), str):
        return {"role": "assistant", "content": body["message"], "tool_calls": body.get("tool_calls")}
    found = message or _named(body)
    return {"role": "assistant", **found}


def _named(body: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a message among all that is told."""
    kept = ("role", "content", "tool_calls", "name", "parts", "reasoning_content", "contents")
    found = {name: body[name] for name in kept if body.get(name) is not None}
    if body.get("id") and (found.get("role") == "tool" or "tool_call_id" not in body):
        found["tool_call_id"] = body["id"]
    if text(body.get("tool_call_id")):
        found["tool_call_id"] = body["tool_call_id"]
    return found


def _take_details(facts: Facts, seen: Seen, event: Told) -> None:
    """The event that has everything says what a span would, in the same names."""
    whole = gen_ai.read(Seen(seen.name, _body(event), scope=seen.scope))
    if whole is None:
        return
    facts.messages = whole.messages or facts.messages
    facts.answers = whole.answers or facts.answers
    facts.tools = whole.tools or facts.tools
    if not facts.usage.is_known:
        facts.usage = whole.usage
    for name, value in whole.attributes.items():
        facts.put(name, value)
