"""What the messages of the `claude` program say: tokens, content, and how an exchange ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.records import genai

_MOST_WORDS: Final = 2000
_PROVIDERS: Final = {"bedrock": "aws.bedrock", "vertex": "gcp.vertex_ai", "foundry": "azure.ai.inference"}
SYNTHETIC: Final = "<synthetic>"
"""The model of a message that the program wrote itself, to say that no model answered."""


def mapping(value: object) -> Mapping[str, Any]:
    """It, where it is a mapping."""
    return value if isinstance(value, Mapping) else {}


def number(value: object) -> int:
    """It, where it is a number of things; else none."""
    return value if type(value) is int and value > 0 else 0


class Tokens:
    """Tokens of one or more calls, as they are added up; without those of a cache in `fresh`."""

    __slots__ = ("fresh", "output", "read", "written")

    def __init__(self, fresh: int = 0, read: int = 0, written: int = 0, output: int = 0) -> None:
        self.fresh, self.read, self.written, self.output = fresh, read, written, output

    def __sub__(self, other: Tokens) -> Tokens:
        return Tokens(
            max(0, self.fresh - other.fresh),
            max(0, self.read - other.read),
            max(0, self.written - other.written),
            max(0, self.output - other.output),
        )

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.fresh + other.fresh,
            self.read + other.read,
            self.written + other.written,
            self.output + other.output,
        )

    def __bool__(self) -> bool:
        return bool(self.fresh or self.read or self.written or self.output)

    @property
    def all_in(self) -> int:
        """All that went in."""
        return self.fresh + self.read + self.written

    def came_in(self) -> dict[str, int]:
        """Attributes of what went in; what a cache held is a part of the sum."""
        told = {genai.INPUT_TOKENS: self.all_in}
        if self.read:
            told[genai.CACHE_READ_TOKENS] = self.read
        if self.written:
            told[genai.CACHE_WRITE_TOKENS] = self.written
        return told


def tokens(usage: object) -> Tokens:
    """Tokens as Anthropic's API tells them."""
    told = mapping(usage)
    return Tokens(
        number(told.get("input_tokens")),
        number(told.get("cache_read_input_tokens")),
        number(told.get("cache_creation_input_tokens")),
        number(told.get("output_tokens")),
    )


def totals(usage: object) -> dict[str, Tokens]:
    """By model, all that the program has used since it began, subagents and side calls included."""
    return {
        str(model): Tokens(
            number(mapping(told).get("inputTokens")),
            number(mapping(told).get("cacheReadInputTokens")),
            number(mapping(told).get("cacheCreationInputTokens")),
            number(mapping(told).get("outputTokens")),
        )
        for model, told in mapping(usage).items()
    }


def provider(usage: object, model: str) -> str:
    """Whose service answered, as the program says with its sums."""
    told = mapping(mapping(usage).get(model)).get("provider")
    return _PROVIDERS.get(told, "anthropic") if isinstance(told, str) else "anthropic"


def words(content: object) -> str:
    """The text of a message's content."""
    if isinstance(content, str):
        return content[:_MOST_WORDS]
    blocks = content if isinstance(content, list) else []
    return "\n".join(str(mapping(one).get("text", "")) for one in blocks)[:_MOST_WORDS]


def fault(result: Mapping[str, Any]) -> tuple[str, str] | None:
    """What an exchange that failed says, and of what type that is; None for one that did not."""
    subtype = str(result.get("subtype") or "")
    if not result.get("is_error") and not subtype.startswith("error"):
        return None
    errors = result.get("errors")
    said = result.get("result") or "; ".join(map(str, errors if isinstance(errors, list) else [])) or subtype
    kind = subtype if subtype.startswith("error") else result.get("terminal_reason") or "error"
    return str(said)[:_MOST_WORDS], str(kind)


def result_facts(result: Mapping[str, Any]) -> dict[str, object]:
    """Attributes of an exchange that is over."""
    denied = result.get("permission_denials")
    told = {
        "flightlog.agent.turns": result.get("num_turns"),
        "flightlog.agent.stop_reason": result.get("terminal_reason") or result.get("subtype"),
        "flightlog.agent.api_ms": result.get("duration_api_ms"),
        "flightlog.permission.denials": len(denied) if isinstance(denied, list) and denied else None,
        "http.response.status_code": result.get("api_error_status"),
    }
    return {name: value for name, value in told.items() if value is not None}
