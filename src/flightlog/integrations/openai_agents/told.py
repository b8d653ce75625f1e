"""What the SDK's spans say, in our words: names, kinds, content, tokens and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET

from flightlog.integrations.openai import responses
from flightlog.integrations.openai.request import PROVIDERS
from flightlog.integrations.stainless.answer import Answer, Usage, count, mapping, sequence, text
from flightlog.integrations.stainless.exchange import REQUEST_ID, STATUS_CODE
from flightlog.records import genai

KINDS: Final[Mapping[str, str]] = {
    "agent": "agent",
    "function": "tool",
    "guardrail": "guardrail",
    "transcription": "speech_to_text",
    "speech": "text_to_speech",
}
"""Types of the SDK's spans to ours; the others are steps, and `generation` and `response` calls of a model."""

CALLS: Final = frozenset({"generation", "response"})

AROUND: Final = frozenset({"", "task", "agent", "turn", "custom"})
"""Types whose parts are what they do themselves; the empty one is a trace."""

_MCP: Final = "flightlog.mcp.server"
_PARAMETERS: Final = (
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "max_tokens",
    "tool_choice",
    "parallel_tool_calls",
)
_LEAST_REFUSAL: Final = 400


def name_of(data: Any) -> str:
    """The name of a span, from what is known at its beginning."""
    kind = data.type
    if kind == "turn":
        return f"turn {data.turn}"
    if kind == "handoff":
        return f"handoff from {data.from_agent}"
    if kind == "mcp_tools":
        return f"list tools of {data.server}" if data.server else "list tools"
    if kind in {"transcription", "speech"}:
        return f"{kind} {data.model or ''}".strip()
    return text(getattr(data, "name", "")) or kind


def facts_of(data: Any) -> dict[str, Any]:
    """Attributes of a span, from what is known of it when it is asked."""
    kind = data.type
    if kind == "agent":
        return _given(
            {
                "gen_ai.agent.name": data.name,
                "flightlog.agent.tools": data.tools,
                "flightlog.agent.handoffs": data.handoffs,
                genai.OUTPUT_TYPE: {"str": "text", None: None}.get(data.output_type, "json"),
            }
        )
    if kind == "turn":
        return _given({"gen_ai.agent.name": data.agent_name, "flightlog.turn": data.turn})
    if kind == "function":
        return _given({genai.TOOL_NAME: data.name, _MCP: mapping(data.mcp_data).get("server")})
    if kind == "guardrail":
        return {"flightlog.guardrail.triggered": bool(data.triggered)}
    if kind == "mcp_tools":
        return _given({_MCP: data.server})
    if kind in {"transcription", "speech"}:
        form = getattr(data, "input_format", None) or getattr(data, "output_format", None)
        return _given({genai.REQUEST_MODEL: data.model, "flightlog.audio.format": form})
    return {}


def _given(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value}


def content_of(data: Any) -> tuple[Any, Any]:
    """What went in and what came out; None where that is not told. Sound is never among it."""
    kind = data.type
    if kind == "function":
        return decoded(data.input), data.output
    if kind == "custom":
        return data.data or None, None
    if kind == "mcp_tools":
        return None, data.result
    if kind == "transcription":
        return None, data.output
    if kind in {"speech", "speech_group"}:
        return data.input, None
    return None, None


def decoded(told: Any) -> Any:
    """Arguments of a tool, which the SDK has as the JSON that the model said."""
    try:
        return msgspec.json.decode(told) if isinstance(told, str) and told else told
    except (msgspec.DecodeError, UnicodeError):
        return told


def parameters(data: Any) -> dict[str, Any]:
    """Parameters of a model call."""
    known = mapping(getattr(data, "model_config", None))
    return {name: known[name] for name in _PARAMETERS if isinstance(known.get(name), str | int | float)}


