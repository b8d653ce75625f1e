"""What `narrates` says after a call, of every sort of function, however the call ends and whatever stands around it."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading

import pytest

import flightlog as fl
from flightlog.core.elapsed import Elapsed, in_words


def bodies(seen):
    return [event.body for event in seen.events]


def only(seen):
    (event,) = seen.events
    return event


class Job:
    def __init__(self, worker):
        self.worker = worker


# -- a call that succeeds ----------------------------------------------------------------------------------------


def test_it_speaks_after_the_call_with_the_arguments_the_result_and_the_time(seen):
    @fl.narrates("Dispatched {job_id} to {result.worker} in {elapsed}", target="{job_id}", cute="🐝 {job_id}")
    def dispatch(job_id, *, queue="default"):
        fl.event("at work")
        return Job("w-3")

    assert dispatch("job-1").worker == "w-3"
    work, event = seen.events
    assert work.name == "at work"
    assert event.name == "dispatch"
    assert event.body.startswith("Dispatched job-1 to w-3 in ")
    assert event.body.endswith((" ns", " µs", " ms", " s"))
    assert (event.attributes["target"], event.attributes["cute"]) == ("job-1", "🐝 job-1")
    assert "story" not in event.attributes


def test_arguments_are_those_of_the_call_however_they_were_passed_and_the_defaults_else(seen):
    @fl.narrates("{a} {b} {rest} {c} {more[x]} {more}")
    def work(a, b=2, *rest, c=3, **more):
        pass

    work(1, x="x")
    work(b=5, a=4, c=6, x=0)
    work(1, 2, 3, 4, x="")
    assert bodies(seen) == [
        "1 2 () 3 x {'x': 'x'}",
        "4 5 () 6 0 {'x': 0}",
        "1 2 (3, 4) 3  {'x': ''}",
    ]


def test_values_are_read_after_the_call(seen):
    @fl.narrates("{jobs}")
    def fill(jobs):
        jobs.append("new")

    fill([])
    assert bodies(seen) == ["['new']"]


def test_action_actor_level_correlation_id_and_fields_are_as_given(seen):
    @fl.narrates(
        "x", action="enqueue", actor="queue", level="warn", correlation_id="{job_id}", n=3, source="s3"
    )
    def work(job_id):
        pass

    work("job-1")
    event = only(seen)
    assert (event.name, event.level) == ("enqueue", "warn")
    told = event.attributes
    assert (told["actor"], told["correlation_id"], told["n"], told["fields.source"]) == (
        "queue",
        "job-1",
        3,
        "s3",
    )


def test_a_decoration_without_a_sentence_is_refused_at_once():
    with pytest.raises(TypeError, match=r'as in @fl\.narrates\("Sent \{mail\}"\), not <function'):

        @fl.narrates
        def send(mail):
            return mail


def test_what_it_says_comes_from_the_line_of_the_decoration(seen):
    space = {"__name__": "app.worker", "fl": fl}
    exec(compile("\n@fl.narrates('x')\ndef work():\n    pass\nwork()", "worker.py", "exec"), space)
    assert only(seen).attributes["source"] == "app.worker:2"
    assert only(seen).attributes["actor"] == "worker"


def test_a_bound_actor_speaks(seen):
    @fl.narrates("x")
    def work():
        pass

    with fl.bind(actor="bound", correlation_id="flow"):
        work()
    assert only(seen).attributes["actor"] == "bound"
    assert only(seen).attributes["correlation_id"] == "flow"


@pytest.mark.parametrize("name", ["result", "elapsed"])
def test_a_parameter_wins_over_what_is_known_of_the_call(seen, name):
    space: dict[str, object] = {}
    exec(f"def work({name}): return 7", space)
    fl.narrates("{" + name + "}")(space["work"])("mine")
    assert bodies(seen) == ["mine"]


# -- a call that does not succeed ----------------------------------------------------------------------------------


def test_a_failure_is_told_at_level_error_with_its_type(seen):
    @fl.narrates("Done", target="{job_id}", cute="🎉", story='"Done!"')
    def work(job_id):
        raise ValueError("bad date")

    with pytest.raises(ValueError, match="bad date"):
        work("job-1")
    event = only(seen)
    assert (event.body, event.level, event.name) == ("work failed: ValueError", "error", "work")
    assert event.attributes["target"] == "job-1"
    assert not {"cute", "story"} & set(event.attributes)


def test_a_failure_is_told_in_the_words_given(seen):
    @fl.narrates(
        "Done {result}", target="{result}", failed="No {job_id}: {error}, {error.args[0]!r} ({elapsed:.0f})"
    )
    def work(job_id):
        raise KeyError("gone")

    with pytest.raises(KeyError):
        work(1)
    assert bodies(seen) == ["No 1: 'gone', 'gone' (0)"]
    assert "target" not in only(seen).attributes


def test_a_quiet_level_is_no_reason_to_hide_a_failure():
    @fl.narrates("Done", level="debug")
    def work(*, fail):
        if fail:
            raise ValueError

    with fl.capture("info") as seen:
        work(fail=False)
        with pytest.raises(ValueError):
            work(fail=True)
    assert bodies(seen) == ["work failed: ValueError"]


def test_where_even_errors_are_off_nothing_is_said():
    @fl.narrates("Done {x}")
    def work(x):
        raise ValueError

    with fl.capture("fatal") as seen, pytest.raises(ValueError):
        work(1)
    assert seen.events == []


def test_level_off_leaves_the_function_as_it_is():
    def work():
        pass

    assert fl.narrates("x", level="off")(work) is work


def test_a_cancelled_task_is_told_of_at_the_level_of_the_call(seen):
    @fl.narrates("Slept", level="debug")
    async def sleep(begun):
        begun.set()
        await asyncio.Event().wait()

    async def main():
        begun = asyncio.Event()
        task = asyncio.create_task(sleep(begun))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert (only(seen).body, only(seen).level) == ("sleep was cancelled", "debug")


def test_arguments_that_do_not_fit_are_refused_as_ever_and_told_of(seen):
    @fl.narrates("{a}", failed="{a} {b} {error}")
    def work(a, b="b"):
        pass

    with pytest.raises(TypeError, match=r"work\(\) missing 1 required positional argument: 'a'"):
        work()
    assert only(seen).body == f"{{a}} b {work.__qualname__}() missing 1 required positional argument: 'a'"


# -- sorts of functions ------------------------------------------------------------------------------------------


def test_a_coroutine_is_told_of_when_it_is_done(seen):
    @fl.narrates("Got {result}")
    async def fetch():
        await asyncio.sleep(0)
        fl.event("at work")
        return 3

    assert inspect.iscoroutinefunction(fetch)
    assert asyncio.run(fetch()) == 3
    assert [event.name for event in seen.events] == ["at work", "fetch"]
    assert bodies(seen)[-1] == "Got 3"


def test_a_generator_is_told_of_when_it_ends_with_what_it_returned(seen):
    @fl.narrates("Read {n}: {result}")
    def read(n):
        yield from range(n)
        return "all"

    assert inspect.isgeneratorfunction(read)
    for _ in read(2):
        assert seen.events == []
    assert bodies(seen) == ["Read 2: all"]


def test_a_generator_that_is_closed_ended_early_where_the_sentence_needs_its_result(seen):
    @fl.narrates("Read {n}: {result}")
    def read(n):
        yield from range(n)

    @fl.narrates("Listed {n}")
    def listed(n):
        yield from range(n)

    for made in (read(9), listed(9)):
        next(made)
        made.close()
    assert bodies(seen) == ["read ended early", "Listed 9"]
    assert {event.level for event in seen.events} == {"info"}


def test_a_generator_that_fails_is_told_of(seen):
    @fl.narrates("Read")
    def read():
        yield 1
        raise ValueError

    with pytest.raises(ValueError):
        list(read())
    assert bodies(seen) == ["read failed: ValueError"]


def test_a_generator_that_nobody_steps_is_not_told_of(seen):
    @fl.narrates("Read")
    def read():
        yield 1

    read().close()
    assert seen.events == []


def test_what_is_sent_and_thrown_into_a_generator_arrives(seen):
    @fl.narrates("Echoed")
    def echo():
        try:
            got = yield "ready"
            yield got
        except KeyError as error:
            yield error

    made = echo()
    assert next(made) == "ready"
    assert made.send("x") == "x"
    thrown = KeyError("k")
    assert made.throw(thrown) is thrown
    assert list(made) == []
    assert bodies(seen) == ["Echoed"]


def test_an_async_generator_is_told_of_when_it_ends(seen):
    @fl.narrates("Streamed {n}")
    async def stream(n):
        for i in range(n):
            yield i

    async def main():
        assert [item async for item in stream(2)] == [0, 1]
        made = stream(3)
        await anext(made)
        await made.aclose()

    assert inspect.isasyncgenfunction(stream)
    asyncio.run(main())
    assert bodies(seen) == ["Streamed 2", "Streamed 3"]


def test_a_coroutine_or_generator_that_a_plain_function_returns_is_followed(seen):
    async def fetch():
        return 3

    def read():
        yield 1
        return 2

    fetched = fl.narrates("Got {result}")(lambda wait=False: fetch())
    listed = fl.narrates("Read {result}")(lambda wait=False: read())
    assert asyncio.run(fetched()) == 3
    assert list(listed()) == [1]
    assert bodies(seen) == ["Got 3", "Read 2"]


def test_what_a_plain_function_returns_and_nobody_begins_is_not_told_of(seen):
    async def fetch():
        return 3

    def read():
        yield 1

    async def stream():
        yield 1

    fl.narrates("Read")(lambda wait=False: read())()
    fl.narrates("Streamed")(lambda wait=False: stream())()
    with pytest.warns(RuntimeWarning, match="never awaited") as caught:
        fl.narrates("Fetched")(lambda wait=False: fetch())()
    assert len(caught) == 1
    assert seen.events == []


def test_methods_are_told_of_above_and_below_their_decorators(seen):
    class Queue:
        name = "q"

        @fl.narrates("{self.name} took {job}")
        def push(self, job):
            pass

        @fl.narrates("{cls.name} made {n}")
        @classmethod
        def made(cls, n):
            pass

        @classmethod
        @fl.narrates("{cls.name} remade {n}")
        def remade(cls, n):
            pass

        @fl.narrates("freed {n}")
        @staticmethod
        def freed(n):
            pass

    queue = Queue()
    queue.push(1)
    queue.made(2)
    Queue.remade(n=3)
    queue.freed(4)
    fl.narrates("{self.name} again {job}")(queue.push)(5)
    assert bodies(seen) == ["q took 1", "q made 2", "q remade 3", "freed 4", "q took 5", "q again 5"]


def test_a_traced_method_that_is_bound_to_its_object_can_be_decorated_again(seen):
    class Queue:
        @fl.traced
        def push(self, job):
            return self, job

    queue = Queue()
    assert fl.narrates("Pushed {job}")(queue.push)(1) == (queue, 1)
    assert fl.traced(name="again")(queue.push)(2) == (queue, 2)
    assert bodies(seen) == ["Pushed 1"]
    assert [(span.name.rpartition(".")[2], span.input) for span in seen.spans] == [
        ("push", {"job": 1}),
        ("again", {"job": 2}),
    ]


def test_partials_and_other_objects_that_can_be_called_are_told_of(seen):
    class Worker:
        def __call__(self, job, size=2):
            return job

    def work(a, b, *, c=3):
        return a

    fl.narrates("{a} {b} {c}")(functools.partial(work, 1, c=4))(2)
    fl.narrates("{job} {size} {result}")(Worker())("j")
    fl.narrates("{result}")(len)([1])
    assert bodies(seen) == ["1 2 4", "j 2 j", "1"]


def test_signature_and_names_are_those_of_the_function():
    def work(a: int, b: str = "x") -> bool:
        """Does it."""
        return True

    told = fl.narrates("{a}")(work)
    assert inspect.signature(told) == inspect.signature(work)
    assert (told.__name__, told.__qualname__, told.__doc__, told.__module__) == (
        work.__name__,
        work.__qualname__,
        "Does it.",
        __name__,
    )
    assert told.__wrapped__ is work


@pytest.mark.parametrize("target", [int, 3, property(lambda self: 1), None])
def test_what_is_no_function_is_refused(target):
    with pytest.raises(TypeError, match="narrates"):
        fl.narrates("x")(target)


# -- around and below traced -----------------------------------------------------------------------------------------


def test_with_traced_in_either_order_it_is_said_on_the_span_of_the_call(seen):
    def work(x):
        return x + 1

    above = fl.narrates("Did {x}: {result}")(fl.traced(name="above")(work))
    below = fl.traced(name="below")(fl.narrates("Did {x}: {result}")(work))
    assert (above(1), below(1)) == (2, 2)
    assert bodies(seen) == ["Did 1: 2"] * 2
    for event, name in zip(seen.events, ("above", "below"), strict=True):
        span = seen.span(name)
        assert event.span_id == span.span_id
        assert (span.input, span.output) == ({"x": 1}, 2)
        assert event.time <= span.end


def test_traced_below_it_keeps_being_what_it_was(seen):
    @fl.traced
    def work():
        pass

    told = fl.narrates("Did it")(work)
    work()
    assert seen.events == []
    told()
    assert len(seen.spans) == 2


def test_coroutines_and_generators_are_told_of_on_their_spans(seen):
    @fl.narrates("Fetched")
    @fl.traced
    async def fetch():
        await asyncio.sleep(0)

    @fl.traced
    @fl.narrates("Read")
    def read():
        yield 1

    asyncio.run(fetch())
    assert list(read()) == [1]
    assert {event.span_id for event in seen.events} == {span.span_id for span in seen.spans}


def test_a_generator_s_spans_are_where_they_were_without_it(seen):
    def body():
        for name in ("one", "two"):
            with fl.span(name):
                pass
            yield

    told = fl.narrates("Read")(body)()
    for name in ("outer one", "outer two"):
        with fl.span(name):
            next(told)
    parents = {span.name: span.parent_id for span in seen.spans}
    assert parents["one"] == seen.span("outer one").span_id
    assert parents["two"] == seen.span("outer two").span_id


def test_two_sentences_on_one_function_are_both_said(seen):
    @fl.narrates("second")
    @fl.narrates("first")
    def work():
        pass

    work()
    assert bodies(seen) == ["first", "second"]


def test_calls_of_many_tasks_and_threads_keep_their_own_values(seen, carrying):
    @fl.narrates("{n}={result}")
    async def double(n):
        await asyncio.sleep(0)
        return 2 * n

    @fl.narrates("{n}={result}")
    def treble(n):
        return 3 * n

    async def main():
        await asyncio.gather(*(double(n) for n in range(50)))

    with fl.span("root"):
        asyncio.run(main())
        threads = [threading.Thread(target=treble, args=(n,)) for n in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(bodies(seen)) == sorted(f"{n}={times * n}" for times in (2, 3) for n in range(50))


def test_a_recursive_function_may_exhaust_the_stack(seen):
    @fl.narrates("{n}")
    def dig(n):
        return dig(n + 1)

    with pytest.raises(RecursionError):
        dig(0)


# -- durations ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ns", "told"),
    [
        (0, "0 ns"),
        (842, "842 ns"),
        (842_000, "842 µs"),
        (999_600, "1 ms"),
        (15_000_000, "15 ms"),
        (999_600_000, "1.00 s"),
        (1_200_000_000, "1.20 s"),
        (59_996_000_000, "1m 00s"),
        (123_000_000_000, "2m 03s"),
        (3_840_000_000_000, "1h 04m"),
    ],
)
def test_a_duration_is_told_as_people_say_it(ns, told):
    assert in_words(ns) == told
    assert f"{Elapsed(ns / 1e9)}" == told


def test_a_duration_with_a_format_specification_is_a_number_of_seconds():
    assert f"{Elapsed(1.25):.1f}" == "1.2"
