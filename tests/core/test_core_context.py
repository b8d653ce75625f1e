"""Parents are right wherever a context goes: the known failures of the field are the cases."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager

import pytest

import flightlog as fl
from flightlog.core.context import outside, parent_here, variable


def parents(seen: fl.capture) -> dict[str, str | None]:
    """Name of each ended span to the name of its parent."""
    names = {span.span_id: span.name for span in seen.spans}
    return {span.name: names.get(span.parent_id) for span in seen.spans}


def statuses(seen: fl.capture) -> dict[str, str]:
    return {span.name: span.status for span in seen.spans}


def traces(seen: fl.capture) -> int:
    return len({span.trace_id for span in seen.spans})


def test_blocks_nest(seen):
    with fl.span("a"):
        with fl.span("b"), fl.span("c"):
            pass
        with fl.span("d"):
            pass
    assert parents(seen) == {"a": None, "b": "a", "c": "b", "d": "a"}
    assert traces(seen) == 1
    assert not fl.current()


def test_an_exception_leaves_the_context_as_it_was(seen):
    with fl.span("a"):
        with pytest.raises(ValueError), fl.span("b"):
            raise ValueError("no")
        with fl.span("c"):
            pass
    assert parents(seen) == {"a": None, "b": "a", "c": "a"}
    assert statuses(seen) == {"a": "ok", "b": "error", "c": "ok"}


def test_tasks_are_children_of_the_span_that_created_them_even_when_it_has_ended(seen):
    async def child(n):
        await asyncio.sleep(0)
        with fl.span(f"child{n}"):
            await asyncio.sleep(0)
            with fl.span(f"leaf{n}"):
                pass

    async def main():
        tasks = []
        for n in range(3):
            with fl.span(f"spawn{n}"):
                tasks.append(asyncio.create_task(child(n)))
        with fl.span("gather"):
            await asyncio.gather(*tasks, child(8), child(9))

    with fl.span("root"):
        asyncio.run(main())
    expected = {"root": None, "gather": "root"}
    for n in range(3):
        expected |= {f"spawn{n}": "root", f"child{n}": f"spawn{n}", f"leaf{n}": f"child{n}"}
    for n in (8, 9):
        expected |= {f"child{n}": "gather", f"leaf{n}": f"child{n}"}
    assert parents(seen) == expected
    assert traces(seen) == 1


def test_a_task_group_keeps_siblings_apart(seen):
    async def work(n):
        with fl.span(f"work{n}"):
            for _ in range(3):
                await asyncio.sleep(0)
            with fl.span(f"inner{n}"):
                await asyncio.sleep(0)

    async def main():
        with fl.span("group"):
            async with asyncio.TaskGroup() as group:
                for n in range(4):
                    group.create_task(work(n), name=f"worker-{n}")

    asyncio.run(main())
    found = parents(seen)
    assert found == {"group": None} | {f"work{n}": "group" for n in range(4)} | {
        f"inner{n}": f"work{n}" for n in range(4)
    }
    assert {span.name: span.task for span in seen.spans if span.name.startswith("work")} == {
        f"work{n}": f"worker-{n}" for n in range(4)
    }


def test_a_cancelled_task_is_cancelled_and_not_an_error(seen):
    async def forever():
        with fl.span("inner"):
            await asyncio.Event().wait()

    async def main():
        with fl.span("outer"):
            task = asyncio.create_task(forever())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert statuses(seen) == {"inner": "cancelled", "outer": "ok"}


def test_a_timeout_cancels_the_span_inside_and_fails_the_one_around(seen):
    async def main():
        with fl.span("around"):
            async with asyncio.timeout(0):
                with fl.span("inside"):
                    await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert statuses(seen) == {"inside": "cancelled", "around": "error"}


def test_a_copied_context_that_runs_later_continues_where_it_was_copied(seen):
    with fl.span("a"), fl.span("b"):
        copied = contextvars.copy_context()
    copied.run(lambda: fl.span("late").__enter__().__exit__(None, None, None))
    with fl.span("other"):
        pass
    assert parents(seen) == {"a": None, "b": "a", "late": "b", "other": None}
    assert traces(seen) == 2


def test_no_line_says_that_a_span_runs_after_it_has_ended():
    with fl.capture() as taken:
        with fl.span("over"):
            copied = contextvars.copy_context()
        copied.run(lambda: fl.span("late").__enter__().__exit__(None, None, None))
        copied.run(fl.event, "later")
    assert [record.status for record in taken.records if record.name == "over"] == ["ok"]


def test_a_copied_context_that_runs_in_another_thread_keeps_its_parent(seen):
    def work():
        with fl.span("there"):
            pass

    with fl.span("here"):
        copied = contextvars.copy_context()
        thread = threading.Thread(target=copied.run, args=(work,))
        thread.start()
        thread.join()
    assert parents(seen) == {"there": "here", "here": None}


def test_the_current_span_of_a_copied_context_is_one_that_is_still_open(seen):
    with fl.span("a") as a:
        with fl.span("b"):
            copied = contextvars.copy_context()
        assert copied.run(fl.current) is a
    assert not copied.run(fl.current)


def test_a_generator_that_is_closed_early_gives_the_context_back(seen):
    def numbers():
        with fl.span("generator"):
            yield 1
            yield 2

    with fl.span("outer"):
        generator = numbers()
        next(generator)
        generator.close()
        with fl.span("after"):
            pass
    assert parents(seen) == {"outer": None, "generator": "outer", "after": "outer"}
    assert statuses(seen)["generator"] == "ok"


def test_generators_that_are_closed_out_of_order_leave_nothing_behind(seen):
    def numbers(name):
        with fl.span(name):
            yield 1

    first, second = numbers("first"), numbers("second")
    next(first)
    next(second)
    first.close()
    second.close()
    with fl.span("after"):
        pass
    assert parents(seen)["after"] is None
    assert not fl.current()


def test_a_generator_that_the_garbage_collector_finalises_elsewhere_leaves_nothing_behind(seen):
    def numbers():
        with fl.span("generator"):
            yield 1

    async def main():
        generator = numbers()
        next(generator)
        holder = [generator]
        del generator
        loop = asyncio.get_running_loop()
        # A callback runs in a copy of this context: there the span ends, here it would stay current for ever.
        loop.call_soon(lambda: (holder.clear(), gc.collect()))
        await asyncio.sleep(0)
        with fl.span("after"):
            pass

    with fl.span("outer"):
        asyncio.run(main())
    assert parents(seen)["generator"] == "outer"
    assert parents(seen)["after"] == "outer"


def test_an_async_generator_closed_by_another_task_leaves_nothing_behind(seen):
    async def numbers():
        with fl.span("generator"):
            yield 1
            yield 2

    async def main():
        with fl.span("outer"):
            generator = numbers()
            await anext(generator)
            await asyncio.create_task(generator.aclose())
            with fl.span("after"):
                pass

    asyncio.run(main())
    assert parents(seen) == {"outer": None, "generator": "outer", "after": "outer"}


def test_an_async_generator_left_to_the_loop_s_shutdown_leaves_nothing_behind(seen):
    async def numbers():
        with fl.span("generator"):
            yield 1

    async def main():
        with fl.span("outer"):
            async for _ in numbers():
                break
            gc.collect()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            with fl.span("after"):
                pass

    asyncio.run(main())
    found = parents(seen)
    assert found["after"] == "outer"
    assert found["generator"] == "outer"


def test_an_async_generator_whose_steps_run_in_different_tasks_keeps_its_children(seen):
    """As when iteration races a cancellation signal: each step's task copies a context without the span."""

    async def conversation():
        with fl.span("conversation"):
            for n in range(3):
                with fl.span(f"turn{n}"):
                    await asyncio.sleep(0)
                yield n

    async def main():
        with fl.span("outer"):
            generator = conversation()
            while True:
                try:
                    await asyncio.create_task(anext(generator))
                except StopAsyncIteration:
                    break
            with fl.span("after"):
                pass

    asyncio.run(main())
    assert parents(seen) == {
        "outer": None,
        "conversation": "outer",
        "turn0": "conversation",
        "turn1": "conversation",
        "turn2": "conversation",
        "after": "outer",
    }


