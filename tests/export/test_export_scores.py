"""Scores are columns behind those that are promised, each with one type, in every format of rows."""

from __future__ import annotations

import csv
import io
import json

import pytest
from click.testing import CliRunner
from export_records import BEGAN, MS

from flightlog.cli.main import commands
from flightlog.codecs.lines import encode
from flightlog.export import rows
from flightlog.export.scores import MOST, Scores
from flightlog.records.annotation import Annotation
from flightlog.records.span import Span

ONE, TWO = "1" * 32, "2" * 32
ROOT = "a" * 16
TITLES = ["score.correct", "score.mixed", "score.passed", "score.tone"]


def said(trace: str, place: int, name: str, span_id: str = "", **fields) -> Annotation:
    return Annotation(
        annotation_id=f"{place:032x}",
        trace_id=trace,
        span_id=span_id,
        time=BEGAN + place * MS,
        name=name,
        **fields,
    )


ANNOTATIONS = [
    said(ONE, 1, "correct", value=0.25, by="first"),
    said(ONE, 2, "correct", value=0.75, by="second"),
    said(ONE, 3, "passed", value=True),
    said(TWO, 4, "passed", value=False),
    said(ONE, 5, "tone", label="=friendly"),
    said(TWO, 6, "tone", value=2.0),
    said(ONE, 7, "mixed", value=True),
    said(TWO, 8, "mixed", value=0.5),
    said(ONE, 9, "note", note="only a note"),
    said(ONE, 10, "recall", span_id=ROOT, value=0.5),
]


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("FLIGHTLOG_HOME", str(tmp_path / "home"))
    spans = [
        Span(trace_id=trace, span_id=ROOT, name="work", start=BEGAN + place, end=BEGAN + MS, status="ok")
        for place, trace in enumerate((TWO, ONE))
    ]
    path = tmp_path / "runs.jsonl"
    path.write_bytes(b"".join(encode(record) + b"\n" for record in (*spans, *ANNOTATIONS)))
    return str(path)


def exported(*args: str) -> bytes:
    done = CliRunner().invoke(commands, ["export", *args])
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout_bytes


def test_csv_has_a_column_for_each_score_of_whole_traces_behind_the_promised_ones(file):
    table = list(csv.DictReader(io.StringIO(exported(file, "--format", "csv").decode(), newline="")))
    assert list(table[0]) == [*rows.TRACE_COLUMNS, *TITLES]
    found = {row["trace_id"]: [row[title] for title in TITLES] for row in table}
    assert found == {ONE: ["0.75", "1.0", "true", "'=friendly"], TWO: ["", "0.5", "false", "2.0"]}


def test_rows_of_spans_have_the_scores_of_spans(file):
    table = json.loads(exported(file, "--format", "json", "--rows", "spans"))
    assert list(table[0]) == [*rows.SPAN_COLUMNS, "score.recall"]
    assert {row["trace_id"]: row["score.recall"] for row in table} == {ONE: 0.5, TWO: None}


def test_the_traces_that_are_named_have_their_own_scores_alone(file):
    (row,) = json.loads(exported(f"{file}@{TWO}", "--format", "json", "--rows", "traces"))
    assert {name: row[name] for name in row if name.startswith("score.")} == {
        "score.mixed": 0.5,
        "score.passed": False,
        "score.tone": 2.0,
    }


def test_parquet_has_them_with_their_types(file):
    arrow = pytest.importorskip("pyarrow.parquet", reason='install it with: pip install "flightlog[parquet]"')
    table = arrow.read_table(io.BytesIO(exported(file, "--format", "parquet", "--rows", "traces")))
    assert [str(table.schema.field(title).type) for title in TITLES] == ["double", "double", "bool", "string"]
    found = {row["trace_id"]: [row[title] for title in TITLES] for row in table.to_pylist()}
    assert found == {ONE: [0.75, 1.0, True, "=friendly"], TWO: [None, 0.5, False, "2.0"]}


def test_without_a_score_there_are_the_promised_columns_alone(file, tmp_path):
    table = exported(file, "--format", "csv", "name:nothing")
    assert table.decode().rstrip().split(",") == list(rows.TRACE_COLUMNS)


def test_a_label_is_redacted_on_the_way_out_as_everything_is(tmp_path, monkeypatch, file):
    path = tmp_path / "mail.jsonl"
    root = Span(trace_id=ONE, span_id=ROOT, name="work", start=BEGAN, end=BEGAN + MS, status="ok")
    records = (root, said(ONE, 1, "who", label="ada@example.org"))
    path.write_bytes(b"".join(encode(record) + b"\n" for record in records))
    assert b"ada@example.org" in exported(str(path), "--format", "csv")
    assert b"ada@example.org" not in exported(str(path), "--format", "csv", "--redact", "email=mask")


def test_beyond_so_many_columns_those_go_that_were_judged_least():
    often = [said(ONE, place, f"s{place}", value=1.0) for place in range(MOST)]
    made = Scores([*often, *often, said(ONE, 9_999, "rare", value=1.0)], of_spans=False)
    assert (len(made.types), made.left_out) == (MOST, 1)
    assert "score.rare" not in made.types
