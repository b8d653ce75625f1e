"""The words for sinks: `store`, `jsonl:PATH?rotate=64MiB&keep=5`, `stderr:json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from flightlog.settings.values import count, one_of, seconds, size, text, truth


class Chosen(tuple[Any, ...]):
    """The sinks of a program, in order: words as `jsonl:PATH`, and objects of its own."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(one if isinstance(one, str) else type(one).__name__ for one in self)


class SinkWord(Struct, frozen=True):
    """What a word such as `jsonl:PATH?rotate=64MB&keep=5` says."""

    kind: str
    """One of `SINK_OPTIONS`."""
    target: str = ""
    options: Mapping[str, Any] = {}


def sink_word(word: str) -> SinkWord:
    """Read the word for one sink.

    Raises:
        ValueError: it is none; the text says what was expected.
    """
    kind, _, rest = word.strip().partition(":")
    if "?" in kind:  # options, and nothing behind a colon before them
        kind, mark, rest = word.strip().partition("?")
        rest = mark + rest
    if kind not in SINK_OPTIONS:
        raise ValueError("one of " + ", ".join(SINK_EXAMPLES))
    known = SINK_OPTIONS[kind]
    target, mark, asked = rest.rpartition("?")
    if not known or not mark or "=" not in asked:
        target, asked = rest, ""
    if kind == "jsonl" and not target:
        raise ValueError("a path after jsonl:")
    if kind == "store" and target:
        raise ValueError("a store with nothing behind it")
    if kind == "stderr" and target not in {"", "json"}:
        raise ValueError("one of stderr, stderr:json")
    options = {}
    for part in filter(None, asked.split("&")):
        name, _, value = part.partition("=")
        if name not in known:
            raise ValueError(f"one of the options {', '.join(known)} of {kind}")
        try:
            options[name] = known[name](value)
        except ValueError as error:
            raise ValueError(f"a {name} of {kind} that is {error}") from None
    return SinkWord(kind, target, options)


def sinks(value: object) -> Chosen:
    """Read a list of sinks, or one text with commas between them."""
    if isinstance(value, str):
        value = [word.strip() for word in value.split(",") if word.strip()]
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError("a list of sinks such as " + ", ".join(SINK_EXAMPLES))
    for one in value:
        if isinstance(one, str):
            sink_word(one)
        elif isinstance(one, type) or not all(
            callable(getattr(one, name, None)) for name in ("append", "flush", "close")
        ):
            raise ValueError("a sink by its name, or an object with append, flush and close")
    return Chosen(value)


SINK_OPTIONS: Final[Mapping[str, Mapping[str, Callable[[object], Any]]]] = {
    "store": {},
    "jsonl": {
        "rotate": size,
        "age": seconds,
        "keep": count,
        "compress": one_of("zstd", "gzip", "none"),
    },
    "logging": {"view": one_of("human", "cute", "story")},
    "otlp": {
        "protocol": one_of("http/protobuf", "http/json", "grpc"),
        "compression": one_of("gzip", "none"),
        "timeout": seconds,
        "ca": text,
        "cert": text,
        "key": text,
        "insecure": truth,
        "events": one_of("spans", "logs"),
    },
    "stderr": {"view": one_of("human", "cute", "story")},
}
"""The sinks that have a name, and the options that may stand behind a `?`."""

STORE: Final = "store"
"""The word for the store, which has an indexer of its own."""

SINK_EXAMPLES: Final = (
    "store",
    "jsonl:PATH",
    "stderr",
    "stderr:json",
    "logging",
    "logging:NAME",
    "otlp:http://HOST:4318",
)
