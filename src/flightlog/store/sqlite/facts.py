"""What is read out of a span's line for lists and statistics: its series, its usage, and what it adds to sums."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct, field

from flightlog.records import genai
from flightlog.records.understood import COUNTED
from flightlog.store.sqlite.lean import NOTHING, LeanSpan

MOST_TOKENS: Final = 2**40
"""A count beyond this is no count; it also keeps sums within 64 bits."""

LLM: Final = "llm"
"""The kind of a model call."""

OPEN: Final = frozenset({"running", "paused"})
"""Statuses of a span that has not ended."""


class Series(NamedTuple):
    """Spans that are counted together."""

    project: str
    environment: str
    service: str
    name: str
    kind: str
    provider: str
    model: str


class Usage(NamedTuple):
    """Tokens of one model call; None is unknown."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether the call told how much it used."""
        return self.input_tokens is not None or self.output_tokens is not None


UNKNOWN: Final = Usage()
"""A call that told nothing, and every span that is no model call."""


class Written(Struct, gc=False):
    """A span row as far as sums and trace rows depend on it."""

    id: int
    span_id: str
    parent_id: str
    start: int
    end: int | None
    status: str
    kind: str
    model: str
    usage: Usage
    has_tags: bool = False
    has_session: bool = False
    has_user: bool = False


class _Named(Struct):
    """The attributes that are looked at; any shape, since a program may set anything."""

    provider: Any = field(default=None, name=genai.PROVIDER)
    request_model: Any = field(default=None, name=genai.REQUEST_MODEL)
    response_model: Any = field(default=None, name=genai.RESPONSE_MODEL)
    input_tokens: Any = field(default=None, name=genai.INPUT_TOKENS)
    output_tokens: Any = field(default=None, name=genai.OUTPUT_TOKENS)
    cache_read: Any = field(default=None, name=genai.CACHE_READ_TOKENS)
    cache_write: Any = field(default=None, name=genai.CACHE_WRITE_TOKENS)
    reasoning: Any = field(default=None, name=genai.REASONING_TOKENS)
    counted: Any = field(default=None, name=COUNTED)


_NONE: Final = ("", "", UNKNOWN)
_decode: Final = msgspec.json.Decoder(_Named).decode


def model_facts(span: LeanSpan) -> tuple[str, str, Usage]:
    """Provider, model and usage that a span's attributes name; empty for what they do not."""
    if span.attributes is NOTHING or b"gen_ai." not in bytes(span.attributes):
        return _NONE
    try:
        named = _decode(span.attributes)
    except msgspec.MsgspecError:
        return _NONE
    if named.counted is False:  # another span stands for the call, and names its model
        return _NONE
    usage = UNKNOWN
    if span.kind == LLM:
        told = (
            named.input_tokens,
            named.output_tokens,
            named.cache_read,
            named.cache_write,
            named.reasoning,
        )
        usage = Usage(*map(_tokens, told))
        usage = UNKNOWN if usage == UNKNOWN else usage
    return _word(named.provider), _word(named.response_model) or _word(named.request_model), usage


def _tokens(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= MOST_TOKENS else None


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
