"""What a span records: names, values, outcomes, links, levels."""

from __future__ import annotations

import asyncio
import enum
import gc
import threading
from contextlib import ExitStack, suppress
from types import SimpleNamespace

import msgspec
import pytest

import flightlog as fl
from flightlog.core.control import control
from flightlog.core.off import OFF
from flightlog.redaction.gate import RULE_FAILED

_TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


def test_a_span_records_what_it_was_told(seen):
    with fl.span("search", kind="retrieval", level="warn", input={"q": "x"}, top_k=8, exact=True) as s:
        s.set(found=3, ratio=0.5, none=None)
        s.output = ["a", "b"]
    span = seen.span("search")
    assert (span.kind, span.level, span.status) == ("retrieval", "warn", "ok")
    assert (span.input, span.output) == ({"q": "x"}, ["a", "b"])
    assert span.attributes == {"top_k": 8, "exact": True, "found": 3, "ratio": 0.5, "none": None}
    assert span.thread == threading.current_thread().name
    assert span.end >= span.start
    assert len(span.trace_id) == 32
    assert len(span.span_id) == 16


def test_values_are_captured_when_they_are_handed_over(seen):
    items = [1]
    with fl.span("s", input=items, seen=items) as s:
        items.append(2)
        s.output = items
        items.append(3)
        s.set(later=items)
        items.append(4)
    span = seen.span("s")
    assert (span.input, span.output) == ([1], [1, 2])
    assert span.attributes == {"seen": [1], "later": [1, 2, 3]}


def test_input_and_output_read_back_as_they_were_captured(seen):
    with fl.span("s") as s:
        assert s.output is None
        s.output = (1, {2})
        assert s.output == [1, [2]]


def test_a_value_that_is_none_is_not_a_value_that_is_missing(seen):
    with fl.span("given", input=None) as s:
        s.output = None
    with fl.span("missing"):
        pass
    assert seen.span("given").input is None
    assert seen.span("given").output is None
    assert seen.span("missing").input is msgspec.UNSET


def test_an_attribute_that_is_set_again_has_its_last_value(seen):
    with fl.span("s", n=1) as s:
        s.set(n=2)
        s.set_attributes({"n": 3, "gen_ai.request.model": "m"})
    assert seen.span("s").attributes == {"n": 3, "gen_ai.request.model": "m"}


def test_an_attribute_may_have_the_name_of_a_parameter(seen):
    with fl.span("s", name="attribute") as s:
        s.set(self="me")
    assert seen.span("s").attributes == {"name": "attribute", "self": "me"}


def test_an_exception_is_recorded_with_its_stack_and_raised_on(seen):
    with pytest.raises(KeyError), fl.span("s"):
        raise KeyError("missing")
    span = seen.span("s")
    assert span.status == "error"
    assert (span.error.type, span.error.message) == ("KeyError", "'missing'")
    assert "test_core_spans.py" in span.error.stack


def test_an_exception_s_cause_is_part_of_its_stack(seen):
    with pytest.raises(RuntimeError), fl.span("s"):
        try:
            raise OSError("disk")
        except OSError as error:
            raise RuntimeError("outer") from error
    assert "OSError: disk" in seen.span("s").error.stack


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), "cancelled"),
        (asyncio.CancelledError(), "cancelled"),
        (SystemExit(0), "ok"),
        (SystemExit(), "ok"),
        (SystemExit(2), "error"),
        (GeneratorExit(), "ok"),
        (ZeroDivisionError(), "error"),
    ],
)
def test_the_status_follows_from_the_exception(seen, error, status):
    with pytest.raises(type(error)), fl.span("s"):
        raise error
    assert seen.span("s").status == status


def test_work_can_be_marked_as_failed_without_an_exception(seen):
    with fl.span("words") as s:
        s.fail("the answer was empty", type="empty")
    with fl.span("exception") as s:
        s.fail(TimeoutError("slow"))
    assert (seen.span("words").status, seen.span("words").error.type) == ("error", "empty")
    assert seen.span("words").error.message == "the answer was empty"
    assert seen.span("exception").error.type == "TimeoutError"


