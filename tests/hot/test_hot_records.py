"""Each call of the hot tier is an event of level trace, on the current span."""

from __future__ import annotations

import asyncio
import os
import threading
from contextvars import copy_context

import msgspec
import pytest

import flightlog as fl
from flightlog import hot
from flightlog.core.hot_pairs import MOST_OPEN, entered
from flightlog.core.hot_telling import _event_ids
from flightlog.records.hot import LEFT_OUT
from flightlog.records.narration import MARK

SECRET = "ghp_" + "a1B2" * 9
HERE = __name__.rpartition(".")[2]


@pytest.fixture
def seen():
    """Everything recorded by the test, and nothing of any other."""
    with fl.capture() as captured:
        yield captured


def _only(seen):
    (event,) = seen.events
    assert event.level == "trace"
    return event


def test_a_tiny_word_says_who_did_what_to_what(seen):
    with fl.span("root") as span:
        hot.tiny("queue", "dispatch", "job-1", "sent")
    event = _only(seen)
    assert (event.name, event.body, event.span_id) == ("dispatch", "sent", span.span_id)
    assert event.attributes == {MARK: "tiny", "actor": "queue", "target": "job-1"}


def test_what_is_not_there_is_left_out(seen):
    hot.tiny("queue", "dispatch")
    event = _only(seen)
    assert (event.body, event.attributes) == ("", {MARK: "tiny", "actor": "queue"})


def test_a_correlated_word_has_its_flow(seen):
    hot.correlated("queue", "dispatch", "job-1", "sent to {}", "c-1", "w1")
    event = _only(seen)
    assert (event.body, event.attributes["correlation_id"]) == ("sent to w1", "c-1")


@pytest.mark.parametrize(
    ("text", "args", "said"),
    [
        ("sent {}", ("it",), "sent it"),
        ("{} and {}", (1, [2]), "1 and [2]"),
        ("{1} before {0}", ("a", "b"), "b before a"),
        ("{:.2f} {!r}", (1.5, "x"), "1.50 'x'"),
        ("{0.real} {1[k]}", (7, {"k": "v"}), "7 v"),
        ("{{}} {}", (1,), "{} 1"),
        ("no fields", (1,), "no fields"),
        ("{} {}", (1,), "1 {}"),
        ("{", (1,), "{"),
        ("{0.missing}", (1,), "{0.missing}"),
        ("{}", (), "{}"),
        (lambda: "made", (), "made"),
        (lambda job: f"made {job}", ("j",), "made j"),
        (lambda: 42, (), "42"),
        (lambda: 1 / 0, (), ""),
        (None, (), ""),
        (42, (), "42"),
    ],
)
def test_a_text_is_made_where_it_is_recorded(seen, text, args, said):
    hot.tiny("queue", "dispatch", "job-1", text, *args)
    assert _only(seen).body == said


def test_a_large_value_in_a_template_is_cut(seen):
    hot.tiny("queue", "dispatch", "job-1", "{}", "x" * 10_000_000)
    assert len(_only(seen).body) == 1_000


def test_the_gate_sees_everything(seen):
    hot.tiny("queue", "dispatch", SECRET, "sent {}", SECRET)
    hot.correlated("q", "d", "t", lambda: f"made of {SECRET}", SECRET)
    hot.enter("f", {"password": "hunter2hunter2", "other": SECRET})
    hot.exit("f", {"api_key": "hunter2hunter2", "other": [SECRET]})
    hot.iteration(0, 1, SECRET)
    hot.state("s", SECRET, {"token": "hunter2hunter2"})
    assert len(seen.events) == 6
    assert SECRET not in repr(seen.events)
    assert "hunter2hunter2" not in repr(seen.events)


def test_the_actor_is_the_module_unless_somebody_is_bound(seen):
    hot.state("q", 5, 6)
    with fl.bind(actor="billing"):
        hot.state("q", 6, 7)
    assert [event.attributes["actor"] for event in seen.events] == [HERE, "billing"]


def test_a_state_has_the_fields_of_its_meaning(seen):
    hot.state("queue_depth", 5, 6)
    event = _only(seen)
    assert (event.name, event.attributes) == (
        "state",
        {"name": "queue_depth", "before": 5, "after": 6, "actor": HERE},
    )


def test_an_iteration_has_the_fields_of_a_loop(seen):
    hot.iteration(0, 8, "warming {}", "up")
    hot.iteration(1, name="jobs")
    first, second = seen.events
    assert (first.name, first.body, first.attributes) == (
        "loop",
        "warming up",
        {"i": 0, "n": 8, "actor": HERE},
    )
    assert second.attributes == {"i": 1, "name": "jobs", "actor": HERE}


def test_a_loop_gives_its_items_and_tells_of_its_rounds(seen):
    assert list(hot.loop(["a", "b"], name="letters")) == ["a", "b"]
    assert list(hot.loop(letter for letter in "ab")) == ["a", "b"]
    told = [{key: event.attributes.get(key) for key in ("i", "n", "name")} for event in seen.events]
    assert told == [
        {"i": 0, "n": 2, "name": "letters"},
        {"i": 1, "n": 2, "name": "letters"},
        {"i": 0, "n": None, "name": None},
        {"i": 1, "n": None, "name": None},
    ]


