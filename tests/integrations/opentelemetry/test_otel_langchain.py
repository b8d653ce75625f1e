"""LangChain's runs, told by OpenInference's instrumentor, with what their code does below them."""

from __future__ import annotations

import asyncio

import pytest

import flightlog as fl

pytest.importorskip("openinference.instrumentation.langchain")
core = pytest.importorskip("langchain_core")

from langchain_core.language_models.chat_models import BaseChatModel  # noqa: E402 - where it is installed
from langchain_core.messages import AIMessage  # noqa: E402 - as above
from langchain_core.outputs import ChatGeneration, ChatResult  # noqa: E402 - as above
from langchain_core.runnables import RunnableLambda  # noqa: E402 - as above
from langchain_core.tools import tool  # noqa: E402 - as above


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


@pytest.fixture
def seen(_as_before):
    fl.uninstrument()
    with fl.instrument("langchain"), fl.capture() as captured:
        yield captured
    fl.uninstrument()


def _above(seen):
    names = {span.span_id: span.name for span in seen.spans}
    return {span.name: names.get(span.parent_id, "") for span in seen.spans}


def _chain():
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


def test_what_a_run_does_stands_below_it(seen):
    with fl.span("outer") as outer:
        _chain().invoke("Oslo")
        assert fl.current() is outer
    assert _above(seen) == WANTED


def test_what_a_run_does_in_a_task_stands_below_it(seen):
    async def main():
        with fl.span("outer") as outer:
            await _chain().ainvoke("Oslo")
            assert fl.current() is outer

    asyncio.run(main())
    assert _above(seen) == WANTED


def test_runs_of_a_batch_are_not_mixed_and_nothing_is_left_behind(seen):
    with fl.span("outer"):
        _chain().batch(["Oslo", "Bergen", "Tromsø"])
    with fl.span("after"):
        pass
    assert _above(seen) == {**WANTED, "after": ""}
    assert len({span.parent_id for span in seen.spans if span.name == "read"}) == 3


def test_a_run_that_fails_leaves_nothing_current(seen):
    def fails(_):
        with fl.span("tries"):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        RunnableLambda(fails, name="fails").invoke("x")
    assert fl.current().span_id == ""
    assert _above(seen) == {"fails": "", "tries": "fails"}
    assert seen.span("fails").status == "error"


def test_langchain_is_left_as_it_was():
    from langchain_core.runnables import config

    before = config._set_config_context, dict(vars(BaseChatModel))
    with fl.instrument("langchain"):
        assert config._set_config_context is not before[0]
    assert (config._set_config_context, dict(vars(BaseChatModel))) == before
