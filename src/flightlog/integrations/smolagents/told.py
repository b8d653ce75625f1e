"""What smolagents' objects say, in plain values: messages as OpenAI's Chat Completions have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.providers import provider_of

_PROVIDERS: Final = {
    "OpenAIModel": "openai",
    "OpenAIServerModel": "openai",
    "AzureOpenAIModel": "azure.ai.openai",
    "AzureOpenAIServerModel": "azure.ai.openai",
    "AmazonBedrockModel": "aws.bedrock",
    "AmazonBedrockServerModel": "aws.bedrock",
    "InferenceClientModel": "huggingface",
}
_PARAMETERS: Final = (
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "reasoning_effort",
    "n",
)


def message(said: Any) -> dict[str, Any]:
    """One message; where it is a mapping already, with its role as a text."""
    if isinstance(said, Mapping):
        return {**said, "role": _role(said.get("role"))}
    told: dict[str, Any] = {"role": _role(said.role), "content": said.content}
    calls = getattr(said, "tool_calls", None)
    if calls:
        told["tool_calls"] = [_call(one) for one in calls]
    return told


def _role(role: Any) -> str:
    return str(getattr(role, "value", role))


def _call(call: Any) -> dict[str, Any]:
    function = getattr(call, "function", None)
    name = getattr(call, "name", None) if function is None else function.name
    arguments = getattr(call, "arguments", None) if function is None else function.arguments
    return {"id": call.id, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool(one: Any) -> dict[str, Any]:
    """One tool that a model may call."""
    function = {"name": one.name, "description": one.description, "parameters": one.inputs}
    return {"type": "function", "function": function}


def provider(model: Any) -> str:
    """Whose service a model is; empty where that is not known."""
    for kind in type(model).__mro__:
        if kind.__name__ in _PROVIDERS:
            return _PROVIDERS[kind.__name__]
        if kind.__name__ == "LiteLLMModel":
            return provider_of(str(getattr(model, "model_id", "")).partition("/")[0])
    return ""


def parameters(model: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a call: those that it is given, then those that the model was made with."""
    kept = getattr(model, "kwargs", None)
    known = {**(kept if isinstance(kept, Mapping) else {}), **given}
    told = {name: known[name] for name in _PARAMETERS if known.get(name) is not None}
    if given.get("stop_sequences"):
        told["stop"] = list(given["stop_sequences"])
    return told


def usage(said: Any) -> dict[str, int]:
    """Tokens of an answer, as `ModelCall.usage` takes them; a call that took none in did not tell."""
    told = getattr(said, "token_usage", None)
    went_in, came_out = getattr(told, "input_tokens", None), getattr(told, "output_tokens", None)
    if type(went_in) is not int or type(came_out) is not int or not went_in:
        return {}
    return {"input": went_in, "output": came_out}


def reasons(raw: Any) -> list[str]:
    """Why the model stopped, as the client's own object says."""
    choices = getattr(raw, "choices", None)
    found = [getattr(one, "finish_reason", None) for one in choices] if isinstance(choices, list) else []
    return [one for one in found if isinstance(one, str)]


def text(raw: Any, name: str) -> str:
    """One word of the client's own object."""
    found = getattr(raw, name, None)
    return found if isinstance(found, str) else ""


def step(memory: Any) -> dict[str, Any]:
    """What came of one step of an agent."""
    told: dict[str, Any] = {
        name: value
        for name in ("code_action", "observations", "action_output", "plan")
        if (value := getattr(memory, name, None)) is not None
    }
    calls = getattr(memory, "tool_calls", None)
    if calls:
        told["tool_calls"] = [_call(one) for one in calls]
    return told
