"""Agents that ask the provider or say what was written down for them, and what was recorded of them."""

from __future__ import annotations

from autogen_agentchat.agents import AssistantAgent
from autogen_ext.models.openai import OpenAIChatCompletionClient
from autogen_ext.models.replay import ReplayChatCompletionClient
from provider_kit import USAGE

OTHER = {"prompt_tokens": 77, "completion_tokens": 5, "total_tokens": 82}

_CALL = {"name": "get_weather", "arguments": {"city": "Oslo"}, "id": "call_1"}
_REFUSED = {"message": "You shall not pass", "type": "permission_error", "code": "no_pass"}

ANSWERS = [
    {
        "match": {"userMessage": "weather", "hasToolResult": True},
        "response": {"content": "Sunny in Oslo.", "usage": OTHER, "model": "served-model"},
    },
    {"match": {"userMessage": "weather"}, "response": {"toolCalls": [_CALL], "usage": USAGE}},
    {"match": {"userMessage": "forbidden"}, "response": {"error": _REFUSED, "status": 403}},
    {"match": {}, "response": {"content": "Hello from the agent.", "usage": USAGE}},
]

_INFO = {
    "vision": False,
    "function_calling": True,
    "json_output": False,
    "family": "unknown",
    "structured_output": False,
}


async def get_weather(city: str) -> str:
    """Say what the weather is like in a city."""
    return f"sunny in {city}"


async def broken_weather(city: str) -> str:
    """Say what the weather is like in a city."""
    raise LookupError(f"no such city: {city}")


def replay(*answers):
    """A client that asks nobody."""
    return ReplayChatCompletionClient(list(answers), model_info=_INFO)


class Clients:
    """Makes clients and agents that ask the provider."""

    def __init__(self, talk) -> None:
        self._options = talk.options()

    def client(self, **more):
        return OpenAIChatCompletionClient(
            model="gpt-4o-mini", **{"max_retries": 0, "model_info": _INFO, **self._options, **more}
        )

    def agent(self, name="forecaster", tools=(get_weather,), client=None, **more):
        given = {"reflect_on_tool_use": True, "system_message": "Be brief.", **more}
        if not tools:
            given.pop("reflect_on_tool_use")
        return AssistantAgent(name, client or self.client(), tools=list(tools), **given)


class Tree:
    """What was recorded, by name."""

    def __init__(self, seen) -> None:
        self.spans = list(seen.spans)

    def above(self):
        """Each span's name and kind to the name of the one around it."""
        names = {span.span_id: span.name for span in self.spans}
        return {(span.name, span.kind): names.get(span.parent_id, "") for span in self.spans}

    def of(self, kind):
        return [span for span in sorted(self.spans, key=lambda one: one.start) if span.kind == kind]

    def tokens(self):
        """What all model calls took, in and out."""
        used = [span.attributes for span in self.of("llm")]
        return tuple(
            sum(one.get(f"gen_ai.usage.{way}_tokens", 0) for one in used) for way in ("input", "output")
        )
