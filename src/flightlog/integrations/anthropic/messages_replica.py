"""Messages: a recorded answer in the shape in which it was served, whole or as events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from flightlog.integrations.anthropic.messages import DELTAS
from flightlog.integrations.stainless.answer import mapping, sequence, text
from flightlog.integrations.stainless.pieces import cut
from flightlog.records import genai
from flightlog.records.span import Span

_EMPTY: Final[Mapping[str, Any]] = {"text": "", "thinking": "", "signature": "", "input": {}, "citations": []}
"""Members of a block that a stream announces without their value, and what stands there."""


def whole(record: Span, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as one object."""
    attributes = record.attributes
    messages = sequence(mapping(record.output).get("messages"))
    said = mapping(messages[0]) if messages else {}
    reasons = sequence(attributes.get(genai.FINISH_REASONS))
    return {
        "id": attributes.get(genai.RESPONSE_ID, ""),
        "type": "message",
        "role": said.get("role", "assistant"),
        "model": attributes.get(genai.RESPONSE_MODEL) or body.get("model"),
        "content": sequence(said.get("content")),
        "stop_reason": reasons[0] if reasons else None,
        "stop_sequence": attributes.get(genai.RESPONSE + "stop_sequence"),
        "usage": _usage(attributes),
    }


def _usage(attributes: Mapping[str, Any]) -> dict[str, Any]:
    read, written = attributes.get(genai.CACHE_READ_TOKENS), attributes.get(genai.CACHE_WRITE_TOKENS)
    usage: dict[str, Any] = {
        "input_tokens": (attributes.get(genai.INPUT_TOKENS) or 0) - (read or 0) - (written or 0),
        "output_tokens": attributes.get(genai.OUTPUT_TOKENS) or 0,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "service_tier": attributes.get(genai.RESPONSE + "service_tier"),
    }
    if (thought := attributes.get(genai.REASONING_TOKENS)) is not None:
        usage["output_tokens_details"] = {"thinking_tokens": thought}
    return usage


def events(
    answer: Mapping[str, Any], _body: Mapping[str, Any], pieces: int, *, complete: bool
) -> Iterator[bytes]:
    """The answer as server-sent events, its text in about as many pieces as it came in; arguments as `chat_replica`."""
    blocks = [mapping(block) for block in sequence(answer.get("content"))]
    usage = mapping(answer.get("usage"))
    begun = {**answer, "content": [], "stop_reason": None, "stop_sequence": None}
    yield _event("message_start", message={**begun, "usage": {**usage, "output_tokens": 1}})
    for at, block in enumerate(blocks):
        announced = {name: _EMPTY.get(name, value) for name, value in block.items()}
        yield _event("content_block_start", index=at, content_block=announced)
        for delta in _deltas(block, max(1, pieces // max(1, len(blocks)))):
            yield _event("content_block_delta", index=at, delta=delta)
        if complete or at < len(blocks) - 1:
            yield _event("content_block_stop", index=at)
    if complete:
        ended = {name: answer.get(name) for name in ("stop_reason", "stop_sequence")}
        yield _event("message_delta", delta=ended, usage=dict(usage))
        yield _event("message_stop")


def _deltas(block: Mapping[str, Any], pieces: int) -> Iterator[dict[str, Any]]:
    for kind, member in DELTAS.items():
        if member != "content":
            count = 1 if member == "signature" else pieces
            for piece in cut(text(block.get(member)), count):
                yield {"type": kind, member: piece}
    if "input" in block:
        said = block["input"]
        whole = said if isinstance(said, str) else msgspec.json.encode(said).decode()
        for piece in cut(whole, pieces):
            yield {"type": "input_json_delta", "partial_json": piece}
    for citation in sequence(block.get("citations")):
        yield {"type": "citations_delta", "citation": citation}


def _event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode() + msgspec.json.encode({"type": kind, **members}) + b"\n\n"
