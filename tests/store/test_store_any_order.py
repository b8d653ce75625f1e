"""Whatever the order, the batches and the repetitions in which lines come, the store ends up the same."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.store_lines import (
    HOUR,
    PROCESS,
    START,
    Engine,
    annotation,
    encode,
    event,
    span,
    trace_id,
)
from flightlog.records.line import Line
from flightlog.store.port import Chunk
from store.store_dump import dump

OTHER = msgspec.structs.replace(
    PROCESS, process_id="0" * 31 + "2", project="shop", attributes={"argv": ["x"] * 9}
)

_attributes = st.sampled_from(
    [
        None,
        {"k": 1},
        {"gen_ai.usage.input_tokens": 5, "gen_ai.request.model": "m-1"},
        {"gen_ai.usage.output_tokens": 7, "gen_ai.response.model": "m-2", "gen_ai.provider.name": "p"},
        {"gen_ai.usage.cache_read.input_tokens": 3, "big": "z" * 600},
    ]
)
_context = st.sampled_from(
    [None, {"tags": ["a", "b"]}, {"tags": "one", "session": "s"}, {"turn": "1", "user": 2}]
)
_value = st.sampled_from([None, "short", "long " * 120, "longer " * 120])


@st.composite
def _spans(draw: st.DrawFn) -> Line:
    ended = draw(st.sampled_from(["running", "paused", "interrupted", "ok", "ok", "error", "cancelled"]))
    start = START + draw(st.sampled_from([0, 1, 2, HOUR, 24 * HOUR, 99 * HOUR]))
    fields: dict[str, Any] = {
        "status": ended,
        "kind": draw(st.sampled_from(["llm", "llm", "tool"])),
        "name": draw(st.sampled_from(["a", "b"])),
        "start": start,
        "attributes": draw(_attributes),
        "context": draw(_context),
        "input": draw(_value),
        "output": draw(_value),
        "revision": draw(st.sampled_from([0, 0, 0, 1])),
        "otel": draw(st.sampled_from([None, {"flags": 0x200}])),
        "error": draw(st.sampled_from([None, {"type": "E", "message": "m", "stack": "s" * 600}])),
        "links": draw(st.sampled_from([None, [{"trace_id": trace_id(3)}]])),
    }
    if ended not in ("running", "paused"):
        fields["end"] = start + draw(st.sampled_from([0, 5, 1000, HOUR]))
    number = draw(st.integers(1, 4))
    parent = draw(st.sampled_from([0, 0, 1, 2, 3, 9]))
    kept = {name: value for name, value in fields.items() if value is not None}
    return span(draw(st.integers(1, 2)), number, parent=parent, took=None, **kept)


_plain_spans = st.builds(
    lambda trace, number, parent, took, name: span(trace, number, parent=parent, took=took, name=name),
    st.integers(1, 2),
    st.integers(1, 5),
    st.sampled_from([0, 0, 1, 2, 3, 9]),
    st.sampled_from([0, 1, 2]),
    st.sampled_from(["a", "b"]),
)
_others = st.one_of(
    st.builds(
        lambda number, trace, name: event(number, trace=trace, name=name),
        st.integers(1, 3),
        st.integers(0, 3),
        st.sampled_from(["retry", "loop"]),
    ),
    st.builds(
        lambda number, trace, value: annotation(number, trace=trace, value=value),
        st.integers(1, 2),
        st.integers(1, 3),
        st.sampled_from([True, 0.5]),
    ),
    st.sampled_from(
        [encode({"type": "hologram", "v": 1}), Line(b"\x00 torn"), Line(msgspec.json.encode(OTHER))]
    ),
)
_lines = st.lists(st.one_of(_spans(), _spans(), _plain_spans, _others), max_size=14)


@st.composite
def _deliveries(draw: st.DrawFn) -> tuple[list[Line], list[list[Chunk]]]:
    """Some lines, and batches that hold each of them at least once."""
    lines = draw(_lines)
    again = draw(st.lists(st.sampled_from(lines), max_size=6)) if lines else []
    order = draw(st.permutations([*lines, *again]))
    batches: list[list[Chunk]] = []
    place = 0
    while place < len(order):
        size = draw(st.integers(1, 8))
        batches.append([Chunk(PROCESS, order[place : place + size])])
        place += size
    return lines, batches


_settings = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def _stored(batches: list[list[Chunk]]) -> dict[str, list[Any]]:
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(Path(directory) / "store.db")
        try:
            writer = engine.writer()
            for batch in batches:
                writer.append(batch)
            assert engine.reader().verify() == []
            return dump(engine.place)
        finally:
            engine.close()


@_settings
@given(_deliveries())
def test_the_store_depends_only_on_the_set_of_lines(delivery: tuple[list[Line], list[list[Chunk]]]) -> None:
    lines, batches = delivery
    assert _stored(batches or [[Chunk(PROCESS, [])]]) == _stored([[Chunk(PROCESS, lines)]])


@_settings
@given(_deliveries())
def test_what_a_death_closes_depends_only_on_the_lines_before_it(
    delivery: tuple[list[Line], list[list[Chunk]]],
) -> None:
    lines, batches = delivery
    death = [Chunk(PROCESS, [], dead=True)]
    assert _stored([*batches, death, death]) == _stored([[Chunk(PROCESS, lines, dead=True)]])


@_settings
@given(_deliveries(), st.integers(0, 5))
def test_a_death_reported_too_early_never_beats_a_real_end(
    delivery: tuple[list[Line], list[list[Chunk]]], early: int
) -> None:
    lines, batches = delivery
    closed = _stored([*batches[:early], [Chunk(PROCESS, [], dead=True)], *batches[early:]])
    ended = {"ok", "error", "cancelled"}
    real = {row for row in _stored([[Chunk(PROCESS, lines)]])["spans"] if row[16] in ended}
    assert real <= set(closed["spans"])


@_settings
@given(_deliveries(), st.sampled_from([None, "shop", "other"]))
def test_a_deleted_trace_leaves_nothing_behind(
    delivery: tuple[list[Line], list[list[Chunk]]], project: str | None
) -> None:
    """What is left is what a store would hold that never saw the trace, but for what is about processes."""
    lines, batches = delivery
    gone = trace_id(1).encode()
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(Path(directory) / "store.db")
        try:
            writer = engine.writer()
            for batch in batches:
                writer.append(batch)
            writer.delete_trace(trace_id(1), project)
            assert engine.reader().verify() == []
            left = dump(engine.place)
        finally:
            engine.close()
    # An event or annotation may have moved from one trace to another: only the winner's trace counts.
    moved = [line for line in lines if b'"event"' in line or b'"annotation"' in line]
    if project == "other" or any(gone in line for line in moved):
        return
    expected = _stored([[Chunk(PROCESS, [line for line in lines if gone not in line])]])
    for table in set(expected) - {"processes"}:
        assert left[table] == expected[table], table
