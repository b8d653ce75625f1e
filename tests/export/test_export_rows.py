"""Rows have the promised columns; as CSV none of their cells is a formula, as JSON they come back as they were."""

from __future__ import annotations

import csv as standard
import io
import json as standard_json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.tree import build
from flightlog.export import csv, json, rows
from flightlog.records.span import Fault, Span
from flightlog.records.traces import Trace

ROOT = Path(__file__).parents[2]
TRACE = Trace(
    trace_id="a" * 32,
    name="=cmd|'/c calc'!A1",
    kind="agent",
    status="ok",
    start=1_763_653_000_000_000_001,
    duration_ns=None,
    span_count=2,
    error_count=0,
    llm_calls=0,
    input_tokens=None,
    output_tokens=0,
    unknown_usage_calls=0,
    model=None,
    retries=0,
    slow=True,
    interrupted=0,
    project="default",
    environment="default",
    session=None,
    user="@someone",
    tags=["a", 'b "c"'],
    service=None,
)
SPAN = Span(
    trace_id="a" * 32,
    span_id="b" * 16,
    name="chat",
    kind="llm",
    start=1_763_653_000_000_000_000,
    end=1_763_653_000_000_000_500,
    status="error",
    error=Fault("ValueError", "line one\nline two"),
    input={"q": [1]},
    output="-1 is no formula",
    attributes={"gen_ai.request.model": "small", "gen_ai.usage.input_tokens": 12, "gen_ai.provider.name": 7},
    context={"session": "s-1", "turn": 3, "user": ["odd"]},
)


def table(columns, made):
    text = b"".join(csv.lines(list(columns), made)).decode()
    return list(standard.reader(io.StringIO(text, newline="")))


def test_a_trace_is_a_row_with_its_start_twice_and_null_for_what_is_unknown():
    (row,) = rows.of_traces([TRACE])
    assert list(row) == list(rows.TRACE_COLUMNS)
    assert (row["start"], row["started"]) == (TRACE.start, "2025-11-20T15:36:40.000000001Z")
    assert (row["duration_ns"], row["input_tokens"], row["output_tokens"], row["model"]) == (
        None,
        None,
        0,
        None,
    )
    assert row["tags"] == '["a","b \\"c\\""]'


def test_a_span_is_a_row_with_values_as_text_numbers_or_json():
    (row,) = rows.of_spans([SPAN])
    assert list(row) == list(rows.SPAN_COLUMNS)
    assert (row["duration_ns"], row["model"], row["input_tokens"], row["provider"]) == (
        500,
        "small",
        12,
        None,
    )
    assert (row["session"], row["turn"], row["user"]) == ("s-1", 3, '["odd"]')
    assert (row["input"], row["output"], row["parent_id"]) == ('{"q":[1]}', "-1 is no formula", None)


def test_a_time_that_no_calendar_has_is_given_as_a_number_alone():
    (row,) = rows.of_spans([msgspec.structs.replace(SPAN, start=2**62, end=None)])
    assert row["started"].startswith("2116-")
    (row,) = rows.of_spans([msgspec.structs.replace(SPAN, start=10**30, end=None)])
    assert (row["started"], row["start"]) == (None, 10**30)


def test_numbers_stay_numbers_and_formulas_become_texts():
    (_, row) = table(rows.TRACE_COLUMNS, rows.of_traces([TRACE]))
    cells = dict(zip(rows.TRACE_COLUMNS, row, strict=True))
    assert cells["name"] == "'=cmd|'/c calc'!A1"
    assert cells["user"] == "'@someone"
    assert (cells["duration_ns"], cells["slow"], cells["start"]) == ("", "true", str(TRACE.start))
    (_, row) = table(rows.SPAN_COLUMNS, rows.of_spans([SPAN]))
    cells = dict(zip(rows.SPAN_COLUMNS, row, strict=True))
    assert cells["output"] == "'-1 is no formula"
    assert cells["error_message"] == "line one\nline two"


@pytest.mark.parametrize(
    "text",
    [
        "=1",
        "+1",
        "-1",
        "@a",
        "\ta",
        "\ra",
        "\na",
        "  =1",
        "\uff1d1",
        "\u3000=1",
        "\0=1",
        "\x1b -1",
        "\ufeff=1",
        "\u200b\u202e@x",
        "\xad+1",
        "\uff0b",
        "\uff0d",
        "\uff20",
    ],
)
def test_each_beginning_of_a_formula_is_defused(text):
    (_, (cell,)) = table(["x"], [{"x": text}])
    assert cell == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"), [(-5, "-5"), (-0.5, "-0.5"), (True, "true"), (False, "false"), (None, "")]
)
def test_a_value_that_is_no_text_is_written_as_it_is(value, cell):
    (_, (found, _)) = table(["x", "y"], [{"x": value, "y": 1}])
    assert found == cell


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=4
    )
)
def test_every_text_comes_back_and_none_begins_as_a_formula_does(texts):
    columns = [str(place) for place in range(len(texts))]
    _, cells = table(columns, [dict(zip(columns, texts, strict=True))])
    assert [cell.removeprefix("'") for cell in cells] == [text.removeprefix("'") for text in texts]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)


def test_an_array_has_a_line_for_each_row_and_is_an_array_without_any():
    assert b"".join(json.rows([])) == b"[]\n"
    made = [{"a": 1, "b": None}, {"a": "x", "b": True}]
    assert standard_json.loads(b"".join(json.rows(made))) == made
    assert b"".join(json.rows(made)).count(b"\n") == 4


def test_documents_are_traces_with_their_spans_nested():
    child = msgspec.structs.replace(SPAN, span_id="c" * 16, parent_id=SPAN.span_id)
    made = standard_json.loads(
        b"".join(json.documents([(TRACE, build([SPAN, child]), []), (TRACE, build([]), [])]))
    )
    assert [document["trace"]["trace_id"] for document in made] == [TRACE.trace_id] * 2
    assert made[0]["roots"][0]["children"][0]["span_id"] == child.span_id
    assert made[1]["roots"] == []


def test_the_page_names_every_column_in_its_order():
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    for title, columns in (
        ("## Columns of traces", rows.TRACE_COLUMNS),
        ("## Columns of spans", rows.SPAN_COLUMNS),
    ):
        section = page.split(title)[1].split("\n## ")[0]
        named = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert named == list(columns)
