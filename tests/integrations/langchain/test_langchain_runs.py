"""LangChain's runs: each is a span, with what its code does below it, however it is run."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap

import pytest
from langchain_core.callbacks import BaseCallbackHandler, CallbackManager
from langchain_core.documents import Document
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import ToolException, tool

import flightlog as fl
from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.records.errors import BadQuestion


class Model(BaseChatModel):
    """A model that makes its call itself."""

    @property
    def _llm_type(self):
        return "own"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        with fl.span("call"):
            return ChatResult(generations=[ChatGeneration(message=AIMessage("cold"))])


@tool
def look_up(city: str) -> str:
    """Look something up."""
    with fl.span("read"):
        return city


class Library(BaseRetriever):
    """Knows one document."""

    def _get_relevant_documents(self, query, *, run_manager):
        return [Document(page_content=f"of {query}", metadata={"page": 3})]


def chain():
    return RunnableLambda(lambda city: look_up.invoke({"city": city}), name="first") | Model(name="Model")


WANTED = {
    "RunnableSequence": "outer",
    "first": "RunnableSequence",
    "look_up": "first",
    "read": "look_up",
    "Model": "RunnableSequence",
    "call": "Model",
    "outer": "",
}


def test_what_a_run_does_stands_below_it(seen, above):
    with fl.span("outer") as outer:
        chain().invoke("Oslo")
        assert fl.current() is outer
    assert above() == WANTED
    kinds = {span.name: span.kind for span in seen.spans}
    assert (kinds["RunnableSequence"], kinds["look_up"], kinds["Model"]) == ("step", "tool", "llm")
    assert {span.status for span in seen.spans} == {"ok"}


def test_what_a_run_does_in_a_task_stands_below_it(seen, above):
    async def main():
        with fl.span("outer") as outer:
            await chain().ainvoke("Oslo")
            assert fl.current() is outer

    asyncio.run(main())
    assert above() == WANTED


def test_runs_of_a_batch_are_not_mixed_and_nothing_is_left_behind(seen, above):
    with fl.span("outer"):
        chain().batch(["Oslo", "Bergen", "Tromsø"])
    with fl.span("after"):
        pass
    assert above() == {**WANTED, "after": ""}
    assert len({span.parent_id for span in seen.spans if span.name == "read"}) == 3


def test_runs_of_a_batch_of_tasks_are_not_mixed(seen, above):
    async def main():
        with fl.span("outer"):
            await chain().abatch(["Oslo", "Bergen", "Tromsø"])

    asyncio.run(main())
    assert above() == WANTED
    assert len({span.parent_id for span in seen.spans if span.name == "read"}) == 3


def test_a_span_of_the_program_within_a_run_stands_between(seen, above):
    def work(city):
        with fl.span("mine"):
            return look_up.invoke({"city": city})

    RunnableLambda(work, name="work").invoke("Oslo")
    assert above() == {"read": "look_up", "look_up": "mine", "mine": "work", "work": ""}


def test_what_went_in_and_came_out_is_recorded(seen):
    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")])
    model = GenericFakeChatModel(messages=iter([AIMessage("An answer.")]))
    assert (prompt | model | StrOutputParser()).invoke({"question": "Why?"}) == "An answer."
    sent = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    said = [{"role": "assistant", "content": "An answer."}]
    asked = seen.span("ChatPromptTemplate")
    assert (asked.kind, asked.input, asked.output) == ("prompt", {"question": "Why?"}, {"messages": sent})
    (call,) = [span for span in seen.spans if span.kind == "llm"]
    assert (call.input, call.output) == ({"messages": sent}, {"messages": said})
    parsed = seen.span("StrOutputParser")
    assert (parsed.input, parsed.output) == (said[0], "An answer.")
    whole = seen.span("RunnableSequence")
    assert (whole.input, whole.output) == ({"question": "Why?"}, "An answer.")
    assert {span.attributes["flightlog.instrumentation"] for span in seen.spans} == {"langchain"}


def test_a_stream_is_one_run_with_what_went_in_and_the_whole_that_came_out(seen, above):
    prompt = ChatPromptTemplate.from_template("{question}")
    model = GenericFakeChatModel(messages=iter([AIMessage("one two three")]))
    pieces = list((prompt | model | StrOutputParser()).stream({"question": "Why?"}))
    assert "".join(pieces) == "one two three"
    assert above() == {
        "ChatPromptTemplate": "RunnableSequence",
        "GenericFakeChatModel": "RunnableSequence",
        "StrOutputParser": "RunnableSequence",
        "RunnableSequence": "",
    }
    whole = seen.span("RunnableSequence")
    assert (whole.input, whole.output) == ({"question": "Why?"}, "one two three")
    call = seen.span("GenericFakeChatModel")
    assert call.output == {"messages": [{"role": "assistant", "content": "one two three"}]}
    assert call.attributes["flightlog.stream.characters"] == len("one two three")
    assert call.attributes["flightlog.stream.chunks"] == 5


def test_a_stream_for_tasks_is_one_run(seen):
    async def main():
        model = GenericFakeChatModel(messages=iter([AIMessage("one two three")]))
        pieces = [piece async for piece in (model | StrOutputParser()).astream("Why?")]
        assert "".join(pieces) == "one two three"
        assert not fl.current()

    asyncio.run(main())
    assert seen.span("GenericFakeChatModel").output["messages"][0]["content"] == "one two three"
    assert {span.status for span in seen.spans} == {"ok"}


def test_a_stream_that_is_closed_early_is_no_error_and_keeps_what_had_come(seen):
    model = GenericFakeChatModel(messages=iter([AIMessage("one two three")]))
    stream = model.stream("Why?")
    assert next(stream).content == "one"
    with fl.span("between"):
        pass
    stream.close()
    call = seen.span("GenericFakeChatModel")
    assert (call.status, call.attributes["flightlog.stream.ended"]) == ("ok", "early")
    assert call.output["messages"][0]["content"] == "one"
    assert seen.span("between").parent_id == ""
    assert not fl.current()


def test_documents_that_are_found_are_recorded(seen):
    assert Library().invoke("boats")[0].page_content == "of boats"
    asyncio.run(Library().ainvoke("ships"))
    first, second = seen.spans
    assert (first.name, first.kind, first.input) == ("Library", "retrieval", {"query": "boats"})
    assert first.output == [{"content": "of boats", "metadata": {"page": 3}}]
    assert second.output[0]["content"] == "of ships"


def test_a_tool_has_its_arguments_and_its_result(seen):
    call = {"name": "look_up", "args": {"city": "Oslo"}, "id": "call_1", "type": "tool_call"}
    assert isinstance(look_up.invoke(call), ToolMessage)
    span = seen.span("look_up")
    assert (span.kind, span.input, span.output) == ("tool", {"city": "Oslo"}, "Oslo")
    assert span.attributes == {
        "flightlog.instrumentation": "langchain",
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.tool.description": "Look something up.",
        "gen_ai.tool.name": "look_up",
    }


def test_a_tool_that_says_that_it_failed_is_an_error_of_its_own(seen):
    def fails(city: str) -> str:
        """Fail."""
        raise ToolException("no such city")

    kind = type(look_up)
    failing = kind.from_function(fails, handle_tool_error=True)
    answer = failing.invoke({"name": "fails", "args": {"city": "x"}, "id": "c", "type": "tool_call"})
    assert answer.status == "error"
    span = seen.span("fails")
    assert (span.status, span.error.message) == ("error", "no such city")


def test_a_run_that_fails_leaves_nothing_current(seen, above):
    def fails(_):
        with fl.span("tries"):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        RunnableLambda(fails, name="fails").invoke("x")
    assert fl.current().span_id == ""
    assert above() == {"fails": "", "tries": "fails"}
    assert (seen.span("fails").status, seen.span("fails").error.type) == ("error", "ValueError")


def test_a_task_that_is_cancelled_cancels_its_run(seen):
    async def main():
        begun = asyncio.Event()

        async def waits(_):
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(RunnableLambda(waits, name="waits").ainvoke("x"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert seen.span("waits").status == "cancelled"


def test_each_attempt_of_a_run_that_is_tried_again_is_a_run_below_it(seen):
    calls = []

    def sometimes(_):
        calls.append(1)
        if len(calls) < 2:
            raise ValueError("not yet")
        return "done"

    again = RunnableLambda(sometimes, name="sometimes").with_retry(wait_exponential_jitter=False)
    assert again.invoke("x") == "done"
    whole = next(span for span in seen.spans if not span.parent_id)
    tries = [span.status for span in seen.spans if span.parent_id == whole.span_id]
    assert (whole.status, tries) == ("ok", ["error", "ok"])


def test_handlers_of_the_program_hear_what_they_would_hear(seen):
    heard = []

    class Own(BaseCallbackHandler):
        def on_chain_start(self, serialized, inputs, *, run_id, parent_run_id=None, **kwargs):
            heard.append((kwargs["name"], run_id, parent_run_id))

    RunnableLambda(lambda city: city, name="work").invoke("x", {"callbacks": [Own()]})
    ((name, run_id, parent),) = heard
    assert (name, parent) == ("work", None)
    assert run_id
    assert len(seen.spans) == 1
    manager = CallbackManager.configure([Own()])
    assert sum(type(one).__name__ == "FlightlogHandler" for one in manager.handlers) == 1


def test_runs_that_are_thrown_away_unread_are_kept_nowhere(seen):
    model = GenericFakeChatModel(messages=iter([AIMessage("one two three")]))
    stream = model.stream("Why?")
    next(stream)
    del stream
    gc.collect()
    assert seen.span("GenericFakeChatModel").attributes["flightlog.stream.ended"] == "early"


def test_one_object_is_recorded_and_others_are_left_alone():
    fl.uninstrument()
    model = GenericFakeChatModel(messages=iter([AIMessage("a"), AIMessage("b"), AIMessage("c")]))
    other = GenericFakeChatModel(messages=iter([AIMessage("a")]))
    before = model.callbacks
    with fl.instrument(model) as handle, fl.capture() as seen:
        assert repr(handle) == "<instrumented: one GenericFakeChatModel>"
        assert fl.instrument(model).libraries == ()
        other.invoke("x")
        assert seen.spans == []
        model.invoke("x")
        assert len(seen.spans) == 1
        with fl.instrument("langchain"):
            model.invoke("x")
        assert len(seen.spans) == 2
    assert model.callbacks == before
    with fl.capture() as seen:
        model.invoke("x")
    assert seen.spans == []


def test_what_keeps_no_handlers_cannot_be_recorded_alone():
    with pytest.raises(BadQuestion, match="cannot be recorded"):
        fl.instrument(RunnableLambda(lambda x: x))


def test_runs_whose_level_is_off_leave_nothing_and_change_nothing(seen, capsys):
    with fl.capture(level="error") as nothing:
        model = GenericFakeChatModel(messages=iter([AIMessage("one two"), AIMessage("three")]))
        assert (RunnableLambda(lambda city: city) | model).invoke("x").content == "one two"
        assert next(iter(model.stream("x"))).content == "three"
        assert look_up.invoke({"city": "Oslo"}) == "Oslo"
        assert not fl.current()
    assert nothing.spans == []
    assert capsys.readouterr().err == ""


NOT_SAMPLED = """
    import flightlog as fl
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import RunnableLambda

    fl.instrument("langchain")
    model = GenericFakeChatModel(messages=iter([AIMessage("one"), AIMessage("two three")]))
    chain = RunnableLambda(lambda city: city) | model
    with fl.span("outer") as outer:
        print(chain.invoke("x").content, "".join(piece.content for piece in chain.stream("x")))
        assert fl.current() is outer
    fl.flush()