def test_what_was_said_of_a_failure_outlives_the_exception_that_follows(seen):
    with pytest.raises(ValueError), fl.span("s") as s:
        s.fail("first cause")
        raise ValueError("second")
    assert seen.span("s").error.message == "first cause"


def test_an_exception_that_cannot_be_printed_is_still_an_error(seen):
    class Unspeakable(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    with pytest.raises(Unspeakable), fl.span("s"):
        raise Unspeakable
    assert seen.span("s").status == "error"
    assert "its str raised" in seen.span("s").error.message


def test_links_relate_spans_across_traces(seen):
    with fl.span("cause") as cause:
        pass
    with fl.span("effect", links=[cause]) as effect:
        effect.link({"trace_id": "a" * 32, "span_id": "b" * 16}, relation="retry_of", attempt=2)
        effect.link(object())
    links = seen.span("effect").links
    assert [(link.trace_id, link.span_id, link.relation) for link in links] == [
        (cause.trace_id, cause.span_id, "caused_by"),
        ("a" * 32, "b" * 16, "retry_of"),
    ]
    assert links[1].attributes == {"attempt": 2}


@pytest.mark.parametrize(
    "other",
    [
        _TRACEPARENT,
        f" {_TRACEPARENT.upper()} ",
        {"traceparent": _TRACEPARENT, "accept": "*/*"},
        SimpleNamespace(trace_id="a" * 32, span_id="b" * 16),
        SimpleNamespace(trace_id=int("a" * 32, 16), span_id=int("b" * 16, 16)),
        SimpleNamespace(
            get_span_context=lambda: SimpleNamespace(trace_id=int("a" * 32, 16), span_id=int("b" * 16, 16))
        ),
    ],
    ids=["text", "text in capitals", "headers", "ids", "OpenTelemetry's ids", "OpenTelemetry's span"],
)
def test_whatever_names_a_span_can_be_linked(seen, other):
    with fl.span("alone", links=other), fl.span("one of a list", links=[other]), fl.span("later") as s:
        s.link(other, "follows_from")
    found = {span.name: [(x.trace_id, x.span_id, x.relation) for x in span.links] for span in seen.spans}
    cause = ("a" * 32, "b" * 16, "caused_by")
    assert found == {
        "alone": [cause],
        "one of a list": [cause],
        "later": [(*cause[:2], "follows_from")],
    }


@pytest.mark.parametrize(
    ("other", "counted"),
    [
        ("words", 1),
        (f"00-{'0' * 32}-{'b' * 16}-01", 1),
        (f"00-{'g' * 32}-{'b' * 16}-01", 1),
        ({"accept": "*/*"}, 1),
        (5, 1),
        (None, 0),
        (OFF, 0),
        (SimpleNamespace(trace_id=0, span_id=0), 0),
    ],
    ids=["words", "zeros", "no digits", "headers without one", "a number", "None", "off", "invalid context"],
)
def test_what_names_no_span_links_nothing_and_is_counted(seen, monkeypatch, other, counted):
    counts = []
    monkeypatch.setattr("flightlog.core._pure._count", counts.append)
    with fl.span("s") as s:
        s.link(other)
    assert seen.span("s").links == []
    assert counts == ["capture_errors"] * counted


def test_links_whose_truth_cannot_be_told_are_links(seen):
    class Array(list):
        def __bool__(self):
            raise ValueError("ambiguous")

    with fl.span("s", links=Array([_TRACEPARENT])):
        pass
    assert len(seen.span("s").links) == 1


def test_a_span_that_has_ended_takes_nothing_more(seen):
    with fl.span("s") as s:
        pass
    s.set(late=1)
    s.output = 2
    s.fail("late")
    s.link(s)
    s.__exit__(None, None, None)
    assert len(seen.spans) == 1
    assert seen.span("s").attributes == {}


def test_events_stand_on_the_current_span_or_on_none(seen):
    fl.event("alone", n=1)
    with fl.span("s") as s:
        fl.event("cache", level="warn", body="missed\nit", hit=False)
    alone, cache = seen.events
    assert (alone.trace_id, alone.attributes) == ("", {"n": 1})
    assert (cache.trace_id, cache.span_id) == (s.trace_id, s.span_id)
    assert (cache.level, cache.body, cache.attributes) == ("warn", "missed\nit", {"hit": False})
    assert len(cache.event_id) == 16


def test_a_root_is_announced_when_its_first_child_or_event_is_recorded(seen):
    with fl.span("alone"):
        pass
    assert [record.status for record in seen.records] == ["ok"]
    with fl.span("parent"):
        with fl.span("child"), fl.span("leaf"):
            pass
        with fl.span("second"):
            pass
    assert [(record.name, record.status) for record in seen.records[1:]] == [
        ("parent", "running"),
        ("leaf", "ok"),
        ("child", "ok"),
        ("second", "ok"),
        ("parent", "ok"),
    ]


def test_bind_puts_fields_on_spans_and_events_within(seen):
    with fl.bind(session="s-1", user="u-7", tags=["beta"]):
        with fl.bind(user="u-8", turn=2), fl.span("inner"):
            fl.event("e")
        with fl.span("outer"):
            pass
    with fl.span("after"):
        pass
    assert seen.span("inner").context == {"session": "s-1", "user": "u-8", "tags": ["beta"], "turn": 2}
    assert seen.events[0].context == seen.span("inner").context
    assert seen.span("outer").context == {"session": "s-1", "user": "u-7", "tags": ["beta"]}
    assert seen.span("after").context == {}


def test_bind_reaches_the_tasks_that_are_created_in_it(seen):
    async def work(n):
        with fl.bind(turn=n):
            await asyncio.sleep(0)
            with fl.span(f"work{n}"):
                await asyncio.sleep(0)

    async def main():
        with fl.bind(session="s"):
            tasks = [asyncio.create_task(work(n)) for n in range(3)]
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert {span.name: span.context for span in seen.spans} == {
        f"work{n}": {"session": "s", "turn": n} for n in range(3)
    }


def test_a_binding_left_in_another_task_holds_no_longer(seen):
    async def numbers():
        with fl.bind(job="generator"):
            yield 1

    async def main():
        generator = numbers()
        await anext(generator)
        await asyncio.create_task(generator.aclose())

    asyncio.run(main())
    with fl.span("after"):
        pass
    assert seen.span("after").context == {}


def test_current_gives_the_open_span_and_something_harmless_without_one(seen):
    fl.current().set(ignored=1)
    fl.current().output = "ignored"
    assert not fl.current()
    with fl.span("s") as s:
        assert fl.current() is s
        fl.current().set(n=1)
    assert seen.span("s").attributes == {"n": 1}


def test_names_and_threads_and_everything_else_is_escaped(seen):
    name = 'a "quoted"\x00\x1e\n name \ud800 ✓'
    with fl.span(name, kind="k\\ind", **{'ke"y': "v\x1f"}):
        fl.event("e\n", body="\x1e")
    span = seen.spans[0]
    assert span.name == 'a "quoted"\x00\x1e\n name � ✓'
    assert (span.kind, span.attributes) == ("k\\ind", {'ke"y': "v\x1f"})
    assert (seen.events[0].name, seen.events[0].body) == ("e\n", "\x1e")


def test_secrets_do_not_reach_the_record(seen):
    key = "sk-" + "proj-" + "Ab1" * 16
    with fl.span(
        f"call {key}", api_key="whatever", header=f"Bearer {key}", input={"password": 5, "url": key}
    ):
        fl.event("e", body=key, token="t")
        try:
            raise ValueError(f"bad key {key}")
        except ValueError as error:
            fl.current().fail(error)
    assert key not in "".join(map(str, seen.records))
    assert seen.spans[0].attributes["api_key"] == "[REDACTED]"
    assert seen.spans[0].input["password"] == "[REDACTED]"


def test_a_level_below_the_filter_leaves_its_children_the_right_parent(seen_from_info):
    with fl.span("outer"):
        with fl.span("off", level="debug") as off:
            off.set(x=1)
            off.output = 1
            off.fail("no")
            with fl.span("inner"):
                pass
        fl.event("quiet", level="debug")
    outer = seen_from_info.span("outer")
    assert [span.name for span in seen_from_info.spans] == ["inner", "outer"]
    assert seen_from_info.span("inner").parent_id == outer.span_id
    assert seen_from_info.events == []


def test_an_exception_passes_through_a_span_that_is_off(seen_from_info):
    with pytest.raises(ValueError), fl.span("off", level="trace"):
        raise ValueError


def test_an_unknown_level_counts_as_info(seen):
    with fl.span("s", level="loud"):
        pass
    assert seen.span("s").level == "info"


@pytest.fixture
def seen_from_info():
    with fl.capture(level="info") as captured:
        yield captured


def test_captures_end_cleanly():
    with fl.capture() as seen:
        pass
    assert seen.records == []
    assert control._captures == []


def test_a_line_that_would_be_too_long_is_replaced_by_a_small_one_with_the_same_ids(seen, monkeypatch):
    from flightlog.core import _pure

    monkeypatch.setattr(_pure, "_most_line", 5_000)
    with fl.span("long", text="x" * 10_000) as s:
        s.output = "y" * 10_000
    span = seen.span("long")
    assert (span.trace_id, span.span_id, span.status) == (s.trace_id, s.span_id, "ok")
    assert "TooLong" in span.attributes["flightlog.capture_error"]


def test_a_span_whose_record_cannot_be_written_leaves_the_least_there_is_to_say(seen):
    with fl.span("s", n=1) as s:
        s._attributes = 5
    span = seen.span("s")
    assert (span.trace_id, span.span_id, span.status) == (s.trace_id, s.span_id, "ok")
    assert span.attributes == {
        "flightlog.capture_error": "AttributeError: 'int' object has no attribute 'values'"
    }


def test_an_exhausted_stack_spoils_no_later_record(seen):
    def down(n):
        with fl.span("walk", input={"n": n}):
            down(n + 1)

    with pytest.raises(RecursionError):
        down(0)
    assert not fl.current()
    with fl.span("other") as other:
        pass
    found = seen.span("other")
    assert (found.trace_id, found.parent_id, found.kind) == (other.trace_id, "", "step")
    assert {span.name for span in seen.spans} <= {"walk", "other", "(unreadable)", RULE_FAILED}


def test_an_exception_of_the_program_s_signal_handler_reaches_the_program(seen):
    import signal

    class Deadline(Exception):
        pass

    raised = 0

    def handler(number, frame):
        nonlocal raised
        raised += 1
        raise Deadline

    before = signal.signal(signal.SIGALRM, handler)
    caught = 0
    gc.disable()  # a finaliser that is interrupted keeps the exception to itself, whoever's it is
    try:
        for _ in range(300):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0004)
                for _ in range(100_000):
                    with fl.span("s", text="x" * 100):
                        pass
            except Deadline:
                caught += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()
    assert caught == raised == 300


