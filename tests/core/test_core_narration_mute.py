"""`mute`: what a block narrates is left unsaid, here and in the tasks and threads that it starts; nothing else is."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import flightlog as fl


def said(seen):
    return [event.name for event in seen.events]


def test_a_muted_block_says_nothing_and_records_the_rest(seen):
    with fl.mute(), fl.span("s"):
        fl.narrate("a", human=lambda: pytest.fail("nobody listens"))
        fl.event("cache", hit=True)
    fl.narrate("b")
    assert said(seen) == ["cache", "b"]
    assert seen.span("s").status == "ok"


def test_muted_blocks_nest(seen):
    with fl.mute():
        with fl.mute():
            fl.narrate("a")
        fl.narrate("b")
    fl.narrate("c")
    assert said(seen) == ["c"]


def test_one_block_may_be_entered_again_and_within_itself(seen):
    quiet = fl.mute()
    for _ in range(2):
        with quiet, quiet:
            fl.narrate("a")
        fl.narrate("b")
    assert said(seen) == ["b", "b"]


def test_what_is_bound_around_and_within_holds_on(seen):
    with fl.bind(user="u"), fl.mute(), fl.bind(job="j"):
        fl.narrate("a")
        fl.event("e")
    (event,) = seen.events
    assert event.context == {"user": "u", "job": "j"}


def test_an_exception_ends_the_silence(seen):
    with pytest.raises(ValueError), fl.mute():
        raise ValueError
    fl.narrate("a")
    assert said(seen) == ["a"]


def test_tasks_that_the_block_starts_are_muted_and_no_others(seen):
    async def main():
        go = asyncio.Event()

        async def say(name):
            await go.wait()
            fl.narrate(name)

        before = asyncio.create_task(say("before"))
        with fl.mute():
            within = asyncio.create_task(say("within"))
        after = asyncio.create_task(say("after"))
        go.set()
        await asyncio.gather(before, within, after)

    asyncio.run(main())
    assert sorted(said(seen)) == ["after", "before"]


def test_two_tasks_in_one_block_leave_it_in_any_order(seen):
    quiet = fl.mute()

    async def hold(begun, end):
        with quiet:
            begun.set()
            await end.wait()
            fl.narrate("a")
        fl.narrate("b")

    async def main():
        events = [asyncio.Event() for _ in range(4)]
        tasks = [asyncio.create_task(hold(*events[:2])), asyncio.create_task(hold(*events[2:]))]
        await events[0].wait()
        await events[2].wait()
        for end, task in zip(events[1::2], tasks, strict=True):
            end.set()
            await task

    asyncio.run(main())
    assert said(seen) == ["b", "b"]


def test_threads_and_executors_that_the_block_starts_are_muted(seen, carrying):
    with fl.span("root"), ThreadPoolExecutor(1) as pool:
        with fl.mute():
            thread = threading.Thread(target=fl.narrate, args=("thread",))
            thread.start()
            thread.join()
            pool.submit(fl.narrate, "muted work").result()
        pool.submit(fl.narrate, "work").result()
    assert said(seen) == ["work"]


def test_a_thread_stays_muted_when_it_outlives_its_span(seen, carrying):
    go = threading.Event()

    def work():
        go.wait(10)
        fl.narrate("late")
        fl.event("done")

    with fl.mute(), fl.span("root"):
        thread = threading.Thread(target=work)
        thread.start()
    go.set()
    thread.join()
    assert "late" not in said(seen)


def test_the_consumer_of_a_traced_generator_is_not_muted_by_its_body(seen):
    @fl.traced
    def body():
        with fl.mute():
            fl.narrate("inside")
            yield 1
            fl.narrate("inside")

    for _ in body():
        fl.narrate("outside")
    assert said(seen) == ["outside"]


def test_a_decorated_function_is_muted_where_it_is_called(seen):
    @fl.narrates("Did it")
    def work():
        return 1

    with fl.mute():
        work()
    work()
    assert said(seen) == ["work"]
