"""What the console shows while a program runs: every step once, under its parent, and a card at the end."""

from __future__ import annotations

import os
import re
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sinks_stderr import Screen

from flightlog.codecs.lines import encode
from flightlog.narration.cells import width
from flightlog.records.event import Event
from flightlog.records.span import Fault, Span
from flightlog.sinks import console, console_program
from flightlog.sinks.console import Console
from flightlog.sinks.console_places import PATIENCE, SOON, Places
from flightlog.sinks.stream import Look

TRACE = "a" * 32
MS = 1_000_000


def span(name, parent="", *, start=0, end=2 * MS, trace=TRACE, **fields):
    status = fields.pop("status", "ok" if end is not None else "running")
    return Span(
        trace_id=trace,
        span_id=name,
        parent_id=parent,
        name=name,
        start=start,
        end=end,
        status=status,
        **fields,
    )


def running(name, parent="", **fields):
    return span(name, parent, end=None, **fields)


def event(name, owner, **fields):
    return Event(event_id="e" * 16, trace_id=TRACE, span_id=owner, time=1, name=name, **fields)


class Watched:
    """A console with its screen and its clock."""

    def __init__(self, mode, monkeypatch, **look):
        self.screen = Screen(**look)
        monkeypatch.setattr(sys, "stderr", self.screen)
        monkeypatch.delenv("TRACEPARENT", raising=False)
        self.now = 0.0
        self.sink = Console(mode, clock=lambda: self.now)

    def record(self, *records):
        self.sink.append([encode(record) for record in records])
        return self

    def tick(self, seconds):
        self.now += seconds
        return self.sink.tick()

    @property
    def steps(self):
        """What was shown before the first card."""
        return self.screen.getvalue().partition("──")[0].splitlines()


@pytest.fixture
def watch(monkeypatch):
    return lambda mode="live", **look: Watched(mode, monkeypatch, **look)


def test_steps_are_shown_as_they_start_and_end(watch):
    seen = watch()
    seen.record(running("root"))
    assert seen.steps == ["▸ root"]
    seen.record(span("child", "root", kind="tool"), span("root"))
    assert seen.steps == ["▸ root", "  ✓ child  tool  2.00 ms", "✓ root  2.00 ms"]


def test_a_child_waits_for_its_parent_and_stands_under_it(watch):
    seen = watch().record(running("root"), event("retry", "leaf", attributes={"attempt": 1}))
    seen.record(span("leaf", "middle"), span("middle", "root"), span("root"))
    assert seen.steps == [
        "▸ root",
        "  ✓ middle  2.00 ms",
        "    ✓ leaf  2.00 ms",
        "      • retry  attempt=1",
        "✓ root  2.00 ms",
    ]


def test_a_parent_that_stays_away_is_somebody_else_s(watch):
    seen = watch().record(span("leaf", "middle"), span("middle", "elsewhere"))
    assert seen.steps == []
    assert seen.tick(PATIENCE / 2)
    assert seen.steps == []
    assert not seen.tick(PATIENCE)
    assert seen.steps == ["✓ middle  2.00 ms", "  ✓ leaf  2.00 ms"]
    seen.record(running("second", "elsewhere"))
    assert seen.screen.lines[-1] == "▸ second"


def test_the_process_that_started_this_one_is_known_to_be_elsewhere(watch, monkeypatch):
    seen = watch()
    monkeypatch.setenv("TRACEPARENT", f"00-{TRACE}-{'d' * 16}-01")
    seen.sink.close()
    seen.record(running("root", "d" * 16))
    assert seen.steps == ["▸ root"]


def test_a_flush_tears_no_step_from_its_parent(watch):
    seen = watch().record(running("root"), span("leaf", "middle"))
    assert seen.sink.flush(1.0)
    seen.record(span("middle", "root"))
    assert seen.steps == ["▸ root", "  ✓ middle  2.00 ms", "    ✓ leaf  2.00 ms"]


