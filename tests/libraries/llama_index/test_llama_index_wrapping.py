"""The wrapper of LlamaIndex: whom it leaves alone, how it comes off, and what happens where something does not fit."""

from __future__ import annotations

import types

import llama_index_instrumentation as module
import pytest
from llama_index.core import Document, MockEmbedding, VectorStoreIndex
from llama_index.core.llms import LLM, MockLLM
from llama_index.core.response_synthesizers import CompactAndRefine, Refine
from llama_index.llms.openai import OpenAI

import flightlog as fl
from flightlog.integrations.llama_index import handler, wrapping
from flightlog.records.errors import BadQuestion

KINDS = (OpenAI, MockLLM, LLM, Refine, CompactAndRefine, module.DispatcherSpanMixin)


@pytest.fixture(autouse=True)
def _nobody_listens():
    fl.uninstrument()
    yield
    fl.uninstrument()


def everything():
    root = module.root_dispatcher
    return [[*root.span_handlers], [*root.event_handlers], *(dict(vars(kind)) for kind in KINDS)]


def test_undoing_leaves_the_library_as_it_was():
    before = everything()
    handle = fl.instrument("llama_index")
    fl.instrument("llama-index")
    fl.instrument("workflows")
    assert everything() != before
    assert [type(one).__name__ for one in module.root_dispatcher.span_handlers].count("Handler") == 1
    handle.undo()
    assert everything() == before


def test_twice_is_recorded_once():
    with fl.instrument("llama_index"), fl.instrument(), fl.capture() as seen:
        MockLLM().complete("hello")
    assert len(seen.spans) == 1


def test_one_model_is_recorded_and_others_are_left_alone(talk, model, asked):
    before = everything()
    wanted, other = model(), model()
    with fl.instrument(wanted), fl.capture() as seen:
        other.chat(asked("hello"))
        list(other.stream_chat(asked("hello")))
        assert seen.records == []
        wanted.chat(asked("hello"))
        list(wanted.stream_chat(asked("hello")))
        assert [span.kind for span in seen.spans] == ["llm", "llm"]
    assert everything() == before
    with fl.capture() as seen:
        wanted.chat(asked("hello"))
    assert seen.records == []


def test_one_engine_is_recorded_with_all_that_is_done_within(talk, model, asked):
    asking = model()
    index = VectorStoreIndex.from_documents([Document(text="one")], embed_model=MockEmbedding(embed_dim=3))
    wanted, other = (index.as_query_engine(llm=asking) for _ in range(2))
    with fl.instrument(wanted), fl.capture() as seen:
        other.query("hello")
        asking.chat(asked("hello"))
        assert seen.records == []
        wanted.query("hello")
    assert {"workflow", "retrieval", "embedding", "llm"} <= {span.kind for span in seen.spans}
    assert len({span.trace_id for span in seen.spans}) == 1


def test_what_is_nothing_of_it_is_refused():
    with pytest.raises(BadQuestion):
        fl.instrument(object())


def test_a_stream_that_is_under_way_when_the_recorder_leaves_is_the_programs(model, asked):
    with fl.capture() as seen:
        with fl.instrument("llama_index"):
            stream = model().stream_chat(asked("hello"))
            next(stream)
        assert "".join(piece.delta or "" for piece in stream)
    (span,) = seen.spans
    assert span.kind == "llm"


def test_a_package_of_another_shape_is_left_alone_with_one_message(capsys, monkeypatch):
    monkeypatch.setattr(module.root_dispatcher, "span_handlers", None)
    with fl.instrument("llama_index"), fl.capture() as seen:
        monkeypatch.undo()
        MockLLM().complete("hello")
    assert seen.records == []
    (told,) = capsys.readouterr().err.splitlines()
    assert "it has no llama_index_instrumentation.root_dispatcher with lists of handlers" in told


def test_a_mixin_of_another_shape_changes_nothing():
    before = everything()
    odd = types.SimpleNamespace(
        __name__="odd",
        __file__=module.__file__,
        root_dispatcher=module.root_dispatcher,
        DispatcherSpanMixin=type("Mixin", (), {}),
    )
    with pytest.raises(wrapping.Unfit):
        wrapping._Installed(odd, print)
    assert everything() == before


def test_what_cannot_be_read_is_told_of_once_and_the_call_goes_on(talk, model, asked, capsys, monkeypatch):
    def broken(*_, **__):
        raise TypeError("unheard of")

    monkeypatch.setattr(handler.told, "parameters", broken)
    monkeypatch.setattr(handler.told, "usage", broken)
    with fl.instrument("llama_index"), fl.capture() as seen:
        for _ in range(2):
            assert model().chat(asked("hello")).message.content.startswith("Hello")
            assert len(list(model().stream_chat(asked("hello")))) > 1
    assert capsys.readouterr().err.count("some work could not be recorded (TypeError: unheard of)") == 1
    assert seen.spans == []


def test_a_stream_whose_pieces_cannot_be_read_goes_on(talk, model, asked, capsys, monkeypatch):
    def broken(*_, **__):
        raise TypeError("unheard of")

    monkeypatch.setattr("flightlog.integrations.llama_index.streams.usage", broken)
    with fl.instrument("llama_index"), fl.capture() as seen:
        pieces = list(model().stream_chat(asked("hello")))
    assert "".join(piece.delta or "" for piece in pieces).startswith("Hello")
    assert "unheard of" in capsys.readouterr().err
    assert [span.kind for span in seen.spans] == ["llm"]
