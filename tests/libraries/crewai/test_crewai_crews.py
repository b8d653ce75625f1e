"""Crews, as programs run them: who is within whom, what was said, what it took, what went wrong."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from crewai import Task
from crewai_kit import OTHER, broken_weather
from provider_kit import event, until

import flightlog as fl


@pytest.fixture(params=["kickoff", "kickoff_async", "akickoff"])
def run(request):
    def run(crew, **given):
        result = getattr(crew, request.param)(**given)
        return asyncio.run(result) if asyncio.iscoroutine(result) else result

    return run


def test_a_crew_its_task_its_agent_the_calls_and_the_tool_are_one_tree(crews, talk, tree, run):
    result = run(crews.crew(), inputs={"where": "north"})
    found = tree()
    assert result.raw == "Sunny in Oslo."
    assert found.above() == {
        ("forecast", "workflow"): "",
        ("look", "step"): "forecast",
        ("Forecaster", "agent"): "look",
        ("chat gpt-4o-mini", "llm"): "Forecaster",
        ("get_weather", "tool"): "Forecaster",
    }
    assert len(found.spans) == 6
    assert {span.status for span in found.spans} == {"ok"}
    assert found.tokens() == talk.tokens() == (197, 39)
    (crew,), (task,), (agent,), (tool,) = map(found.of, ("workflow", "step", "agent", "tool"))
    assert (crew.input, crew.output) == ({"where": "north"}, "Sunny in Oslo.")
    assert task.input == {"description": "What is the weather in Oslo?", "expected_output": "one sentence"}
    assert agent.attributes["gen_ai.agent.name"] == "Forecaster"
    assert (tool.input, tool.output) == ({"city": "Oslo"}, "sunny in Oslo")


def test_calls_have_the_messages_as_they_were_sent_and_as_they_were_answered(crews, talk, tree):
    crews.crew().kickoff()
    first, second = tree().of("llm")

    def name(tools):
        return [(one["function"]["name"], list(one["function"]["parameters"]["properties"])) for one in tools]

    sent = [entry["body"] for entry in talk.served()]
    assert [name(call.input["tools"]) for call in (first, second)] == [name(body["tools"]) for body in sent]
    for call, body in zip((first, second), sent, strict=True):
        assert [one["role"] for one in call.input["messages"]] == [one["role"] for one in body["messages"]]
        assert call.input["messages"][-1]["content"] == body["messages"][-1]["content"]
    assert second.input["messages"][2]["tool_calls"] == sent[1]["messages"][2]["tool_calls"]
    assert first.output["messages"][0]["tool_calls"][0]["function"]["arguments"] == '{"city":"Oslo"}'
    assert second.output == {"messages": [{"role": "assistant", "content": "Sunny in Oslo."}]}
    assert second.attributes["gen_ai.usage.input_tokens"] == OTHER["prompt_tokens"]
    assert second.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert second.attributes["gen_ai.provider.name"] == "openai"


def test_pieces_of_a_streamed_answer_are_counted(crews, talk, tree):
    agent = crews.agent(tools=(), llm=crews.model(stream=True))
    crews.crew("Say hello", agent).kickoff()
    (call,) = tree().of("llm")
    assert call.attributes["flightlog.stream.characters"] == len("Hello from the crew.")
    assert call.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert tree().tokens() == talk.tokens() == (120, 34)


def test_a_crew_that_is_streamed_is_one_tree_whether_it_is_read_to_its_end_or_not(crews, talk, tree):
    whole = crews.crew(stream=True)
    with fl.span("program"):
        assert "".join(piece.content for piece in whole.kickoff()).endswith("Sunny in Oslo.")
        early = iter(crews.crew(stream=True).kickoff())
        next(early)
        del early
    found = tree()
    until(lambda: len(tree().of("workflow")) == 2, "the end of the crew that nobody reads")
    assert [above for (_, kind), above in found.above().items() if kind == "workflow"] == ["program"]
    assert tree().tokens() == talk.tokens()


def test_an_answer_that_breaks_off_is_an_error_with_the_client_s_exception(crews, wire, tree):
    wire.will_say(event({"id": "c", "choices": [{"index": 0, "delta": {"content": "Hel"}}]}), None)
    agent = crews.agent(tools=(), llm=crews.model(stream=True, **wire.options()))
    with pytest.raises(Exception, match=r"closed|incomplete|peer"):
        crews.crew("Say hello", agent).kickoff()
    (call,) = tree().of("llm")
    assert call.status == "error"
    assert "gen_ai.usage.input_tokens" not in call.attributes


def test_what_the_provider_refuses_is_an_error_all_the_way_up_with_its_own_word(crews, talk, tree, run):
    with pytest.raises(Exception, match="You shall not pass"):
        run(crews.crew("the forbidden thing"))
    found = tree()
    (call,) = found.of("llm")
    assert call.attributes["error.type"] == "permission_error"
    assert call.attributes["http.response.status_code"] == talk.statuses()[0] == 403
    assert call.error.type == "openai.PermissionDeniedError"
    assert {(span.kind, span.status) for span in found.spans} == {
        (kind, "error") for kind in ("workflow", "step", "agent", "llm")
    }


def test_a_tool_that_raises_is_an_error_and_the_agent_goes_on(crews, tree):
    crews.crew(agent=crews.agent(tools=(broken_weather,))).kickoff()
    found = tree()
    (tool,) = found.of("tool")
    assert (tool.status, tool.error.type, tool.error.message) == (
        "error",
        "LookupError",
        "no such city: Oslo",
    )
    assert {span.status for span in found.spans if span.kind != "tool"} == {"ok"}
    assert len(found.of("llm")) == 2


def test_crews_that_run_at_once_are_not_mixed_up(crews, talk, tree):
    def one(number):
        with fl.span(f"program {number}"):
            agent = crews.agent(f"Forecaster {number}")
            crews.crew(agent=agent).kickoff(inputs={"number": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    found = tree()
    names = {span.span_id: span for span in found.spans}

    def path(span):
        above = names.get(span.parent_id)
        return [span.name] if above is None else [*path(above), span.name]

    for kind in ("llm", "tool"):
        paths = sorted(path(span) for span in found.of(kind))
        assert {(one[0], one[3]) for one in paths} == {(f"program {n}", f"Forecaster {n}") for n in range(4)}
        assert {len(one) for one in paths} == {5}
    assert found.tokens() == talk.tokens() == (4 * 197, 4 * 39)


def test_a_crew_for_each_of_several_inputs_is_a_trace_for_each(crews, talk, tree):
    several = [{"number": number} for number in range(3)]
    asyncio.run(crews.crew().kickoff_for_each_async(several))
    found = tree()
    assert [span.parent_id for span in found.of("workflow")] == [""] * 3
    assert sorted(span.input["number"] for span in found.of("workflow")) == [0, 1, 2]
    for trace_id in {span.trace_id for span in found.spans}:
        kinds = sorted(span.kind for span in found.spans if span.trace_id == trace_id)
        assert kinds == ["agent", "llm", "llm", "step", "tool", "workflow"]
    assert found.tokens() == talk.tokens()


def test_tasks_that_run_beside_each_other_are_in_the_crew(crews, tree):
    def task(name, text, **more):
        return Task(name=name, description=text, expected_output="one", agent=crews.agent(name), **more)

    crew = crews.crew()
    crew.tasks = [
        task("one", "What is the weather?", async_execution=True),
        task("two", "What is the weather?", async_execution=True),
        task("three", "Say hello"),
    ]
    crew.kickoff()
    found = tree()
    assert {name: above for (name, kind), above in found.above().items() if kind == "step"} == {
        "one": "forecast",
        "two": "forecast",
        "three": "forecast",
    }
    names = {span.span_id: span.name for span in found.spans}
    assert sorted(names[call.parent_id] for call in found.of("llm")) == ["one", "one", "three", "two", "two"]


def test_a_crew_that_is_cancelled_is_cancelled_with_all_that_is_open_in_it(crews, wire, tree):
    held = threading.Event()
    wire.will_say(held)  # nothing but the head until then
    agent = crews.agent(tools=(), llm=crews.model(**wire.options()))

    async def main():
        running = asyncio.create_task(crews.crew("Say hello", agent).akickoff())
        await asyncio.to_thread(until, lambda: wire.requests, "the request")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    held.set()
    assert {(span.kind, span.status) for span in tree().spans} == {
        (kind, "cancelled") for kind in ("workflow", "step", "agent", "llm")
    }


def test_an_agent_alone_and_a_model_alone_are_recorded(crews, talk, tree):
    assert crews.agent().kickoff("What is the weather?").raw == "Sunny in Oslo."
    assert crews.model().call("Say hello") == "Hello from the crew."
    found = tree()
    assert found.above()["get_weather", "tool"] == "Forecaster"
    assert [span.parent_id for span in found.of("agent")] == [""]
    assert [span.parent_id for span in found.of("llm")][-1] == ""
    assert found.tokens() == talk.tokens()


def test_a_guardrail_is_a_span_in_its_task(crews, tree):
    crew = crews.crew()

    def short_enough(output):
        return (len(output.raw) < 100, output.raw)

    crew.tasks[0] = Task(
        name="look",
        description="What is the weather?",
        expected_output="one",
        agent=crew.agents[0],
        guardrail=short_enough,
    )
    crew.kickoff()
    (guard,) = tree().of("guardrail")
    assert guard.output["success"] is True
    assert tree().above()["llm_guardrail", "guardrail"] == "look"


def test_calls_count_once_with_the_client_s_own_wrapper_on(crews, talk, seen, tree):
    with fl.instrument("openai", "httpx"):
        crews.crew().kickoff()
    found = tree()
    assert len(found.of("llm")) == 2
    requests = [span for span in found.of("http") if "gen_ai.operation.name" in span.attributes]
    names = {span.span_id: span.kind for span in found.spans}
    assert [names[one.parent_id] for one in requests] == ["llm", "llm"]
    assert found.tokens() == talk.tokens() == (197, 39)


def test_a_call_by_way_of_litellm_counts_once(crews, talk, seen, tree):
    headers = talk.options()["default_headers"]
    with fl.instrument("openai"):
        agent = crews.agent(tools=(), llm=crews.model(is_litellm=True, extra_headers=headers))
        crews.crew("Say hello", agent).kickoff()
    found = tree()
    (call,) = found.of("llm")
    assert call.attributes["gen_ai.provider.name"] == "openai"
    assert [one.parent_id for one in found.of("http")] == [call.span_id]
    assert found.tokens() == talk.tokens() == (120, 34)


def test_usage_that_nobody_told_is_unknown(crews, wire, tree):
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "served"}
    answer["choices"] = [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}
    ]
    wire.will_say(json.dumps(answer).encode(), content_type="application/json")
    assert crews.model(**wire.options()).call("Say hello") == "Hi"
    (call,) = tree().of("llm")
    assert not [name for name in call.attributes if name.startswith("gen_ai.usage.")]