def test_a_step_that_is_over_soon_has_one_line_with_what_happened_within_it_under_it(watch):
    seen = watch().record(
        running("root", start=time.time_ns()), span("leaf", "middle"), span("middle", "root")
    )
    assert seen.steps == []
    seen.record(span("root"))
    assert seen.steps == ["✓ root  2.00 ms", "  ✓ middle  2.00 ms", "    ✓ leaf  2.00 ms"]
    assert not seen.tick(0)


def test_a_step_that_goes_on_is_shown_after_a_quarter_of_a_second(watch):
    seen = watch().record(running("root", start=time.time_ns()), span("child", "root"))
    assert seen.steps == []
    assert not seen.tick(SOON)
    assert seen.steps == ["▸ root", "  ✓ child  2.00 ms"]
    seen.record(span("root"))
    assert seen.steps[2:] == ["✓ root  2.00 ms"]


def test_a_step_that_was_over_before_its_parent_was_heard_of_has_one_line(watch):
    seen = watch().record(running("leaf", "middle"), span("leaf", "middle"), running("middle"))
    assert seen.steps == ["▸ middle", "  ✓ leaf  2.00 ms"]


def test_a_failure_is_named_and_what_follows_is_indented_as_before(watch):
    failed = span("bad", "root", status="error", error=Fault(type="ValueError", message="no"))
    seen = watch().record(running("root"), running("bad", "root"), span("inner", "bad"), failed)
    seen.record(span("next", "root"), span("root"))
    assert seen.steps == [
        "▸ root",
        "  ▸ bad",
        "    ✓ inner  2.00 ms",
        "  ✗ bad  2.00 ms  ValueError: no",
        "  ✓ next  2.00 ms",
        "✓ root  2.00 ms",
    ]


def test_steps_of_several_threads_keep_their_depth_and_name_their_thread(watch):
    seen = watch().record(running("root", thread="Main"))
    seen.record(running("a", "root", thread="one"), running("b", "root", thread="two"))
    seen.record(
        span("b1", "b", thread="two"),
        span("a1", "a", thread="one", task="t"),
        span("a", "root", thread="one"),
    )
    assert seen.steps == [
        "▸ root",
        "  ▸ a  [one]",
        "  ▸ b  [two]",
        "    ✓ b1  2.00 ms",
        "    ✓ a1  2.00 ms  [t]",
        "  ✓ a  2.00 ms  [one]",
    ]


ELSEWHERE = "d" * 16


@pytest.fixture
def under_a_run(monkeypatch, watch):
    """A console in a program that was started with its place in a trace."""

    def start(mode="summary"):
        seen = watch(mode)
        monkeypatch.setenv("TRACEPARENT", f"00-{TRACE}-{ELSEWHERE}-01")
        monkeypatch.setattr(sys, "argv", ["/somewhere/report.py"])
        monkeypatch.delattr(sys.modules["__main__"], "__spec__", raising=False)
        seen.sink.close()
        return seen

    return start


