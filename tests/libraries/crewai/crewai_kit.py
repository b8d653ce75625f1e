"""Crews that ask the provider, with a tool that works and one that does not; and what was recorded of them."""

from __future__ import annotations

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool
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
    {"match": {}, "response": {"content": "Hello from the crew.", "usage": USAGE}},
]


@tool("get_weather")
def get_weather(city: str) -> str:
    """Say what the weather is like in a city."""
    return f"sunny in {city}"


@tool("get_weather")
def broken_weather(city: str) -> str:
    """Say what the weather is like in a city."""
    raise LookupError(f"no such city: {city}")


class Crews:
    """Makes models, agents and crews that ask the provider."""

    def __init__(self, talk) -> None:
        self._options = talk.options()

    def model(self, **more):
        options = {"max_retries": 0, **self._options, **more}
        return LLM(model="openai/gpt-4o-mini", **options)

    def agent(self, role="Forecaster", tools=(get_weather,), **more):
        model = more.pop("llm", None) or self.model()
        given = {"goal": "tell it", "backstory": "an old hand", "max_retry_limit": 0}
        return Agent(role=role, llm=model, tools=list(tools), **given, **more)

    def crew(self, text="What is the weather in Oslo?", agent=None, **more):
        agent = agent or self.agent()
        task = Task(name="look", description=text, expected_output="one sentence", agent=agent)
        return Crew(name="forecast", agents=[agent], tasks=[task], **more)


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
