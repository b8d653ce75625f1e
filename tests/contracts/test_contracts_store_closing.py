"""Closing: what a process that died left open, and the parents that it named and never wrote."""

from __future__ import annotations

import msgspec

from contracts.store_lines import MS, PROCESS, START, Engine, event, everything, span, span_id, trace_id
from flightlog.records.cursor import Cursor
from flightlog.store.port import Applied, Chunk

OTHER = msgspec.structs.replace(PROCESS, process_id="0" * 31 + "2")


def test_running_spans_of_a_dead_process_end_at_the_latest_time_that_it_wrote(engine: Engine) -> None:
    engine.append(
        span(1, 1, took=None, input={"q": "x" * 600}),
        span(1, 2, parent=1, at=10, took=None),
        span(1, 3, parent=1, at=20, took=7),
        event(at=40),
    )
    assert engine.append(dead=True) == Applied(spans=2, interrupted=2)
    root, inner, done = engine.reader().spans(trace_id(1))
    assert (root.status, root.end) == ("interrupted", START + 40 * MS)
    assert root.input == {"q": "x" * 600}
    assert (inner.status, inner.end) == ("interrupted", START + 40 * MS)
    assert done.status == "ok"
    trace = engine.reader().trace(trace_id(1))
    assert trace is not None
    assert (trace.status, trace.interrupted, trace.duration_ns) == ("interrupted", 2, 40 * MS)
    assert engine.reader().verify() == []


def test_a_paused_span_of_a_dead_process_stays_paused_and_adds_nothing_up(engine: Engine) -> None:
    paused = {"status": "paused", "revision": 2, "took": None}
    engine.append(
        span(1, 1, **paused), span(1, 2, parent=1, at=10, **paused), span(1, 3, parent=2, at=20, took=7)
    )
    assert engine.append(dead=True) == Applied()
    root, inner, _ = engine.reader().spans(trace_id(1))
    assert (root.status, root.end, inner.status, inner.end) == ("paused", None, "paused", None)
    trace = engine.reader().trace(trace_id(1))
    assert trace is not None
    assert (trace.status, trace.interrupted, trace.duration_ns) == ("paused", 0, 27 * MS)
    assert engine.reader().verify() == []


def test_a_span_that_goes_on_in_another_process_is_that_process_s_to_lose(engine: Engine) -> None:
    engine.append(span(1, 1, took=None, status="paused", revision=2), dead=True)
    engine.append(span(1, 1, took=None, revision=4), process=OTHER)
    engine.append(dead=True)
    assert engine.reader().spans(trace_id(1))[0].status == "running"
    assert engine.append(process=OTHER, dead=True).interrupted == 1
    (found,) = engine.reader().spans(trace_id(1))
    assert (found.status, found.process_id) == ("interrupted", OTHER.process_id)
    assert engine.reader().verify() == []


def test_a_paused_span_that_went_on_and_ended_elsewhere_counts_once(engine: Engine) -> None:
    engine.append(span(1, 1, took=None, status="paused", revision=2), dead=True)
    engine.append(span(1, 1, took=None, revision=4), process=OTHER)
    engine.append(span(1, 1, took=60, revision=4), process=OTHER, dead=True)
    trace = engine.reader().trace(trace_id(1))
    assert trace is not None
    assert (trace.status, trace.span_count, trace.duration_ns) == ("ok", 1, 60 * MS)
    assert engine.reader().verify() == []


def test_a_span_is_closed_in_the_append_that_brings_it(engine: Engine) -> None:
    applied = engine.append(span(1, 1, took=None), dead=True, cursor=Cursor(0, 9))
    assert applied == Applied(lines=1, spans=2, interrupted=1)
    assert engine.reader().spans(trace_id(1))[0].status == "interrupted"


def test_a_span_never_ends_before_its_start(engine: Engine) -> None:
    line = span(1, 1, at=50, took=None, process_id=OTHER.process_id)
    engine.append(line)
    engine.append(process=OTHER, dead=True)
    (found,) = engine.reader().spans(trace_id(1))
    assert found.end == START + 50 * MS


