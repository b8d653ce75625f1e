"""Embeddings: a recorded answer in the shape in which it was served."""

from __future__ import annotations

from array import array
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from flightlog.core.rerun import Unmakeable
from flightlog.integrations.openai.embeddings import DOUBLE, SINGLE
from flightlog.integrations.stainless.answer import mapping, sequence
from flightlog.records import genai
from flightlog.records.span import Span


def whole(record: Span, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as one object.

    Raises:
        Unmakeable: the vectors are not recorded.
    """
    wants_text = body.get("encoding_format") == "base64"
    vectors = sequence(mapping(record.output).get("vectors"))
    sent = record.attributes.get(genai.INPUT_TOKENS) or 0
    return {
        "object": "list",
        "model": record.attributes.get(genai.RESPONSE_MODEL) or body.get("model"),
        "data": [
            {"object": "embedding", "index": at, "embedding": _vector(mapping(vector), wants_text=wants_text)}
            for at, vector in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": sent, "total_tokens": sent},
    }


def _vector(kept: Mapping[str, str], *, wants_text: bool) -> str | list[float]:
    """One vector, as the text that the client asks for by itself, or as numbers where it was more than that holds."""
    if wants_text and SINGLE in kept:
        return kept[SINGLE]
    for name, code in ((SINGLE, "f"), (DOUBLE, "d")):
        if name in kept:
            numbers: array[float] = array(code)
            numbers.frombytes(b64decode(kept[name]))
            return numbers.tolist()
    raise Unmakeable("one of its vectors is not recorded")
