"""What a model call is charged by: the part of its span that its price depends on, and whose it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from flightlog.records import genai
from flightlog.records.span import Span


class CallFacts(Struct, frozen=True, kw_only=True):
    """One model call that is over. What is unknown is None or empty, never 0."""

    trace_id: str
    span_id: str
    start: int
    """Unix nanoseconds."""
    status: str
    name: str
    kind: str
    project: str = ""
    session: str | None = None
    """Its own; where it has none, that of its trace. Likewise user and tags."""
    user: str | None = None
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = {}


def is_charged(span: Span) -> bool:
    """Whether a span is over and is a call that a provider charges for."""
    if span.status in {"running", "paused"} or span.kind not in genai.CHARGED_KINDS:
        return False
    return span.kind == "llm" or bool(models(span.attributes))


def of_span(span: Span) -> CallFacts:
    """What a span is charged by."""
    context = span.context
    return CallFacts(
        trace_id=span.trace_id,
        span_id=span.span_id,
        start=span.start,
        status=span.status,
        name=span.name,
        kind=span.kind,
        project=span.project,
        session=text_of(context.get("session")),
        user=text_of(context.get("user")),
        tags=tags_of(context.get("tags")),
        attributes=span.attributes,
    )


def models(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """The model that answered, then the one that was asked for; without what is not told."""
    told = (attributes.get(genai.RESPONSE_MODEL), attributes.get(genai.REQUEST_MODEL))
    return tuple(dict.fromkeys(name for name in told if isinstance(name, str) and name))


def text_of(value: object) -> str | None:
    """A session or user as a text; None for none."""
    return None if value is None or value == "" else str(value)


def tags_of(value: object) -> tuple[str, ...]:
    """Tags as texts; anything that is no list has none."""
    return tuple(tag for tag in value if isinstance(tag, str)) if isinstance(value, list | tuple) else ()