def calls(name, parent, number):
    tokens = {"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2}
    return [span(f"{name}{place}", parent, kind="llm", attributes=tokens) for place in range(number)]


def test_a_program_with_its_place_in_a_trace_has_one_card_of_all_it_recorded(under_a_run):
    failed = span("bad", "job", status="error", error=Fault(type="ValueError", message="no"))
    seen = under_a_run().record(
        *calls("call", ELSEWHERE, 2), running("job", ELSEWHERE), event("retry", "job")
    )
    seen.record(*calls("inner", "job", 1), failed, span("job", ELSEWHERE))
    assert seen.screen.lines == []
    seen.sink.close()
    assert seen.screen.lines == [
        "── report.py ──",
        "  spans    5, 1 failed",
        "  model    m (3 calls)",
        "  tokens   30 in, 6 out",
        "  retries  1",
        "  error    ValueError: no (in bad)",
        f"  trace    {TRACE}",
    ]
    seen.sink.close()
    assert len(seen.screen.lines) == 7


def test_a_program_that_recorded_nothing_has_no_card(under_a_run):
    seen = under_a_run()
    seen.sink.close()
    assert seen.screen.lines == []


def test_a_tree_of_a_program_with_its_place_in_a_trace_ends_with_one_card(under_a_run):
    seen = under_a_run("tree").record(span("leaf", "job"), span("job", ELSEWHERE), span("last", ELSEWHERE))
    seen.sink.close()
    assert seen.steps == ["✓ job  2.00 ms", "└─ ✓ leaf  2.00 ms", "✓ last  2.00 ms"]
    assert [line for line in seen.screen.lines if line.startswith("──")] == ["── report.py ──"]


def test_a_trace_that_begins_in_a_program_with_a_place_elsewhere_has_its_own_card(under_a_run):
    seen = under_a_run().record(span("own", trace="f" * 32))
    assert seen.screen.lines[0] == "── own ──"


def test_a_span_with_a_parent_elsewhere_has_no_card(watch):
    seen = watch("summary").record(span("served", "elsewhere"))
    seen.tick(PATIENCE)
    seen.sink.close()
    assert seen.screen.lines == []


def test_what_is_under_one_trace_carries_no_trace_s_mark(under_a_run):
    seen = under_a_run("live").record(running("one", ELSEWHERE), running("two", ELSEWHERE))
    assert seen.steps == ["▸ one", "▸ two"]


@pytest.mark.parametrize("mode", console.MODES)
def test_a_worker_has_no_card_and_no_tree_and_its_lines_a_mark(mode, under_a_run, monkeypatch):
    monkeypatch.setattr(console_program, "_RECORDED_FIRST", -1)
    seen = under_a_run(mode).record(span("leaf", "sq"), span("sq", ELSEWHERE))
    seen.sink.close()
    mark = f"[pid {os.getpid()}]"
    shown = [f"✓ sq  2.00 ms  {mark}", f"  ✓ leaf  2.00 ms  {mark}"]
    assert seen.screen.lines == (shown if mode == "live" else [])


def test_a_trace_that_begins_in_a_fork_has_its_card(watch, monkeypatch):
    monkeypatch.setattr(console_program, "_RECORDED_FIRST", -1)
    seen = watch("summary")
    seen.record(span("request"))
    assert seen.screen.lines[0] == "── request ──"


def test_two_traces_at_once_are_told_apart(watch):
    seen = watch().record(
        running("one"), running("two", trace="f" * 32), span("child", "two", trace="f" * 32)
    )
    assert seen.steps == ["▸ one", "▸ two  [ffffffff]", "  ✓ child  2.00 ms  [ffffffff]"]


def test_the_card_says_what_it_was_and_what_it_took(watch):
    call = span(
        "call",
        "root",
        kind="llm",
        attributes={
            "gen_ai.request.model": "gpt-4.1-mini",
            "gen_ai.usage.input_tokens": 812,
            "gen_ai.usage.output_tokens": 90,
        },
    )
    failed = span("bad", "root", status="error", error=Fault(type="ValueError", message="no"))
    seen = watch("summary").record(running("root"), event("retry", "root"), call, failed, span("root"))
    assert seen.screen.lines == [
        "── root ──",
        "  status   ✓ ok, 2.00 ms",
        "  spans    3, 1 failed",
        "  model    gpt-4.1-mini (1 call)",
        "  tokens   812 in, 90 out",
        "  retries  1",
        "  error    ValueError: no (in bad)",
        f"  trace    {TRACE}",
    ]


def test_tokens_that_nobody_told_are_not_called_none(watch):
    half = span("call", "root", kind="llm", attributes={"gen_ai.usage.output_tokens": 90})
    seen = watch("summary").record(running("root"), half, span("root"))
    assert "  tokens   ? in, 90 out" in seen.screen.lines
    unknown = watch("summary").record(running("root"), span("call", "root", kind="llm"), span("root"))
    assert not any("tokens" in line for line in unknown.screen.lines)


def test_a_tree_is_drawn_when_its_root_ends(watch):
    seen = watch("tree").record(running("root"), span("leaf", "middle"), event("retry", "middle"))
    assert seen.screen.lines == []
    seen.record(span("last", "root", start=MS), span("middle", "root"), span("root"))
    assert seen.steps == [
        "✓ root  2.00 ms",
        "├─ ✓ middle  2.00 ms",
        "│  ├─ ✓ leaf  2.00 ms",
        "│  └─ • retry",
        "└─ ✓ last  1.00 ms",
    ]


def test_a_root_that_is_still_open_gets_its_card_at_the_end(watch):
    seen = watch("summary").record(running("root"), span("child", "root"))
    seen.sink.close()
    assert seen.screen.lines[:3] == ["── root ──", "  status   ● running", "  spans    1"]


def test_what_comes_after_the_root_ended_is_shown_without_a_second_card(watch):
    seen = watch().record(running("root"), span("root"), span("late", "root"), event("e", "root"))
    assert seen.screen.lines[-2:] == ["  ✓ late  2.00 ms", "  • e"]
    seen.sink.close()
    assert sum(line.startswith("──") for line in seen.screen.lines) == 1


def test_a_line_that_comes_twice_is_shown_once(watch):
    seen = watch().record(running("root"), span("a", "root"), span("a", "root"), span("root"), span("root"))
    assert seen.steps == ["▸ root", "  ✓ a  2.00 ms", "✓ root  2.00 ms"]


@pytest.mark.parametrize("mode", console.MODES)
@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_of_a_trace_reaches_the_terminal_as_a_command(watch, mode, terminal):
    bad = "\x1b[2J\x1b]0;x\x07\n\r\u202e\x9b[red]"
    seen = watch(mode, terminal=terminal)
    error = Fault(type=bad, message=bad)
    odd = span("child", "root", kind=bad, task=bad, status="error", error=error, attributes={bad: bad})
    odd = encode(odd).replace(
        b'"name":"child"', b'"name":' + encode(span(bad)).split(b'"name":')[1].split(b",")[0]
    )
    seen.record(running("root", kind="llm", attributes={"gen_ai.request.model": bad}))
    seen.sink.append([odd])
    seen.record(event(bad, "root", body=bad, attributes={bad: bad}), span("root", trace=TRACE, status="ok"))
    seen.sink.close()
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen.screen.getvalue())
    assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", plain) == []
    assert "\x1b[2J" not in seen.screen.getvalue()
    assert "[red]" in plain or mode == "summary"


