"""Claude Code's spans and log records: bare names (`input_tokens`, `ttft_ms`) under `claude_code.*`.

Its spans say what they are with `span.type`; tokens are Anthropic's, whose input leaves out what a cache held.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flightlog.dialects.facts import COST, TOOL_CALL_ID, TOOL_NAME, Facts, Seen, Usage
from flightlog.dialects.messages import messages
from flightlog.dialects.values import count, first_text, number, parsed, text
from flightlog.records import genai

SIGNS: Final = ("span.type", "ttft_ms", "claude_code")

_NAME: Final = "claude_code"
_PREFIX: Final = "claude_code."
_KINDS: Final[Mapping[str, str]] = {
    "interaction": "agent",
    "llm_request": "llm",
    "tool": "tool",
    "tool.blocked_on_user": "step",
    "tool.execution": "step",
    "hook": "step",
    "api_request": "llm",
    "api_error": "llm",
    "tool_result": "tool",
}
"""By what a span or a log record is called."""
API_REQUEST: Final = "claude_code.api_request"
CALLS: Final = frozenset({API_REQUEST, "claude_code.api_error", "claude_code.tool_result"})
"""Log records that each tell of a whole call, when it is over."""
PROMPT: Final = "claude_code.user_prompt"
ANSWER: Final = "claude_code.assistant_response"
"""The log record with what the call said that the one before it told of."""
SPAN_OF_PROMPT: Final = "claude_code.interaction"


def read(seen: Seen) -> Facts | None:
    """What a span says in these names."""
    known = seen.attributes
    if not seen.name.startswith(_PREFIX) and _NAME not in seen.scope:
        return None
    sort = text(known.get("span.type")) or seen.name.removeprefix(_PREFIX)
    facts = Facts(kind=_KINDS.get(sort, "step"))
    facts.session = text(known.get("session.id"))
    facts.user = first_text(known, "user.id", "user.account_uuid")
    if facts.kind == "llm":
        _take_model(facts, seen)
    elif facts.kind == "tool":
        facts.put(TOOL_NAME, first_text(known, "tool_name", "tool.name", "name"))
        facts.put(TOOL_CALL_ID, text(known.get("tool_use_id")))
        if (given := known.get("tool_input", known.get("tool_parameters"))) is not None:
            facts.input = parsed(given)
        outputs = [dict(event.attributes) for event in seen.events if event.name == "tool.output"]
        if outputs:
            facts.output = outputs[0] if len(outputs) == 1 else outputs
    elif (prompt := known.get("user_prompt", known.get("prompt"))) is not None:
        facts.input = prompt
    return facts


def _take_model(facts: Facts, seen: Seen) -> None:
    known = seen.attributes
    facts.put(genai.OPERATION, "chat")
    facts.put(genai.PROVIDER, "anthropic")
    facts.put(genai.REQUEST_MODEL, text(known.get("model")))
    facts.put(genai.RESPONSE_ID, first_text(known, "response_id", "request_id"))
    if answer := text(known.get("response")):
        facts.answers = messages({"role": "assistant", "content": answer})
    facts.put(genai.FINISH_REASONS, [reason] if (reason := text(known.get("stop_reason"))) else None)
    first = number(known.get("ttft_ms"))
    facts.put(genai.TIME_TO_FIRST_CHUNK, None if first is None else first / 1000)
    told = count(known.get("input_tokens")), count(known.get("output_tokens"))
    costs = [known.get("cost_usd"), *(event.attributes.get("cost_usd") for event in seen.events)]
    cost = next((cost for value in costs if (cost := number(value)) is not None), None)
    facts.put(COST, None if told == (0, 0) and not cost else cost)  # of a stream that told no tokens
    facts.usage = Usage(
        *told,
        count(known.get("cache_read_tokens", known.get("cache_read_input_tokens"))),
        count(known.get("cache_creation_tokens", known.get("cache_creation_input_tokens"))),
        is_fresh=True,
    )
