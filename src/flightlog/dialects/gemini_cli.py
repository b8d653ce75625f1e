"""Gemini CLI: spans with `gen_ai.*` beside bare names, and log records `gemini_cli.api_response` with the tokens.

Its `input_token_count` is all that went in; `thoughts_token_count` comes on top of `output_token_count`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.facts import TOOL_NAME, Facts, Seen, Usage
from flightlog.dialects.messages import messages
from flightlog.dialects.values import count, first_text, mapping, parsed, sequence, text, texts
from flightlog.records import genai

SIGNS: Final = ("gemini_cli", "gemini-cli", "input_token_count", "gen_ai.agent.name")

_PREFIX: Final = "gemini_cli."
API_RESPONSE: Final = "gemini_cli.api_response"
_KINDS: Final[Mapping[str, str]] = {
    "agent_call": "agent",
    "api_error": "llm",
    "api_request": "llm",
    "api_response": "llm",
    "llm_call": "llm",
    "schedule_tool_calls": "step",
    "system_prompt": "prompt",
    "tool_call": "tool",
    "user_prompt": "workflow",
}
"""Names of its spans and log records; `gen_ai.operation.name` has the same words."""
TOOL_CALL: Final = "gemini_cli.tool_call"
CALLS: Final = frozenset({API_RESPONSE, "gemini_cli.api_error", TOOL_CALL})
"""Log records that each tell of a whole call, when it is over."""
PROMPT: Final = "gemini_cli.user_prompt"
REQUEST: Final = "gemini_cli.api_request"
"""The log record with what a call is given, when it begins."""
SPAN_OF_PROMPT: Final = "gemini_cli.interaction"


def read(seen: Seen) -> Facts | None:
    """What a span says in these names."""
    known = seen.attributes
    sort = text(known.get(genai.OPERATION)) or seen.name.removeprefix(_PREFIX)
    is_its_own = seen.name.startswith(_PREFIX) or "gemini-cli" in seen.scope or "gemini_cli" in seen.scope
    if not is_its_own and text(known.get("gen_ai.agent.name")) != "gemini-cli":
        return None
    facts = Facts(kind=_KINDS.get(sort, ""))
    facts.session = first_text(known, "session.id", "gen_ai.conversation.id")
    facts.user = text(known.get("user.email"))
    given = known.get("gen_ai.input.messages", known.get("request_text", known.get("prompt")))
    given = next((one.attributes.get("request_text") for one in seen.events if one.name == REQUEST), given)
    said = known.get("gen_ai.output.messages", known.get("response_text"))
    if facts.kind == "llm":
        facts.put(genai.OPERATION, "generate_content")
        facts.put(genai.PROVIDER, "gcp.gemini")
        facts.put(genai.REQUEST_MODEL, first_text(known, "gen_ai.request.model", "model"))
        facts.messages, facts.answers = messages(given), _answers(said)
        facts.put(genai.FINISH_REASONS, texts(known.get("finish_reasons")))
        facts.usage = _usage(known, seen)
        if sort == "llm_call":
            facts.attributes[genai.OPERATION] = "generate_content"
    elif facts.kind == "tool":
        facts.put(TOOL_NAME, first_text(known, TOOL_NAME, "function_name"))
        given = known.get("function_args", given)
    if facts.kind != "llm":
        if given is not None:
            facts.input = parsed(given)
        if said is not None:
            facts.output = parsed(said)
    return facts


def _answers(said: object) -> list[Any] | None:
    """What the model said: a list of the pieces that Google's API streamed, put together; or messages."""
    pieces = [mapping(one) for one in sequence(said)]
    if not pieces or not all("candidates" in one for one in pieces):
        return messages(said, role="assistant")
    contents = [
        mapping(mapping(one).get("content")) for piece in pieces for one in sequence(piece.get("candidates"))
    ]
    parts = [mapping(part) for content in contents for part in sequence(content.get("parts"))]
    whole: list[dict[str, Any]] = []
    for part in parts:
        before = whole[-1] if whole else {}
        if isinstance(part.get("text"), str) and before.keys() == part.keys() and "text" in before:
            before["text"] += part["text"]
        else:
            whole.append(dict(part))
    return messages({"role": "model", "parts": whole}) if whole else None


def _usage(known: Mapping[str, Any], seen: Seen) -> Usage:
    told = [known, *(mapping(event.attributes) for event in seen.events if event.name == API_RESPONSE)]
    found = next((one for one in told if "input_token_count" in one), None)
    if found is None:
        return Usage()
    said, thought = count(found.get("output_token_count")), count(found.get("thoughts_token_count"))
    return Usage(
        count(found.get("input_token_count")),
        None if said is None else said + (thought or 0),
        count(found.get("cached_content_token_count")),
        None,
        thought,
        count(found.get("total_token_count")),
    )