def test_a_stream_without_unicode_gets_ascii(watch):
    seen = watch("tree", encoding="ascii").record(running("root"), span("é", "root"), span("root"))
    assert seen.screen.getvalue().isascii()


@pytest.mark.parametrize("mode", console.MODES)
def test_a_chain_of_any_depth_is_followed(watch, mode):
    depth = 20_000
    chain = [span(str(number), str(number - 1)) for number in range(depth, 0, -1)]
    seen = watch(mode)
    seen.record(running("0"), *chain, span("0"))
    assert f"  spans    {depth + 1:,}" in seen.screen.lines


def test_thousands_of_chunks_are_not_shown(watch):
    seen = watch().record(running("root"), *[event("chunk", "root") for _ in range(100)])
    assert seen.steps == ["▸ root"]


def test_roots_that_never_end_are_let_go(watch, monkeypatch):
    monkeypatch.setattr(console, "MOST_ROOTS", 10)
    seen = watch("summary").record(*[running(str(number)) for number in range(50)])
    seen.sink.close()
    assert sum(line.startswith("──") for line in seen.screen.lines) == 10


def test_a_closed_standard_error_is_survived(watch):
    seen = watch()
    seen.screen.close()
    seen.record(running("root"), span("root"))
    assert seen.sink.flush(0)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="summary, tree, live"):
        Console("loud")


