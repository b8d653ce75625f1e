"""Embeddings: what its answers say. The vectors are the program's, not the record's; their number is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flightlog.integrations.openai.answer import Answer, Usage, count, failure_of, sequence, text


def read(body: Mapping[str, Any]) -> Answer:
    """Read an answer."""
    vectors = sequence(body.get("data"))
    answer = Answer(
        model=text(body.get("model")),
        usage=Usage(input=count(body, "usage", "prompt_tokens")),
        failure=failure_of(body.get("error")),
        attributes={"flightlog.embedding.count": len(vectors)},
    )
    first = vectors[0] if vectors else None
    values = first.get("embedding") if isinstance(first, Mapping) else getattr(first, "embedding", None)
    if isinstance(values, list):
        answer.attributes["gen_ai.embeddings.dimension.count"] = len(values)
    return answer
