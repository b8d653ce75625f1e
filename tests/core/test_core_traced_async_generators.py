"""A traced async generator is the same one, whichever task steps it, closes it or is cancelled in it."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flightlog as fl
from flightlog.core.context import variable

STREAM = "flightlog.stream."


def parents(seen: fl.capture) -> dict[str, str | None]:
    names = {span.span_id: span.name for span in seen.spans}
    return {span.name: names.get(span.parent_id) for span in seen.spans}


@fl.traced(name="numbers")
async def numbers(n):
    for i in range(n):
        with fl.span(f"made{i}"):
            await asyncio.sleep(0)
        yield i


def test_the_body_s_spans_are_children_and_the_consumer_s_are_not(seen):
    async def main():
        with fl.span("root"):
            async for i in numbers(2):
                with fl.span(f"used{i}"):
                    await asyncio.sleep(0)

    asyncio.run(main())
    assert parents(seen) == {
        "root": None,
        "numbers": "root",
        "made0": "numbers",
        "made1": "numbers",
        "used0": "root",
        "used1": "root",
    }
    span = seen.span("numbers")
    assert (span.output, span.attributes[STREAM + "chunks"]) == ([0, 1], 2)


def test_a_span_around_a_yield_is_not_the_parent_of_what_the_consumer_does(seen):
    @fl.traced(name="held")
    async def held():
        with fl.span("open"):
            yield 1

    async def main():
        async for _ in held():
            await asyncio.create_task(used())

    async def used():
        with fl.span("used"):
            pass

    asyncio.run(main())
    assert parents(seen) == {"held": None, "open": "held", "used": None}


def test_steps_taken_by_different_tasks_keep_parent_and_leave_each_task_as_it_was(seen):
    async def step(made, name):
        with fl.span(name) as own:
            item = await anext(made, None)
            assert fl.current() is own
            return item

    async def main():
        made = numbers(2)
        with fl.span("root"):
            return [await asyncio.create_task(step(made, f"task{i}")) for i in range(3)]

    assert asyncio.run(main()) == [0, 1, None]
    found = parents(seen)
    assert (found["made0"], found["made1"], found["numbers"]) == ("numbers", "numbers", "task0")
    assert (found["task1"], found["task2"]) == ("root", "root")


def test_two_generators_stepped_at_once_keep_to_themselves(seen):
    async def drain(name):
        with fl.span(name):
            return [i async for i in numbers(2)]

    async def main():
        return await asyncio.gather(drain("a"), drain("b"))

    assert asyncio.run(main()) == [[0, 1], [0, 1]]
    ids = {span.span_id: span for span in seen.spans}
    above = [ids[ids[span.parent_id].parent_id].name for span in seen.spans if span.name == "made1"]
    assert sorted(above) == ["a", "b"]


def test_a_cancelled_step_is_cancelled_and_not_an_error(seen):
    @fl.traced(name="waits")
    async def waits():
        yield 1
        await asyncio.get_running_loop().create_future()

    async def main():
        made = waits()
        await anext(made)
        with fl.span("root") as root:
            task = asyncio.ensure_future(anext(made))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert fl.current() is root

    asyncio.run(main())
    span = seen.span("waits")
    assert (span.status, span.output, span.error) == ("cancelled", [1], None)


def test_a_task_cancelled_before_its_first_step_leaves_no_record(seen):
    @fl.traced
    async def work():
        return 1

    async def main():
        for waiting in (work, lambda: anext(numbers(1))):
            started = asyncio.ensure_future(waiting())
            started.cancel()
            with pytest.raises(asyncio.CancelledError):
                await started

    asyncio.run(main())
    assert seen.records == []


def test_one_that_another_task_closes_ends_ok_and_leaves_nothing_behind(seen):
    async def main():
        made = numbers(5)
        with fl.span("root") as root:
            await anext(made)
            await asyncio.create_task(made.aclose())
            assert fl.current() is root
        assert variable.get() is seen._marker

    asyncio.run(main())
    assert [(span.name, span.status) for span in seen.spans][1:] == [("numbers", "ok"), ("root", "ok")]


def test_one_that_is_left_to_the_event_loop_is_closed_in_its_place(seen):
    @fl.traced(name="held")
    async def held():
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            with fl.span("cleaned"):
                pass
            closed.set()

    closed = asyncio.Event()
    problems = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, problem: problems.append(problem))
        async for _ in held():
            break
        async with asyncio.timeout(30):
            await closed.wait()

    asyncio.run(main())
    assert problems == []
    assert parents(seen) == {"held": None, "cleaned": "held"}


def test_one_that_is_alive_when_the_loop_shuts_down_is_closed_once_and_in_its_place(seen):
    kept = []

    @fl.traced(name="held")
    async def held():
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            with fl.span("cleaned"):
                pass

    problems = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, problem: problems.append(problem))
        kept.append(held())
        await anext(kept[0])

    asyncio.run(main())
    assert problems == []
    assert parents(seen) == {"held": None, "cleaned": "held"}
    assert [span.status for span in seen.spans] == ["ok", "ok"]


def test_tasks_that_the_body_started_are_its_children_even_when_another_task_ended_it(seen):
    started = []

    async def late():
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with fl.span("late"):
            pass

    @fl.traced(name="starter")
    async def starter():
        started.append(asyncio.create_task(late()))
        yield

    async def main():
        made = starter()
        await anext(made)
        await asyncio.create_task(made.aclose())
        await started[0]

    asyncio.run(main())
    assert parents(seen) == {"starter": None, "late": "starter"}


def test_one_that_is_finalised_while_it_waits_touches_no_other_context(seen):
    class Wait:
        def __await__(self):
            yield

    @fl.traced(name="waits")
    async def waits():
        await Wait()
        yield 1

    made = waits()
    step = made.asend(None)
    with fl.span("begun"):
        contextvars.copy_context().run(step.send, None)
    with fl.span("elsewhere") as elsewhere:
        del made, step
        gc.collect()
        assert fl.current() is elsewhere
        with fl.span("inside"):
            pass
    found = parents(seen)
    assert (found["waits"], found["inside"]) == ("begun", "elsewhere")


async def body():
    log = []
    while True:
        try:
            sent = yield list(log)
        except GeneratorExit:
            log.append("closed")
            if "stubborn" in log:
                yield "no"
            return
        except LookupError as error:
            log.append(f"caught {error}")
            await asyncio.sleep(0)
        else:
            if sent == "return":
                return
            if sent == "raise":
                raise ValueError(str(log))
            log.append(sent)


STEPS = st.sampled_from(
    ["next", "stubborn", "return", "raise", "LookupError", "KeyError", "StopAsyncIteration", "exit", "close"]
)


async def taken(made, step):
    thrown = {
        "LookupError": LookupError("l"),
        "KeyError": KeyError("k"),
        "StopAsyncIteration": StopAsyncIteration(3),
        "exit": GeneratorExit(),
    }
    try:
        if step == "next":
            return "gave", await anext(made)
        if step == "close":
            return "gave", await made.aclose()
        return "gave", await (made.athrow(thrown[step]) if step in thrown else made.asend(step))
    except BaseException as error:
        return type(error), str(error)


@pytest.mark.parametrize("level", ["info", "trace"])
@given(steps=st.lists(STEPS, max_size=8))
def test_whatever_is_done_to_it_the_answer_is_the_untraced_generator_s(level, steps):
    async def main():
        plain, traced = body(), fl.traced(level=level)(body)()
        assert inspect.isasyncgen(traced)
        assert [await taken(traced, step) for step in steps] == [await taken(plain, step) for step in steps]
        for made in (plain, traced):
            await taken(made, "close")
            await taken(made, "close")

    with fl.capture(level="info"):
        asyncio.run(main())


def test_a_function_that_returns_an_async_generator_is_recorded_until_that_is_done(seen):
    async def stream():
        for word in ("a", "b"):
            with fl.span(f"made-{word}"):
                pass
            yield word

    @fl.traced(name="query")
    def query():
        return stream()

    @fl.traced(name="ask")
    async def ask():
        await asyncio.sleep(0)
        return stream()

    async def main():
        async with aclosing(query()) as made:
            assert inspect.isasyncgen(made)
            assert [word async for word in made] == ["a", "b"]
        with fl.span("between"):
            pass
        return [word async for word in await ask()]

    assert asyncio.run(main()) == ["a", "b"]
    assert (seen.span("query").output, seen.span("ask").output) == ("ab", "ab")
    assert seen.span("between").parent_id == ""
    assert parents(seen)["made-b"] == "ask"


def test_a_returned_async_generator_made_outside_the_loop_is_closed_by_the_loop_that_steps_it(seen):
    async def stream():
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    closed = []

    @fl.traced(name="query")
    def query():
        return stream()

    made = query()

    async def main(made):
        await anext(made)

    asyncio.run(main(made))
    del made
    gc.collect()
    assert closed == [True]
    assert seen.span("query").status == "ok"


def test_a_returned_async_generator_that_is_never_stepped_ends_the_span(seen):
    @fl.traced(name="query")
    def query():
        return body()

    query()
    gc.collect()
    assert [(span.name, span.status) for span in seen.spans] == [("query", "ok")]


def test_an_async_generator_that_has_started_is_given_back_as_it_is(seen):
    async def main():
        made = body()
        await anext(made)
        assert fl.traced(name="query")(lambda: made)() is made
        await made.aclose()
        assert fl.traced(name="query")(lambda: made)() is made

    asyncio.run(main())
    assert len(seen.spans) == 2


def test_a_body_that_is_stepped_without_a_task_leaves_the_context_as_it_was(seen):
    @fl.traced(name="stepped")
    async def stepped():
        with fl.span("inside"):
            yield 1

    made = stepped()
    with fl.span("root") as root:
        with pytest.raises(StopIteration):
            made.asend(None).send(None)
        assert fl.current() is root
        with pytest.raises(StopIteration):
            made.aclose().send(None)
    assert parents(seen) == {"inside": "stepped", "stepped": "root", "root": None}


def test_an_async_generator_recurses_through_one_frame_of_ours_a_level(seen):
    depth = 300

    @fl.traced(name="down", capture_args=False, capture_result=False)
    async def down(n):
        yield n
        if n:
            async for below in down(n - 1):
                yield below

    async def main():
        return [n async for n in down(depth)]

    assert asyncio.run(main()) == list(range(depth, -1, -1))
    assert {span.status for span in seen.spans} == {"ok"}
    assert len(seen.spans) == depth + 1