def test_calls_made_by_a_generator_in_another_context_are_its_children(seen):
    def helper():
        with fl.span("helper"):
            pass

    def work():
        with fl.span("generator"):
            yield 1
            helper()
            yield 2

    generator = work()
    with fl.span("outer"):
        contextvars.copy_context().run(next, generator)
        next(generator)
        generator.close()
    assert parents(seen) == {"helper": "generator", "generator": "outer", "outer": None}


def test_what_a_generator_begins_is_its_own_while_its_consumer_holds_a_span_over_its_steps(seen):
    def numbers():
        with fl.span("generator"):
            yield 1
            with fl.span("second step"):
                helper()
            fl.event("told")
            yield 2

    def helper():
        with fl.span("helper"):
            pass

    generator = numbers()
    next(generator)
    with fl.span("consumer"):
        with fl.span("consumer's own"):
            next(generator)
        with fl.span("after"):
            pass
        generator.close()
    assert parents(seen) == {
        "generator": None,
        "second step": "generator",
        "helper": "second step",
        "consumer": "generator",
        "consumer's own": "consumer",
        "after": "consumer",
    }
    assert [event.span_id for event in seen.events] == [
        span.span_id for span in seen.spans if span.name == "generator"
    ]
    assert not outside


def test_each_of_two_generators_that_are_advanced_in_turn_begins_its_own(seen):
    def numbers(name):
        with fl.span(name):
            for step in range(3):
                with fl.span(f"{name} {step}"):
                    pass
                yield step

    for _ in zip(numbers("first"), numbers("second"), strict=True):
        pass
    assert parents(seen) == {
        "first": None,
        "second": "first",
        **{f"{name} {step}": name for name in ("first", "second") for step in range(3)},
    }


