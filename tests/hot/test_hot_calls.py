"""`traced_fn` tells of each call: its arguments, and its result or exception, and how long it took."""

from __future__ import annotations

import asyncio
import functools
import inspect

import pytest

import flightlog as fl
from flightlog import hot
from flightlog.records.hot import LEFT_OUT

HERE = __name__.rpartition(".")[2]


@pytest.fixture
def seen():
    """Everything recorded by the test, and nothing of any other."""
    with fl.capture() as captured:
        yield captured


def _told(seen):
    """The beginnings and ends of calls, each without what differs from run to run."""
    found = []
    for event in seen.events:
        told = dict(event.attributes)
        assert event.level == "trace"
        assert told.pop("actor") == HERE
        if told["flightlog.event"] == "exit":
            assert told.pop("elapsed_ns") >= 0
        found.append((event.name, told.pop("flightlog.event"), told.pop("function"), told))
    return found


def test_a_call_is_told_of_with_its_arguments_and_its_result(seen):
    @hot.traced_fn
    def add(a, b=2, *rest, **more):
        return a + b

    with fl.span("root") as root:
        assert add(1, 5, 6, x=7) == 6
    name = "test_a_call_is_told_of_with_its_arguments_and_its_result.add"
    assert _told(seen) == [
        ("add", "enter", name, {"args": {"a": 1, "b": 5, "*rest": [6], "x": 7}}),
        ("add", "exit", name, {"result": 6}),
    ]
    assert {event.span_id for event in seen.events} == {root.span_id}
    assert [span.name for span in seen.spans] == ["root"]


def test_a_call_that_fails_is_told_of_with_its_exception(seen):
    @hot.traced_fn
    def fail(password):
        raise ValueError("bad date")

    with pytest.raises(ValueError, match="bad date"):
        fail("hunter2hunter2")
    (_, began, ended) = (None, *_told(seen))
    assert began[3] == {"args": {"password": "[REDACTED]"}}
    assert ended[3] == {"error": "ValueError: bad date", "status": "error"}


def test_a_call_that_does_not_fit_is_refused_as_it_would_be(seen):
    @hot.traced_fn
    def none():
        """Take nothing."""

    with pytest.raises(TypeError, match="takes 0 positional arguments"):
        none(1)


def test_coroutine_functions_stay_such_and_are_told_of_when_awaited(seen):
    @hot.traced_fn
    async def work(job):
        await asyncio.sleep(0)
        return job

    assert inspect.iscoroutinefunction(work)
    assert asyncio.run(work("j")) == "j"
    assert [told[3] for told in _told(seen)] == [{"args": {"job": "j"}}, {"result": "j"}]


def test_a_cancelled_coroutine_is_no_failure(seen):
    @hot.traced_fn
    async def work():
        await asyncio.Event().wait()

    async def main():
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert _told(seen)[1][3]["status"] == "cancelled"


def test_generators_stay_such_and_are_told_of_from_their_first_step_to_their_end(seen):
    @hot.traced_fn
    def numbers(n):
        got = yield from range(n)
        return got or "done"

    assert inspect.isgeneratorfunction(numbers)
    made = numbers(2)
    assert seen.events == []
    assert list(made) == [0, 1]
    assert [told[3] for told in _told(seen)] == [{"args": {"n": 2}}, {"result": "done"}]


def test_a_generator_that_is_closed_early_has_ended(seen):
    @hot.traced_fn
    def numbers():
        yield 1
        yield 2

    made = numbers()
    assert next(made) == 1
    made.close()
    assert len(_told(seen)) == 2


def test_async_generators_stay_such(seen):
    @hot.traced_fn
    async def numbers():
        yield 1
        yield 2

    async def main():
        return [number async for number in numbers()]

    assert inspect.isasyncgenfunction(numbers)
    assert asyncio.run(main()) == [1, 2]
    assert [told[1] for told in _told(seen)] == ["enter", "exit"]


def test_methods_of_every_sort(seen):
    class Worker:
        @hot.traced_fn
        def run(self, job):
            return job

        @hot.traced_fn
        @staticmethod
        def fixed(job):
            return job

        @classmethod
        @hot.traced_fn
        def made(cls, job):
            return (cls.__name__, job)

        @hot.traced_fn
        @classmethod
        def also(cls, job):
            return job

    worker = Worker()
    assert (worker.run(1), Worker.fixed(2), worker.made(3), Worker.also(4)) == (1, 2, ("Worker", 3), 4)
    began = [told[3]["args"] for told in _told(seen) if told[1] == "enter"]
    assert began == [{"job": 1}, {"job": 2}, {"job": 3}, {"job": 4}]


def test_partials_and_objects_that_can_be_called(seen):
    class Called:
        def __call__(self, x):
            return x

    partial = hot.traced_fn(functools.partial(lambda a, b: a + b, 1))
    assert (partial(2), hot.traced_fn(Called())(5)) == (3, 5)
    assert [told[3]["args"] for told in _told(seen) if told[1] == "enter"] == [{"a": 1, "b": 2}, {"x": 5}]


@pytest.mark.parametrize("above", [True, False])
def test_with_traced_what_is_told_stands_on_the_span_of_the_call(seen, above):
    def work(a):
        return a

    both = hot.traced_fn(fl.traced(work)) if above else fl.traced(hot.traced_fn(work))
    assert both(1) == 1
    (span,) = seen.spans
    assert {event.span_id for event in seen.events} == {span.span_id}
    assert len(seen.events) == 2


def test_one_of_so_many_calls_is_told_of_whole(seen):
    @hot.traced_fn(every=3, actor="queue")
    def work():
        return 1

    for _ in range(7):
        work()
    assert [event.attributes.get(LEFT_OUT) for event in seen.events] == [None, None, 2, None, 2, None]
    assert {event.attributes["actor"] for event in seen.events} == {"queue"}


def test_where_the_level_is_off_the_function_itself_is_given_back():
    def work():
        """Work."""

    class Fixed:
        held = staticmethod(work)

    static = staticmethod(work)
    assert hot.traced_fn(work) is work
    assert hot.traced_fn(every=3)(work) is work
    assert hot.traced_fn(static) is static
    with fl.capture() as seen:  # a later change does not revive it
        work()
    assert seen.events == []


def test_a_level_that_goes_off_later_silences_what_was_decorated(seen):
    @hot.traced_fn
    def work():
        return 1

    with fl.capture(level="info") as inner:
        work()
    assert (inner.events, seen.events) == ([], [])
    work()
    assert len(seen.events) == 2


@pytest.mark.parametrize("thing", [42, "f", int, property(lambda self: 1)])
def test_what_is_no_function_is_refused_whatever_the_level(thing):
    with pytest.raises(TypeError, match="traced_fn takes a function"):
        hot.traced_fn(thing)


def test_the_face_of_a_function_is_kept(seen):
    @hot.traced_fn
    def work(a: int) -> int:
        """Work hard."""
        return a

    assert (work.__name__, work.__doc__, inspect.signature(work).parameters.keys()) == (
        "work",
        "Work hard.",
        {"a"},
    )


def test_arguments_that_cannot_be_told_do_not_keep_the_call_from_running(seen):
    class Hostile:
        def __getattribute__(self, name):
            raise RuntimeError(name)

    @hot.traced_fn
    def work(it):
        return 1

    assert work(Hostile()) == 1
    assert len(seen.events) == 2
