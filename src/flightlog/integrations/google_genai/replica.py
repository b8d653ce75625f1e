"""A recorded answer, served again in the place of a request; the package makes of it what the program wants."""

from __future__ import annotations

import ast
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from flightlog.core import rerun
from flightlog.core.rerun import Unmakeable
from flightlog.integrations.google_genai.generation import BLOCK_REASON, TOOL_USE_TOKENS
from flightlog.integrations.openai import embeddings_replica
from flightlog.integrations.stainless.answer import mapping, sequence, text
from flightlog.integrations.stainless.exchange import STATUS_CODE
from flightlog.integrations.stainless.pieces import cut
from flightlog.integrations.stainless.replica import pieces_of
from flightlog.integrations.stainless.tap import ENDED
from flightlog.records import genai
from flightlog.records.span import Span

if TYPE_CHECKING:
    from flightlog.integrations.google_genai.asked import Asked

_LEAST_REFUSAL: Final = 400
_LEAST_FAILURE: Final = 500


def whole_answer(asked: Asked) -> Any:
    """What a request gets in a rerun; None where it is to be made.

    Raises:
        Stopped: the rerun ends here.
        Exception: what the recorded request ended with.
    """
    record = _found(asked)
    if record is None:
        return None
    try:
        came = failure(record) if record.output is UNSET else _body(asked, record)
    except Unmakeable as reason:
        _refuse(asked, record, reason)
        return None
    _gave(asked, record)
    if isinstance(came, BaseException):
        raise came
    return _response(came)


def _body(asked: Asked, record: Span) -> str:
    if record.attributes.get(ENDED, "complete") != "complete":
        raise Unmakeable("it was streamed and not read to its end")
    return msgspec.json.encode(_made(asked, record)).decode()


def events(asked: Asked) -> Iterator[Any] | None:
    """The items of a stream in a rerun; None where the request is to be made. Raises as `whole_answer`."""
    record = _found(asked)
    if record is None:
        return None
    try:
        error = failure(record) if record.output is UNSET else None
        ended = record.attributes.get(ENDED, "complete")
        made = {} if error is not None else _made(asked, record)
        chunks = list(_chunks(made, pieces_of(record), complete=ended == "complete"))
        ending = failure(record) if error is None and ended == "broken" else None
    except Unmakeable as reason:
        _refuse(asked, record, reason)
        return None
    _gave(asked, record)
    if error is not None:
        raise error
    return _stream(chunks, record, ending)


async def for_tasks(items: Iterator[Any]) -> AsyncIterator[Any]:
    """The same for a client of tasks."""
    for item in items:
        yield item


def _stream(chunks: list[dict[str, Any]], record: Span, ending: BaseException | None) -> Iterator[Any]:
    for chunk in chunks:
        yield _response(msgspec.json.encode(chunk).decode())
    if ending is not None:
        raise ending
    if record.attributes.get(ENDED, "complete") != "complete" and rerun.answers is not None:
        raise rerun.answers.ran_out(record)


def _found(asked: Asked) -> Span | None:
    return None if rerun.answers is None else rerun.answers.find(asked.call.span)


def _refuse(asked: Asked, record: Span, reason: Unmakeable) -> None:
    if rerun.answers is not None:
        rerun.answers.refuse(asked.call.span, record, str(reason))


def _gave(asked: Asked, record: Span) -> None:
    if rerun.answers is not None:
        rerun.answers.gave(asked.call.span, record)


def _response(body: str) -> Any:
    made: Any = sys.modules["google.genai"].types.HttpResponse
    return made(headers={"content-type": "application/json"}, body=body)


def _made(asked: Asked, record: Span) -> dict[str, Any]:
    """The answer as one object, in the shape in which it was served."""
    if asked.api.stream is None:
        return _vectors(asked, record)
    return _generated(record)


def _generated(record: Span) -> dict[str, Any]:
    attributes = record.attributes
    messages = sequence(mapping(record.output).get("messages"))
    reasons = sequence(attributes.get(genai.FINISH_REASONS))
    if messages and reasons and len(reasons) != len(messages):
        raise Unmakeable("it is not recorded which of its candidates ended why")
    made: dict[str, Any] = {
        "candidates": [
            {
                "content": {"role": "model", "parts": list(_parts(mapping(message)))},
                "finishReason": text(reasons[at]).upper() if reasons else None,
                "index": at,
            }
            for at, message in enumerate(messages)
        ],
        "modelVersion": attributes.get(genai.RESPONSE_MODEL),
        "responseId": attributes.get(genai.RESPONSE_ID),
        "usageMetadata": _usage(attributes),
    }
    if reason := attributes.get(BLOCK_REASON):
        made["promptFeedback"] = {"blockReason": reason}
    return {name: value for name, value in made.items() if value not in (None, [], {})}


