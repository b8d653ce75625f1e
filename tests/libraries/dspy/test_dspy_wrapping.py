"""The wrapper of DSPy: whom it leaves alone, how it comes off, what happens where something does not fit, reruns."""

from __future__ import annotations

import sys
from pathlib import Path

import dspy
import pytest
from dspy.clients import embedding, execution
from dspy.clients.engines.streaming import ListenerBridge
from dspy.dsp.utils.settings import Settings

import flightlog as fl
from flightlog.integrations.dspy import callback
from flightlog.records.errors import BadQuestion

sys.path.insert(0, str(Path(__file__).parents[1]))

from again_kit import Program

PLACES = (execution, embedding, sys.modules["dspy.clients.lm"], Settings, dspy.Embedder, ListenerBridge)


@pytest.fixture(autouse=True)
def _nobody_listens():
    fl.uninstrument()
    yield
    fl.uninstrument()


def everything():
    return [dict(vars(place)) for place in PLACES]


def test_undoing_leaves_the_library_as_it_was():
    before = everything()
    handle = fl.instrument("dspy")
    fl.instrument("dspy")
    assert everything() != before
    handle.undo()
    assert everything() == before


def test_what_a_program_sets_as_callbacks_is_left_alone(model):
    class Own(dspy.utils.callback.BaseCallback):
        heard = 0

        def on_lm_start(self, call_id, instance, inputs):
            self.heard += 1

    own = Own()
    with fl.instrument("dspy"), fl.capture() as seen, dspy.context(callbacks=[own]):
        assert dspy.settings.callbacks == dspy.settings.get("callbacks") == [own]
        model()("hello")
    assert own.heard == len(seen.spans) == 1


def test_one_model_is_recorded_and_others_are_left_alone(model):
    before = everything()
    wanted, other = model(), model()
    with fl.instrument(wanted), fl.instrument(wanted), fl.capture() as seen:
        other("hello")
        assert seen.records == []
        wanted("hello")
    assert [span.kind for span in seen.spans] == ["llm"]
    assert everything() == before
    with fl.capture() as seen:
        wanted("hello")
    assert seen.records == []


@pytest.mark.usefixtures("used")
def test_one_module_is_recorded_with_all_that_is_done_within():
    wanted, other = dspy.ChainOfThought("question -> answer"), dspy.ChainOfThought("question -> answer")
    with fl.instrument(wanted), fl.capture() as seen:
        other(question="capital")
        assert seen.records == []
        wanted(question="capital")
    assert [span.name for span in seen.spans] == ["chat gpt-4o-mini", "Predict", "ChainOfThought"]


def test_what_is_nothing_of_it_is_refused():
    with pytest.raises(BadQuestion):
        fl.instrument(object())


def test_a_package_of_another_shape_is_left_alone_with_one_message(model, capsys, monkeypatch):
    monkeypatch.delattr(execution, "finalize")
    before = everything()
    with fl.instrument("dspy"), fl.capture() as seen:
        assert everything() == before
        monkeypatch.undo()
        assert model()("hello")
    assert seen.records == []
    (told,) = [line for line in capsys.readouterr().err.splitlines() if "flightlog" in line]
    assert "it has no dspy.clients.execution.finalize" in told


def test_what_cannot_be_read_is_told_of_once_and_the_call_goes_on(model, capsys, monkeypatch):
    def broken(*_, **__):
        raise TypeError("unheard of")

    monkeypatch.setattr(callback.told, "messages", broken)
    monkeypatch.setattr(callback.told, "usage", broken)
    with fl.instrument("dspy"), fl.capture() as seen:
        for _ in range(2):
            assert model()("hello")
    assert capsys.readouterr().err.count("some work could not be recorded (TypeError: unheard of)") == 1
    assert seen.spans == []


PROGRAM = """
    import asyncio
    import sys
    import dspy

    def get_weather(city: str) -> str:
        "Look it up."
        return f"sunny in {city}"

    lm = dspy.LM("openai/gpt-4o-mini", api_base=sys.argv[1] + "/v1", api_key="nobody", cache=False, num_retries=0)
    dspy.configure(lm=lm)
    print(lm("hello"))
    print(asyncio.run(lm.acall("hello")))
    print(dspy.ReAct("question -> answer", tools=[get_weather])(question="rerun").answer)
    try:
        lm("forbidden")
    except dspy.LMError as error:
        print(type(error).__name__)
"""
SAID = "['Hello! How can I help you today?']\n" * 2 + "Oslo\nLMAuthError\n"


@pytest.mark.timeout(400)  # four processes, each of which imports for many seconds beside other work
def test_a_run_and_its_rerun_say_the_same_and_each_call_counts_once(tmp_path, talk):
    program = Program(tmp_path, PROGRAM)
    assert program.run("run", arguments=(talk.url,)) == SAID
    first = program.spans()
    calls = [span for span in first if span.kind == "llm"]
    assert len(calls) == len(talk.served()) == 6
    (run,) = {span.trace_id for span in first}
    assert sum(span.attributes.get("gen_ai.usage.input_tokens", 0) for span in calls) == talk.tokens()[0]
    assert f'"input_tokens": {talk.tokens()[0]}' in program.ask("cost", "--json")
    assert program.run("rerun", run, "--", sys.executable, arguments=("http://127.0.0.1:9",)) == SAID
    again = [span for span in program.spans() if span.trace_id != run]
    assert [span.kind for span in again].count("llm") == 6
    assert len(talk.served()) == 6
