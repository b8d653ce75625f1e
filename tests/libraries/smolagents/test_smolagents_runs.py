"""Runs of agents: steps, plans, models, tools and agents within agents, as they were and as they were served."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading

import pytest
from provider_kit import event
from smolagents import CodeAgent, Model, OpenAIModel, Tool, ToolCallingAgent
from smolagents.agents import MultiStepAgent
from smolagents.memory import FinalAnswerStep
from smolagents.models import ChatMessage, MessageRole

import flightlog as fl

IN = "gen_ai.usage.input_tokens"
OUT = "gen_ai.usage.output_tokens"

PROGRAM = """
import sys
from smolagents import OpenAIModel, ToolCallingAgent

client = {"default_headers": {"X-Test-Id": sys.argv[2]}, "max_retries": 0}
made = OpenAIModel(model_id="gpt-4o-mini", api_base=sys.argv[1] + "/v1", api_key="nobody", client_kwargs=client)
print(ToolCallingAgent(tools=[], model=made, verbosity_level=-1, max_steps=2).run("zqhelp"))
"""


def agent(made, tools=(), kind=ToolCallingAgent, **more):
    return kind(**{"tools": list(tools), "model": made, "verbosity_level": -1, "max_steps": 4, **more})


def of_kind(seen, kind):
    return sorted((span for span in seen.spans if span.kind == kind), key=lambda span: span.start)


def tokens(seen):
    calls = of_kind(seen, "llm")
    return tuple(sum(call.attributes.get(name, 0) for call in calls) for name in (IN, OUT))


def test_a_run_is_steps_of_a_model_and_tools(seen, model, tools, talk, above):
    """Tools that run side by side in threads keep their own."""
    assert agent(model(), tools).run("zqweather") == "It is sunny."
    (run,) = of_kind(seen, "agent")
    steps = [span for span in seen.spans if span.name == "step"]
    steps.sort(key=lambda span: span.start)
    assert run.input == {"messages": [{"role": "user", "content": "zqweather"}]}
    assert run.output == "It is sunny."
    assert {step.parent_id for step in steps} == {run.span_id}
    assert [step.attributes["smolagents.step"] for step in steps] == [1, 2]
    first, second = of_kind(seen, "llm")
    weather, greeting, final = sorted(
        of_kind(seen, "tool"), key=lambda span: (span.name == "final_answer", span.name != "get_weather")
    )
    assert {span.parent_id for span in (first, weather, greeting)} == {steps[0].span_id}
    assert {span.parent_id for span in (second, final)} == {steps[1].span_id}
    assert (weather.input, weather.output) == ({"city": "Oslo"}, "zqsunny in Oslo")
    assert greeting.output == "hello Ada"
    (inner,) = [span for span in seen.spans if span.name == "within Oslo"]
    assert above(inner) == "get_weather"
    assert steps[0].output["observations"] == "zqsunny in Oslo\nhello Ada"
    assert [one["function"]["name"] for one in first.output["messages"][0]["tool_calls"]] == [
        "get_weather",
        "greet",
    ]
    assert "get_time" in [one["function"]["name"] for one in first.input["tools"]]
    assert first.input["messages"][0]["role"] == "system"
    assert first.attributes["gen_ai.request.model"] == "gpt-4o-mini"
    assert first.attributes["gen_ai.provider.name"] == "openai"
    assert first.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]
    assert tokens(seen) == talk.tokens() == (250, 50)
    assert IN not in run.attributes


def test_code_that_an_agent_writes_calls_tools_below_its_step(seen, model, tools, talk, above):
    assert agent(model(), tools, CodeAgent).run("zqcode") == "found it"
    weather, final = of_kind(seen, "tool")
    assert (weather.name, final.name) == ("get_weather", "final_answer")
    first = min((span for span in seen.spans if span.name == "step"), key=lambda span: span.start)
    assert "get_weather" in first.output["code_action"]
    assert weather.parent_id == first.span_id
    assert weather.input == {"city": "Oslo"}
    assert tokens(seen) == talk.tokens() == (113, 11)


def test_a_tool_that_fails_fails_its_step_and_not_the_run(seen, model, tools):
    assert agent(model(), tools).run("zqclock") == "No clock."
    failed = next(tool for tool in of_kind(seen, "tool") if tool.name == "get_time")
    assert (failed.status, failed.error.type) == ("error", "LookupError")
    steps = sorted((span for span in seen.spans if span.name == "step"), key=lambda span: span.start)
    assert [step.status for step in steps] == ["error", "ok"]
    assert steps[0].error.type.endswith("AgentToolExecutionError")
    assert of_kind(seen, "agent")[0].status == "ok"


def test_a_plan_is_a_step_of_its_own(seen, model, talk, above):
    assert agent(model(), planning_interval=3).run("zqthing") == "As planned."
    (plan,) = [span for span in seen.spans if span.name == "planning"]
    first, second = of_kind(seen, "llm")
    assert (above(plan), above(first), above(second)) == ("ToolCallingAgent", "planning", "step")
    assert "Do it." in plan.output
    assert tokens(seen) == talk.tokens() == (32, 4)


def test_an_agent_within_an_agent_is_below_the_step_that_asked_it(seen, model, talk, above):
    helper = agent(model(), name="helper", description="helps")
    assert agent(model(), managed_agents=[helper]).run("zqdelegate") == "It was asked for."
    outer, inner = of_kind(seen, "agent")
    assert (outer.name, inner.name, above(inner)) == ("ToolCallingAgent", "helper", "step")
    assert inner.output == "zqreport"
    assert tokens(seen) == talk.tokens()
    assert {span.trace_id for span in seen.spans} == {outer.trace_id}


def test_a_streamed_run_is_the_same_tree_and_nothing_is_current_between_two_items(
    seen, model, tools, talk, above
):
    kinds = set()
    with fl.span("around"):
        for item in agent(model(), tools, stream_outputs=True).run("zqweather", stream=True):
            kinds.add(type(item).__name__)
            with fl.span("outside"):
                pass
    assert {"ChatMessageStreamDelta", "ActionStep", "FinalAnswerStep"} <= kinds
    assert {above(span) for span in seen.spans if span.name == "outside"} == {"around"}
    (run,) = of_kind(seen, "agent")
    assert (above(run), run.output) == ("around", "It is sunny.")
    first = of_kind(seen, "llm")[0]
    assert above(first) == "step"
    assert first.attributes["flightlog.stream.chunks"] > 0
    assert first.attributes["gen_ai.response.time_to_first_chunk"] >= 0
    assert [one["function"]["name"] for one in first.output["messages"][0]["tool_calls"]] == [
        "get_weather",
        "greet",
    ]
    assert tokens(seen) == talk.tokens() == (250, 50)


def test_a_run_that_is_not_read_to_its_end_says_so(seen, model, tools):
    items = agent(model(), tools, stream_outputs=True).run("zqweather", stream=True)
    next(items)
    with contextlib.suppress(RuntimeError):  # the package's own generator does not let itself be closed there
        items.close()
    spans = {span.kind: span for span in seen.spans}
    assert spans["agent"].attributes["flightlog.stream.ended"] == "early"
    assert spans["llm"].attributes["flightlog.stream.ended"] == "early"
    assert IN not in spans["llm"].attributes
    assert {span.status for span in seen.spans} == {"ok"}


def test_a_stream_that_breaks_is_an_error(seen, model, wire):
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "served"}
    piece = {"delta": {"role": "assistant", "content": "Hi"}, "index": 0}
    wire.will_say(event({**chunk, "choices": [piece]}), None)
    with pytest.raises(Exception) as failed:
        for _ in agent(model(wire), stream_outputs=True).run("zqhello", stream=True):
            pass
    (call,) = of_kind(seen, "llm")
    (run,) = of_kind(seen, "agent")
    assert (call.status, run.status) == ("error", "error")
    assert type(failed.value).__name__ in run.error.type
    assert call.output["messages"][0]["content"] == "Hi"


def test_a_refusal_is_an_error_with_the_clients_type(seen, model):
    with pytest.raises(Exception, match="You shall not"):
        agent(model()).run("zqforbidden")
    (call,) = of_kind(seen, "llm")
    (run,) = of_kind(seen, "agent")
    assert call.attributes["error.type"] == "openai.PermissionDeniedError"
    assert (call.status, run.status) == ("error", "error")
    assert IN not in call.attributes


def test_an_interrupt_is_cancelled(seen, model, tools):
    made = agent(model(), tools, step_callbacks=[lambda step, agent: agent.interrupt()])
    with pytest.raises(Exception, match="interrupted"):
        made.run("zqweather")
    (run,) = of_kind(seen, "agent")
    assert run.status == "cancelled"


def test_runs_at_the_same_time_keep_their_own(seen, model, above):
    """Neither is asked before both have begun."""
    both = threading.Barrier(2, timeout=30)

    class Waiting(OpenAIModel):
        def generate(self, *args, **kwargs):
            both.wait()
            return super().generate(*args, **kwargs)

    def ask(name):
        with fl.span(name):
            agent(model(kind=Waiting), name=name.replace(" ", "_")).run("zqhelp")

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("left one", "right one")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((above(run), run.name) for run in of_kind(seen, "agent")) == [
        ("left one", "left_one"),
        ("right one", "right_one"),
    ]
    calls = of_kind(seen, "llm")
    assert len(calls) == 2
    assert len({call.trace_id for call in calls}) == 2


def test_a_model_of_the_programs_own_is_recorded(seen, above):
    class Own(Model):
        def generate(self, messages, stop_sequences=None, **kwargs):
            with fl.span("inside"):
                return ChatMessage(
                    role=MessageRole.ASSISTANT, content='<code>\nfinal_answer("mine")\n</code>'
                )

    assert agent(Own(model_id="own"), kind=CodeAgent).run("anything") == "mine"
    (call,) = of_kind(seen, "llm")
    assert call.name == "chat own"
    (inner,) = [span for span in seen.spans if span.name == "inside"]
    assert above(inner) == "chat own"
    assert IN not in call.attributes
    assert "gen_ai.provider.name" not in call.attributes


@pytest.mark.parametrize("streamed", [False, True])
def test_with_the_clients_own_wrapper_a_call_counts_once(seen, model, tools, talk, above, streamed):
    with fl.instrument("openai", "httpx2"):
        made = agent(model(), tools, stream_outputs=streamed)
        list(made.run("zqweather", stream=True)) if streamed else made.run("zqweather")
    requests = [
        span for span in of_kind(seen, "http") if span.attributes["flightlog.instrumentation"] == "openai"
    ]
    assert [above(request) for request in requests] == ["chat gpt-4o-mini"] * 2
    assert tokens(seen) == talk.tokens() == (250, 50)
    assert not any(IN in request.attributes for request in requests)


def test_one_agent_is_recorded_with_all_in_it_and_others_are_left_alone(model, tools, talk):
    fl.uninstrument()
    mine, other = agent(model(), tools), agent(model(), tools)
    with fl.capture() as captured, fl.instrument(mine):
        mine.run("zqweather")
        other.run("zqweather")
        list(mine.run("zqweather", stream=True))
    assert len(of_kind(captured, "agent")) == 2
    assert len(of_kind(captured, "tool")) == 6
    assert tokens(captured) == (500, 100)
    assert talk.tokens() == (750, 150)


def test_one_model_is_recorded_and_the_agent_that_asks_it_is_not(model, tools):
    fl.uninstrument()
    made = model()
    with fl.capture() as captured, fl.instrument(made):
        agent(made, tools).run("zqweather")
        agent(model(), tools).run("zqweather")
    assert [span.kind for span in captured.spans if span.name != "within Oslo"] == ["llm", "llm"]


def test_undo_restores_what_was_there():
    fl.uninstrument()
    places = [
        (MultiStepAgent, "run"),
        (CodeAgent, "_step_stream"),
        (OpenAIModel, "generate"),
        (Tool, "__call__"),
    ]
    before = [vars(owner)[name] for owner, name in places]
    fl.instrument("smolagents")
    fl.instrument("smolagents")
    assert all(vars(owner)[name] is not was for (owner, name), was in zip(places, before, strict=True))
    fl.uninstrument("smolagents")
    assert [vars(owner)[name] for owner, name in places] == before


def test_a_package_of_another_shape_is_left_alone_with_one_message(capfd, monkeypatch):
    fl.uninstrument()
    original = MultiStepAgent.run
    monkeypatch.delattr(MultiStepAgent, "_generate_planning_step")
    fl.instrument("smolagents")
    assert MultiStepAgent.run is original
    fl.uninstrument("smolagents")
    assert capfd.readouterr().err.count("smolagents") == 1


def test_a_failure_of_ours_is_told_and_the_run_goes_on(seen, model, tools, capfd, monkeypatch):
    from flightlog.integrations.smolagents import told

    def broken(*args, **kwargs):
        raise LookupError("of ours")

    monkeypatch.setattr(told, "message", broken)
    monkeypatch.setattr(told, "step", broken)
    assert agent(model(), tools).run("zqweather") == "It is sunny."
    assert "of ours" in capfd.readouterr().err


def test_what_the_program_gets_is_the_same(seen, model, tools):
    full = agent(model(), tools).run("zqweather", return_full_result=True)
    assert (full.output, full.token_usage.input_tokens, full.state) == ("It is sunny.", 250, "success")
    items = list(agent(model(), tools).run("zqweather", stream=True))
    assert isinstance(items[-1], FinalAnswerStep)
    fl.uninstrument("smolagents")
    plain = list(agent(model(), tools).run("zqweather", stream=True))
    assert [type(one) for one in plain] == [type(one) for one in items]


def _flightlog(home, *arguments):
    command = [sys.executable, "-m", "flightlog", *arguments]
    environment = {**os.environ, "FLIGHTLOG_HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(400)  # three programs one after another, each with all that it imports
def test_a_program_is_recorded_by_flightlog_run_and_run_again_without_the_provider(talk, tmp_path):
    """With the clients of openai and of HTTP recorded as well: each call counts once; the rerun asks nobody."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    home = tmp_path / "home"
    assert "zqreport" in _flightlog(home, "run", str(program), talk.url, talk._name)
    total = json.loads(_flightlog(home, "cost", "--json"))["total"]
    assert (total["calls"], total["input_tokens"], total["output_tokens"]) == (1, 30, 3)
    again = _flightlog(home, "rerun", "@latest", str(program), "http://127.0.0.1:9", "none")
    assert "zqreport" in again
    assert len(talk.served()) == 1
