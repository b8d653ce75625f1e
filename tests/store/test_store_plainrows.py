"""Plain spans: their rows are put together by SQLite, and are what any other way would have written."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contracts.store_lines import HOUR, PROCESS, START, Engine, span, span_id, trace_id
from flightlog.records.line import Line
from flightlog.records.span import Span
from flightlog.store.port import Chunk
from flightlog.store.sqlite import intake
from flightlog.store.sqlite.intake import is_plain
from flightlog.store.sqlite.lean import LeanSpan, decode
from flightlog.store.sqlite.plainrows import LARGEST, PlainRows
from flightlog.store.sqlite.statements import SMALLEST
from store.store_dump import dump

_TYPES = """SELECT hex(span_id), typeof(trace), typeof(span_id), typeof(parent_id), typeof(thread), typeof(task),
  typeof(start), typeof("end"), typeof(line_hash), typeof(input), typeof(output), typeof(attributes), more
  FROM spans ORDER BY 1"""

COLUMNS = {
    "v",
    "project",
    "trace_id",
    "span_id",
    "parent_id",
    "name",
    "kind",
    "level",
    "start",
    "end",
    "status",
}
"""Fields that a plain span may have: a column, or a name that others share; `thread`, too."""

OTHERS: list[dict[str, Any]] = [
    {"input": 1},
    {"output": None},
    {"attributes": {}},
    {"context": {}},
    {"otel": {}},
    {"links": [{"trace_id": "1"}]},
    {"error": {}},
    {"task": "t"},
    {"revision": 1},
    {"environment": "e"},
    {"service": "s"},
    {"version": "v"},
    {"process_id": "p"},
    {"kind": "llm"},
    {"status": "error"},
    {"parent_id": "0" * 16},
    {"unheard_of": 1},
    {"end": None},
]
"""What keeps a span from being plain."""

PLAIN: dict[str, Any] = {"kind": "tool", "thread": "MainThread"}

_ids = st.sampled_from(["0" * 15 + "1", "0" * 15 + "2", "0" * 16, "A" * 16, "a" * 15, "short", "g" * 16])
_texts = st.sampled_from(["", "MainThread", 'q"\\\n\x01é😀', "nul\0nul", "…"])


@st.composite
def _spans(draw: st.DrawFn) -> Line:
    fields = {
        "span_id": draw(_ids),
        "parent_id": draw(st.one_of(st.just(""), _ids)),
        "thread": draw(_texts),
        "name": draw(_texts),
        "kind": draw(st.sampled_from(["", "step", "llm"])),
        "level": draw(st.sampled_from(["info", "debug"])),
        "start": START + draw(st.sampled_from([0, 1, HOUR])),
        "end": START + draw(st.sampled_from([0, 1, 2, 12345, 2**60])),
        "project": draw(st.sampled_from(["", "", "other"])),
        "task": draw(st.sampled_from(["", "", "t"])),
    }
    return span(draw(st.integers(1, 2)), **fields)


def _stored(batches: list[list[Line]], directory: str) -> tuple[dict[str, list[Any]], list[Any]]:
    engine = Engine(Path(directory) / "store.db")
    writer = engine.writer()
    for lines in batches:
        writer.append([Chunk(PROCESS, lines)])
    assert engine.reader().verify() == []
    engine.close()
    with closing(sqlite3.connect(engine.place)) as connection:
        return dump(engine.place), connection.execute(_TYPES).fetchall()


def _nothing_is_plain(line: LeanSpan) -> bool:
    assert isinstance(line, LeanSpan)
    return False


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(_spans(), max_size=8), min_size=1, max_size=3))
@example([[span(1, 1, thread="nul\0nul")]])
@example([[span(1, 1, span_id="A" * 16), span(1, 2)]])
@example([[span(1, 1, span_id="0" * 16), span(1, 2, parent_id="0" * 16)]])
def test_a_plain_row_is_the_row_that_any_span_gets(batches: list[list[Line]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        found = _stored(batches, directory)
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "is_plain", _nothing_is_plain)
        assert found == _stored(batches, directory)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """How many rows each batch so far wrote the plain way."""
    found: list[int] = []
    write = PlainRows.write

    def counted(self: PlainRows, connection: sqlite3.Connection) -> bool:
        done = write(self, connection)
        found.append(len(self) if done else 0)
        return done

    monkeypatch.setattr(PlainRows, "write", counted)
    return lambda: found


@pytest.mark.parametrize("count", [1, SMALLEST, SMALLEST + 1, LARGEST, LARGEST + 1, 2 * LARGEST + 3])
def test_any_number_of_plain_spans_is_written(
    tmp_path: Path, count: int, rows: Callable[[], list[int]]
) -> None:
    engine = Engine(tmp_path / "store.db")
    lines = [span(1, 1), *(span(1, number, parent=1, at=number) for number in range(2, count + 1))]
    assert engine.append(*lines).spans == count
    assert rows() == [count]
    reader = engine.reader()
    found = reader.spans(trace_id(1))
    assert [one.span_id for one in found] == [span_id(number) for number in range(1, count + 1)]
    assert {one.parent_id for one in found[1:]} <= {span_id(1)}
    assert reader.verify() == []
    engine.close()


def test_one_odd_id_or_text_sends_the_batch_the_other_way(
    tmp_path: Path, rows: Callable[[], list[int]]
) -> None:
    engine = Engine(tmp_path / "store.db")
    assert engine.append(span(1, 1), span(1, span_id="odd"), span(1, 3, parent_id="odd")).spans == 3
    assert engine.append(span(2, 1), span(2, 2, thread="a\0b")).spans == 2
    assert rows() == [0, 0]
    reader = engine.reader()
    assert {one.parent_id for one in reader.spans(trace_id(1))} == {"", "odd"}
    assert {one.thread for one in reader.spans(trace_id(2))} == {"", "a\0b"}
    assert reader.verify() == []
    engine.close()


def test_a_plain_child_comes_after_its_parent_was_stored(
    tmp_path: Path, rows: Callable[[], list[int]]
) -> None:
    engine = Engine(tmp_path / "store.db")
    engine.append(span(1, 1, input="x"))
    engine.append(span(1, 2, parent=1, at=5, took=7), span(1, 3, parent=9))
    assert rows() == [1]
    trace = engine.reader().trace(trace_id(1))
    assert trace is not None
    assert (trace.name, trace.span_count, trace.duration_ns) == ("step_1", 3, 12_000_000)
    assert engine.reader().verify() == []
    engine.close()


def test_threads_and_processes_are_told_apart(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "store.db")
    other = type(PROCESS)(process_id="f" * 32, started=START, version="9")
    engine.append_chunks(
        Chunk(PROCESS, [span(1, 1, name="same", thread="a"), span(2, 2, name="same", thread="b")]),
        Chunk(other, [span(3, 3, name="same", thread="a", project="shop")]),
    )
    found = [one for number in (1, 2, 3) for one in engine.reader().spans(trace_id(number))]
    assert [(one.thread, one.process_id, one.version, one.service) for one in found] == [
        ("a", PROCESS.process_id, "1.2", "svc"),
        ("b", PROCESS.process_id, "1.2", "svc"),
        ("a", "f" * 32, "9", ""),
    ]
    engine.close()


@pytest.mark.parametrize("field", OTHERS, ids=str)
def test_a_line_that_says_anything_else_is_not_plain(field: dict[str, Any]) -> None:
    ordinary, other = decode([span(**PLAIN), span(**{**PLAIN, **field})])
    assert isinstance(ordinary, LeanSpan)
    assert isinstance(other, LeanSpan)
    assert is_plain(ordinary)
    assert not is_plain(other)


def test_every_field_of_a_span_is_a_column_of_a_plain_row_or_keeps_it_from_being_one() -> None:
    looked_at = {name for field in OTHERS for name in field if name != "unheard_of"} | {"extra", "thread"}
    assert looked_at | COLUMNS == {"v", "project", *Span.__struct_fields__}
