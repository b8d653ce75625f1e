"""Tools: what a call of one records, and how it is tried again."""

from __future__ import annotations

import asyncio
import inspect

import pytest

import flightlog as fl
from flightlog.core.tool import exponential


class Flaky:
    """Fails as often as it is told, then answers."""

    def __init__(self, failures, error=TimeoutError):
        self.failures, self.error, self.calls = failures, error, 0

    def __call__(self, value):
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error(f"no {self.calls}")
        return value


@pytest.fixture
def waits(monkeypatch):
    """How long a tool would have waited."""
    found = []
    monkeypatch.setattr("flightlog.core.tool.time.sleep", found.append)
    return found


def told(seen):
    """Name, status and attempt of each span, by start."""
    spans = sorted(seen.spans, key=lambda span: (span.start, -(span.end or 0)))
    return [(span.name, span.status, span.attributes.get("flightlog.attempt")) for span in spans]


def test_a_call_is_one_span_with_the_tool_s_name_its_input_and_its_output():
    @fl.tool
    def add(a, b=1):
        return a + b

    with fl.capture() as seen:
        assert add(2) == 3
    (span,) = seen.spans
    assert span.name.endswith("add")
    assert (span.kind, span.input, span.output) == ("tool", {"a": 2}, 3)
    assert span.attributes["gen_ai.operation.name"] == "execute_tool"
    assert span.attributes["gen_ai.tool.name"] == span.name
    assert "flightlog.retries" not in span.attributes


def test_each_attempt_is_a_span_and_the_call_knows_how_many_failed(waits):
    flaky = Flaky(2)

    @fl.tool(name="search", retries=3)
    def search(query):
        return flaky(query)

    with fl.capture() as seen:
        assert search("cats") == "cats"
        tree = fl.load()
    assert told(seen) == [
        ("search", "ok", None),
        ("search attempt", "error", 1),
        ("search attempt", "error", 2),
        ("search attempt", "ok", 3),
    ]
    assert tree.attributes["flightlog.retries"] == 2
    assert [event.attributes for event in tree.events] == [
        {"attempt": 1, "reason": "TimeoutError: no 1", "delay": 0.5},
        {"attempt": 2, "reason": "TimeoutError: no 2", "delay": 1.0},
    ]
    assert waits == [0.5, 1.0]


def test_the_last_failure_is_raised_as_it_came(waits):
    flaky = Flaky(9)

    @fl.tool(retries=2)
    def search(query):
        return flaky(query)

    with fl.capture() as seen, pytest.raises(TimeoutError, match="no 3"):
        search("cats")
    assert flaky.calls == 3
    assert [status for _, status, _ in told(seen)] == ["error"] * 4
    call = next(span for span in seen.spans if span.kind == "tool")
    assert (call.attributes["flightlog.retries"], call.error.message) == (2, "no 3")
    assert len(waits) == 2


def test_calls_count_their_retries_each_for_itself(waits):
    flaky = Flaky(1)

    @fl.tool(name="search", retries=1)
    def search(query):
        return flaky(query)

    with fl.capture() as seen:
        search("a")
        search("b")
    counts = [span.attributes.get("flightlog.retries") for span in seen.spans if span.kind == "tool"]
    assert counts == [1, None]


@pytest.mark.parametrize(
    ("retry_on", "calls"),
    [
        (ValueError, 1),
        ((ValueError, OSError), 2),
        (TimeoutError, 2),
        (lambda error: "no" in str(error), 2),
        (lambda error: False, 1),
    ],
)
def test_only_what_is_worth_it_is_tried_again(waits, retry_on, calls):
    flaky = Flaky(9)

    @fl.tool(retries=1, retry_on=retry_on)
    def search(query):
        return flaky(query)

    with fl.capture(), pytest.raises(TimeoutError):
        search("cats")
    assert flaky.calls == calls


def test_leaving_the_program_is_no_failure_of_a_tool(waits):
    flaky = Flaky(9, KeyboardInterrupt)

    @fl.tool(retries=5)
    def search(query):
        return flaky(query)

    with fl.capture(), pytest.raises(KeyboardInterrupt):
        search("cats")
    assert flaky.calls == 1


@pytest.mark.parametrize(
    ("backoff", "waited"),
    [
        (0, [0.0, 0.0]),
        (0.25, [0.25, 0.25]),
        (lambda failed: 10.0 + failed, [10.0, 11.0]),
        (lambda failed: -1, [0.0, 0.0]),
        (lambda failed: float("nan"), [0.0, 0.0]),
    ],
)
def test_how_long_is_waited_can_be_said(waits, backoff, waited):
    flaky = Flaky(2)

    @fl.tool(retries=2, backoff=backoff)
    def search(query):
        return flaky(query)

    with fl.capture():
        search("cats")
    assert waits == waited


