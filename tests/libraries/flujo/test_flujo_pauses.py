"""A run that waits for somebody is paused, and goes on in the same trace, also in another process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap

import pytest
from flujo.domain.dsl import ConditionalStep
from flujo_kit import IS_NEW, add, alone, ask, last_of, loop, outputs, shout
from pydantic import BaseModel

import flightlog as fl
from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.records.span import Span


def paused_then(runner, *answers):
    """The result of a run that is given these answers, one after the other."""

    async def run():
        result = await last_of(runner.run_async(3))
        for answer in answers:
            result = await runner.resume_async(result, answer)
        return result

    return asyncio.run(run())


def test_a_run_that_waits_is_paused_with_what_it_waits_for(seen, runner):
    paused_then(runner(add >> ask() >> shout))
    latest = {record.name: record for record in seen.records if isinstance(record, Span)}
    assert {name: latest[name].status for name in ("pipe", "add", "ask")} == {
        "pipe": "paused",
        "add": "ok",
        "ask": "paused",
    }
    asked = {event.span_id: event.attributes for event in seen.events if event.name == "pause"}
    wanted = {"message": "may it?"}
    assert asked == {latest["ask"].span_id: wanted, latest["pipe"].span_id: wanted}


def test_its_resumption_goes_on_in_the_same_trace(seen, above, one, events, runner):
    result = paused_then(runner(add >> ask() >> shout), "yes")
    assert outputs(result)[-2:] == ["yes", "yes!"]
    assert above() == [
        ("pipe", ""),
        ("add", "pipe"),
        ("inside add", "add"),
        ("ask", "pipe"),
        ("shout", "pipe"),
    ]
    assert {span.status for span in seen.spans} == {"ok"}
    assert len({span.trace_id for span in seen.spans}) == 1
    assert events("ask") == [("pause", {"message": "may it?"}), ("resume", {"value": "yes"})]
    assert (one("ask").output, one("pipe").output) == ("yes", "yes!")
    assert one("pipe").attributes["flightlog.waiting_ns"] > 0


def test_a_run_that_waits_twice_is_still_one_trace(seen, events, runner):
    paused_then(runner(ask() >> shout >> ask("again", "sure?") >> shout), "a", "b")
    assert [name for name, _ in events("pipe")] == ["pause", "resume", "pause", "resume"]
    assert len({span.trace_id for span in seen.spans}) == 1
    assert {span.status for span in seen.spans} == {"ok"}


@pytest.mark.skipif(not IS_NEW, reason="before 0.6 flujo takes the answer for what the whole loop gave")
def test_a_loop_that_waited_goes_on_as_the_same_span(seen, one, above, events, runner):
    body = loop(ask() >> shout, until=lambda last: last.startswith("done"))
    paused_then(runner(alone(body)), "once", "done")
    assert [pair for pair in above() if pair[0] != "pipe"] == [
        ("loop", "pipe"),
        *[("ask", "loop"), ("shout", "loop")] * 2,
    ]
    assert [told["i"] for name, told in events("loop") if name == "loop"] == [0, 1]
    assert one("loop").status == "ok"


def test_what_waited_and_is_not_executed_again_ends_with_the_answer(seen, one, runner):
    body = loop(ask() >> shout, until=lambda last: True)
    paused_then(runner(alone(body)), "yes")
    assert {span.status for span in seen.spans} == {"ok"}
    assert one("loop").attributes["flightlog.waiting_ns"] > 0


def test_a_run_whose_answer_was_refused_waits_on_and_takes_another(seen, one, events, runner):
    class Answer(BaseModel):
        number: int

    question = ask()
    question.input_schema = Answer

    async def run():
        made = runner(alone(question))
        result = await last_of(made.run_async(3))
        with pytest.raises(Exception, match="number"):
            await made.resume_async(result, {"number": "none"})
        await made.resume_async(result, {"number": 4})

    asyncio.run(run())
    assert [name for name, _ in events("pipe")] == ["pause", "resume", "pause", "resume"]
    assert [name for name, _ in events("ask")] == ["pause", "resume"]
    assert (one("ask").status, one("pipe").status) == ("ok", "ok")


ASKS = """
    import asyncio, logging, pickle, sys
    logging.disable(logging.CRITICAL)
    import flightlog as fl
    fl.instrument("flujo")
    from flujo import Flujo, Pipeline, step
    from flujo.domain.dsl import HumanInTheLoopStep

    @step
    async def shout(x: str) -> str:
        return f"{x}!"

    question = HumanInTheLoopStep(name="ask", message_for_user="may it?")
    runner = Flujo(Pipeline.from_step(question) >> shout, pipeline_name="asks")

    async def main():
        if sys.argv[1] == "ask":
            async for result in runner.run_async("x"):
                pass
            with open("paused", "wb") as file:
                pickle.dump(result.final_pipeline_context.model_dump(), file)
        else:
            from flujo.domain.models import PipelineContext, PipelineResult, StepResult
            with open("paused", "rb") as file:
                kept = pickle.load(file)
            context = PipelineContext(**kept)
            result = await runner.resume_async(PipelineResult(final_pipeline_context=context), "yes")
            print(result.step_history[-1].output)

    asyncio.run(main())
"""


def test_another_process_goes_on_with_a_run(place, monkeypatch):
    home = place / "home"
    monkeypatch.setenv("FLIGHTLOG_HOME", str(home))
    program = place / "asks.py"
    program.write_text(textwrap.dedent(ASKS))
    said = []
    for what in ("ask", "answer"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(program), what],
            capture_output=True,
            text=True,
            env={**os.environ},
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert "flightlog:" not in done.stderr
        said.append(done.stdout)
    assert "yes!" in said[1]
    opened = Home.find(load_settings())
    opened.catch_up(20)
    with opened.reader() as reader:
        (trace,) = reader.traces(10)
        spans = reader.spans(trace.trace_id)
    assert [(span.name, span.status) for span in spans] == [("asks", "ok"), ("ask", "ok"), ("shout", "ok")]
    assert len({span.process_id for span in spans}) == 1  # who ended them: the second one
    assert fl.current().span_id == ""


def test_branches_that_wait_are_paused_and_go_on(seen, one, runner):
    if not IS_NEW:
        pytest.skip("before 0.6 flujo takes a branch that asks for one that failed")
    fork = ConditionalStep(
        name="fork", condition_callable=lambda *_: "x", branches={"x": alone(ask()) >> shout}
    )
    paused_then(runner(alone(fork)), "yes")
    assert {span.status for span in seen.spans} == {"ok"}
    assert one("fork").attributes["flightlog.waiting_ns"] > 0