def test_the_stack_of_an_exception_is_told_once_where_it_came_from(seen):
    with pytest.raises(ValueError), fl.span("outer"), fl.span("inner"):
        raise ValueError("once")
    assert "test_core_spans.py" in seen.span("inner").error.stack
    assert seen.span("outer").error.stack == ""
    assert seen.span("outer").error.message == "once"


class Hostile:
    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__

    @property
    def trace_id(self):
        raise RuntimeError("no")

    def keys(self):
        raise RuntimeError("no")

    def items(self):
        raise RuntimeError("no")


def test_values_that_fight_back_break_nothing(seen):
    with fl.span(Hostile(), level=[], links=None) as s:
        s.set_attributes(None)
        s.set_attributes(Hostile())
        s.set_attributes({Hostile(): 1})
        s.link(Hostile())
        s.link(s, relation=[])
        s.fail(Hostile())
    with fl.span("links", links=[Hostile(), 5]), fl.span("links", links=7):
        pass
    fl.event(Hostile(), level={}, body=Hostile())
    assert len(seen.spans) == 3


@pytest.mark.parametrize("code", [["x"], Hostile(), 0.0])
def test_any_exit_code_passes_through(seen, code):
    with pytest.raises(SystemExit), fl.span("s"):
        raise SystemExit(code)
    assert seen.span("s").status == ("ok" if code == 0.0 else "error")
    assert not fl.current()


