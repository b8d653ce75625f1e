"""Gemini CLI: spans with `gen_ai.*` beside bare names, and log records `gemini_cli.api_response` with the tokens.

Its `input_token_count` is all that went in; `thoughts_token_count` comes on top of `output_token_count`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.facts import TOOL_NAME, Facts, Seen, Usage
from flightlog.dialects.messages import messages
from flightlog.dialects.values import count, first_text, mapping, parsed, text
from flightlog.records import genai

SIGNS: Final = ("gemini_cli", "gemini-cli", "input_token_count", "gen_ai.agent.name")

_PREFIX: Final = "gemini_cli."
API_RESPONSE: Final = "gemini_cli.api_response"
_KINDS: Final[Mapping[str, str]] = {
    "agent_call": "agent",
    "api_request": "llm",
    "llm_call": "llm",
    "schedule_tool_calls": "step",
    "system_prompt": "prompt",
    "tool_call": "tool",
    "user_prompt": "workflow",
}
"""Names of its spans and events; `gen_ai.operation.name` has the same words."""


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
    said = known.get("gen_ai.output.messages", known.get("response_text"))
    if facts.kind == "llm":
        facts.put(genai.OPERATION, "generate_content")
        facts.put(genai.PROVIDER, "gcp.gemini")
        facts.put(genai.REQUEST_MODEL, first_text(known, "gen_ai.request.model", "model"))
        facts.messages, facts.answers = messages(given), messages(said, role="assistant")
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
