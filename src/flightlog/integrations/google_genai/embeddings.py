"""Embeddings: what is asked for and what answers say, in each of the three ways in which the API serves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flightlog.dialects.messages import messages
from flightlog.integrations.openai import embeddings
from flightlog.integrations.stainless.answer import Answer, Usage, count, mapping, sequence, text


def given(body: Mapping[str, Any]) -> list[Any]:
    """What is to be embedded: of each piece its text, or its parts."""
    single = [body["content"]] if body.get("content") else []
    batch = [mapping(one).get("content") for one in sequence(body.get("requests"))]
    instances = [mapping(one).get("content") for one in sequence(body.get("instances"))]
    return [_plain(one) for one in (*single, *batch, *instances)]


def _plain(content: object) -> Any:
    said = messages(content)
    return said[0].get("content") if said and isinstance(said[0], Mapping) else content


def is_asked(body: Mapping[str, Any]) -> bool:
    """Whether a prediction is one of embeddings: pictures and videos are predicted from a prompt."""
    instances = sequence(body.get("instances"))
    return bool(instances) and "content" in mapping(instances[0])


def read(body: Mapping[str, Any]) -> Answer:
    """Read an answer."""
    predictions = [mapping(mapping(one).get("embeddings")) for one in sequence(body.get("predictions"))]
    single = [body["embedding"]] if body.get("embedding") else []
    vectors = [mapping(one) for one in (*single, *sequence(body.get("embeddings")), *predictions)]
    answer = embeddings.read({"data": [{"embedding": one.get("values")} for one in vectors]})
    answer.model = text(body.get("modelVersion"))
    answer.usage = Usage(input=_sent(body, predictions))
    return answer


def _sent(body: Mapping[str, Any], predictions: list[Mapping[str, Any]]) -> int | None:
    """The tokens that went in, where somebody told them."""
    told = count(body, "usageMetadata", "promptTokenCount")
    counts = [counted for one in predictions if (counted := _counted(one)) is not None]
    return sum(counts) if counts and told is None else told


def _counted(prediction: Mapping[str, Any]) -> int | None:
    """Tokens of one piece; the API tells them as a floating-point number."""
    told = mapping(prediction.get("statistics")).get("token_count")
    return int(told) if isinstance(told, int | float) and not isinstance(told, bool) else None