def _usage(attributes: Mapping[str, Any]) -> dict[str, Any]:
    sent, said = attributes.get(genai.INPUT_TOKENS), attributes.get(genai.OUTPUT_TOKENS)
    found, thought = attributes.get(TOOL_USE_TOKENS), attributes.get(genai.REASONING_TOKENS)
    usage = {
        "promptTokenCount": None if sent is None else sent - (found or 0),
        "toolUsePromptTokenCount": found,
        "candidatesTokenCount": None if said is None else said - (thought or 0),
        "thoughtsTokenCount": thought,
        "cachedContentTokenCount": attributes.get(genai.CACHE_READ_TOKENS),
        "totalTokenCount": None if sent is None and said is None else (sent or 0) + (said or 0),
    }
    return {name: count for name, count in usage.items() if count is not None}


def _parts(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if thought := text(message.get("reasoning_content")):
        yield {"text": thought, "thought": True}
    content = message.get("content")
    for part in [{"type": "text", "text": content}] if isinstance(content, str) else sequence(content):
        if mapping(part).get("type") == "text":
            yield {"text": part["text"]}
        elif "type" in mapping(part):
            raise Unmakeable("it holds an image, a sound or a document")
        else:
            yield dict(mapping(part))
    for call in map(mapping, sequence(message.get("tool_calls"))):
        function = mapping(call.get("function"))
        called = {"name": function.get("name"), "args": _decoded(function.get("arguments"))}
        yield {"functionCall": called | ({"id": call["id"]} if call.get("id") else {})}


def _decoded(arguments: object) -> Any:
    try:
        return msgspec.json.decode(text(arguments) or "{}")
    except (msgspec.DecodeError, UnicodeError):
        raise Unmakeable("the arguments of a function are not recorded as a whole") from None


def _chunks(answer: Mapping[str, Any], pieces: int, *, complete: bool) -> Iterator[dict[str, Any]]:
    """The answer as chunks, its text in about as many pieces as it came in; the last one ends it, if it came so far."""
    head = {name: answer[name] for name in ("modelVersion", "responseId") if name in answer}
    candidates = [mapping(one) for one in sequence(answer.get("candidates"))]
    chunks = [{**head, "candidates": [one]} for candidate in candidates for one in _cut(candidate, pieces)]
    if complete:
        last = chunks.pop() if chunks else {**head}
        chunks.append(
            {**last, **{name: answer[name] for name in ("promptFeedback", "usageMetadata") if name in answer}}
        )
    for chunk in chunks:
        if not complete:
            for candidate in chunk["candidates"]:
                candidate.pop("finishReason", None)
        yield chunk


def _cut(candidate: Mapping[str, Any], pieces: int) -> list[dict[str, Any]]:
    """A candidate in pieces, of which the last one says why it ended."""
    parts = [mapping(part) for part in sequence(mapping(candidate.get("content")).get("parts"))]
    cut_up = [piece for part in parts for piece in _pieces(part, max(1, pieces // len(parts)))]
    at = {"index": candidate.get("index")}
    found: list[dict[str, Any]] = [{**at, "content": {"role": "model", "parts": [piece]}} for piece in cut_up]
    if not found:
        return [dict(candidate)]
    found[-1]["finishReason"] = candidate.get("finishReason")
    return found


def _pieces(part: Mapping[str, Any], pieces: int) -> Iterator[dict[str, Any]]:
    said = text(part.get("text"))
    if not said:
        yield dict(part)
    for piece in cut(said, pieces):
        yield {**part, "text": piece}


def _vectors(asked: Asked, record: Span) -> dict[str, Any]:
    made = embeddings_replica.whole(record, {})["data"]
    vectors = [{"values": one["embedding"]} for one in made]
    body = mapping(asked.body)
    if "instances" in body:
        return {"predictions": [{"embeddings": one} for one in vectors]}
    sent = record.attributes.get(genai.INPUT_TOKENS)
    usage = {} if sent is None else {"usageMetadata": {"promptTokenCount": sent}}
    return {**usage, **({"embedding": vectors[0]} if "content" in body else {"embeddings": vectors})}


def failure(record: Span) -> BaseException:
    """The exception that a recorded request ended with, made anew.

    Raises:
        Unmakeable: it cannot be.
    """
    if record.error is None:
        raise Unmakeable("it has no answer that could be served")
    message, status = record.error.message, record.attributes.get(STATUS_CODE)
    if isinstance(status, int) and status >= _LEAST_REFUSAL:
        errors: Any = sys.modules["google.genai"].errors
        kind = errors.ServerError if status >= _LEAST_FAILURE else errors.ClientError
        refusal: BaseException = kind(status, _details(message))
        return refusal
    package, _, name = record.error.type.rpartition(".")
    kind = getattr(sys.modules.get(package.partition(".")[0]), name, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        raise Unmakeable(f"it ended with {record.error.type}, which cannot be raised again")
    try:
        made: BaseException = kind(message)
    except Exception:  # noqa: BLE001 - the border: whatever else such an exception wants is not recorded
        raise Unmakeable(f"it ended with {record.error.type}, which cannot be made again") from None
    return made


def _details(message: str) -> Any:
    """What the server said, of which the package makes the same message."""
    said = message.partition(". ")[2]
    try:
        return ast.literal_eval(said)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {"message": said}
