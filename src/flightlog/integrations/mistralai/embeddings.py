"""Embeddings: OpenAI's, with an id that the package insists on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flightlog.integrations.openai import embeddings, embeddings_replica
from flightlog.integrations.stainless.answer import Answer, text
from flightlog.records import genai
from flightlog.records.span import Span


def read(body: Mapping[str, Any]) -> Answer:
    """Read an answer."""
    answer = embeddings.read(body)
    answer.id = text(body.get("id"))
    return answer


def whole(record: Span, body: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded answer as one object.

    Raises:
        Unmakeable: the vectors are not recorded.
    """
    return {"id": record.attributes.get(genai.RESPONSE_ID, ""), **embeddings_replica.whole(record, body)}
