"""Series: names as small integers, and the limit that keeps them few."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contracts.store_lines import PROCESS, Engine, span, trace_id, usage
from flightlog.store.open import open_writer
from flightlog.store.port import Chunk
from flightlog.store.sqlite.writer import Writer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "store.db", writer=lambda place: open_writer(place, series_limit=3))
    yield engine
    engine.close()


def _series(store: Engine) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(store.place)) as connection:
        return connection.execute("SELECT name, kind FROM series ORDER BY id").fetchall()


def test_beyond_the_limit_names_are_counted_together_and_spans_keep_theirs(store: Engine) -> None:
    store.append(*(span(number, number, name=f"n{number}", kind="tool") for number in range(1, 6)))
    store.append(span(6, 6, name="n6", kind="tool"), span(1, 7, parent=1, name="n1", kind="tool"))
    assert sorted(_series(store)) == [("n1", "tool"), ("n2", "tool"), ("n3", "tool"), ("…", "tool")]
    reader = store.reader()
    assert sorted(trace.name for trace in reader.traces(9)) == [f"n{number}" for number in range(1, 7)]
    assert reader.counters()["store_folded_spans"] == 3
    assert reader.verify() == []
    with closing(sqlite3.connect(store.place)) as connection:
        counted = connection.execute(
            "SELECT spans FROM rollups r JOIN series n ON n.id = r.series WHERE n.name = '…'"
        ).fetchall()
    assert counted == [(3,)]


def test_a_folded_span_keeps_everything_that_its_series_would_have_told(store: Engine) -> None:
    store.append(*(span(number, number) for number in range(1, 4)))
    call = span(
        4,
        4,
        name="ask",
        kind="llm",
        environment="prod",
        service="api",
        attributes={"gen_ai.request.model": "m-1", **usage(input=5)},
    )
    store.append(call)
    (found,) = store.reader().spans(trace_id(4))
    assert (found.name, found.kind, found.environment, found.service) == ("ask", "llm", "prod", "api")
    trace = store.reader().trace(trace_id(4))
    assert trace is not None
    assert (trace.model, trace.llm_calls, trace.input_tokens) == ("m-1", 1, 5)
    assert (trace.environment, trace.service, trace.kind) == ("prod", "api", "llm")
    assert store.reader().verify() == []


def test_unknown_kinds_cannot_grow_the_series_either(store: Engine) -> None:
    store.append(*(span(number, number, name=f"n{number}", kind=f"k{number}") for number in range(1, 9)))
    assert len(_series(store)) == 4
    assert store.reader().spans(trace_id(8))[0].kind == "k8"


def test_each_project_has_its_own_limit(store: Engine) -> None:
    for project in ("a", "b"):
        store.append(*(span(n, n, name=f"n{n}", project=project) for n in range(1, 4)))
    assert store.reader().counters()["store_folded_spans"] == 0


def test_a_folded_span_that_is_overwritten_stays_counted_right(store: Engine) -> None:
    store.append(*(span(number, number) for number in range(1, 4)))
    store.append(span(4, 4, name="a", took=None))
    store.append(span(4, 4, name="b", took=5))
    assert store.reader().spans(trace_id(4))[0].name == "b"
    assert store.reader().counters()["store_folded_spans"] == 1
    assert store.reader().verify() == []


def test_two_writers_agree_on_the_ids(store: Engine) -> None:
    one, other = store.writer(), store.writer()
    assert isinstance(one, Writer)
    one.append([Chunk(PROCESS, [span(1, 1, name="a")])])
    other.append([Chunk(PROCESS, [span(2, 2, name="b"), span(3, 3, name="a")])])
    one.append([Chunk(PROCESS, [span(4, 4, name="b"), span(5, 5, name="a")])])
    assert _series(store) == [("a", ""), ("b", "")]
    assert store.reader().verify() == []
