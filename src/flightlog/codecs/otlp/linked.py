"""Links of a record of Flightlog's own: what OTLP says of one has, in a line, its place in `otel.links`.

There is one member for each link, in their order, `{}` where there is nothing to say. What has another shape is not
taken for this and travels as it is, with the rest of `otel`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flightlog.codecs.otlp import own
from flightlog.codecs.otlp.messages import LinkMessage, Pair
from flightlog.records.span import Link

_HEXADECIMAL: Final = frozenset("0123456789abcdef")


def is_id(text: str, digits: int) -> bool:
    """Whether OTLP can carry an id."""
    return len(text) == digits and set(text) <= _HEXADECIMAL and text.strip("0") != ""


def outgoing(links: Sequence[Link], otel: dict[str, Any]) -> list[LinkMessage]:
    """The messages of links; what they say is taken out of `otel`."""
    told = otel.get("links")
    if isinstance(told, list) and len(told) == len(links) and any(told) and all(map(_is_told, told)):
        del otel["links"]
    else:
        told = [{}] * len(links)
    return [_message(link, said) for link, said in zip(links, told, strict=True)]


def _is_told(said: Any) -> bool:
    """Whether a message can say this, and it comes back as it is."""
    if not isinstance(said, dict):
        return False
    state, *numbers = (said.get(name, default) for name, default in zip(own.LINKED, ("-", 1, 1), strict=True))
    whole = all(type(number) is int and 0 < number < 1 << 32 for number in numbers)
    return said.keys() <= set(own.LINKED) and whole and isinstance(state, str) and state != ""


def _message(link: Link, said: dict[str, Any]) -> LinkMessage:
    fields: list[Pair] = [("relation", link.relation)] if link.relation else []
    trace_id, span_id = link.trace_id, link.span_id
    if not is_id(trace_id, 32):
        fields, trace_id = [*fields, ("trace_id", trace_id)], ""
    if span_id and not is_id(span_id, 16):
        fields, span_id = [*fields, ("span_id", span_id)], ""
    return LinkMessage(trace_id, span_id, attributes=own.outgoing(link.attributes, fields), **said)