@given(
    parents=st.lists(st.integers(0, 30), min_size=1, max_size=30),
    order=st.randoms(use_true_random=False),
)
def test_every_span_starts_at_most_once_and_ends_once_whatever_the_order(parents, order):
    """Parents may be missing, later, themselves, or in a circle; some have a line while they run."""
    records = [span(str(number), str(parent)) for number, parent in enumerate(parents)]
    lines = records + [running(one.name, one.parent_id) for one in records if order.random() < 0.5]
    order.shuffle(lines)
    places = Places()
    steps = [step for line in lines for step in places.feed(line, 0.0, order.choice([0, 10**12]))]
    steps += places.overdue(float("inf"))
    ends = [step.record.span_id for step in steps if step.what == "end"]
    starts = [step.record.span_id for step in steps if step.what == "start"]
    assert sorted(ends) == sorted(record.span_id for record in records)
    assert len(starts) == len(set(starts))
    assert not places.is_waiting


LONG = "no such column: function_count; modules has the columns: name, lines, functions, classes"


def wide(monkeypatch, columns):
    monkeypatch.setattr(console, "look", lambda: Look(width=columns))


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("mode", ["tree", "live"])
def test_a_long_step_goes_on_under_itself_and_tears_no_tree(watch, monkeypatch, mode, columns):
    wide(monkeypatch, columns)
    fault = Fault(type="sqlite3.OperationalError", message=LONG)
    seen = watch(mode)
    seen.record(running("root"), event("retry", "bad", attributes={"reason": LONG, "model": "m" * 60}))
    seen.record(
        span("界" * 50, "bad"),
        span("bad", "root", status="error", error=fault),
        span("next", "root", start=1, end=1 + 2 * MS),
    )
    seen.record(span("root"))
    steps = seen.steps
    assert [line for line in seen.screen.lines if width(line) > columns and TRACE not in line] == []
    first = next(place for place, line in enumerate(steps) if "✗ bad" in line)
    beside = "│  " if mode == "tree" else "  "
    told = " ".join([steps[first], *(line.removeprefix(beside).strip() for line in steps[first + 1 :])])
    assert f"{fault.type}: {LONG}" in told
    if columns < 120:
        assert steps[first + 1].startswith(f"{beside}    {fault.type}")
    assert sum("✓ next  2.00 ms" in line for line in steps) == 1


def test_a_mark_that_has_no_room_behind_a_step_stands_under_it(watch, monkeypatch):
    wide(monkeypatch, 40)
    seen = watch().record(
        running("root", thread="MainThread"),
        span("tool-that-has-a-name-of-length", "root", thread="reader_1"),
        span("short", "root", thread="reader_1"),
    )
    assert seen.steps[1:] == [
        "  ✓ tool-that-has-a-name-of-length",
        "      2.00 ms  [reader_1]",
        "  ✓ short  2.00 ms  [reader_1]",
    ]


def test_the_card_of_a_narrow_terminal_keeps_its_column_and_the_id_whole(watch, monkeypatch):
    wide(monkeypatch, 40)
    fault = Fault(type="sqlite3.OperationalError", message=LONG)
    seen = watch("summary").record(span("root" * 15, status="error", error=fault))
    lines = seen.screen.lines
    assert lines[0] == "── rootrootrootrootrootrootrootrootr… ──"
    place = next(place for place, line in enumerate(lines) if line.startswith("  error"))
    said = [lines[place].removeprefix("  error    "), *(line[11:] for line in lines[place + 1 : -1])]
    assert " ".join(said) == f"{fault.type}: {LONG}"
    assert all(line[:11] == " " * 11 for line in lines[place + 1 : -1])
    assert lines[-1] == f"  trace    {TRACE}"
