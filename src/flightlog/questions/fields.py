"""The fields that a question may name: what each means, how it is compared, and an example of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from msgspec import Struct

from flightlog.records.kinds import KINDS, LEVELS, STATUSES
from flightlog.records.question import Matter, Relation

Nature = Literal[
    "text", "content", "words", "word", "rank", "duration", "money", "count", "time", "attribute"
]
"""How a value is read. `content`: looked for within a text; `words`: words that stand in one; `word`: one of a closed
list; `rank`: one of a list with an order."""


class Field(Struct, frozen=True):
    """One field."""

    nature: Nature
    meaning: str
    example: str
    values: tuple[str, ...] = ()
    """Of a closed list all there are, of an open one the well-known ones."""


FIELDS: Final[Mapping[str, Field]] = {
    "name": Field("text", "its name", 'name~"search"'),
    "kind": Field("text", "its kind, an open word", "kind:llm", KINDS),
    "status": Field("word", "where it stands", "status:error", STATUSES),
    "level": Field("rank", "how important it is", "level>=warn", tuple(LEVELS)),
    "duration": Field("duration", "how long it took; an open span has none yet", "duration>1.5s"),
    "model": Field("text", "the model that answered, else the one that was asked for", "model:gpt-4*"),
    "provider": Field("text", "whose model it is", "provider:openai"),
    "tokens": Field("count", "tokens in and out of a model call, as far as it told them", "tokens>10k"),
    "input_tokens": Field("count", "tokens in, cache reads and writes included", "input_tokens>=4k"),
    "output_tokens": Field("count", "tokens out, reasoning included", "output_tokens<20"),
    "cost": Field("money", "what a model call cost in US dollars, as far as that is known", "cost>$0.01"),
    "input": Field("words", "words in what it was given", 'input:"refund policy"'),
    "output": Field("words", "words in what it gave back", "output:sorry"),
    "message": Field("words", "words in what a model call was given or gave back", 'message:"as an AI"'),
    "text": Field("words", "words in its input, its output or its error", "text:refun*"),
    "error": Field("content", "in the type or the message of its error", "error:Timeout"),
    "user": Field("text", "who used the program: its own, else that of its trace", "user:u-7"),
    "session": Field("text", "the conversation: its own, else that of its trace", "session:s-1"),
    "tag": Field("text", "one of the tags: its own, else those of its trace", "tag:beta"),
    "correlation": Field("text", "the correlation id that was bound", "correlation:order-17"),
    "service": Field("text", "the program", "service:shop-api"),
    "environment": Field("text", "where it ran", "environment:production"),
    "project": Field("text", "whose it is", "project:shop"),
    "since": Field("time", "it started then or later", "since:2h"),
    "until": Field("time", "it started before", "until:2026-11-20T14:00Z"),
    "attr": Field("attribute", "one of its attributes, by its name", 'attr.http.route="/pay"'),
    "score": Field("attribute", "what somebody judged it, by the name of the score", "score.correctness<0.5"),
    "note": Field("text", "a note that somebody put on it", "note~wrong"),
    "has": Field("word", "whether it has something", "has:error", get_args(Matter)),
}
"""In the order in which a reader meets them."""

MATTERS: Final[Mapping[str, str]] = {
    "error": "its status is `error`; a trace: one of its spans failed",
    "slow": "it took longer than 95 of 100 spans of its name, kind, model and service that were recorded",
    "retry": "an event `retry` was recorded on it; a trace: on one of its spans",
    "event": "an event was recorded on it; a trace: on one of its spans",
    "input": "something that it was given",
    "output": "something that it gave back",
    "attributes": "at least one attribute",
    "parent": "a span above it is named, whether or not it is here",
    "child": "a span below it; a trace: more than one span",
    "link": "a link to another span",
    "model": "a model is named",
    "tokens": "it told tokens",
    "session": "a session, its own or its trace's",
    "user": "a user, its own or its trace's",
    "tag": "a tag, its own or its trace's",
    "score": "a score or a label that somebody put on it",
    "note": "a note that somebody put on it",
}

NAMED: Final = ("attr", "score")
"""Fields with a name of their own behind a dot."""
"""What `has:` asks for."""

RELATIONS: Final[Mapping[str, str]] = {
    "child": "one of its children fits",
    "ancestor": "one of the spans above it fits",
    "span": "a span of the same trace fits, itself included",
    "trace": "its trace as a whole fits",
}
"""What a question can be asked of besides."""

RELATION_NAMES: Final[tuple[str, ...]] = get_args(Relation)

SIGNS: Final[Mapping[Nature, tuple[str, ...]]] = {
    "text": (":", "=", "!=", "~"),
    "content": (":", "~"),
    "words": (":", "~"),
    "word": (":", "=", "!="),
    "rank": (":", "=", "!=", ">", ">=", "<", "<="),
    "duration": (">", ">=", "<", "<=", ":", "=", "!="),
    "money": (">", ">=", "<", "<=", ":", "=", "!="),
    "count": (">", ">=", "<", "<=", ":", "=", "!="),
    "time": (":",),
    "attribute": (":", "=", "!=", "~", ">", ">=", "<", "<="),
}
"""The signs that may stand behind a field, the usual one first."""