def whose(data: Any) -> dict[str, Any]:
    """Who serves a model call, where the SDK tells the address of it and asks by itself."""
    if data.type == "response":
        return {genai.PROVIDER: "openai"}
    known = mapping(getattr(data, "model_config", None))
    place = urlsplit(text(known.get("base_url")))
    host = place.hostname or ""
    if not host or known.get("model_impl"):
        return {}
    name = next((word for domain, word in PROVIDERS.items() if host.endswith(domain)), "openai")
    return {
        genai.PROVIDER: name,
        genai.SERVER_ADDRESS: host,
        **({genai.SERVER_PORT: place.port} if place.port else {}),
    }


def answer_of(data: Any) -> Answer:
    """What a model said."""
    if data.type == "response":
        response = data.response
        answer = Answer() if response is None else responses.read(_members(response))
    else:
        output = [mapping(one) for one in sequence(_listed(data.output))]
        if (
            len(output) == 1 and "output" in output[0]
        ):  # a stream's, which the SDK puts together as a response
            answer = responses.read(output[0])
        else:
            answer = Answer(messages=[_said(one) for one in output] or None)
        answer.id = answer.id if text(answer.id).startswith(("chatcmpl", "resp")) else ""
    answer.usage = usage_of(data.usage)
    return answer


def input_of(data: Any) -> Any:
    """What a model was given; unset where that is not told."""
    if data.input is None:
        return UNSET
    if data.type != "response":
        return {"messages": _listed(data.input)}
    told = {"input": data.input}
    response = data.response
    if response is not None:
        members = _members(response)
        told |= {name: members[name] for name in ("instructions", "tools") if members.get(name)}
    return told


def asked(given: Mapping[str, Any], *, is_whole: bool) -> Any:
    """What was asked of an agent, from what its model was given.

    Args:
        given: as `input_of` has it.
        is_whole: whether it matters how the agent is to behave, too.
    """
    if is_whole:
        return {name: value for name, value in given.items() if name != "tools"}
    if "messages" not in given:
        return given.get("input")
    told = [
        one for one in _told(given["messages"]) if mapping(one).get("role") not in {"system", "developer"}
    ]
    return {"messages": told}


def _told(messages: Any) -> list[Any]:
    return messages if isinstance(messages, list) else [messages]


def _members(response: Any) -> Mapping[str, Any]:
    dump = getattr(response, "model_dump", None)
    return mapping(dump(mode="json", warnings=False) if dump is not None else response)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _said(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message without the members that say nothing."""
    return {name: value for name, value in message.items() if value is not None}


def usage_of(told: object) -> Usage:
    """Tokens of one call. The SDK has zeros where nobody told a number: then it is not known."""
    if not count(told, "input_tokens"):
        return Usage()
    return Usage(
        input=count(told, "input_tokens"),
        output=count(told, "output_tokens"),
        cache_read=count(told, "input_tokens_details", "cached_tokens") or None,
        cache_write=count(told, "input_tokens_details", "cache_write_tokens") or None,
        reasoning=count(told, "output_tokens_details", "reasoning_tokens") or None,
    )


def facts_of_error(error: BaseException) -> dict[str, Any]:
    """What the client's exception tells of a refusal: the status code, and the provider's own word for it."""
    facts: dict[str, Any] = {}
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status >= _LEAST_REFUSAL:
        facts[STATUS_CODE] = status
        facts[genai.ERROR_TYPE] = (
            text(getattr(error, "type", None)) or text(getattr(error, "code", None)) or str(status)
        )
    if request_id := text(getattr(error, "request_id", None)):
        facts[REQUEST_ID] = request_id
    return facts


def failure_of(error: Any, kind: str) -> tuple[str, str]:
    """Type and message of an error that the SDK tells about, where no exception is on its way."""
    data = mapping(mapping(error).get("data"))
    said = text(data.get("error")) or text(mapping(error).get("message"))
    return ("ToolError" if kind == "function" else "AgentError"), said