"""


@pytest.mark.parametrize(("sample", "spans"), [("0", 0), ("1", 7)])
def test_what_is_not_sampled_leaves_nothing_and_changes_nothing(tmp_path, sample, spans):
    home = tmp_path / "home"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(NOT_SAMPLED)],
        env={**kept, "FLIGHTLOG_HOME": str(home), "FLIGHTLOG_SAMPLE": sample},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("one two three\n", "")
    kept_home = Home(home, load_settings({"home": str(home)}))
    kept_home.catch_up(within=60)
    with kept_home.reader() as reader:
        assert sum(len(reader.spans(trace.trace_id)) for trace in reader.traces(10)) == spans


def test_langchain_is_left_as_it_was():
    from langchain_core.runnables import config
    from langchain_core.tracers import context
    from langgraph.pregel.main import Pregel

    fl.uninstrument()

    def parts():
        model = {name: value for name, value in vars(BaseChatModel).items() if not name.startswith("_abc")}
        return config._set_config_context, model, dict(vars(Pregel)), list(context._configure_hooks)

    before = parts()
    with fl.instrument("langchain"):
        assert parts() != before
        list(GenericFakeChatModel(messages=iter([AIMessage("a")])).stream("x"))
        assert hasattr(GenericFakeChatModel._stream, "_flightlog_original")
    assert parts() == before
    assert not hasattr(GenericFakeChatModel._stream, "_flightlog_original")


def test_langgraph_and_langchain_core_are_other_names_of_it():
    fl.uninstrument()
    for name in ("langgraph", "langchain-core", "LangChain"):
        with fl.instrument(name) as handle:
            assert handle.libraries == ("langchain",)


@pytest.mark.parametrize("step", ["_name", "told"])
def test_a_failure_of_ours_does_not_reach_the_program(seen, monkeypatch, capsys, step):
    from flightlog.integrations.langchain import handler
    from flightlog.recording import recorder

    monkeypatch.setattr(recorder, "_said", set())
    monkeypatch.setattr(handler, step, None)
    with fl.span("outer"):
        chain().invoke("Oslo")
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all("langchain" in line and "a run could not be recorded" in line for line in lines)


def test_a_package_of_another_shape_is_left_alone_with_one_message(monkeypatch, capsys):
    from langchain_core.tracers import context

    from flightlog.recording import recorder

    fl.uninstrument()
    monkeypatch.setattr(recorder, "_said", set())
    monkeypatch.setattr(context, "_configure_hooks", None)
    with fl.instrument("langchain"):
        monkeypatch.undo()
        with fl.capture() as seen:
            assert RunnableLambda(lambda x: x + 1).invoke(1) == 2
        assert seen.spans == []
    (line,) = capsys.readouterr().err.splitlines()
    assert "it is not recorded (Unfit: it has no list of hooks that give handlers)" in line
