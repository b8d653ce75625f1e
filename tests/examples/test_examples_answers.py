"""The example program, recorded as a reader would record it, and what its trace says."""

from __future__ import annotations

import importlib.util
import re
import sys
from itertools import pairwise
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, NamedTuple

import pytest
from examples_kit import EXAMPLE, FLIGHTLOG, data, run

QUESTIONS = ["How do I copy a whole folder?", "How do I make a temporary folder?"]


class Recorded(NamedTuple):
    """One recorded run of the example."""

    process: CompletedProcess[str]
    traces: list[dict[str, Any]]
    spans: list[dict[str, Any]]
    card: dict[str, Any]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [span for span in self.spans if span["name"] == name]

    def parent(self, span: dict[str, Any]) -> dict[str, Any]:
        (found,) = [one for one in self.spans if one["span_id"] == span["parent_id"]]
        return found


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    process = run([*FLIGHTLOG, "run", "--tree", str(EXAMPLE), *QUESTIONS], home, home)
    assert process.returncode == 0, process.stderr
    return Recorded(
        process, data(home, "list"), data(home, "spans", "@latest"), data(home, "show", "@latest")
    )


def quoted_places(answer: str) -> list[tuple[str, int]]:
    return [(module, int(line)) for module, line in re.findall(r" \(([\w.]+):(\d+)\)$", answer, re.MULTILINE)]


def test_each_question_is_answered_on_standard_output(recorded):
    first, second = recorded.process.stdout.rstrip().split("\n\n")
    assert first.splitlines()[0] == QUESTIONS[0]
    assert "shutil.copytree" in first
    assert second.splitlines()[0] == QUESTIONS[1]
    assert "tempfile.TemporaryDirectory" in second


def test_each_quoted_passage_begins_where_the_answer_says(recorded):
    places = quoted_places(recorded.process.stdout)
    assert len(places) == 6
    for module, line in places:
        spec = importlib.util.find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        source = Path(spec.origin).read_text(encoding="utf-8").splitlines()
        assert re.match(r"""\s*[rRuU]?("{1,3}|'{1,3})""", source[line - 1])


def test_a_run_is_one_trace_without_anything_odd(recorded):
    (trace,) = recorded.traces
    assert {span["trace_id"] for span in recorded.spans} == {trace["trace_id"]}
    assert trace["span_count"] == len(recorded.spans) > 100
    assert (trace["status"], trace["interrupted"]) == ("ok", 0)
    assert recorded.card["marks"] == {}
    assert recorded.card["open_spans"] == 0
    assert {span["status"] for span in recorded.spans} == {"ok", "error"}


def test_every_part_of_the_program_has_its_kind(recorded):
    kinds = {kind["kind"] for kind in recorded.card["kinds"]}
    assert kinds >= {
        "run",
        "workflow",
        "agent",
        "step",
        "retrieval",
        "rerank",
        "tool",
        "db",
        "function",
    }


def test_the_spans_of_the_child_process_hang_under_the_span_that_gave_it_work(recorded):
    shares = recorded.named("read_share")
    (collect,) = recorded.named("collect_passages")
    assert {recorded.parent(share)["span_id"] for share in shares} == {collect["span_id"]}
    (child,) = {share["process_id"] for share in shares} - {collect["process_id"]}
    parsed_in_child = [span for span in recorded.named("parse_module") if span["process_id"] == child]
    assert len(parsed_in_child) > 50
    assert {recorded.parent(span)["process_id"] for span in parsed_in_child} == {child}
    assert len(recorded.card["processes"]) == 3


def test_each_query_runs_in_a_thread_under_the_task_that_asked_for_it(recorded):
    queries = recorded.named("search_passages")
    assert len(queries) >= 6
    for query in queries:
        search = recorded.parent(query)
        assert search["task"] == search["name"].replace("_", "-")
        assert query["thread"] != search["thread"]
        assert recorded.parent(search)["name"] == "retrieve"