def test_a_task_may_have_any_name(seen):
    async def work():
        with fl.span("s"):
            pass

    async def main():
        for name in ("Task-" + "1" * 5000, "Task-x", "Task-", "\x1e"):
            await asyncio.create_task(work(), name=name)

    asyncio.run(main())
    assert [span.task[:6] for span in seen.spans] == ["Task-1", "Task-x", "Task-", "\x1e"]


def test_a_name_that_is_no_text_is_written_as_one(seen):
    with fl.span(404):
        pass
    assert seen.spans[0].name == "404"


class Sort(enum.StrEnum):
    TOOL = "tool"


@pytest.mark.parametrize(
    ("kind", "written"), [(Sort.TOOL, "tool"), (None, "None"), (404, "404"), (b"k", "b'k'"), (["k"], "['k']")]
)
def test_a_kind_that_is_no_text_is_written_as_one(seen, kind, written):
    with fl.span("s", kind=kind), fl.span("child"):
        pass
    assert [(span.name, span.kind) for span in seen.spans] == [("child", "step"), ("s", written)]


@pytest.mark.parametrize(("name", "written"), [(Sort.TOOL, "tool"), (None, "None"), (404, "404")])
def test_the_name_of_an_event_that_is_no_text_is_written_as_one(seen, name, written):
    fl.event(name)
    assert [event.name for event in seen.events] == [written]


