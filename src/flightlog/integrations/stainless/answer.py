"""What a provider said about one call, in our words; each API's reader fills one in.

Whatever the provider left out stays None: an unknown number of tokens is not zero tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct, field


class Usage(Struct, frozen=True):
    """Tokens, as the provider counted them. `input` includes cache reads and writes, `output` reasoning."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


class Answer(Struct):
    """The answer to one call, as far as it arrived."""

    model: str = ""
    id: str = ""
    finish: list[str] = field(default_factory=list)
    """Why each choice ended, in the provider's words."""
    messages: list[Any] | None = None
    """What the model said, in the shape in which it was served; None where the answer is no text."""
    vectors: list[dict[str, str]] | None = None
    """What an answer of numbers said, each vector as one text; None where that is not kept."""
    usage: Usage = Usage()
    failure: tuple[str, str] | None = None
    """Type and message of an error that the provider told within its answer."""
    attributes: dict[str, Any] = field(default_factory=dict)


class Stream(Protocol):
    """Reads the events of one streamed answer."""

    complete: bool
    """Whether the provider has said that nothing more will come."""

    def event(self, data: Mapping[str, Any]) -> int | None:
        """Take one event; give the characters of generated text in it, None when it is not about any."""

    def answer(self) -> Answer:
        """What has been said so far; asked once, when no more events come."""


def count(value: object, *path: str) -> int | None:
    """The whole number at this path of nested mappings, or None."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(value: object) -> str:
    """The value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def failure_of(error: object) -> tuple[str, str] | None:
    """Type and message of an `error` object in an answer; None when there is none."""
    if not error:
        return None
    if not isinstance(error, Mapping):
        return "error", str(error)
    kind = text(error.get("type")) or text(error.get("code")) or "error"
    return kind, text(error.get("message")) or "An error occurred during streaming"
