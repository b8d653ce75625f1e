"""Which traces a question means, what many of them add up to, what failed, and what a deletion takes away."""

from __future__ import annotations

import msgspec
import pytest

from contracts.store_lines import (
    HOUR,
    MS,
    START,
    Engine,
    annotation,
    event,
    everything,
    said,
    span,
    span_id,
    trace_id,
    usage,
)
from flightlog.records.traces import EVERY_TRACE, Selection
from flightlog.store.clearport import Deleted

MANY = 1203
"""More traces, and more spans in one, than a page holds."""


def _names(found: list[str]) -> list[int]:
    return [int(name, 16) for name in found]


def _chosen(engine: Engine, selection: Selection) -> list[int]:
    return _names([trace.trace_id for trace in engine.reader().traces(100, selection)])


@pytest.fixture
def varied(engine: Engine) -> Engine:
    engine.append(
        span(1, 1, name="ask_user", kind="agent", at=0, context={"session": "s-1"}),
        span(2, 1, name="ask_model", kind="llm", status="error", at=10, context={"session": "s-2"}),
        span(3, 1, name="Ingest 100%", kind="workflow", status="running", took=None, at=20, project="other"),
        span(4, 1, name="ingest", kind="agent", at=2 * 3_600_000, context={"session": 7}),
        span(4, 2, parent=1, name="ask_inner", kind="llm", status="error", at=2 * 3_600_000 + 1),
    )
    return engine


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (EVERY_TRACE, [4, 3, 2, 1]),
        (Selection(statuses=("ok",)), [4, 1]),
        (Selection(statuses=("error", "running")), [3, 2]),
        (Selection(kinds=("agent",)), [4, 1]),
        (Selection(kinds=("agent", "llm")), [4, 2, 1]),
        (Selection(name="ask"), [2, 1]),
        (Selection(name="INGEST"), [4, 3]),
        (Selection(name="ask_*"), [2, 1]),
        (Selection(name="*gest"), [4]),
        (Selection(name="ask?user"), [1]),
        (Selection(name="ask[_]model"), [2]),
        (Selection(name="100%"), [3]),
        (Selection(name="k_u"), [1]),
        (Selection(name="k%u"), []),
        (Selection(name="'"), []),
        (Selection(session="s-1"), [1]),
        (Selection(session="7"), [4]),
        (Selection(project="other"), [3]),
        (Selection(since=START + 10 * MS), [4, 3, 2]),
        (Selection(since=START + 10 * MS + 1), [4, 3]),
        (Selection(statuses=("ok",), kinds=("agent",), name="ask", session="s-1", since=START), [1]),
        (Selection(statuses=("ok",), name="ask_model"), []),
    ],
)
def test_a_selection_means_the_traces_for_which_all_of_it_holds(
    varied: Engine, selection: Selection, chosen: list[int]
) -> None:
    assert _chosen(varied, selection) == chosen
    reader = varied.reader()
    assert _names([trace.trace_id for trace in reader.each_trace(selection)]) == chosen
    spans = [span.trace_id for span in reader.each_span(selection)]
    assert _names(list(dict.fromkeys(spans))) == chosen
    lines = [msgspec.json.decode(line) for line in reader.lines(selection=selection)]
    traces = {line["trace_id"] for line in lines if "trace_id" in line}
    assert traces == {trace_id(number) for number in chosen}
    assert reader.trace_figures(selection).traces == len(chosen)


def test_where_the_root_has_no_session_that_of_any_span_counts(engine: Engine) -> None:
    """A program under `flightlog run` binds its sessions below the run's own span."""
    engine.append(
        span(1, 1, name="agent.py", kind="run"),
        span(1, 2, parent=1, context={"session": "s-1"}),
        span(1, 3, parent=1, context={"session": 7}),
        span(2, 1, context={"session": "s-2"}, at=1),
        span(2, 2, parent=1, context={"session": "s-1"}, at=1),
        span(3, 1, at=2),
    )
    assert _chosen(engine, Selection(session="s-1")) == [1]
    assert _chosen(engine, Selection(session="7")) == [1]
    assert [trace.session for trace in engine.reader().traces(9, Selection(session="7"))] == ["7"]
    assert [trace.session for trace in engine.reader().traces(9)] == [None, "s-2", "s-1"]
    assert _chosen(engine, Selection(session="s-2")) == [2]
    assert _chosen(engine, Selection(session="s-3")) == []


