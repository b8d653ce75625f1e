"""`flightlog sql`: reads the documented views within limits, and nothing else."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path

import cli_samples
import pytest
from click.testing import CliRunner
from msgspec import structs

from flightlog.cli.main import commands
from flightlog.records.errors import BadQuestion
from flightlog.store.open import open_query
from flightlog.store.sqlite.sql import Query, with_plain_count
from flightlog.store.views import FUNCTIONS, VIEWS

ROOT = Path(__file__).parents[2]


def run(*args: str, code: int = 0):
    result = CliRunner().invoke(commands, ["sql", *args])
    assert result.exit_code == code, result.output
    return result


def rows(query: str) -> list[dict]:
    return json.loads(run(query, "--json").stdout)


def test_every_column_of_every_view_can_be_read(recorded):
    for view in VIEWS:
        names = ", ".join(f'"{column.name}"' for column in view.columns)
        found = rows(f"SELECT {names} FROM {view.name}")
        assert all(list(row) == [column.name for column in view.columns] for row in found)
        assert found or view.name == "annotations", view.name


def test_views_say_what_the_other_commands_say(recorded):
    listed = json.loads(CliRunner().invoke(commands, ["spans", "@latest", "--json"]).stdout)
    query = """SELECT span_id, parent_id, name, kind, status, start, "end", input, output, error_message
        FROM spans WHERE trace_id = (SELECT trace_id FROM traces ORDER BY start DESC LIMIT 1) ORDER BY start, span_id"""
    found = rows(query)
    assert len(found) == len(listed) > 1
    for one, other in zip(found, listed, strict=True):
        assert one["span_id"] == other["span_id"]
        assert one["parent_id"] == other.get("parent_id")
        assert (one["name"], one["kind"]) == (other["name"], other.get("kind", ""))
        assert (one["start"], one["end"]) == (other["start"], other.get("end"))
        for field in ("input", "output"):
            assert (None if one[field] is None else json.loads(one[field])) == other.get(field)
        assert one["error_message"] == other.get("error", {}).get("message")
    money = json.loads(CliRunner().invoke(commands, ["cost", "--json"]).stdout)
    (total,) = rows("SELECT sum(cost_usd) AS usd FROM costs")
    assert str(round(total["usd"], 6)) in json.dumps(money) or total["usd"] > 0


@pytest.mark.parametrize("asked", ["select count(*) from {0}", 'SELECT COUNT ( * ) AS n\nFROM "{0}" ;'])
def test_a_plain_count_is_of_the_rows_that_the_view_has(recorded, asked):
    cli_samples.store(
        recorded, [structs.replace(cli_samples.events()[0], trace_id="e" * 32)]
    )  # without a span
    for view in VIEWS:
        found = list(rows(asked.format(view.name))[0].values())
        assert found == [len(rows(f"SELECT 1 FROM {view.name}"))], view.name


def test_a_plain_count_looks_at_no_other_table(recorded):
    query = Query(str(recorded / "store.db"), None, None, "SELECT 1")
    for name in ("spans", "traces"):
        asked = with_plain_count(f"SELECT count(*) AS n FROM {name}")
        plan = query._connection.execute(f"EXPLAIN QUERY PLAN {asked}").fetchall()
        assert len(plan) == 1, plan
        assert "COVERING INDEX" in plan[0][3]
    query.close()


def test_words_can_be_looked_for(recorded):
    assert (
        rows("SELECT count(*) n FROM spans WHERE has_words(input, '*e*') OR has_words(output, '*e*')")[0]["n"]
        > 0
    )
    assert rows(
        "SELECT has_words('\"x y\"', 'y x') a, has_words('\"x y\"', 'X Y') b, has_words(NULL, 'x') c"
    ) == [{"a": 0, "b": 1, "c": 0}]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("DELETE FROM spans", "only reads"),
        ("INSERT INTO traces VALUES (1)", "only reads"),
        ("UPDATE spans SET name = 'x'", "only reads"),
        ("CREATE TABLE x (a)", "only reads"),
        ("CREATE TEMP TABLE x (a)", "only reads"),
        ("DROP VIEW spans", "only reads"),
        ("ATTACH 'x.db' AS y", "ATTACH is not allowed"),
        ("PRAGMA writable_schema = ON", "PRAGMA is not allowed"),
        ("SELECT * FROM pragma_table_info('spans')", "only reads"),
        ("VACUUM INTO 'x.db'", "not allowed"),
        ("BEGIN", "a transaction is not allowed"),
        ("REINDEX", "not allowed"),
        ("ANALYZE", "not allowed"),
        ("SELECT * FROM sqlite_master", "is no view"),
        ("SELECT * FROM main.spans", "is no view"),
        ("SELECT hash FROM payloads", "is no view"),
        ("SELECT load_extension('x')", "may not be called"),
        ("SELECT sql_value(1, 1)", "may not be called"),
        ("SELECT asked_slow_from(1)", "may not be called"),
        ("SELECT 1; DROP TABLE spans", "one statement"),
        ("SELECT nope FROM spans", "no such column"),
        ("SELEC", "syntax error"),
        ("", "which query"),
    ],
)
def test_what_is_more_than_reading_a_view_is_refused(recorded, query, why):
    result = run(query, code=2)
    assert why in result.stderr
    assert result.stdout == ""


def test_a_query_that_never_ends_is_ended(recorded):
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    assert "took longer than 0.05 s" in run(endless, "--seconds", "0.05", code=2).stderr


def test_a_query_that_makes_huge_values_is_refused(recorded):
    assert "too big" in run("SELECT length(zeroblob(100000000))", code=2).stderr


def test_no_more_rows_are_printed_than_asked_for(recorded):
    result = run("SELECT name FROM spans", "-n", "1", "--json")
    assert len(json.loads(result.stdout)) == 1
    assert "first 1 rows" in result.stderr


def test_csv_has_titles_and_nothing_that_a_terminal_obeys(recorded):
    text = run("SELECT 'a' AS x, NULL AS x, char(27) || '[31m,\"' || char(10) || 'b' AS y", "--csv").stdout
    assert list(csv.reader(io.StringIO(text))) == [["x", "x_2", "y"], ["a", "", '\\x1b[31m,"\nb']]


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_a_table_fits_its_terminal(recorded, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    for query in (
        "SELECT * FROM spans",
        "SELECT name, input, duration_ns FROM spans",
        "SELECT x'00ff' AS b, char(27) AS c",
    ):
        shown = run(query).stdout
        assert "\x1b" not in shown
        assert max(map(len, shown.splitlines())) <= int(columns)


def test_columns_can_be_asked_for(recorded):
    told = run("--views").stdout
    assert all(f"  {column.name} " in told for view in VIEWS for column in view.columns)
    listed = json.loads(run("--views", "--json").stdout)
    assert {row["view"] for row in listed} == {view.name for view in VIEWS}


def test_the_page_names_every_view_and_column_with_its_meaning():
    page = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
    for view in VIEWS:
        assert f"## {view.name}\n" in page
        part = page.split(f"## {view.name}\n")[1].split("\n## ")[0]
        for column in view.columns:
            assert f"| `{column.name}` | {column.meaning} |" in part, f"{view.name}.{column.name}"
    assert all(f"`{name}`" in page for name in FUNCTIONS)


def test_a_home_without_a_store_answers_as_an_empty_one(home):
    result = run("SELECT count(*) AS n FROM spans", "--json")
    assert json.loads(result.stdout) == [{"n": 0}]


def test_reading_leaves_the_store_as_it_was(recorded):
    run("SELECT * FROM spans")
    before = (recorded / "store.db").read_bytes()
    with pytest.raises(BadQuestion):
        open_query(recorded / "store.db", "DELETE FROM spans")
    run("SELECT * FROM costs")
    assert (recorded / "store.db").read_bytes() == before
    connection = sqlite3.connect(recorded / "store.db")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()