def test_without_a_word_it_is_twice_as_long_each_time_up_to_five_seconds():
    assert [exponential(failed) for failed in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert exponential(10**9) == 5.0


def test_coroutine_functions_stay_such_and_wait_without_holding_up_others():
    flaky = Flaky(2)

    @fl.tool(name="search", retries=2, backoff=0.001)
    async def search(query):
        await asyncio.sleep(0)
        return flaky(query)

    async def both():
        return await asyncio.gather(search("a"), search("b"))

    assert inspect.iscoroutinefunction(search)
    with fl.capture() as seen:
        assert asyncio.run(both()) == ["a", "b"]
    calls = [span for span in seen.spans if span.kind == "tool"]
    assert sum(span.attributes.get("flightlog.retries", 0) for span in calls) == 2
    owners = {span.span_id for span in calls}
    assert {span.parent_id for span in seen.spans if span.kind != "tool"} <= owners


def test_a_cancelled_tool_is_not_tried_again():
    calls = []

    async def cancelled():
        started = asyncio.Event()

        @fl.tool(retries=5, backoff=0)
        async def search(query):
            calls.append(query)
            started.set()
            await asyncio.sleep(3600)

        task = asyncio.create_task(search("a"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with fl.capture() as seen:
        asyncio.run(cancelled())
    assert calls == ["a"]
    assert {span.status for span in seen.spans} == {"cancelled"}


def test_what_must_not_be_recorded_is_left_out():
    @fl.tool(capture_input=False)
    def first(a):
        return a

    @fl.tool(capture_output=False, ignore="b")
    def second(a, b):
        return a

    with fl.capture() as seen:
        first("in")
        second("in", "hidden")
    one, two = seen.spans
    assert (one.output, two.input) == ("in", {"a": "in"})
    assert "hidden" not in repr(seen.records)
    assert not one.input
    assert not two.output


def test_methods_of_every_sort_are_tools(waits):
    class Shop:
        flaky = Flaky(1)

        @fl.tool(name="buy", retries=1)
        def buy(self, what):
            return self.flaky(what)

        @fl.tool(name="open")
        @staticmethod
        def is_open(day):
            return day

        @classmethod
        @fl.tool(name="named")
        def named(cls, name):
            return cls.__name__ + name

    with fl.capture() as seen:
        assert (Shop().buy("tea"), Shop.is_open("monday"), Shop.named("!")) == ("tea", "monday", "Shop!")
    calls = [(span.name, span.input) for span in seen.spans if span.kind == "tool"]
    assert calls == [("buy", {"what": "tea"}), ("open", {"day": "monday"}), ("named", {"name": "!"})]


def test_the_face_of_a_function_is_kept():
    @fl.tool(retries=1)
    def search(query: str, top_k: int = 5) -> list[str]:
        """Search the documents."""
        return [query] * top_k

    assert (search.__name__, search.__doc__) == ("search", "Search the documents.")
    assert list(inspect.signature(search).parameters) == ["query", "top_k"]


def test_a_generator_is_a_tool_but_cannot_be_tried_again():
    @fl.tool
    def stream(n):
        yield from range(n)

    with fl.capture() as seen:
        assert list(stream(3)) == [0, 1, 2]
    assert seen.spans[0].kind == "tool"
    with pytest.raises(TypeError, match="cannot be tried again"):

        @fl.tool(retries=1)
        def again(n):
            yield from range(n)


@pytest.mark.parametrize(
    "options",
    [
        {"retries": -1},
        {"retries": 1.5},
        {"retries": True},
        {"retries": "2"},
        {"retry_on": int},
        {"retry_on": (ValueError, 3)},
        {"retry_on": "ValueError"},
        {"backoff": "1s"},
        {"backoff": None},
    ],
)
def test_an_option_that_is_none_is_refused_where_it_is_written(options):
    with pytest.raises(TypeError):
        fl.tool(**options)


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="tool takes a function"):
        fl.tool(int)
    with pytest.raises(TypeError, match="tool takes a function"):
        fl.tool(3)


def test_where_nothing_is_recorded_it_is_tried_again_all_the_same(waits):
    flaky = Flaky(1)

    @fl.tool(retries=1, level="trace")
    def search(query):
        return flaky(query)

    with fl.capture(level="info") as seen:
        assert search("cats") == "cats"
    assert seen.spans == []


def test_a_trace_that_was_tried_again_and_went_well_says_so(waits):
    from flightlog.analysis.retries import have_helped

    flaky = Flaky(1)

    @fl.tool(retries=1)
    def search(query):
        return flaky(query)

    with fl.capture():
        search("cats")
        assert have_helped(fl.load())