def test_the_locked_history_fails_is_retried_and_succeeds(recorded):
    attempts = [span for span in recorded.named("write_history") if span["context"]["turn"] == 1]
    assert [span["attributes"]["attempt"] for span in attempts] == list(range(1, len(attempts) + 1))
    assert [span["status"] for span in attempts] == ["error"] * (len(attempts) - 1) + ["ok"]
    assert len(attempts) >= 2
    failed = [span for span in recorded.spans if span["status"] == "error"]
    assert failed == attempts[:-1]
    assert {span["error"]["message"] for span in failed} == {"database is locked"}
    retries = [event for event in recorded.card["events"] if event["name"] == "retry"]
    assert [event["attributes"]["attempt"] for event in retries] == list(range(1, len(attempts)))
    for event in retries:
        assert event["attributes"]["reason"] == "database is locked"
        assert event["attributes"]["delay"] > 0
        assert event["span_id"] == attempts[0]["parent_id"]
    for earlier, later in pairwise(attempts):
        (link,) = later["links"]
        assert (link["relation"], link["span_id"]) == ("retry_of", earlier["span_id"])


def test_the_lock_is_released_in_a_timers_thread_under_the_tool_that_waits(recorded):
    (released,) = recorded.named("finish_housekeeping")
    assert released["thread"] == "housekeeping"
    assert recorded.parent(released)["name"] == "remember"


def test_a_ranking_is_linked_to_the_searches_that_caused_it(recorded):
    searches = {span["span_id"] for span in recorded.spans if span["name"].startswith("search_")}
    for ranking in recorded.named("rerank"):
        assert {link["relation"] for link in ranking["links"]} == {"caused_by"}
        assert {link["span_id"] for link in ranking["links"]} <= searches


def test_agents_know_question_answer_session_and_turn(recorded):
    agents = recorded.named("answer_question")
    assert [agent["input"]["question"] for agent in agents] == QUESTIONS
    assert "\n\n".join(agent["output"] for agent in agents) == recorded.process.stdout.rstrip()
    assert [agent["context"] for agent in agents] == [
        {"session": "answers", "user": "reader", "turn": turn} for turn in (1, 2)
    ]


def test_caches_states_and_loops_are_told(recorded):
    counts = recorded.card["event_counts"]
    assert counts["loop"] == 2
    assert counts["state"] == 2
    assert counts["cache"] >= 4


def test_without_a_home_that_can_be_written_the_answers_are_the_same(recorded, tmp_path):
    file = tmp_path / "file"
    file.touch()
    process = run([sys.executable, str(EXAMPLE), *QUESTIONS], file / "home", tmp_path)
    assert process.returncode == 0
    assert process.stdout == recorded.process.stdout
    assert "records wait in memory" in process.stderr


WITHOUT_FTS5 = """
import runpy, sqlite3, sys

class Connection(sqlite3.Connection):
    def execute(self, statement, *parameters):
        if "fts5" in statement:
            raise sqlite3.OperationalError("no such module: fts5")
        return super().execute(statement, *parameters)

connect = sqlite3.connect
sqlite3.connect = lambda *args, **options: connect(*args, factory=Connection, **options)
program = sys.argv.pop(1)
sys.path.insert(0, program.rpartition("/")[0])
runpy.run_path(program)["main"]()
"""


def test_where_sqlite_has_no_full_text_search_it_says_so_and_answers_all_the_same(tmp_path):
    """The one part that this machine cannot do without is taken away: the module named fts5."""
    home = tmp_path / "home"
    process = run([sys.executable, "-c", WITHOUT_FTS5, str(EXAMPLE), QUESTIONS[0]], home, tmp_path)
    assert process.returncode == 0, process.stderr
    assert "searching without full text: no such module: fts5" in process.stderr
    assert len(quoted_places(process.stdout)) == 3
    events = data(home, "show", "@latest")["events"]
    assert "no such module: fts5" in [
        event["attributes"]["error"] for event in events if event["name"] == "fallback"
    ]


def test_a_question_about_nothing_known_is_answered_with_that(tmp_path):
    process = run([sys.executable, str(EXAMPLE), "Xyzzy?"], tmp_path / "home", tmp_path)
    assert process.returncode == 0, process.stderr
    assert "says nothing about that" in process.stdout
