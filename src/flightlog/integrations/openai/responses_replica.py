"""Responses: a recorded answer in the shape in which it was served, whole or as events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Final

import msgspec

from flightlog.integrations.stainless.answer import mapping, sequence, text
from flightlog.integrations.stainless.pieces import cut
from flightlog.records import genai
from flightlog.records.span import Span

_STATUSES: Final = frozenset({"completed", "failed", "in_progress", "cancelled", "queued", "incomplete"})
_ECHOED: Final[Mapping[str, Any]] = {
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
}
"""What an answer repeats of its request, and what stands there where the request does not say."""


def whole(record: Span, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as one object."""
    attributes = record.attributes
    reasons = sequence(attributes.get(genai.FINISH_REASONS))
    reason = text(reasons[0]) if reasons else "in_progress"
    status = reason if reason in _STATUSES else "incomplete"
    answer: dict[str, Any] = {
        "id": attributes.get(genai.RESPONSE_ID, ""),
        "object": "response",
        "created_at": record.start // 10**9,
        "status": status,
        "error": None,
        "incomplete_details": None if status == reason else {"reason": reason},
        "model": attributes.get(genai.RESPONSE_MODEL) or body.get("model"),
        "output": sequence(mapping(record.output).get("messages")),
        **{name: body.get(name, default) for name, default in _ECHOED.items()},
    }
    if record.error is not None and status == "failed":
        answer["error"] = {"code": record.error.type, "message": record.error.message}
    if tier := attributes.get("openai.response.service_tier"):
        answer["service_tier"] = tier
    answer["usage"] = _usage(attributes)
    return answer


def _usage(attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    sent, said = attributes.get(genai.INPUT_TOKENS), attributes.get(genai.OUTPUT_TOKENS)
    if sent is None and said is None:
        return None
    return {
        "input_tokens": sent or 0,
        "input_tokens_details": {"cached_tokens": attributes.get(genai.CACHE_READ_TOKENS) or 0},
        "output_tokens": said or 0,
        "output_tokens_details": {"reasoning_tokens": attributes.get(genai.REASONING_TOKENS) or 0},
        "total_tokens": (sent or 0) + (said or 0),
    }


def events(
    answer: Mapping[str, Any], _body: Mapping[str, Any], pieces: int, *, complete: bool
) -> Iterator[bytes]:
    """The answer as server-sent events, its text in about as many pieces as it came in; arguments as `chat_replica`."""
    begun = {**answer, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    told: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
    ]
    for at, item in enumerate(sequence(answer.get("output"))):
        told += _item(at, mapping(item), pieces, complete=complete)
    if complete:
        told.append((f"response.{answer['status']}", {"response": dict(answer)}))
    numbers = count()
    for kind, members in told:
        data = msgspec.json.encode({"type": kind, "sequence_number": next(numbers), **members})
        yield b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def _item(
    at: int, item: Mapping[str, Any], pieces: int, *, complete: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of one output item, from its announcement to its end."""
    place = {"output_index": at, "item_id": item.get("id", "")}
    announced = {**item, "status": "in_progress"} if "status" in item else dict(item)
    for name, empty in (("content", []), ("arguments", ""), ("summary", [])):
        if name in item:
            announced[name] = empty
    yield "response.output_item.added", {"output_index": at, "item": announced}
    if "arguments" in item:
        for piece in cut(text(item["arguments"]), pieces):
            yield "response.function_call_arguments.delta", {**place, "delta": piece}
        yield (
            "response.function_call_arguments.done",
            {**place, "arguments": item["arguments"], "name": item.get("name", "")},
        )
    for index, part in enumerate(sequence(item.get("content"))):
        yield from _part({**place, "content_index": index}, mapping(part), pieces)
    for index, part in enumerate(sequence(item.get("summary"))):
        yield from _summary({**place, "summary_index": index}, mapping(part), pieces)
    if complete or item.get("status") == "completed":
        yield "response.output_item.done", {"output_index": at, "item": dict(item)}


def _part(
    place: Mapping[str, Any], part: Mapping[str, Any], pieces: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    kind = text(part.get("type"))
    name = "refusal" if kind == "refusal" else "text"
    said = text(part.get(name))
    yield "response.content_part.added", {**place, "part": {**part, name: ""}}
    for piece in cut(said, pieces):
        yield (
            f"response.{kind}.delta",
            {**place, "delta": piece, **({"logprobs": []} if name == "text" else {})},
        )
    yield f"response.{kind}.done", {**place, name: said, **({"logprobs": []} if name == "text" else {})}
    yield "response.content_part.done", {**place, "part": dict(part)}


def _summary(
    place: Mapping[str, Any], part: Mapping[str, Any], pieces: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    said = text(part.get("text"))
    yield "response.reasoning_summary_part.added", {**place, "part": {**part, "text": ""}}
    for piece in cut(said, pieces):
        yield "response.reasoning_summary_text.delta", {**place, "delta": piece}
    yield "response.reasoning_summary_text.done", {**place, "text": said}
    yield "response.reasoning_summary_part.done", {**place, "part": dict(part)}