def test_of_a_name_beyond_the_limit_of_its_project_the_true_one_is_asked(tmp_path) -> None:  # type: ignore[no-untyped-def]  # pytest gives a path
    from flightlog.store.open import open_writer

    engine = Engine(tmp_path / "store.db", writer=lambda place: open_writer(place, series_limit=1))
    engine.append(span(1, name="first"), span(2, name="second", kind="tool"))
    assert _chosen(engine, Selection(name="second", kinds=("tool",))) == [2]
    engine.close()


def test_every_trace_comes_once_and_newest_first_however_many_there_are(engine: Engine) -> None:
    engine.append(*(span(n, n, at=n // 3) for n in range(1, MANY + 1)))
    found = [trace.trace_id for trace in engine.reader().each_trace()]
    assert found == [trace.trace_id for trace in engine.reader().traces(2 * MANY)]
    assert len(set(found)) == MANY


def test_a_trace_that_several_projects_share_is_not_skipped_between_two_pages(engine: Engine) -> None:
    engine.append(*(span(1, 1, project=f"p{n}") for n in range(MANY)))
    assert len({trace.project for trace in engine.reader().each_trace()}) == MANY


def test_every_span_comes_once_by_trace_then_start_with_its_values(engine: Engine) -> None:
    long = "x" * 2000
    engine.append(
        *(span(1, n, at=MANY - n, input=f"{n} {long}") for n in range(1, MANY + 1)), span(2, 1, at=-5)
    )
    spans = list(engine.reader().each_span())
    assert [s.span_id for s in spans] == [*(span_id(n) for n in range(MANY, 0, -1)), span_id(1)]
    assert spans[0].input == f"{MANY} {long}"
    assert spans[:MANY] == engine.reader().spans(trace_id(1))


def test_lines_of_some_traces_say_each_process_once_and_before_what_it_wrote(engine: Engine) -> None:
    engine.append(
        span(1, 1),
        span(2, 1),
        event(1, trace=2),
        annotation(1, trace=1),
        msgspec.json.encode({"type": "odd"}),  # type: ignore[arg-type]  # a stray
    )
    lines = [msgspec.json.decode(line) for line in engine.reader().lines(selection=Selection(name="step_1"))]
    assert [line["type"] for line in lines] == ["process", "span", "event", "span", "annotation"]


def test_figures_are_sums_of_ended_spans_by_name_by_kind_and_by_model(engine: Engine) -> None:
    model = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "small"}
    engine.append(
        *(span(1, n, name="search", kind="tool", took=n) for n in range(1, 101)),
        span(1, 200, name="search", kind="tool", took=5, status="error"),
        span(1, 201, name="search", kind="tool", took=None),
        span(2, 1, name="chat", kind="llm", took=7, attributes={**model, **usage(input=10, output=2)}),
        span(2, 2, name="chat", kind="llm", took=8, attributes=model),
        span(2, 3, name="wait", took=3, status="cancelled"),
    )
    found = engine.reader().figures(("name", "kind", "model"))
    search, chat, wait = found["name"]
    assert (search.name, search.kind, search.spans, search.errors) == ("search", "tool", 101, 1)
    assert search.total_ns == (5050 + 5) * MS
    for told, true in ((search.p50_ns, 50), (search.p95_ns, 95), (search.p99_ns, 99)):
        assert told is not None
        assert abs(told / MS - true) <= 0.026 * true
    assert (chat.llm_calls, chat.unknown_usage_calls, chat.input_tokens, chat.output_tokens) == (2, 1, 10, 2)
    assert (wait.cancelled, wait.p50_ns, wait.p99_ns) == (1, 3 * MS, 3 * MS)
    assert [(row.name, row.kind, row.spans) for row in found["kind"]] == [
        ("", "tool", 101),
        ("", "llm", 2),
        ("", "", 1),
    ]
    assert [(row.model, row.provider, row.spans) for row in found["model"]] == [("small", "openai", 2)]
    assert list(engine.reader().figures(("kind",))) == ["kind"]


def test_figures_begin_with_the_hour_and_can_be_of_one_project(engine: Engine) -> None:
    hour = HOUR // MS
    engine.append(span(1, 1), span(2, 2, at=3 * hour), span(3, 3, at=3 * hour, project="other"))
    reader = engine.reader()
    late = reader.figures(("name",), since=START + 3 * HOUR)["name"]
    assert sorted(row.name for row in late) == ["step_2", "step_3"]
    other = reader.figures(("name",), since=START + 3 * HOUR, project="other")["name"]
    assert [row.name for row in other] == ["step_3"]
    assert reader.figures(("name",), since=START + 9 * HOUR)["name"] == []


def test_figures_of_many_days_begin_with_the_hour_and_follow_every_change(engine: Engine) -> None:
    hour, day = HOUR // MS, 24 * HOUR // MS
    engine.append(*(span(n, 1, at=n * day, name="daily", took=n) for n in range(1, 8)))
    engine.append(
        span(2, 2, at=2 * day + hour, name="late"), span(3, 1, at=3 * day, name="daily", revision=1)
    )
    engine.append(span(5, 1, at=5 * day, project="other", name="daily", took=1))
    engine.writer().delete_trace(trace_id(6))
    reader = engine.reader()

    def spans(since: int | None = None, project: str = "") -> dict[str, int]:
        found = reader.figures(("name",), since=since, project=project)["name"]
        return {row.name: row.spans for row in found}

    assert spans() == {"daily": 7, "late": 1}
    assert spans(project="other") == {"daily": 1}
    assert spans(START + 2 * 24 * HOUR) == {"daily": 6, "late": 1}
    assert spans(START + 2 * 24 * HOUR + HOUR) == {"daily": 5, "late": 1}
    assert spans(START + 2 * 24 * HOUR + 2 * HOUR) == {"daily": 5}
    assert spans(START + 7 * 24 * HOUR) == {"daily": 1}
    assert spans(START + 8 * 24 * HOUR) == {}
    (daily, _) = reader.figures(("name",))["name"]
    assert daily.total_ns == (1 + 2 + 1 + 4 + 5 + 1 + 7) * MS
    assert reader.verify() == []


def test_trace_figures_tell_statuses_retries_slow_ones_and_hours(engine: Engine) -> None:
    engine.append(
        span(1, 1, took=2000),
        event(1, trace=1, name="retry"),
        event(2, trace=1, name="retry"),
        span(2, 1, took=10, status="error"),
        event(3, trace=2, name="retry"),
        span(3, 1, took=None),
        span(4, 1, took=20, at=HOUR // MS),
    )
    told = engine.reader().trace_figures()
    assert told.statuses == {"ok": 2, "error": 1, "running": 1}
    assert (told.traces, told.retried, told.retries, told.recovered, told.slow) == (4, 2, 3, 1, 1)
    assert told.success_rate == pytest.approx(2 / 3)
    assert [(hour.start % HOUR, hour.traces, hour.errors) for hour in told.hours] == [(0, 3, 1), (0, 1, 0)]
    assert told.p50_ns is not None
    assert abs(told.p50_ns / (20 * MS) - 1) <= 0.026


@pytest.mark.parametrize("padding", [0, 4000])
def test_a_trace_whose_root_waited_is_slow_for_its_work_alone(engine: Engine, padding: int) -> None:
    """Large attributes lie in another place than small ones."""
    pad = {"pad": "x" * padding} if padding else {}

    def waited(milliseconds: int) -> dict[str, object]:
        return {"flightlog.waiting_ns": milliseconds * MS, **pad}

    engine.append(
        span(1, 1, took=9000, attributes=waited(8000)),
        span(2, 1, took=9000, attributes=waited(7000)),
        span(3, 1, took=9000, attributes=pad),
        span(4, 1, took=10, attributes=waited(5)),
        span(5, 1, took=9000, attributes={"flightlog.waiting_ns": "for ever", **pad}),
    )
    reader = engine.reader()
    assert reader.trace_figures().slow == sum(trace.slow for trace in reader.traces(10)) == 3


@pytest.mark.parametrize("took", [(7,), (7, 7, 7), (1000, 1001), (0, 0)])
def test_no_percentile_of_traces_lies_beyond_the_shortest_or_the_longest(
    engine: Engine, took: tuple[int, ...]
) -> None:
    engine.append(*(span(number, 1, took=each) for number, each in enumerate(took, 1)))
    told = engine.reader().trace_figures()
    for found in (told.p50_ns, told.p95_ns, told.p99_ns):
        assert found is not None
        assert min(took) * MS <= found <= max(took) * MS


def test_without_a_trace_that_is_over_there_is_no_rate_and_no_percentile(engine: Engine) -> None:
    nothing = engine.reader().trace_figures()
    assert (nothing.traces, nothing.success_rate, nothing.p50_ns, nothing.hours) == (0, None, None, [])
    engine.append(span(1, 1, took=None))
    running = engine.reader().trace_figures()
    assert (running.traces, running.success_rate, running.p50_ns) == (1, None, None)
    assert engine.reader().figures(("name", "model")) == {"name": [], "model": []}


def test_a_failure_is_told_where_it_began_and_newest_first(engine: Engine) -> None:
    fault = {"type": "ValueError", "message": "m" * 2000, "stack": "s"}
    engine.append(
        span(1, 1, at=0, status="error"),
        span(1, 2, parent=1, at=1, status="error"),
        span(1, 3, parent=2, at=2, status="error", error=fault, input="x" * 2000),
        span(1, 4, parent=1, at=3),
        span(1, 5, parent=4, at=4, status="error"),
        span(2, 1, at=9, status="error"),
        span(2, 2, parent=1, at=9, status="error"),
        span(3, 3, parent=2, at=5, status="interrupted"),
        span(4, 1, at=6, status="error", project="other"),
    )
    found = engine.reader().failures(100)
    assert [(s.trace_id[-1], int(s.span_id, 16)) for s in found] == [("2", 2), ("4", 1), ("1", 5), ("1", 3)]
    assert found[-1].error is not None
    assert found[-1].error.message == "m" * 2000
    assert found[-1].input is msgspec.UNSET
    assert len(engine.reader().failures(2)) == 2
    assert [s.trace_id[-1] for s in engine.reader().failures(9, since=START + 5 * MS)] == ["2", "4"]
    assert [s.trace_id[-1] for s in engine.reader().failures(9, project="other")] == ["4"]


def test_the_same_span_id_in_another_trace_hides_no_failure(engine: Engine) -> None:
    engine.append(span(1, 1, status="error"), span(2, 2, parent=1, at=1, status="error"))
    assert len(engine.reader().failures(9)) == 2


def test_a_deletion_says_what_it_took_and_leaves_the_rest_as_if_it_had_never_been(engine: Engine) -> None:
    shared, own = "s" * 2000, "o" * 2000
    kept = [span(2, 1, input=shared, output="short")]
    engine.append(*kept)
    before = everything(engine.reader())
    engine.append(
        span(1, 1, input=shared, output=own), span(1, 2, parent=1), event(1, trace=1), annotation(1, trace=1)
    )
    gone = engine.writer().delete_trace(trace_id(1))
    assert (gone.spans, gone.events, gone.annotations, gone.payloads) == (2, 1, 1, 1)
    assert 0 < gone.bytes < 2000
    assert everything(engine.reader()) == before
    assert engine.writer().delete_trace(trace_id(1)) == Deleted()


def test_a_line_that_comes_after_the_deletion_makes_the_trace_anew(engine: Engine) -> None:
    engine.append(span(1, 1))
    engine.writer().delete_trace(trace_id(1))
    engine.append(span(1, 2))
    assert [line["span_id"] for line in said(engine.reader(), trace_id(1)) if line["type"] == "span"] == [
        span_id(2)
    ]
    assert engine.reader().verify() == []
