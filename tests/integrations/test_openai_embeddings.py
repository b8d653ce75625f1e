"""Embeddings, against a real provider process."""

from __future__ import annotations

import json

import openai
import pytest
from msgspec import UNSET
from provider_kit import now


def embed(texts, **more):
    async def say(client):
        return await now(client.embeddings.create(model="text-embedding-3-small", input=texts, **more))

    return say


@pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}], ids=["packed", "plain"])
def test_a_call_is_one_span_without_the_vectors(way, talk, seen, encoding):
    answer = way.talk(talk.options(), embed(["vector one", "vector two"], **encoding))
    assert [item.embedding for item in answer.data] == [[0.5, -0.25, 0.125]] * 2
    (span,) = seen.spans
    assert (span.name, span.kind, span.status) == ("embeddings text-embedding-3-small", "embedding", "ok")
    assert span.input == {"input": ["vector one", "vector two"]}
    assert span.output is UNSET
    attributes = span.attributes
    assert attributes["gen_ai.operation.name"] == "embeddings"
    assert len(talk.served()) == 1
    assert attributes["gen_ai.embeddings.dimension.count"] == 3
    assert attributes["flightlog.embedding.count"] == 2
    assert "gen_ai.usage.output_tokens" not in attributes
    assert "openai.api.type" not in attributes


VECTORS = [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]
SERVED = {
    "object": "list",
    "model": "served",
    "data": VECTORS,
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}


@pytest.mark.parametrize("raw", [False, True])
def test_the_tokens_and_dimensions_are_those_that_were_served(way, wire, seen, raw):
    wire.will_say(json.dumps(SERVED).encode(), content_type="application/json")

    async def say(client):
        resource = client.embeddings.with_raw_response if raw else client.embeddings
        await now(resource.create(model="e", input="vector", dimensions=256))

    way.talk(wire.options(), say)
    (span,) = seen.spans
    assert span.attributes["gen_ai.usage.input_tokens"] == 8
    assert span.attributes["gen_ai.response.model"] == "served"
    assert span.attributes["gen_ai.embeddings.dimension.count"] == 2
    assert span.output is UNSET


def test_an_error_is_recorded(way, seen):
    options = {"base_url": "http://127.0.0.1:1/v1", "api_key": "nobody", "max_retries": 0}
    with pytest.raises(openai.APIConnectionError):
        way.talk(options, embed("vector"))
    (span,) = seen.spans
    assert (span.status, span.kind) == ("error", "embedding")
