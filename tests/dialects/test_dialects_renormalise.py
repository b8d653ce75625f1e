"""`flightlog renormalise`: a store that came about before its readers is read as if they had been there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

import flightlog.importing
from flightlog.configure import load_settings
from flightlog.firstlook import FirstLook
from flightlog.home import Home
from flightlog.importing import import_documents
from flightlog.records.traces import Selection
from flightlog.renormalising import renormalise

DATA = Path(__file__).parent / "data"
CASES = (
    "anthropic_openinference",
    "haystack_and_openai_openinference",
    "openai_genai",
    "litellm_native",
    "langchain_and_openai_openinference",
)
PATHS = [str(DATA / f"{case}.jsonl.gz") for case in CASES]


class Nobody(FirstLook):
    """What was there before there were readers."""

    def look(self, lines):
        return lines, []


def _home(tmp_path) -> Home:
    return Home.find(load_settings({"home": str(tmp_path)}))


@pytest.fixture
def old(tmp_path, monkeypatch):
    home = _home(tmp_path / "old")
    with monkeypatch.context() as before:
        before.setattr(flightlog.importing, "FirstLook", Nobody)
        import_documents(home, PATHS, bad=pytest.fail)
    return home


def _content(home: Home):
    """Every span as it stands, but for how often it was written."""
    with home.reader() as reader:
        assert reader.verify() == []
        spans = list(reader.each_span())
    return sorted(msgspec.json.encode(structs.replace(span, revision=0), order="sorted") for span in spans)


def _lines(home: Home):
    with home.reader() as reader:
        return sorted(reader.lines())


def test_an_old_store_becomes_what_it_would_be_had_it_come_today(old, tmp_path):
    today = _home(tmp_path / "today")
    import_documents(today, PATHS, bad=pytest.fail)
    done = renormalise(old)
    assert done.before.calls == 0
    assert done.after.calls > 20
    assert _content(old) == _content(today)


def test_a_second_run_changes_nothing(old):
    first = renormalise(old)
    before = _lines(old)
    second = renormalise(old)
    assert (first.changed > 0, second.changed) == (True, 0)
    assert second.before == second.after == first.after
    assert _lines(old) == before


def test_calls_that_log_records_told_of_are_found_in_an_old_store(tmp_path, monkeypatch):
    paths = [str(DATA / f"{case}.jsonl.gz") for case in ("claude_code", "claude_code_logs", "gemini_cli")]
    old, today = _home(tmp_path / "old"), _home(tmp_path / "today")
    with monkeypatch.context() as before:
        before.setattr(flightlog.importing, "FirstLook", Nobody)
        import_documents(old, paths, bad=pytest.fail)
    import_documents(today, paths, bad=pytest.fail)
    assert renormalise(old, dry_run=True).logged == 0
    done = renormalise(old)
    assert done.logged == 7  # of the recording without spans: six calls of the model, one of a tool
    assert _content(old) == _content(today)
    before = _lines(old)
    assert renormalise(old).changed == 0
    assert _lines(old) == before


def test_a_dry_run_says_the_same_and_does_nothing(old):
    before = _lines(old)
    told = renormalise(old, dry_run=True)
    assert _lines(old) == before
    assert renormalise(old) == told


def test_only_what_is_meant_is_read_again(old):
    with old.reader() as reader:
        trace = next(reader.each_trace())
    done = renormalise(old, Selection(since=trace.start))
    assert 0 < done.traces < 10
    assert done.changed == done.spans
    renormalise(old)
    with old.reader() as reader:
        assert reader.verify() == []


def test_what_another_trace_stands_for_stays_so_when_that_is_not_meant(tmp_path):
    home = _home(tmp_path / "home")
    import_documents(home, [str(DATA / "anthropic_openllmetry.jsonl.gz")], bad=pytest.fail)
    before = _lines(home)
    with home.reader() as reader:
        starts = sorted(trace.start for trace in reader.each_trace())
    for start in starts:
        assert renormalise(home, Selection(since=start)).changed == 0
    assert _lines(home) == before


def test_an_import_of_what_was_read_again_changes_nothing(old):
    renormalise(old)
    before = _lines(old)
    assert import_documents(old, PATHS, bad=pytest.fail).new == 0
    assert _lines(old) == before


def test_the_command_tells_what_it_did(old):
    environment = {**os.environ, "FLIGHTLOG_HOME": str(old.path)}
    command = [sys.executable, "-m", "flightlog", "renormalise"]

    def run(*options):
        return subprocess.run(
            [*command, *options], env=environment, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    told = json.loads(run("--dry-run", "--json"))
    assert told["before"]["calls"] == 0
    text = run()
    assert f"{told['changed']:,} read otherwise than before" in text
    assert "openinference: " in text
    assert "0 would be read otherwise" in run("--dry-run")