def test_a_generator_that_uses_a_context_manager_of_its_own_begins_below_that(seen):
    @contextmanager
    def stage():
        with fl.span("stage"), fl.span("inner stage"):
            yield

    def numbers():
        with fl.span("generator"), stage():
            yield 1
            with fl.span("second step"):
                pass
            yield 2

    generator = numbers()
    next(generator)
    with fl.span("consumer"), stage(), fl.span("deep"):
        next(generator)
    generator.close()
    assert {name: above for name, above in parents(seen).items() if "stage" not in name} == {
        "generator": None,
        "second step": "inner stage",
        "consumer": "inner stage",
        "deep": "inner stage",
    }
    above = {span.name: span.parent_id for span in seen.spans}
    assert above["second step"] != above["deep"]
    assert not outside


def test_an_async_generator_begins_its_own_while_its_consumer_holds_a_span(seen):
    async def numbers():
        with fl.span("generator"):
            yield 1
            with fl.span("second step"):
                await asyncio.sleep(0)
            yield 2

    async def main():
        generator = numbers()
        await anext(generator)
        with fl.span("consumer"):
            await anext(generator)
        await generator.aclose()

    asyncio.run(main())
    assert parents(seen) == {"generator": None, "second step": "generator", "consumer": "generator"}


def test_an_exception_thrown_into_a_generator_ends_its_span_as_an_error(seen):
    def work():
        with fl.span("generator"):
            yield 1

    generator = work()
    with fl.span("outer"):
        next(generator)
        with pytest.raises(KeyError):
            generator.throw(KeyError("thrown"))
        with fl.span("after"):
            pass
    assert statuses(seen)["generator"] == "error"
    assert parents(seen)["after"] == "outer"


def test_a_context_manager_made_of_a_generator_is_the_parent_of_its_block(seen):
    @contextmanager
    def stage():
        with fl.span("stage"):
            yield

    with stage(), fl.span("inside"):
        pass
    assert parents(seen) == {"stage": None, "inside": "stage"}


def test_an_async_context_manager_held_open_is_the_parent_of_tasks_started_in_it(seen):
    @asynccontextmanager
    async def lifespan():
        with fl.span("lifespan"):
            yield

    async def request():
        with fl.span("request"), fl.span("query"):
            await asyncio.sleep(0)

    async def main():
        async with lifespan():
            await asyncio.gather(request(), request())

    asyncio.run(main())
    assert sorted(span.name for span in seen.spans) == ["lifespan", "query", "query", "request", "request"]
    assert parents(seen) == {"query": "request", "request": "lifespan", "lifespan": None}


