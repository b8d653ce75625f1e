"""Runs of flujo are traces: every step stands where it ran, however it is run and however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc

import pytest
from flujo import Flujo, Step
from flujo.domain.dsl import ConditionalStep, MapStep, ParallelStep
from flujo.domain.models import PipelineContext, UsageLimits
from flujo.steps.cache_step import CacheStep
from flujo_kit import (
    IS_NEW,
    PASSWORD,
    ROOT,
    Costly,
    Failing,
    Streaming,
    Waiting,
    add,
    alone,
    broken,
    double,
    last_of,
    loop,
    outputs,
    with_agent,
)
from pydantic import Field

import flightlog as fl


class Numbers(PipelineContext):
    numbers: list[int] = Field(default=[1, 2, 3])


CACHED = "Step" if IS_NEW else "CacheStep"


def test_a_run_is_a_trace_and_its_steps_stand_in_it(seen, above, one, runner):
    result = runner(add >> double, "sums", pipeline_version="7").run(3)
    assert outputs(result) == [4, 8]
    assert above() == [("sums", ""), ("add", "sums"), ("inside add", "add"), ("double", "sums")]
    run, step = one("sums"), one("add")
    assert (run.kind, run.status, run.input, run.output) == ("workflow", "ok", 3, 8)
    assert run.attributes["flujo.pipeline.name"] == "sums"
    assert run.attributes["flujo.pipeline.version"] == "7"
    assert run.attributes["flujo.run_id"].startswith("run_")
    assert (step.kind, step.status, step.input, step.output) == ("step", "ok", 3, 4)
    assert step.attributes["flujo.step.type"] == "Step"
    assert step.attributes["flujo.attempt_number"] == 1
    assert step.attributes["flujo.latency_s"] > 0
    assert step.attributes["flightlog.instrumentation"] == "flujo"
    assert ("flujo.step.policy" in step.attributes) is IS_NEW


def test_what_flujo_itself_traced_is_there_as_without_us(runner):
    fl.uninstrument()
    plain = runner(add >> double).run(3).trace_tree
    with fl.instrument("flujo"), fl.capture():
        traced = runner(add >> double).run(3).trace_tree
    assert type(traced) is type(plain)
    assert [(child.name, child.status) for child in traced.children] == [
        (child.name, child.status) for child in plain.children
    ]
    keys = [sorted(tree.attributes) for tree in (traced, plain)]
    assert keys[0] == keys[1]


def test_a_pipeline_without_a_name_is_called_as_flujo_calls_its_runs(seen, one):
    Flujo(alone(add)).run(1)
    assert one(ROOT).status == "ok"


def test_rounds_of_a_loop_are_told_and_their_steps_stand_in_it(seen, above, events, runner):
    body = loop(add >> double, until=lambda last: last > 20)
    runner(add >> body).run(3)
    assert above() == [
        ("pipe", ""),
        ("add", "pipe"),
        ("inside add", "add"),
        ("loop", "pipe"),
        *[("add", "loop"), ("inside add", "add"), ("double", "loop")] * 2,
    ]
    assert events("loop") == [("loop", {"i": i, "flujo.event": "loop.iteration"}) for i in (0, 1)]
    rounds = [span.attributes["flujo.iteration"] for span in seen.spans if span.name == "double"]
    assert rounds == [0, 1]
    container = next(span for span in seen.spans if span.name == "loop")
    assert container.attributes["flujo.max_loops"] == 5
    assert "flightlog.retries" not in container.attributes


def test_items_of_a_map_are_rounds(seen, events, runner):
    every = MapStep.from_pipeline if hasattr(MapStep, "from_pipeline") else MapStep
    each = every(
        name="each",
        **{"pipeline" if every is not MapStep else "pipeline_to_run": alone(double)},
        iterable_input="numbers",
    )
    mapped = runner(alone(each), context_model=Numbers, initial_context_data={"initial_prompt": "x"})
    assert outputs(mapped.run(0)) == [[2, 4, 6]]
    assert [told["i"] for name, told in events("each") if name == "loop"] == [0, 1, 2]
    done = [span for span in seen.spans if span.name == "double"]
    assert [(span.input, span.attributes["flujo.iteration"]) for span in done] == [(1, 0), (2, 1), (3, 2)]


def test_a_branch_that_was_chosen_is_told_and_its_steps_stand_in_it(seen, above, one, events, runner):
    fork = ConditionalStep(
        name="fork",
        condition_callable=lambda given, _: "big" if given > 3 else "small",
        branches={"big": alone(double), "small": alone(add)},
    )
    runner(add >> fork).run(3)
    assert ("double", "fork") in above()
    assert events("fork") == [("branch", {"chosen": "big", "rejected": ["small"]})]
    assert one("double").attributes["flujo.branch"] == "big"


def test_parallel_branches_stand_beside_each_other_and_keep_their_own_steps(seen, runner):
    left, right = Waiting(), Waiting()

    async def both_at_once():
        fan = ParallelStep(
            name="fan",
            branches={
                "left": alone(with_agent("l", left)) >> with_agent("l after", Failing(0)),
                "right": alone(with_agent("r", right)),
            },
        )
        run = asyncio.create_task(last_of(runner(alone(fan)).run_async(3)))
        await left.is_asked.wait()
        await right.is_asked.wait()
        right.may_answer.set()
        left.may_answer.set()
        await run

    asyncio.run(both_at_once())
    spans = {span.name: span for span in seen.spans}
    assert {spans[name].parent_id for name in ("l", "r", "l after")} == {spans["fan"].span_id}
    assert max(spans["l"].start, spans["r"].start) < min(spans["l"].end, spans["r"].end)
    assert [spans[name].attributes["flujo.branch"] for name in ("l", "l after", "r")] == [
        "left",
        "left",
        "right",
    ]


def test_a_step_that_stands_in_two_branches_is_not_said_to_be_in_one(seen, runner):
    fan = ParallelStep(name="fan", branches={"a": alone(double), "b": alone(double)})
    runner(alone(fan)).run(3)
    assert [span.attributes.get("flujo.branch") for span in seen.spans if span.name == "double"] == [
        None,
        None,
    ]


def test_a_runner_that_is_a_step_of_another_stands_below_that(seen, above, one, runner):
    inner = runner(add >> double, "inner")
    runner(add >> inner.as_step("as step"), "outer").run(3)
    assert above() == [
        ("outer", ""),
        ("add", "outer"),
        ("inside add", "add"),
        ("as step", "outer"),
        ("inner", "as step"),
        ("add", "inner"),
        ("inside add", "add"),
        ("double", "inner"),
    ]
    assert one("as step").output == 10
    assert one("outer").attributes["flujo.run_id"] != one("inner").attributes["flujo.run_id"]


def test_runs_at_once_are_not_mixed_up(seen, runner):
    async def at_once():
        gates = [Waiting(), Waiting()]
        runs = [
            asyncio.create_task(last_of(runner(with_agent("gate", gate) >> double, f"run {n}").run_async(n)))
            for n, gate in enumerate(gates)
        ]
        for gate in gates:
            await gate.is_asked.wait()
        for gate in reversed(gates):
            gate.may_answer.set()
        await asyncio.gather(*runs)

    asyncio.run(at_once())
    for n in (0, 1):
        run = next(span for span in seen.spans if span.name == f"run {n}")
        steps = [span for span in seen.spans if span.parent_id == run.span_id]
        assert [(step.name, step.input) for step in steps] == [("gate", n), ("double", n)]
        assert {step.trace_id for step in steps} == {run.trace_id}
    assert len({span.trace_id for span in seen.spans}) == 2


def test_a_run_stands_below_what_goes_on_around_it_and_leaves_nothing_behind(seen, above, runner):
    async def watched():
        with fl.span("outer") as outer:
            async for _ in runner(alone(with_agent("streams", Streaming()))).run_async("q"):
                assert fl.current() is outer
            assert fl.current() is outer

    asyncio.run(watched())
    assert above() == [("outer", ""), ("pipe", "outer"), ("streams", "pipe")]


def test_a_run_that_is_closed_early_is_no_error(seen, one, runner):
    async def impatient():
        run = aiter(runner(alone(with_agent("streams", Streaming()))).run_async("q"))
        await anext(run)
        await run.aclose()

    asyncio.run(impatient())
    assert one("pipe").status == "ok"
    assert one("pipe").attributes["flightlog.stream.ended"] == "early"


def test_a_run_that_is_abandoned_ends(seen, one, runner):
    async def forgetful():
        run = aiter(runner(alone(with_agent("streams", Streaming()))).run_async("q"))
        await anext(run)
        del run
        gc.collect()
        for _ in range(50):  # its end is a task of its own
            await asyncio.sleep(0)

    asyncio.run(forgetful())
    assert one("pipe").attributes["flightlog.stream.ended"] == "early"


def test_a_run_that_is_cancelled_is_cancelled(seen, one, runner):
    gate = Waiting()

    async def cancelled():
        run = asyncio.create_task(last_of(runner(add >> with_agent("gate", gate)).run_async(1)))
        await gate.is_asked.wait()
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):  # flujo itself may swallow it
            await run

    asyncio.run(cancelled())
    assert {name: one(name).status for name in ("pipe", "add", "gate")} == {
        "pipe": "cancelled",
        "add": "ok",
        "gate": "cancelled",
    }


def test_a_step_that_fails_is_an_error_with_its_feedback_and_without_its_secrets(seen, one, runner):
    with contextlib.suppress(Exception):  # before 0.6 the exception leaves the run
        runner(add >> broken).run(3)
    step, run = one("broken"), one("pipe")
    assert (step.status, run.status, one("add").status) == ("error", "error", "ok")
    assert step.error.type == (
        "ValueError" if IS_NEW else "StepFailed"
    )  # before 0.6 it is told in words only
    assert "it broke" in step.error.message
    assert "it broke" in step.attributes["flujo.feedback"]
    assert ("in broken" in step.error.stack) is IS_NEW
    assert PASSWORD not in str(seen.records)


def test_attempts_are_counted_and_each_that_failed_is_told(seen, one, events, runner):
    runner(alone(with_agent("flaky", Failing(2), retries=4))).run(3)
    step = one("flaky")
    assert step.status == "ok"
    retries = [told for name, told in events("flaky") if name == "retry"]
    assert step.attributes["flightlog.retries"] == len(retries) >= 1
    assert step.attributes["flujo.attempt_number"] == len(retries) + 1
    assert {told["flujo.event"] for told in retries} == {"flujo.retry"}
    assert [told["attempt"] for told in retries] == list(range(1, len(retries) + 1))
    if IS_NEW:
        assert [told["reason"] for told in retries] == ["RuntimeError"] * 2
        assert all(told["delay"] >= 0 for told in retries)
    else:
        assert all(told["flujo.told_at_end"] for told in retries)


def test_a_fallback_stands_below_the_step_that_failed(seen, above, events, one, runner):
    second = Step(name="second", agent=double.agent)
    runner(alone(with_agent("first", Failing(9), fallback_step=second))).run(3)
    assert above() == [("pipe", ""), ("first", "pipe"), ("second", "first")]
    told = [told for name, told in events("first") if name == "fallback"]
    assert [one["flujo.event"] for one in told] == ["flujo.fallback.triggered"]
    assert (one("first").status, one("first").output) == ("ok", 6)


def test_a_limit_that_is_reached_is_told_with_what_was_left_before_and_after(seen, one, events, runner):
    steps = with_agent("first", Costly()) >> with_agent("second", Costly())
    limited = runner(steps, usage_limits=UsageLimits(total_cost_usd_limit=0.7))
    with pytest.raises(Exception, match=r"Cost limit of \$0.7 exceeded"):
        limited.run("x")
    run, first = one("pipe"), one("first")
    assert run.status == "error"
    assert run.attributes["flujo.budget.initial_cost_usd"] == 0.7
    ((name, told),) = events("pipe")
    assert (name, told["limit"], told["limit_value"]) == ("budget", "cost_usd", 0.7)
    assert told["value"] == 1.0
    assert told["flujo.event"] == "flujo.budget.violation"
    assert first.attributes["gen_ai.usage.cost"] == 0.5
    assert first.attributes["flightlog.usage.total_tokens"] == 100
    if IS_NEW:
        assert first.attributes["flujo.budget.quota_before_usd"] == 0.7
        assert first.attributes["flujo.budget.quota_after_usd"] == pytest.approx(0.2)
        assert "flujo.budget.quota_before_tokens" not in first.attributes


def test_what_flujo_makes_up_for_a_text_is_no_count_of_tokens(seen, one, runner):
    runner(alone(with_agent("says", Streaming()))).run("x")
    assert "flightlog.usage.total_tokens" not in one("says").attributes


def test_a_step_that_was_served_from_a_cache_says_so(seen, events, runner):
    cached = runner(
        alone(double if IS_NEW else CacheStep.cached(double))
    )  # since 0.6 every runner has a cache
    cached.run(3)
    cached.run(3)
    first, second = (span for span in seen.spans if span.attributes.get("flujo.step.type") == CACHED)
    assert "flujo.cache.hit" not in first.attributes
    assert second.attributes["flujo.cache.hit"] is True
    assert (first.output, second.output) == (6, 6)
    assert events(second.name)[-1] == ("cache", {"hit": True})