def test_a_round_is_told_before_it_runs_and_stands_on_the_span_around_it(seen):
    with fl.span("outer") as outer:
        told = []
        for i in hot.loop(range(2)):
            with fl.span("round"):
                told.append((i, len(seen.events)))
    assert told == [(0, 1), (1, 2)]
    assert [event.span_id for event in seen.events] == [outer.span_id] * 2


def test_an_asynchronous_loop_gives_its_items_too(seen):
    async def letters():
        for letter in "ab":
            yield letter

    async def main():
        return [letter async for letter in hot.loop(letters())]

    assert asyncio.run(main()) == ["a", "b"]
    assert [event.attributes["i"] for event in seen.events] == [0, 1]


def test_a_loop_refuses_what_cannot_be_looped_over_as_the_language_does():
    with pytest.raises(TypeError, match="not iterable"):
        hot.loop(42)  # type: ignore[call-overload]  # what is tested


def test_a_loop_that_is_left_early_closes_what_it_went_over(seen):
    closed = []

    def numbers():
        try:
            yield from range(10)
        finally:
            closed.append(True)

    for number in hot.loop(numbers()):
        if number == 1:
            break
    assert closed == [True]


def test_what_is_thrown_within_a_loop_comes_out_of_it_as_it_was(seen):
    def numbers():
        yield 1
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        list(hot.loop(numbers()))


def test_a_pair_has_the_time_between_and_nests(seen):
    hot.enter("outer", {"a": 1})
    hot.enter("inner", [1, 2])
    hot.exit("inner", "x")
    hot.exit("outer")
    told = [(event.name, event.attributes["function"]) for event in seen.events]
    assert told == [("enter", "outer"), ("enter", "inner"), ("exit", "inner"), ("exit", "outer")]
    inner_ns, outer_ns = (event.attributes["elapsed_ns"] for event in seen.events[2:])
    assert 0 < inner_ns < outer_ns
    assert seen.events[2].attributes["result"] == "x"
    assert "result" not in seen.events[3].attributes


def test_a_function_itself_may_be_named(seen):
    hot.enter(test_a_function_itself_may_be_named)
    hot.exit(test_a_function_itself_may_be_named)
    assert {event.attributes["function"] for event in seen.events} == {"test_a_function_itself_may_be_named"}


def test_a_recursion_pairs_the_innermost_first(seen):
    def fall(depth: int) -> int:
        hot.enter("fall", {"depth": depth})
        result = depth if depth == 0 else fall(depth - 1)
        hot.exit("fall", depth)
        return result

    fall(3)
    exits = [event.attributes for event in seen.events if event.name == "exit"]
    assert [told["result"] for told in exits] == [0, 1, 2, 3]
    times = [told["elapsed_ns"] for told in exits]
    assert times == sorted(times)


def test_an_exit_without_its_entrance_has_no_time_and_disturbs_no_pair(seen):
    hot.enter("outer")
    hot.exit("stranger")
    hot.exit("outer")
    stranger, outer = seen.events[1:]
    assert "elapsed_ns" not in stranger.attributes
    assert "elapsed_ns" in outer.attributes


def test_what_was_never_left_is_forgotten_with_what_is_around_it(seen):
    hot.enter("outer")
    hot.enter("lost")
    hot.exit("outer")
    hot.exit("lost")
    assert "elapsed_ns" not in seen.events[-1].attributes


def test_entering_without_end_keeps_a_bounded_chain(seen):
    for _ in range(3 * MOST_OPEN):
        hot.enter("f", every=1_000_000)
    depth, entry = 0, entered.get()
    while entry is not None:
        depth, entry = depth + 1, entry.outer
    entered.set(None)
    assert depth <= MOST_OPEN + 1


def test_pairs_are_those_of_a_task(seen):
    async def work(name: str, mine: asyncio.Event, other: asyncio.Event) -> None:
        hot.enter("work", name)
        mine.set()
        await other.wait()
        hot.exit("work", name)

    async def main() -> None:
        one, two = asyncio.Event(), asyncio.Event()
        await asyncio.gather(work("one", one, two), work("two", two, one))
        hot.exit("work", "none")

    asyncio.run(main())
    exits = [event.attributes for event in seen.events if event.name == "exit"]
    assert [("elapsed_ns" in told) for told in exits] == [True, True, False]


def test_pairs_are_those_of_a_thread(seen):
    hot.enter("work")
    alone = threading.Thread(target=lambda: copy_context().run(hot.exit, "work"))
    alone.start()
    alone.join()
    hot.exit("work")
    assert "elapsed_ns" in seen.events[-1].attributes


