"""What CrewAI's events say, in plain values. Everything here takes an event as it comes; what it lacks is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_PARAMETERS: Final = (
    "temperature",
    "top_p",
    "max_tokens",
    "stream",
    "seed",
    "stop_sequences",
    "frequency_penalty",
    "presence_penalty",
    "n",
)
_INPUT: Final = ("prompt_tokens", "input_tokens", "prompt_token_count")
_OUTPUT: Final = ("completion_tokens", "output_tokens")
_MARK: Final = "cache_breakpoint"
"""CrewAI's own note on a message, which is not sent."""
_NAME: Final = 100


def short(text: object, otherwise: str) -> str:
    """A text as a name: its first line."""
    line = str(text or "").strip().partition("\n")[0].strip()
    return line[:_NAME] or otherwise


def members(thing: object, *names: str) -> dict[str, Any]:
    """Those of its members that say something, by name."""
    found = {name: getattr(thing, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None and value != ""}


def plain(value: object) -> object:
    """An output of a crew or a task as its text; anything else as it is."""
    raw = getattr(value, "raw", None)
    return raw if isinstance(raw, str) else value


def crew(source: Any, event: Any) -> dict[str, Any]:
    """Attributes of a run of a crew."""
    process = getattr(source, "process", None)
    return _named(
        {
            "gen_ai.workflow.name": getattr(event, "crew_name", None),
            "flightlog.crewai.key": getattr(source, "key", None),
            "flightlog.crewai.process": getattr(process, "value", process),
        }
    )


def task(source: Any) -> dict[str, Any]:
    """Input of a task."""
    return members(source, "description", "expected_output")


def agent(found: Any) -> dict[str, Any]:
    """Attributes of a run of an agent."""
    about = found if isinstance(found, Mapping) else members(found, "id", "role", "goal")
    return _named(
        {
            "gen_ai.agent.id": _text(about.get("id")),
            "gen_ai.agent.name": _text(about.get("role")),
            "gen_ai.agent.description": _text(about.get("goal")),
        }
    )


def messages(said: object) -> list[Any]:
    """The conversation that a model is given."""
    if isinstance(said, str):
        return [{"role": "user", "content": said}]
    several = said if isinstance(said, list | tuple) else ()
    return [
        {key: value for key, value in one.items() if key != _MARK} if isinstance(one, Mapping) else one
        for one in several
    ]


def parameters(event: Any) -> dict[str, Any]:
    """Parameters of a model call."""
    return members(event, *_PARAMETERS)


def answer(event: Any) -> list[dict[str, Any]] | None:
    """What a model answered; None where the event tells the result of a tool in its place."""
    said = getattr(event, "response", None)
    if isinstance(said, list) and said and all(_is_call(one) for one in said):
        return [{"role": "assistant", "content": None, "tool_calls": said}]
    if str(getattr(getattr(event, "call_type", None), "value", "")) == "tool_call":
        return None
    return None if said is None else [{"role": "assistant", "content": said}]


def _is_call(one: object) -> bool:
    return isinstance(one, Mapping) and any(key in one for key in ("function", "toolUse", "name"))


def usage(told: object) -> dict[str, int | None]:
    """Tokens of an answer, as `ModelCall.usage` takes them; empty where the provider told none."""
    if not isinstance(told, Mapping):
        return {}
    came_in, came_out = _first(told, _INPUT), _first(told, _OUTPUT)
    if not came_in and not came_out:  # nobody asks with nothing: it was not told
        return {}
    return {
        "input": came_in,
        "output": came_out,
        "cache_read": told.get("cached_prompt_tokens"),
        "cache_write": told.get("cache_creation_tokens"),
        "reasoning": told.get("reasoning_tokens"),
    }


def _first(told: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    return next((told[name] for name in names if isinstance(told.get(name), int)), None)


def _text(value: object) -> str | None:
    return str(value) if value is not None and value != "" else None


def _named(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}
