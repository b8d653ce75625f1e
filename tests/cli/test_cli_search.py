"""`flightlog search` and its part of `flightlog doctor`."""

from __future__ import annotations

import json
import sqlite3

import cli_samples
import pytest
from click.testing import CliRunner

from flightlog.cli.main import commands
from flightlog.records.event import Event
from flightlog.records.span import Fault, Span
from flightlog.store.sqlite import textindex


@pytest.fixture
def told(home):
    """A home in which refunds were talked about."""

    def made(number: int, **fields) -> Span:
        began = cli_samples.BEGAN + number * 10**9
        known = {"name": f"step {number}", "start": began, "end": began + 10**7, "status": "ok"}
        return Span(trace_id="c" * 32, span_id=f"{number:016x}", **{**known, **fields})

    note = Event(
        event_id="e" * 16, trace_id="c" * 32, time=cli_samples.BEGAN, name="note", body="a refund, too"
    )
    cli_samples.store(
        home,
        [
            made(1, kind="llm", input={"messages": [{"role": "user", "content": "our refund policy?"}]}),
            made(2, kind="tool", output="the policy on a REFUND\nis \x1b[31mred"),
            made(3, status="error", error=Fault(type="Oops", message="refund policy missing", stack="")),
            note,
        ],
    )
    return home


def run(*args: str, code: int = 0):
    result = CliRunner().invoke(commands, args)
    assert result.exit_code == code, result.output
    return result


def steps(*args: str) -> list[str]:
    hits = json.loads(run("search", *args, "--json").stdout)
    return [hit["span"]["name"] if "span" in hit else hit["event"]["name"] for hit in hits]


def test_every_argument_is_found_and_one_with_blanks_is_a_phrase(told):
    assert steps("refund", "policy") == ["step 3", "step 2", "step 1"]
    assert steps("refund policy") == ["step 3", "step 1"]
    assert steps('"refund policy" our') == ["step 1"]
    assert steps("refun*") == ["step 3", "step 2", "step 1", "note"]
    assert steps("nothing") == []


def test_places_kinds_and_questions_narrow_it(told):
    assert steps("refund", "--in", "messages") == ["step 1"]
    assert steps("refund", "--in", "output") == ["step 2"]
    assert steps("refund", "--in", "error", "--in", "event") == ["step 3", "note"]
    assert steps("refund", "--kind", "tool", "--kind", "llm") == ["step 2", "step 1"]
    assert steps("refund", "--where", "name~3 OR kind:tool") == ["step 3", "step 2"]
    assert steps("refund", "--since", "1m") == []
    assert steps("refund", "-n", "1") == ["step 3"]


def test_what_was_found_is_marked_and_nothing_is_obeyed(told, monkeypatch):
    monkeypatch.setattr("flightlog.cli.render.terminal.of", _colourful)
    shown = run("search", "refund", "--in", "output").stdout
    assert "\x1b[1;31mREFUND\x1b[0m" in shown
    assert "\\x1b[31mred" in shown


def _colourful(*_, **__):
    from flightlog.cli.render.terminal import Terminal

    return Terminal(width=80, colour=True)


def test_ids_are_whole_and_lines_fit(told):
    for width in (40, 80, 120):
        lines = run("search", "refund", "--width", str(width)).stdout.splitlines()
        assert any("c" * 32 in line for line in lines)
        assert max(map(len, lines)) <= max(width, 3 + 32 + 2 + 16)


def test_signs_alone_are_no_words(told):
    assert "no letter or digit" in run("search", "%%", code=2).stderr


def test_nothing_found_and_nothing_recorded_are_said(told, home, monkeypatch, tmp_path):
    assert "nothing that was recorded" in run("search", "nothing").stderr
    monkeypatch.setenv("FLIGHTLOG_HOME", str(tmp_path / "none"))
    result = run("search", "word", "--json")
    assert json.loads(result.stdout) == []
    assert "nothing is recorded" in result.stderr


def test_without_fts5_steps_are_looked_at_one_by_one_which_is_said(told, monkeypatch):
    monkeypatch.setattr(textindex, "is_possible", lambda: False)
    monkeypatch.setattr("flightlog.store.sqlite.textsought.is_possible", lambda: False)
    result = run("search", "refund", "policy")
    assert "step 3" in result.stdout
    assert "no FTS5" in result.stderr
    assert "one by one" in result.stderr
    assert not (told / "fulltext.db").exists()
    assert "no FTS5" in run("doctor").stdout


def test_the_setting_takes_the_index_away(told, monkeypatch):
    run("search", "refund")
    assert (told / "fulltext.db").exists()
    monkeypatch.setenv("FLIGHTLOG_FULLTEXT", "false")
    assert "one by one" in run("search", "refund").stderr
    assert not (told / "fulltext.db").exists()
    assert not (told / "store.db-notes").exists()
    assert "setting fulltext is off" in run("doctor").stdout


def test_doctor_says_how_many_texts_are_indexed(told):
    run("search", "refund")
    assert json.loads(run("doctor", "--json").stdout)["texts"]["texts"] == 4
    assert "4 texts" in run("doctor").stdout


def test_a_deleted_trace_is_found_no_more_and_leaves_no_word(told):
    run("search", "refund")
    run("delete", "c" * 32, "--yes")
    assert steps("refund") == []
    connection = sqlite3.connect(told / "fulltext.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert b"refund" not in (told / "fulltext.db").read_bytes()
    assert b"refund" not in (told / "store.db-notes").read_bytes()