class Hostile:
    """Raises whatever is asked of it."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __hash__ = None  # type: ignore[assignment]  # a hostile one


def test_nothing_that_is_handed_over_breaks_the_program(seen):
    it = Hostile()
    hot.tiny(it, it, it, it, it)  # type: ignore[arg-type]  # what is tested
    hot.tiny("a", "b", "c", "{} {0.x}", it)
    hot.correlated(it, it, it, it, it)  # type: ignore[arg-type]  # what is tested
    hot.enter(it, it)
    hot.exit(it, it)
    hot.iteration(it, it, it)  # type: ignore[arg-type]  # what is tested
    hot.state(it, it, it)  # type: ignore[arg-type]  # what is tested
    hot.tiny("a", "b", every="x", per_second="y")  # type: ignore[arg-type]  # what is tested
    assert list(hot.loop([1], every="x", name=it)) == [1]  # type: ignore[call-overload]  # what is tested
    assert seen.events


def test_one_of_so_many_is_recorded_and_the_rest_is_counted(seen):
    for i in range(10):
        hot.tiny("queue", "dispatch", str(i), every=4)
    told = [(event.attributes["target"], event.attributes.get(LEFT_OUT)) for event in seen.events]
    assert told == [("0", None), ("4", 3), ("8", 3)]


def test_each_line_samples_for_itself(seen):
    for _ in range(3):
        hot.tiny("a", "one", every=3)
        hot.tiny("a", "two", every=3)
    assert [event.name for event in seen.events] == ["one", "two"]


def test_a_rate_lets_a_burst_through_and_fills_up_again(seen, monkeypatch):
    now = [10**9]
    monkeypatch.setattr("flightlog.core.hot_sites.monotonic_ns", lambda: now[0])

    def call() -> None:
        hot.state("q", 1, 2, per_second=2)

    for _ in range(5):
        call()
    assert len(seen.events) == 2
    now[0] += 5 * 10**8  # half a second: room for one
    call()
    call()
    assert len(seen.events) == 3
    assert seen.events[-1].attributes[LEFT_OUT] == 3
    now[0] += 60 * 10**9
    for _ in range(5):
        call()
    assert len(seen.events) == 5


def test_less_than_one_a_second_is_a_rate_too(seen, monkeypatch):
    now = [10**9]
    monkeypatch.setattr("flightlog.core.hot_sites.monotonic_ns", lambda: now[0])
    for _ in range(30):
        hot.iteration(0, per_second=0.1)
        now[0] += 10**9
    assert len(seen.events) == 3


def test_a_loop_samples_its_rounds_from_the_first_on(seen):
    for _ in range(2):
        for _ in hot.loop(range(5), every=3):
            pass
    told = [(event.attributes["i"], event.attributes.get(LEFT_OUT)) for event in seen.events]
    assert told == [(0, None), (3, 2), (0, 1), (3, 2)]


def test_what_was_left_out_of_a_pair_is_left_out_whole(seen):
    for _ in range(4):
        hot.enter("f", every=2)
        hot.exit("f")
    assert [event.name for event in seen.events] == ["enter", "exit"] * 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sent", "job-1"),
        ("", ""),
        ("x" * 400_000, "y" * 400_000),
        (SECRET, SECRET),
        ("\ud800 half a letter", "tab\tand \x1e"),
        ("1", 2**70),
        ("1", True),
        ("1", 1.5),
        ("1", float("nan")),
        ("1", None),
        ("1", {"password": "hunter2hunter2", "n": [1, 2]}),
    ],
)
def test_its_record_is_the_one_that_an_event_would_make(seen, text, value):
    fields = {MARK: "tiny", "actor": "queue", "target": value, "correlation_id": value}
    with fl.span("root"), fl.bind(user="u-7"):
        hot.correlated("queue", "dispatch", value, text, value)
        fl.event("dispatch", level="trace", body=text, **fields)
    told, expected = (
        msgspec.structs.replace(event, event_id="", time=0, process_id="") for event in seen.events
    )
    assert repr(told) == repr(expected)


def test_a_trace_that_begins_with_hot_calls_shows_its_root_before_it_ends(seen):
    with fl.span("root"):
        hot.tiny("queue", "dispatch")
        assert [getattr(record, "status", "") for record in seen.records] == ["running", ""]


def test_a_forked_child_makes_ids_of_its_own(seen):
    hot.tiny("a", "b")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, str(len(_event_ids)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        assert answer.read() == "0"
    assert _event_ids


def test_values_of_what_is_called_like_a_secret_are_redacted(seen):
    for before, after in (("hunter2", 4711), (None, b"hunter2"), (["hunter2"], True)):
        hot.state("db_password", before, after)
    hot.state("queue_depth", 5, 6)
    told = [(event.attributes["before"], event.attributes["after"]) for event in seen.events]
    assert told == [("[REDACTED]", "[REDACTED]"), (None, "[REDACTED]"), ("[REDACTED]", True), (5, 6)]


@pytest.mark.parametrize("name", [7, ["password"], None])
def test_a_name_that_is_no_text_disturbs_nobody(seen, name):
    hot.state(name, 1, 2)
    assert _only(seen).attributes["before"] == 1