def test_a_span_has_one_block(seen):
    s = fl.span("s")
    with s, s:
        pass
    with s, fl.span("after"):
        pass
    assert [span.name for span in seen.spans] == ["s", "after"]
    assert seen.span("after").parent_id == ""


def test_tasks_that_start_tasks_for_ever_keep_no_spans_alive(seen):
    import weakref

    ended = []

    async def tick(n):
        with fl.span("tick") as s:
            ended.append(weakref.ref(s))
            await asyncio.sleep(0)
        return asyncio.create_task(tick(n - 1)) if n else None

    async def main():
        task = await tick(50)
        while task is not None:
            task = await task

    asyncio.run(main())
    gc.collect()
    assert sum(reference() is not None for reference in ended) < 5


def test_a_capture_hears_threads_that_begin_outside_of_any_span(carrying):
    @fl.traced
    def work():
        return 1

    with fl.capture() as mine:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert [span.output for span in mine.spans] == [1]


def test_an_error_after_one_that_a_child_met_has_its_own_stack():
    """The second may stand at the address of the first, which is gone by then."""
    with fl.capture() as seen:
        for _ in range(20):
            with suppress(ValueError), fl.span("parent"):
                with suppress(ValueError), fl.span("child"):
                    raise ValueError("first")
                raise ValueError("second")
    parents = [span for span in seen.spans if span.name == "parent"]
    assert len(parents) == 20
    assert all(span.error and "second" in span.error.stack for span in parents)


def test_an_error_on_its_way_up_has_its_stack_at_the_innermost_span_alone():
    with fl.capture() as seen, suppress(ValueError), fl.span("outer"), fl.span("inner"):
        raise ValueError("once")
    stacks = {span.name: span.error.stack for span in seen.spans if span.error}
    assert "once" in stacks["inner"]
    assert stacks["outer"] == ""


def test_a_span_that_is_off_can_be_entered_by_an_exit_stack():
    with fl.capture(level="error"), ExitStack() as stack:
        entered = stack.enter_context(fl.span("quiet", level="trace"))
        assert not entered
        assert type(entered).__enter__(entered) is entered