def test_only_the_dead_process_s_spans_are_closed(engine: Engine) -> None:
    engine.append(span(1, 1, took=None))
    engine.append(span(2, 2, took=None), process=OTHER)
    engine.append(dead=True)
    reader = engine.reader()
    assert reader.spans(trace_id(1))[0].status == "interrupted"
    assert reader.spans(trace_id(2))[0].status == "running"


def test_a_real_line_that_comes_after_the_closing_wins(engine: Engine) -> None:
    engine.append(span(1, 1, took=None), dead=True)
    engine.append(span(1, 1, took=3))
    (found,) = engine.reader().spans(trace_id(1))
    assert (found.status, found.end) == ("ok", START + 3 * MS)
    assert engine.reader().verify() == []


def test_a_parent_that_was_never_written_gets_a_placeholder(engine: Engine) -> None:
    engine.append(span(1, 2, parent=1, at=10, took=5), span(1, 3, parent=1, at=4, took=5))
    assert engine.append(dead=True).interrupted == 1
    first, *_ = engine.reader().spans(trace_id(1))
    assert (first.span_id, first.status, first.parent_id) == (span_id(1), "interrupted", "")
    assert (first.start, first.end) == (START + 4 * MS, START + 15 * MS)
    assert (first.project, first.service, first.process_id) == ("shop", "svc", PROCESS.process_id)
    assert engine.reader().verify() == []


def test_a_parent_in_the_store_needs_no_placeholder_whenever_it_came(engine: Engine) -> None:
    engine.append(span(1, 2, parent=1))
    engine.append(span(1, 1, took=4), process=OTHER)
    assert engine.append(dead=True) == Applied()


def test_a_remote_parent_gets_no_placeholder(engine: Engine) -> None:
    engine.append(span(1, 2, parent=1, otel={"flags": 0x301}), dead=True)
    assert [found.span_id for found in engine.reader().spans(trace_id(1))] == [span_id(2)]


def test_flags_that_do_not_say_remote_do_not_hide_a_missing_parent(engine: Engine) -> None:
    engine.append(span(1, 2, parent=1, otel={"flags": 0x101}), span(2, 4, parent=3, otel={"flags": "x"}))
    assert engine.append(dead=True).interrupted == 2


def test_a_real_parent_that_comes_later_replaces_its_placeholder(engine: Engine) -> None:
    engine.append(span(1, 2, parent=1), dead=True)
    engine.append(span(1, 1, took=9, name="real"))
    trace = engine.reader().trace(trace_id(1))
    assert trace is not None
    assert (trace.name, trace.span_count, trace.interrupted) == ("real", 2, 0)
    assert engine.reader().verify() == []


def test_a_running_line_that_comes_after_a_placeholder_loses(engine: Engine) -> None:
    engine.append(span(1, 2, parent=1), dead=True)
    engine.append(span(1, 1, took=None))
    assert engine.reader().spans(trace_id(1))[0].status == "interrupted"


def test_closing_twice_closes_nothing_more(engine: Engine) -> None:
    engine.append(span(1, 1, took=None), span(1, 3, parent=2), dead=True)
    before = everything(engine.reader())
    assert engine.append(dead=True) == Applied()
    assert everything(engine.reader()) == before


def test_several_dead_processes_are_closed_in_one_append(engine: Engine) -> None:
    applied = engine.append_chunks(
        Chunk(PROCESS, [span(1, 1, took=None)], dead=True), Chunk(OTHER, [span(2, 2, took=None)], dead=True)
    )
    assert applied.interrupted == 2


def test_children_in_two_dead_processes_share_one_placeholder(engine: Engine) -> None:
    engine.append_chunks(
        Chunk(PROCESS, [span(1, 2, parent=1)], dead=True), Chunk(OTHER, [span(1, 3, parent=1)], dead=True)
    )
    trace = engine.reader().trace(trace_id(1))
    assert trace is not None
    assert (trace.span_count, trace.interrupted) == (3, 1)
    assert engine.reader().verify() == []
