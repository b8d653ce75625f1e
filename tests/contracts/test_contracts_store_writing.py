"""Writing: what the store keeps of lines that come in any order, any number of times."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from contracts.store_lines import (
    HOUR,
    MS,
    PROCESS,
    START,
    Engine,
    annotation,
    encode,
    event,
    everything,
    said,
    span,
    span_id,
    trace_id,
    usage,
)
from flightlog.records.cursor import Cursor
from flightlog.records.errors import StoreError
from flightlog.records.line import Line
from flightlog.store.port import Applied, Chunk

RUNNING = span(took=None)
PAUSED = span(took=None, status="paused", revision=2)
RESUMED = span(took=None, revision=4)
PAUSED_AGAIN = span(took=None, status="paused", revision=6)
INTERRUPTED = span(took=9, status="interrupted")
OK = span(took=5)
ERROR_LATER = span(took=6, status="error")
REWRITTEN = span(took=4, revision=1)


def test_one_append_applies_every_chunk_and_its_cursor(engine: Engine) -> None:
    other = msgspec.structs.replace(PROCESS, process_id="0" * 31 + "2")
    writer = engine.writer()
    writer.append([Chunk(PROCESS, [span(1, 1)], Cursor(0, 70)), Chunk(other, [span(2, 2)], Cursor(3, 4))])
    assert writer.cursor(PROCESS.process_id) == Cursor(0, 70)
    assert writer.cursor(other.process_id) == Cursor(3, 4)
    assert len(engine.reader().traces(10)) == 2


def test_a_cursor_never_goes_back(engine: Engine) -> None:
    engine.append(cursor=Cursor(2, 10))
    engine.append(cursor=Cursor(1, 999))
    assert engine.writer().cursor(PROCESS.process_id) == Cursor(2, 10)


def test_a_journal_that_was_never_seen_stands_at_zero(engine: Engine) -> None:
    assert engine.writer().cursor("nobody") == Cursor()


def test_a_forgotten_cursor_stands_at_zero(engine: Engine) -> None:
    engine.append(cursor=Cursor(2, 10))
    writer = engine.writer()
    writer.forget_cursor(PROCESS.process_id)
    assert writer.cursor(PROCESS.process_id) == Cursor()


def test_an_append_that_fails_applies_nothing(engine: Engine) -> None:
    """A process id that is no text fails after the lines of the first chunk were taken."""
    writer = engine.writer()
    broken = msgspec.structs.replace(PROCESS, process_id=None)
    with pytest.raises((StoreError, TypeError)):
        writer.append([Chunk(PROCESS, [span()], Cursor(0, 70)), Chunk(broken, [span(2, 2)])])
    assert writer.cursor(PROCESS.process_id) == Cursor()
    assert engine.reader().traces(10) == []
    assert writer.append([Chunk(PROCESS, [span()])]).spans == 1


@pytest.mark.parametrize(
    ("lines", "winner"),
    [
        ((RUNNING, PAUSED), "paused"),
        ((RUNNING, PAUSED, RESUMED), "running"),
        ((PAUSED, RESUMED, PAUSED_AGAIN), "paused"),
        ((PAUSED_AGAIN, OK), "ok"),
        ((RUNNING, PAUSED, INTERRUPTED), "interrupted"),
        ((RUNNING, INTERRUPTED, OK), "ok"),
        ((OK, ERROR_LATER), "error"),
        ((ERROR_LATER, REWRITTEN), "ok"),
        ((INTERRUPTED, PAUSED), "interrupted"),
    ],
)
def test_the_greatest_line_of_a_span_wins_in_any_order(
    engine: Engine, lines: tuple[Line, ...], winner: str
) -> None:
    reader = engine.reader()
    for number, order in enumerate(permutations(lines), 1):
        for line in order:
            engine.append(line.replace(trace_id(1).encode(), trace_id(number).encode()))
        (found,) = reader.spans(trace_id(number))
        assert found.status == winner
    assert reader.verify() == []


def test_of_two_lines_that_differ_in_nothing_else_the_hash_decides(engine: Engine) -> None:
    one, two = span(1, 1, name="one"), span(1, 1, name="two")
    engine.append(one, two)
    engine.append(two.replace(trace_id(1).encode(), trace_id(2).encode()))
    engine.append(one.replace(trace_id(1).encode(), trace_id(2).encode()))
    first, again = (engine.reader().spans(trace_id(1))[0].name for _ in range(2))
    assert first == again
    engine.append(two)
    engine.append(one)
    assert engine.reader().spans(trace_id(1))[0].name == first


def test_lines_that_come_again_change_nothing(engine: Engine) -> None:
    lines = [span(1, 1), span(1, 2, parent=1), event(), annotation(value=0.5), Line(b"torn")]
    engine.append(*lines)
    before = everything(engine.reader())
    assert engine.append(*lines) == Applied(lines=5, repeated=5)
    assert everything(engine.reader()) == before


def test_lines_that_come_twice_in_one_batch_count_once(engine: Engine) -> None:
    applied = engine.append(span(), span(), event(), event(), annotation(), annotation())
    assert applied == Applied(lines=6, spans=1, repeated=3)


def test_a_line_that_a_greater_one_beat_is_repeated(engine: Engine) -> None:
    engine.append(OK)
    assert engine.append(RUNNING, PAUSED) == Applied(lines=2, repeated=2)


def test_a_line_without_a_project_has_its_process_s(engine: Engine) -> None:
    engine.append(span(), event(), annotation())
    reader = engine.reader()
    assert reader.traces(1)[0].project == "shop"
    assert [record.get("project") for record in said(reader)] == ["shop"] * 4


def test_a_line_s_own_project_counts(engine: Engine) -> None:
    engine.append(span(project="other"))
    assert engine.reader().traces(1)[0].project == "other"


def test_the_same_ids_in_two_projects_are_two_things(engine: Engine) -> None:
    for project in ("a", "b"):
        engine.append(
            span(project=project), event(project=project, name="retry"), annotation(project=project)
        )
    reader = engine.reader()
    assert [(trace.project, trace.retries) for trace in reader.traces(9)] in (
        [("a", 1), ("b", 1)],
        [("b", 1), ("a", 1)],
    )
    assert len(reader.events(trace_id(1))) == 2
    assert len(reader.spans(trace_id(1))) == 2


def test_a_span_keeps_everything_that_its_line_said(engine: Engine) -> None:
    fields = {
        "parent_id": span_id(9),
        "kind": "llm",
        "level": "warn",
        "status": "error",
        "input": {"messages": [{"role": "user", "content": "x" * 2000}]},
        "output": None,
        "error": {"type": "ValueError", "message": "m" * 700, "stack": "s" * 900},
        "attributes": {"a": [1, 2.5, None, True], "big": "y" * 600, "gen_ai.request.model": "m-1"},
        "links": [
            {"trace_id": trace_id(4), "span_id": span_id(5), "relation": "retry_of"},
            {"trace_id": "odd", "attributes": {"n": 1}},
        ],
        "thread": "Main",
        "task": "t-1",
        "context": {
            "session": "s",
            "turn": "3",
            "user": 7,
            "job": True,
            "correlation_id": 1.5,
            "experiment": None,
            "candidate": "",
            "example": ["e"],
            "split": {"k": 1},
            "tags": ["x"],
            "own": [1],
        },
        "otel": {"flags": 257, "scope": {"name": "n"}},
        "process_id": "f" * 32,
        "project": "p",
        "environment": "e",
        "service": "s",
        "version": "v",
        "revision": 3,
        "unknown_field": {"k": [1]},
        "flightlog:extra": {"not": "ours"},
    }
    line = span(1, 1, **fields)
    engine.append(line)
    found = [record for record in said(engine.reader()) if record["type"] == "span"]
    assert found == [msgspec.json.decode(line)]


def test_an_event_and_an_annotation_keep_everything_that_their_lines_said(engine: Engine) -> None:
    common = {
        "span_id": span_id(2),
        "attributes": {"a": 1},
        "process_id": "f" * 32,
        "project": "p",
        "environment": "e",
        "service": "s",
        "version": "v",
        "unknown_field": 1,
    }
    lines = [
        event(1, body="b", level="debug", context={"turn": "1"}, otel={"flags": 1}, **common),
        event(2, trace=0, **{**common, "span_id": ""}),
        annotation(1, value=True, label="l", note="n", by="me", **common),
        annotation(2, value=1.0, **common),
        annotation(3, value=0, **common),
    ]
    engine.append(*lines)
    found = [record for record in said(engine.reader()) if record["type"] != "process"]
    expected = [msgspec.json.decode(line) for line in lines]
    expected[1].pop("span_id")
    assert found == expected
    assert [type(record.get("value")) for record in found[2:]] == [bool, float, float]


def test_of_two_lines_of_one_event_or_annotation_the_greater_hash_wins(engine: Engine) -> None:
    lines = [event(1, name="one"), event(1, name="two"), annotation(1, label="x"), annotation(1, label="y")]
    engine.append(*lines)
    before = everything(engine.reader())
    for line in lines:
        engine.append(line)
    assert everything(engine.reader()) == before


def test_a_retry_that_loses_to_another_line_no_longer_counts(engine: Engine) -> None:
    rivals = [event(1, name="retry", trace=1), event(1, name="other", trace=2)]
    reader = engine.reader()
    engine.append(span(1, 1), span(2, 2))
    for order in (rivals, rivals[::-1]):
        for line in order:
            engine.append(line)
        assert reader.verify() == []
    assert sum(trace.retries for trace in reader.traces(9)) == len(reader.events(trace_id(1)))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b'{"v":1,"type":"span"}',
        b'{"v":1,"type":"hologram","trace_id":"1"}',
        b'{"v":2,"type":"span","trace_id":"1","span_id":"2","name":"n","start":1,"status":"ok"}',
        b'{"v":1,"type":"span","trace_id":"1","span_id":"2","name":"\xff","start":1,"status":"ok"}',
        b'{"v":1,"type":"span","trace_id":"1","span_id":"2","name":"n","start":99999999999999999999,"status":"ok"}',
        b'{"v":1,"type":"span","trace_id":"1","span_id":"2","name":"n","start":1,"status":"fine"}',
        b'{"v":1,"type":"span","trace_id":"1","span_id":"2","name":"n","start":1,"status":"ok","attributes":[]}',
        b'{"v":1,"type":"span","trace_id":"1","span_id":"2","name":"n","start":1,"status":"ok"},{"v":1}',
        b"[" * 5000 + b"]" * 5000,
    ],
)
def test_a_line_that_is_not_understood_is_kept_as_it_is_and_spoils_nothing(
    engine: Engine, line: bytes
) -> None:
    applied = engine.append(span(1, 1), Line(line), span(2, 2))
    assert applied == Applied(lines=3, spans=2, strays=1)
    reader = engine.reader()
    assert list(reader.lines())[-1] == line
    assert reader.sizes().strays == 1
    assert reader.counters()["store_strays"] == 1
    assert len(reader.traces(9)) == 2
    assert line not in list(reader.lines(trace_id(1)))


def test_an_id_that_is_not_canonical_is_kept_as_it_is(engine: Engine) -> None:
    odd = encode(
        {
            "v": 1,
            "type": "span",
            "trace_id": "ABCDEF" + "0" * 26,
            "span_id": "root",
            "parent_id": "ff",
            "name": "n",
            "start": START,
            "end": START,
            "status": "ok",
        }
    )
    engine.append(odd)
    reader = engine.reader()
    (found,) = reader.spans("ABCDEF" + "0" * 26)
    assert (found.span_id, found.parent_id) == ("root", "ff")
    assert reader.spans("abcdef" + "0" * 26) == []
    assert reader.resolve("ABCDEF") == "ABCDEF" + "0" * 26


def test_the_fullest_description_of_a_process_is_kept(engine: Engine) -> None:
    full = msgspec.structs.replace(PROCESS, attributes={"argv": ["a", "b"], "python": "3.11.7"})
    line = Line(msgspec.json.encode(full))
    for lines, process in (((), PROCESS), ((line,), PROCESS), ((), PROCESS)):
        engine.append(*lines, process=process)
    assert said(engine.reader()) == [msgspec.json.decode(line)]
    assert engine.append(line) == Applied(lines=1, repeated=1)


def test_the_greatest_total_of_each_counter_is_kept_and_summed_over_processes(engine: Engine) -> None:
    other = msgspec.structs.replace(PROCESS, process_id="0" * 31 + "2")
    engine.append(counters={"dropped": 5, "cut": 1})
    engine.append(counters={"dropped": 3})
    engine.append(process=other, counters={"dropped": 10})
    counters = engine.reader().counters()
    assert (counters["dropped"], counters["cut"]) == (15, 1)


def test_a_payload_is_kept_once_and_goes_with_its_last_reference(engine: Engine) -> None:
    text = "the same long question " * 40
    reader = engine.reader()
    engine.append(span(1, 1, input=text), span(1, 2, input=text), span(1, 3, parent=1, output=text))
    assert reader.sizes().payloads == 1
    engine.append(span(1, 1, took=2, status="error"), span(1, 2, took=2, input="short"))
    assert reader.sizes().payloads == 1
    assert reader.spans(trace_id(1))[2].output == text
    engine.append(span(1, 3, parent=1, took=2))
    assert (reader.sizes().payloads, reader.sizes().payload_bytes) == (0, 0)
    assert reader.verify() == []


def test_payloads_are_not_shared_between_projects(engine: Engine) -> None:
    text = "a secret of one customer " * 40
    engine.append(span(1, 1, input=text, project="a"), span(2, 2, input=text, project="b"))
    assert engine.reader().sizes().payloads == 2


def test_rollups_follow_a_span_that_changes_its_hour_its_series_and_its_usage(engine: Engine) -> None:
    reader = engine.reader()
    for line in (
        span(took=3, status="interrupted", kind="llm", name="a"),
        span(took=5, kind="llm", name="b", attributes={**usage(input=3), "gen_ai.response.model": "m"}),
        span(took=5, kind="llm", name="b", revision=1, start=START + HOUR, end=START + HOUR + MS),
    ):
        engine.append(line)
        assert reader.verify() == []


def test_a_trace_row_follows_a_span_that_moves_its_start_and_loses_its_model(engine: Engine) -> None:
    reader = engine.reader()
    model = {"gen_ai.response.model": "first"}
    engine.append(
        span(1, 1, at=10, took=50),
        span(1, 2, parent=1, took=None, kind="llm", attributes=model),
        span(1, 3, parent=1, at=20, kind="llm", attributes={"gen_ai.response.model": "second"}),
    )
    engine.append(span(1, 2, parent=1, at=15, kind="tool", attributes=model))
    trace = reader.trace(trace_id(1))
    assert trace is not None
    assert (trace.start, trace.model) == (START + 10 * MS, "second")
    assert reader.verify() == []


def test_a_trace_row_follows_a_child_that_moves_the_trace_s_start(engine: Engine) -> None:
    engine.append(span(1, 1, at=10, took=50), span(1, 2, parent=1, took=None))
    assert engine.reader().traces(1)[0].start == START
    engine.append(span(1, 2, parent=1, at=15))
    assert engine.reader().traces(1)[0].start == START + 10 * MS
    assert engine.reader().verify() == []


def test_a_trace_row_follows_a_model_call_that_moves_behind_another(engine: Engine) -> None:
    reader = engine.reader()
    engine.append(
        span(1, 2, took=None, kind="llm", attributes={"gen_ai.response.model": "first"}),
        span(1, 3, at=20, kind="llm", attributes={"gen_ai.response.model": "second"}),
    )
    assert reader.traces(1)[0].model == "first"
    engine.append(span(1, 2, at=30, kind="llm", attributes={"gen_ai.response.model": "first"}))
    assert reader.traces(1)[0].model == "second"
    engine.append(span(1, 3, at=20, revision=1, kind="llm"))
    assert reader.traces(1)[0].model == "first"
    assert reader.verify() == []


def test_an_annotation_that_names_no_trace_is_kept(engine: Engine) -> None:
    engine.append(annotation(trace_id=""))
    assert [record["type"] for record in said(engine.reader())] == ["process", "annotation"]


def test_a_time_out_of_any_calendar_does_no_harm(engine: Engine) -> None:
    far = 2**63 - 1
    engine.append(span(1, 1, start=0, end=far), span(1, 2, start=-far, end=far), span(1, 3, start=far, end=0))
    assert engine.reader().verify() == []
    assert len(engine.reader().spans(trace_id(1))) == 3


def test_an_empty_append_is_harmless(engine: Engine) -> None:
    assert engine.writer().append([]) == Applied()


def test_closing_twice_is_harmless(engine: Engine) -> None:
    writer = engine.writer()
    writer.close()
    writer.close()


def test_what_was_prepared_before_another_append_counts_on_top_of_it(engine: Engine) -> None:
    writer = engine.writer()
    late = writer.prepared([Chunk(PROCESS, [RUNNING, span(2, 2)], Cursor(0, 9))])
    writer.append([Chunk(PROCESS, [OK])])
    applied = late()
    assert (applied.lines, applied.repeated) == (2, 1)
    assert writer.cursor(PROCESS.process_id) == Cursor(0, 9)
    reader = engine.reader()
    assert [one.status for one in reader.spans(trace_id(1))] == ["ok"]
    assert len(reader.traces(10)) == 2
    assert reader.verify() == []


def test_an_empty_text_that_was_bound_is_not_the_same_as_none(engine: Engine) -> None:
    contexts = [{"session": "", "job": 0}, {"user": ""}, {"turn": 1, "mine": ""}, {}]
    engine.append(*[span(number, number, context=one) for number, one in enumerate(contexts, 1)])
    reader = engine.reader()
    for number, context in enumerate(contexts, 1):
        (found,) = reader.spans(trace_id(number))
        assert found.context == context
