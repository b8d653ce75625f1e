"""Parquet as pyarrow and duckdb read it, and OTLP as its own messages and our import read it."""

from __future__ import annotations

import io
import json
import sys

import export_records
import pytest
from export_records import BEGAN, HOSTILE, MS
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from flightlog.export import otlp, parquet, rows
from flightlog.records.errors import MissingExtra


@pytest.fixture
def arrow():
    """The reader of Parquet that pyarrow has."""
    return pytest.importorskip("pyarrow.parquet", reason='install it with: pip install "flightlog[parquet]"')


def span_file(spans) -> bytes:
    return b"".join(parquet.document(list(rows.SPAN_COLUMNS), rows.of_spans(spans)))


def test_a_table_has_a_row_for_each_span_and_the_documented_columns(arrow):
    table = arrow.read_table(io.BytesIO(span_file(export_records.spans())))
    assert table.column_names == list(rows.SPAN_COLUMNS)
    types = {
        name: str(table.schema.field(name).type)
        for name in ("started", "duration_ns", "input_tokens", "name")
    }
    assert types == {
        "started": "timestamp[ns, tz=UTC]",
        "duration_ns": "int64",
        "input_tokens": "int64",
        "name": "string",
    }
    expected = [{**row, "started": row["start"]} for row in rows.of_spans(export_records.spans())]
    for found, want in zip(table.to_pylist(), expected, strict=True):
        assert found.pop("started").value == want.pop("started")
        assert found == {
            name: value if not isinstance(value, float) else str(value) for name, value in want.items()
        }


def test_traces_have_their_own_columns(arrow):
    made = b"".join(parquet.document(list(rows.TRACE_COLUMNS), rows.of_traces([export_records.row()])))
    (found,) = arrow.read_table(io.BytesIO(made)).to_pylist()
    assert (found["slow"], found["span_count"], found["tags"]) == (
        False,
        len(export_records.spans()),
        '["beta"]',
    )


def test_a_long_answer_is_written_a_group_at_a_time(arrow):
    asked = 0

    def spans():
        nonlocal asked
        for number in range(2 * parquet.ROWS + 1):
            asked += 1
            yield export_records.span(number + 1, 0, f"n{number}", number, number + 1)

    pieces = parquet.document(list(rows.SPAN_COLUMNS), rows.of_spans(spans()))
    first = next(pieces)
    assert asked == parquet.ROWS
    file = arrow.ParquetFile(io.BytesIO(first + b"".join(pieces)))
    assert (file.num_row_groups, file.metadata.num_rows) == (3, 2 * parquet.ROWS + 1)


def test_numbers_that_no_column_holds_are_null_and_an_empty_answer_is_a_table(arrow):
    wide = export_records.span(
        1, 0, "n", 0, 1, attributes={"gen_ai.usage.input_tokens": 2**70}, input=7, output=True
    )
    (found,) = arrow.read_table(io.BytesIO(span_file([wide]))).to_pylist()
    assert (found["input_tokens"], found["input"], found["output"]) == (None, "7", "true")
    assert arrow.read_table(io.BytesIO(span_file([]))).num_rows == 0


def test_duckdb_answers_questions_of_the_file(arrow, tmp_path):
    duckdb = pytest.importorskip("duckdb", reason="install it with: pip install duckdb")
    file = tmp_path / "spans.parquet"
    file.write_bytes(span_file(export_records.spans()))
    with duckdb.connect() as connection:
        question = (
            "SELECT name, count(*), sum(duration_ns) FROM read_parquet(?) WHERE kind = 'llm' GROUP BY name"
        )
        assert connection.execute(question, [str(file)]).fetchall() == [("chat gpt-4.1", 2, 1248 * MS)]


def test_without_pyarrow_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r'pip install "flightlog\[parquet\]"'):
        span_file([])


# -- OTLP -----------------------------------------------------------------------------------------------------


def parts():
    return otlp.Parts(export_records.spans(), export_records.events(), export_records.annotations())


def messages(*, as_json, left=None, of=None):
    return list(otlp.messages(of or [parts()], export_records.PROCESSES, as_json=as_json, left=left))


def test_a_line_is_a_request_of_spans_or_of_log_records():
    traces, logs = (json.loads(line) for line in messages(as_json=True))
    names = [
        s["name"]
        for group in traces["resourceSpans"]
        for scope in group["scopeSpans"]
        for s in scope["spans"]
    ]
    assert sorted(names) == sorted(span.name for span in export_records.spans())
    assert list(logs) == ["resourceLogs"]


def test_protobuf_has_each_message_after_four_bytes_of_its_length():
    data = b"".join(messages(as_json=False))
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    assert at == len(data)
    spans = [
        s
        for g in TracesData.FromString(found[0]).resource_spans
        for scope in g.scope_spans
        for s in scope.spans
    ]
    logs = [
        r
        for g in LogsData.FromString(found[1]).resource_logs
        for scope in g.scope_logs
        for r in scope.log_records
    ]
    assert {s.name for s in spans} == {s.name for s in export_records.spans()}
    assert HOSTILE in {s.name for s in spans}
    assert len(logs) == 3, "the event of no span here, and two annotations"
    assert {e.name for s in spans for e in s.events} == {"retry", "exception", HOSTILE}
    assert min(s.start_time_unix_nano for s in spans) == BEGAN


def test_a_large_trace_is_several_messages_and_each_span_goes_once():
    spans = [export_records.span(n + 1, 0, f"n{n}", n, n + 1) for n in range(2 * otlp.AT_ONCE + 1)]
    found = [json.loads(line) for line in messages(as_json=True, of=[otlp.Parts(spans, [])])]
    names = [
        s["name"]
        for m in found
        for g in m["resourceSpans"]
        for scope in g["scopeSpans"]
        for s in scope["spans"]
    ]
    assert (len(found), names) == (3, [span.name for span in spans])


def test_what_otlp_cannot_carry_is_left_out_and_counted():
    left = otlp.Left()
    odd = export_records.span(1, 0, "odd", 0, 1, trace_id="no id")
    assert messages(as_json=True, left=left, of=[otlp.Parts([odd], [])]) == []
    assert left.untold == 1
