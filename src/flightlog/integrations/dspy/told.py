"""What DSPy's objects say, in plain values: messages as OpenAI's Chat Completions have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

_DEEPEST: Final = 5
_PARAMETERS: Final = (
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "seed",
    "n",
    "reasoning_effort",
    "tool_choice",
    "response_format",
)


def plain(value: Any, depth: int = 0) -> Any:
    """A value with the examples and predictions in it as mappings; whatever else it holds is left to the recorder."""
    if depth > _DEEPEST or isinstance(value, str | bytes | int | float | bool | None):
        return value
    if isinstance(value, Mapping):
        return {key: plain(member, depth + 1) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain(member, depth + 1) for member in value]
    if not type(value).__module__.startswith("dspy."):
        return value
    if hasattr(
        value, "toDict"
    ):  # an example or a prediction; `model_dump` of what it holds is its own affair
        return {str(key): plain(member, depth + 1) for key, member in value.items()}
    return value if hasattr(value, "model_dump") else type(value).__name__


def given(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What a method was given, by name; what it takes by any name stands beside the rest."""
    told = {name: value for name, value in inputs.items() if name not in {"args", "kwargs"}}
    if inputs.get("args"):
        told["args"] = inputs["args"]
    told.update(inputs.get("kwargs") or {})
    return {name: plain(value) for name, value in told.items()}


def messages(inputs: Mapping[str, Any]) -> list[Any]:
    """The conversation that a model was given."""
    asked = inputs.get("messages")
    if asked is not None:
        return [plain(one) for one in asked]
    prompt: Any = inputs.get("prompt")
    if prompt is None:
        prompt = (inputs.get("kwargs") or {}).get("request")
    if not hasattr(prompt, "messages"):
        return [{"role": "user", "content": prompt}]
    system = getattr(prompt, "system", None)
    told = [] if system is None else [{"role": "system", "content": _text(system)}]
    return [*told, *({"role": one.role, "content": _text(one.parts)} for one in prompt.messages)]


def _text(parts: Any) -> str:
    """The text of the parts of a message; of others what they are."""
    if isinstance(parts, str):
        return parts
    return "".join(getattr(part, "text", None) or f"[{getattr(part, 'type', '')}]" for part in parts)


def answers(outputs: Any) -> list[dict[str, Any]]:
    """The messages that a model answered with, one for each output."""
    if hasattr(outputs, "message"):  # an answer of the kind that was asked for with a request of that kind
        return [{"role": "assistant", "content": _text(outputs.message.parts)}]
    told = []
    for one in outputs if isinstance(outputs, list) else [outputs]:
        if isinstance(one, Mapping):
            rest = {name: _dumped(value) for name, value in one.items() if name != "text"}
            told.append({"role": "assistant", "content": one.get("text"), **rest})
        else:
            told.append({"role": "assistant", "content": one})
    return told


def _dumped(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Mapping):
        return {key: _dumped(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_dumped(member) for member in value]
    return value.model_dump() if hasattr(value, "model_dump") else value


def outputs_of(said: Any, *, as_mappings: bool) -> list[Any]:
    """What a model returns that answered with these messages; the opposite of `answers`.

    Args:
        said: the messages.
        as_mappings: whether also a plain text is given as a mapping.
    """
    found: list[Any] = []
    for one in said:
        output = {"text": one.get("content")}
        output.update({name: value for name, value in one.items() if name not in {"role", "content"}})
        found.append(output if as_mappings or len(output) > 1 else output["text"])
    return found


def model_of(name: object) -> tuple[str, str]:
    """Provider and model of a name such as `openai/gpt-4.1-mini`."""
    said = name if isinstance(name, str) else ""
    provider, slash, rest = said.partition("/")
    return (provider, rest) if slash else ("", said)


def parameters(own: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a model call: those of the call, else the model's own."""
    found = {name: said.get(name, own.get(name)) for name in _PARAMETERS}
    told = {name: _format_of(value) for name, value in found.items()}
    return {name: value for name, value in told.items() if isinstance(value, str | int | float | list | dict)}


def _format_of(value: Any) -> Any:
    return value.__name__ if isinstance(value, type) else value


def server(own: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[str, int | None]:
    """Where a model is asked, as far as the program says so; empty where it does not."""
    address = next((one[key] for one in (said, own) for key in ("api_base", "base_url") if one.get(key)), "")
    parts = urlsplit(str(address))
    try:
        port = parts.port
    except ValueError:  # it is no number
        port = None
    return parts.hostname or "", port


def usage(used: Any) -> dict[str, int | None]:
    """Tokens, as `ModelCall.usage` takes them; what nobody told is not there.

    Args:
        used: by OpenAI's names, with what a cache held in the sum, whoever the provider is.
    """
    if not isinstance(used, Mapping):
        return {}
    came_in = _count(used, "prompt_tokens", "input_tokens")
    came_out = _count(used, "completion_tokens", "output_tokens")
    if not came_in and not came_out:  # a stand-in for a model says nought; nobody is asked with nothing
        return {}
    read = used.get("prompt_tokens_details") or used.get("input_tokens_details")
    spent = used.get("completion_tokens_details") or used.get("output_tokens_details")
    told = {
        "input": came_in,
        "output": came_out,
        "cache_read": _count(read, "cached_tokens"),
        "cache_write": _count(read, "cache_creation_tokens", "cache_write_tokens"),
        "reasoning": _count(spent, "reasoning_tokens"),
    }
    return {name: count for name, count in told.items() if count is not None}


def _count(value: Any, *names: str) -> int | None:
    if not isinstance(value, Mapping):
        return None
    return next((found for name in names if type(found := value.get(name)) is int), None)


def facts(result: Any) -> tuple[str, list[str]]:
    """The id of an answer, and why the model stopped, once for each candidate."""
    own = getattr(result, "responses", None) or ()
    if own:
        return str(own[0].id or ""), [str(one.finish_reason) for one in own if one.finish_reason]
    raw = getattr(result, "raw", None)
    reasons = [_of(choice, "finish_reason") for choice in _of(raw, "choices") or ()]
    return str(_of(raw, "id") or ""), [str(reason) for reason in reasons if reason]


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def failure(error: object) -> Iterator[tuple[str, Any]]:
    """What a provider's exception says more than its class: the status code, and the provider's own word."""
    status = next(
        (found for name in ("status_code", "status") if type(found := getattr(error, name, None)) is int),
        None,
    )
    if status is not None:
        yield "http.response.status_code", status
        words = (getattr(error, name, None) for name in ("provider_code", "type", "code"))
        yield "error.type", next((word for word in words if isinstance(word, str) and word), str(status))