def test_threads_and_pools_carry_the_current_span(seen, carrying):
    def work(n):
        with fl.span(f"work{n}"):
            pass

    with fl.span("outer"):
        thread = threading.Thread(target=work, args=(0,))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, (1, 2)))
    assert parents(seen) == {"outer": None, "work0": "outer", "work1": "outer", "work2": "outer"}


def test_a_pool_s_worker_remembers_nothing_of_an_earlier_task(seen, carrying):
    def work(name):
        with fl.span(name):
            pass

    with ThreadPoolExecutor(1) as pool:
        with fl.span("first"):
            pool.submit(work, "in_first").result()
            with fl.span("second"):
                pool.submit(work, "in_second").result()
        pool.submit(work, "alone").result()
    assert parents(seen) == {
        "first": None,
        "in_first": "first",
        "second": "first",
        "in_second": "second",
        "alone": None,
    }


def test_a_thread_that_outlives_its_cause_does_not_go_on_under_it(seen, carrying):
    go, done = threading.Event(), threading.Event()
    later: list = []

    def worker():
        with fl.span("during"):
            done.set()
            go.wait(30)
        later.append(variable.get())
        later.append(parent_here(variable.get()))

    with fl.span("request"):
        thread = threading.Thread(target=worker)
        thread.start()
        done.wait(30)
    go.set()
    thread.join()
    assert parents(seen) == {"during": "request", "request": None}
    assert later[0] is not None
    assert later[1] is None


def test_an_executor_of_the_event_loop_carries_the_current_span(seen, carrying):
    def work():
        with fl.span("blocking"):
            pass

    async def main():
        with fl.span("outer"):
            await asyncio.get_running_loop().run_in_executor(None, work)
            await asyncio.to_thread(work)

    asyncio.run(main())
    assert [span.name for span in seen.spans] == ["blocking", "blocking", "outer"]
    outer = seen.span("outer")
    assert {span.parent_id for span in seen.spans if span.name == "blocking"} == {outer.span_id}


def test_a_callback_runs_under_the_span_that_scheduled_it(seen):
    def callback():
        with fl.span("callback"):
            pass

    async def main():
        with fl.span("outer"):
            asyncio.get_running_loop().call_soon(callback)
            await asyncio.sleep(0)

    asyncio.run(main())
    assert parents(seen) == {"callback": "outer", "outer": None}


def test_spans_entered_by_hand_may_end_in_any_order(seen):
    a = fl.span("a").__enter__()
    b = fl.span("b").__enter__()
    a.__exit__(None, None, None)
    with fl.span("under_b"):
        pass
    b.__exit__(None, None, None)
    with fl.span("after"):
        pass
    assert parents(seen) == {"a": None, "b": "a", "under_b": "b", "after": None}


def test_a_span_that_starts_in_one_task_and_ends_in_another_does_not_stay_current(seen):
    """As a callback handler does it: start in one task, end in a task created meanwhile."""

    async def main():
        with fl.span("outer"):
            handler = fl.span("handler").__enter__()

            async def end():
                handler.__exit__(None, None, None)

            await asyncio.create_task(end())
            with fl.span("after"):
                pass

    asyncio.run(main())
    assert parents(seen) == {"outer": None, "handler": "outer", "after": "outer"}


def test_an_exit_stack_works_like_a_with_block(seen):
    with ExitStack() as stack:
        stack.enter_context(fl.span("a"))
        stack.enter_context(fl.span("b"))
    assert parents(seen) == {"a": None, "b": "a"}


def test_captures_in_threads_do_not_see_each_other():
    names: dict[int, list[str]] = {}
    barrier = threading.Barrier(4)

    def test(n):
        with fl.capture() as mine:
            barrier.wait(30)
            for _ in range(20):
                with fl.span(f"s{n}"):
                    pass
        names[n] = [span.name for span in mine.spans]

    threads = [threading.Thread(target=test, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == {n: [f"s{n}"] * 20 for n in range(4)}
