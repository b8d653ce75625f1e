"""Queries and chats: retrieval with scores, synthesis and the model's call stand where they belong."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core import Document, MockEmbedding, VectorStoreIndex
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.embeddings.openai import OpenAIEmbedding

import flightlog as fl

SAID = "Hello! How can I help you today?"
USED = {"stream_options": {"include_usage": True}}


@pytest.fixture
def index():
    with fl.capture():  # what making it records is not looked at
        return VectorStoreIndex.from_documents(
            [Document(text="one"), Document(text="two")], embed_model=MockEmbedding(embed_dim=3)
        )


def of(seen, name):
    (span,) = [span for span in seen.spans if span.name == name]
    return span


QUERY, FOUND, MADE = (
    "RetrieverQueryEngine.query",
    "VectorIndexRetriever.retrieve",
    "CompactAndRefine.synthesize",
)


def test_a_query_is_a_tree_of_retrieval_synthesis_and_one_call(both, talk, model, index, above):
    answer = index.as_query_engine(llm=model()).query("hello")
    assert str(answer) == SAID
    query = of(both, QUERY)
    assert (query.kind, query.parent_id) == ("workflow", "")
    assert query.input == {"str_or_query_bundle": "hello"}
    assert query.output["response"] == SAID
    found = of(both, FOUND)
    assert found.kind == "retrieval"
    assert {node["content"] for node in found.output} == {"one", "two"}
    assert all(node["score"] == pytest.approx(1.0) and node["id"] for node in found.output)
    around = above()
    assert (around[FOUND], around[MADE]) == (QUERY, QUERY)
    assert of(both, "MockEmbedding.get_query_embedding").kind == "embedding"
    assert around["MockEmbedding.get_query_embedding"] == FOUND
    (call,) = [span for span in both.spans if span.kind == "llm"]
    assert call.attributes["gen_ai.usage.input_tokens"] == talk.tokens()[0] == 120


def test_a_query_for_tasks_is_the_same_tree(seen, model, index, above):
    asyncio.run(index.as_query_engine(llm=model()).aquery("hello"))
    around = above()
    assert around["RetrieverQueryEngine.aquery"] == ""
    assert around["VectorIndexRetriever.aretrieve"] == "RetrieverQueryEngine.aquery"
    assert [span.kind for span in seen.spans].count("llm") == 1


def test_queries_side_by_side_do_not_mix(seen, model, index):
    async def ask():
        asking = model()
        await asyncio.gather(*(index.as_query_engine(llm=asking).aquery("hello") for _ in range(3)))

    asyncio.run(ask())
    traces = {}
    for span in seen.spans:
        traces.setdefault(span.trace_id, []).append(span.kind)
    assert len(traces) == 3
    assert all(kinds.count("llm") == kinds.count("retrieval") == 1 for kinds in traces.values())


def test_a_streamed_query_ends_when_its_text_does(both, talk, model, index, above):
    answer = index.as_query_engine(llm=model(additional_kwargs=USED), streaming=True).query("hello")
    assert QUERY not in {span.name for span in both.spans}
    assert "".join(answer.response_gen) == SAID
    query, call = of(both, QUERY), next(span for span in both.spans if span.kind == "llm")
    assert query.end >= call.end
    assert (query.status, query.output["response"]) == ("ok", SAID)
    assert len(query.output["source_nodes"]) == 2
    around = above()
    assert around["OpenAI.stream"] == MADE
    assert around[MADE] == QUERY
    assert call.attributes["gen_ai.usage.input_tokens"] == talk.tokens()[0] == 120


def test_a_streamed_query_for_tasks_ends_when_its_text_does(seen, model, index, above):
    async def ask():
        answer = await index.as_query_engine(llm=model(), streaming=True).aquery("hello")
        return "".join([piece async for piece in answer.async_response_gen()])

    assert asyncio.run(ask()) == SAID
    assert of(seen, "RetrieverQueryEngine.aquery").output["response"] == SAID
    assert {span.trace_id for span in seen.spans} == {of(seen, "RetrieverQueryEngine.aquery").trace_id}
    assert above()["chat gpt-4o-mini"] == "OpenAI.astream"


def test_a_streamed_query_that_is_not_read_to_its_end_ends_as_well(seen, model, index):
    answer = index.as_query_engine(llm=model(), streaming=True).query("hello")
    next(answer.response_gen)
    answer.response_gen.close()
    query = of(seen, QUERY)
    assert query.status == "ok"
    (call,) = [span for span in seen.spans if span.kind == "llm"]
    assert call.attributes["flightlog.stream.ended"] in {"early", "abandoned"}  # the library leaves it lying


def test_a_query_that_fails_is_an_error_all_the_way_up(seen, model, index):
    with pytest.raises(Exception, match="You shall not pass"):
        index.as_query_engine(llm=model()).query("forbidden")
    failed = {span.name for span in seen.spans if span.status == "error"}
    assert {QUERY, MADE, "chat gpt-4o-mini"} <= failed
    assert of(seen, FOUND).status == "ok"


def test_a_postprocessor_is_a_step(seen, model, index, above):
    sifting = SimilarityPostprocessor(similarity_cutoff=2.0)
    index.as_query_engine(llm=model(), node_postprocessors=[sifting]).query("hello")
    name = "SimilarityPostprocessor._postprocess_nodes"
    assert above()[name] == QUERY
    assert of(seen, name).output == []


def test_a_chat_is_a_conversation_with_one_call(both, talk, model, above):
    engine = SimpleChatEngine.from_defaults(llm=model())
    engine.chat("hello")
    assert [span.kind for span in both.spans] == ["http", "llm", "workflow"]
    assert above()["chat gpt-4o-mini"] == "SimpleChatEngine.chat"
    assert of(both, "SimpleChatEngine.chat").output["response"] == SAID


def test_a_streamed_chat_ends_when_its_text_does(both, talk, model):
    engine = SimpleChatEngine.from_defaults(llm=model(additional_kwargs=USED))
    answer = engine.stream_chat("hello")
    assert "".join(answer.response_gen) == SAID
    chat = of(both, "SimpleChatEngine.stream_chat")
    assert chat.output["response"] == SAID
    (call,) = [span for span in both.spans if span.kind == "llm"]
    assert (call.parent_id, call.attributes["gen_ai.usage.input_tokens"]) == (chat.span_id, talk.tokens()[0])


def embedding(talk):
    given = talk.options()
    given["api_base"] = given.pop("base_url")
    return OpenAIEmbedding(model_name="text-embedding-3-small", max_retries=0, **given)


def test_embeddings_count_once_with_how_many_there_were(both, talk):
    made = embedding(talk).get_text_embedding_batch(["vector one", "vector two"])
    assert len(made) == 2
    call = [span for span in both.spans if span.kind == "embedding"]
    assert len(call) == 1
    assert call[0].name == "embeddings text-embedding-3-small"
    assert call[0].attributes["flightlog.embedding.count"] == 2
    assert "vector one" in str(call[0].input)
    assert len(talk.served()) == 1


class Odd(BaseEmbedding):
    """An embedding of its own."""

    def _get_query_embedding(self, query):
        return [float(len(query))]

    async def _aget_query_embedding(self, query):
        return [float(len(query))]

    def _get_text_embedding(self, text):
        raise ValueError(text)


def test_an_embedding_that_fails_is_an_error(seen):
    assert Odd().get_query_embedding("four") == [4.0]
    with pytest.raises(ValueError, match="four"):
        Odd().get_text_embedding("four")
    assert [(span.kind, span.status) for span in seen.spans] == [("embedding", "ok"), ("embedding", "error")]
