"""Embeddings: what its answers say. Of the vectors the number is kept, and they themselves where a setting says so."""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from flightlog.core.content import keeps_vectors
from flightlog.integrations.stainless.answer import Answer, Usage, count, failure_of, sequence, text

SINGLE: Final = "f32"
DOUBLE: Final = "f64"
"""What a vector is kept under: base64 of its numbers, of 4 bytes each where that is exact, else of 8."""


def read(body: Mapping[str, Any]) -> Answer:
    """Read an answer."""
    vectors = sequence(body.get("data"))
    answer = Answer(
        model=text(body.get("model")),
        usage=Usage(input=count(body, "usage", "prompt_tokens")),
        failure=failure_of(body.get("error")),
        attributes={"flightlog.embedding.count": len(vectors)},
    )
    values = _values(vectors[0]) if vectors else None
    if isinstance(values, list):
        answer.attributes["gen_ai.embeddings.dimension.count"] = len(values)
    if vectors and keeps_vectors():
        answer.vectors = [_kept(_values(vector)) for vector in vectors]
    return answer


def _values(vector: object) -> object:
    return vector.get("embedding") if isinstance(vector, Mapping) else getattr(vector, "embedding", None)


def _kept(values: object) -> dict[str, str]:
    """A vector as one text; empty for what is none."""
    if isinstance(values, str):  # as it was served: base64 of numbers of 4 bytes
        return {SINGLE: values}
    if not isinstance(values, list):
        return {}
    short = array("f", values)
    if short.tolist() == values:
        return {SINGLE: b64encode(short).decode()}
    return {DOUBLE: b64encode(array("d", values)).decode()}
