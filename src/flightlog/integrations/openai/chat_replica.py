"""Chat Completions: a recorded answer in the shape in which it was served, whole or in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from flightlog.core.rerun import Unmakeable
from flightlog.integrations.stainless.answer import mapping, sequence
from flightlog.integrations.stainless.pieces import cut
from flightlog.records import genai
from flightlog.records.span import Span

_TEXTS: Final = ("content", "refusal", "reasoning_content", "reasoning")
_DONE: Final = b"data: [DONE]\n\n"
_FACTS: Final = ("service_tier", "system_fingerprint")


def whole(record: Span, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as one object.

    Raises:
        Unmakeable: something that the program asked for is not recorded.
    """
    if body.get("logprobs"):
        raise Unmakeable("log probabilities are not recorded")
    attributes = record.attributes
    messages = sequence(mapping(record.output).get("messages"))
    reasons = sequence(attributes.get(genai.FINISH_REASONS))
    if reasons and len(reasons) != len(messages):
        raise Unmakeable("it is not recorded which of its choices ended why")
    answer: dict[str, Any] = {
        "id": attributes.get(genai.RESPONSE_ID, ""),
        "object": "chat.completion",
        "created": record.start // 10**9,
        "model": attributes.get(genai.RESPONSE_MODEL) or body.get("model"),
        "choices": [
            {
                "index": at,
                "message": {"content": None, "refusal": None, **mapping(message)},
                "logprobs": None,
                "finish_reason": reasons[at] if reasons else None,
            }
            for at, message in enumerate(messages)
        ],
    }
    for name in _FACTS:
        if value := attributes.get(f"openai.response.{name}"):
            answer[name] = value
    if usage := _usage(attributes):
        answer["usage"] = usage
    return answer


def _usage(attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    sent, said = attributes.get(genai.INPUT_TOKENS), attributes.get(genai.OUTPUT_TOKENS)
    if sent is None and said is None:
        return None
    usage: dict[str, Any] = {
        "prompt_tokens": sent or 0,
        "completion_tokens": said or 0,
        "total_tokens": (sent or 0) + (said or 0),
    }
    details = {
        "cached_tokens": attributes.get(genai.CACHE_READ_TOKENS),
        "cache_write_tokens": attributes.get(genai.CACHE_WRITE_TOKENS),
    }
    if told := {name: count for name, count in details.items() if count is not None}:
        usage["prompt_tokens_details"] = told
    if (reasoning := attributes.get(genai.REASONING_TOKENS)) is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return usage


def events(
    answer: Mapping[str, Any], body: Mapping[str, Any], pieces: int, *, complete: bool
) -> Iterator[bytes]:
    """The answer as server-sent events, its text in about as many pieces as it came in.

    Args:
        answer: as one object.
        body: of the request.
        pieces: in which the text came.
        complete: whether the provider had said everything; else it breaks off.
    """
    head = {name: value for name, value in answer.items() if name not in {"choices", "usage"}}
    head["object"] = "chat.completion.chunk"
    wants_usage = bool(mapping(body.get("stream_options")).get("include_usage"))
    choices = sequence(answer.get("choices"))
    last = len(choices) - 1
    for at, choice in enumerate(choices):
        for delta in _deltas(mapping(choice["message"]), pieces):
            yield _event(head, [_part(choice, delta, None)])
        if complete:
            aside = {} if wants_usage or at != last or "usage" not in answer else {"usage": answer["usage"]}
            yield _event({**head, **aside}, [_part(choice, {}, choice["finish_reason"])])
    if complete:
        if wants_usage and "usage" in answer:
            yield _event({**head, "usage": answer["usage"]}, [])
        yield _DONE


def _deltas(message: Mapping[str, Any], pieces: int) -> Iterator[dict[str, Any]]:
    calls = sequence(message.get("tool_calls"))
    plain = {
        name: value
        for name, value in message.items()
        if name not in {*_TEXTS, "tool_calls"} and value is not None
    }
    texts = {name: message[name] for name in _TEXTS if isinstance(message.get(name), str)}
    first = {"role": "assistant", **plain}
    yield first | ({"content": None} if calls and not texts.get("content") else {"content": ""})
    for name in ("reasoning_content", "reasoning", "content", "refusal"):
        for piece in cut(texts.get(name, ""), max(1, pieces - len(calls))):
            yield {name: piece}
    for place, call in enumerate(calls):
        yield {"tool_calls": [{"index": place, **mapping(call)}]}


def _part(choice: Mapping[str, Any], delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": choice["index"], "delta": delta, "logprobs": None, "finish_reason": reason}


def _event(head: Mapping[str, Any], choices: list[dict[str, Any]]) -> bytes:
    return b"data: " + msgspec.json.encode({**head, "choices": choices}) + b"\n\n"
