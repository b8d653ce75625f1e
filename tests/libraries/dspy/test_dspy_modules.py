"""DSPy's modules: a tree of them with tools and model calls where they belong, side by side, streamed and evaluated."""

from __future__ import annotations

import asyncio

import dspy
import pytest

import flightlog as fl

pytestmark = pytest.mark.usefixtures("used")

INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"


class Program(dspy.Module):
    """A program of the user's own."""

    def __init__(self):
        super().__init__()
        self.think = dspy.ChainOfThought("question -> answer")

    def forward(self, question):
        with fl.span("own"):
            return self.think(question=question)

    async def aforward(self, question):
        with fl.span("own"):
            return await self.think.acall(question=question)


def of(seen, name):
    (span,) = [span for span in seen.spans if span.name == name]
    return span


def models(seen):
    return [span for span in seen.spans if span.kind == "llm"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_program_is_a_tree_of_its_modules(seen, talk, above, is_async):
    program = Program()
    answer = asyncio.run(program.acall(question="capital")) if is_async else program(question="capital")
    assert answer.answer == "Oslo"
    assert above() == {
        "Program": "",
        "own": "Program",
        "ChainOfThought": "own",
        "Predict": "ChainOfThought",
        "chat gpt-4o-mini": "Predict",
    }
    assert (of(seen, "Program").kind, of(seen, "ChainOfThought").kind) == ("workflow", "step")
    predict = of(seen, "Predict")
    assert predict.input == {"question": "capital"}
    assert predict.output == {"reasoning": "I know it.", "answer": "Oslo"}
    assert predict.attributes["flightlog.dspy.signature"] == "question -> reasoning, answer"
    (call,) = models(seen)
    assert (call.attributes[INPUT], call.attributes[OUTPUT]) == talk.tokens() == (120, 34)


def get_weather(city: str) -> str:
    """Look it up."""
    with fl.span("looking"):
        return f"sunny in {city}"


def test_an_agent_is_a_run_with_its_model_calls_and_tools(seen, talk, above):
    answer = dspy.ReAct("question -> answer", tools=[get_weather])(question="react")
    assert answer.answer == "Oslo"
    run, tool = of(seen, "ReAct"), of(seen, "get_weather")
    assert (run.kind, run.parent_id) == ("agent", "")
    assert (tool.kind, tool.input, tool.output) == ("tool", {"city": "Oslo"}, "sunny in Oslo")
    assert (above()["get_weather"], above()["looking"]) == ("ReAct", "get_weather")
    assert len(models(seen)) == len(talk.served()) == 3
    assert sum(span.attributes[INPUT] for span in models(seen)) == talk.tokens()[0]


def test_a_tool_that_fails_is_an_error(seen):
    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        dspy.Tool(fail)()
    assert (of(seen, "fail").kind, of(seen, "fail").error.type) == ("tool", "ValueError")


def test_tasks_side_by_side_do_not_mix(seen):
    async def ask():
        return await asyncio.gather(*(Program().acall(question="capital") for _ in range(4)))

    asyncio.run(ask())
    _each_is_whole(seen, 4)


def test_threads_side_by_side_do_not_mix(seen):
    with fl.span("caller"):
        dspy.Parallel(num_threads=3, disable_progress_bar=True)([(Program(), {"question": "capital"})] * 4)
    _each_is_whole(seen, 4)
    assert {span.parent_id for span in seen.spans if span.name == "Program"} == {of(seen, "caller").span_id}


def _each_is_whole(seen, count):
    by_id = {span.span_id: span for span in seen.spans}
    tops = []
    for call in models(seen):
        path = [call]
        while path[-1].name != "Program":
            path.append(by_id[path[-1].parent_id])
        assert [span.name for span in path[1:]] == ["Predict", "ChainOfThought", "own", "Program"]
        tops.append(path[-1].span_id)
    assert len(set(tops)) == len(tops) == count


@pytest.mark.parametrize("is_async", [False, True])
def test_a_streamed_answer_is_one_call_with_when_it_began(seen, talk, is_async):
    listener = dspy.streaming.StreamListener(signature_field_name="answer")
    program = Program()
    program = dspy.streamify(program, stream_listeners=[listener], is_async_program=is_async)

    async def read():
        return [item async for item in program(question="capital")]

    items = asyncio.run(read())
    assert items[-1].answer == "Oslo"
    (call,) = models(seen)
    assert (call.attributes[INPUT], call.attributes[OUTPUT]) == talk.tokens() == (120, 34)
    assert call.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert call.attributes["flightlog.stream.chunks"] > 1
    assert of(seen, "Program").trace_id == call.trace_id


def test_a_streamed_answer_through_litellm_is_one_call(seen, talk, model):
    async def read():
        with dspy.context(lm=model(engine="litellm")):
            return [
                item async for item in dspy.streamify(Program(), is_async_program=True)(question="capital")
            ]

    assert asyncio.run(read())[-1].answer == "Oslo"
    (call,) = models(seen)
    assert len(talk.served()) == 1
    assert call.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert INPUT not in call.attributes or call.attributes[INPUT] == talk.tokens()[0]


def test_a_stream_that_is_left_early_ends_its_spans(seen):
    program = dspy.streamify(Program(), is_async_program=True)

    async def read():
        stream = program(question="capital")
        await anext(stream)
        await stream.aclose()

    asyncio.run(read())
    assert of(seen, "Program").status in {"ok", "cancelled"}
    assert of(seen, "chat gpt-4o-mini").status == of(seen, "Program").status


def test_an_answer_that_an_adapter_cannot_read_is_told_where_it_happened(seen, talk):
    with pytest.raises(dspy.utils.exceptions.AdapterParseError):
        dspy.Predict("question -> answer")(question="riddle")
    predict = of(seen, "Predict")
    assert predict.status == "error"
    told = [event for event in seen.events if event.name == "exception" and event.attributes.get("adapter")]
    assert {event.span_id for event in told} == {predict.span_id}
    assert told[0].attributes["adapter"] == "parse"
    assert told[0].attributes["exception.type"] == "AdapterParseError"
    assert sum(span.attributes[INPUT] for span in models(seen)) == talk.tokens()[0]
    assert len(models(seen)) == len(talk.served())
    assert {span.status for span in models(seen)} == {"ok"}


def test_an_evaluation_is_one_with_its_programs_and_its_score(seen, talk):
    examples = [
        dspy.Example(question="capital", answer=it).with_inputs("question") for it in ("Oslo", "Rome")
    ]

    def match(example, prediction, _trace=None):
        return float(example.answer == prediction.answer)

    found = dspy.Evaluate(devset=examples, metric=match, num_threads=2, display_progress=False)(Program())
    assert found.score == 50.0
    evaluation = of(seen, "Evaluate")
    assert evaluation.kind == "evaluation"
    assert evaluation.input == {"program": "Program", "metric": "match", "examples": 2}
    assert evaluation.output == {"score": 50.0, "scores": [1.0, 0.0]}
    programs = [span for span in seen.spans if span.name == "Program"]
    assert [(span.parent_id, span.kind) for span in programs] == [(evaluation.span_id, "step")] * 2
    assert len(models(seen)) == len(talk.served()) == 2


def test_an_optimiser_is_a_run(seen):
    examples = [dspy.Example(question="capital", answer="Oslo").with_inputs("question")]
    dspy.LabeledFewShot(k=1).compile(Program(), trainset=examples)
    run = of(seen, "LabeledFewShot.compile")
    assert (run.kind, run.input["trainset"], run.output) == ("workflow", 1, "Program")


def test_what_is_searched_is_a_retrieval(seen):
    class Found:
        long_text = "one"

    with dspy.context(rm=lambda query, k: [Found()]):
        dspy.Retrieve(k=1)("hello")
    span = of(seen, "Retrieve")
    assert (span.kind, span.output) == ("retrieval", {"passages": ["one"]})
    assert "hello" in str(span.input)
