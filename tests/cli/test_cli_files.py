"""A file in the place of a trace's id: it is read in every form that `flightlog import` reads, and nothing is kept."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cli_samples
import pytest
from cli_samples import BEGAN, MS, OTHER, TRACE
from click.testing import CliRunner

from flightlog.cli.borrowed import PREFIX
from flightlog.cli.main import commands
from flightlog.codecs.lines import encode
from flightlog.records.event import Event
from flightlog.records.span import Fault, Span


def run(*args: str, **how):
    return CliRunner().invoke(commands, args, **how)


def span(trace: str, number: int, name: str, start: float, end: float, **fields) -> Span:
    return Span(
        trace_id=trace,
        span_id=f"{number:016x}",
        parent_id="" if number == 1 else f"{1:016x}",
        name=name,
        start=BEGAN + round(start * MS),
        end=BEGAN + round(end * MS),
        process_id=cli_samples.PROCESS,
        **{"status": "ok", **fields},
    )


def checkout(trace: str, start: float, answer: str, **fields) -> list[Span]:
    return [
        span(trace, 1, "checkout", start, start + 100, kind="agent", **fields),
        span(trace, 2, "policy", start + 1, start + 9, kind="tool", output=answer),
    ]


EARLIER = checkout(OTHER, 0, "within 14 days")
LATER = checkout(TRACE, 5_000, "within 30 days", status="error", error=Fault("KeyError", "'soup'"))


@pytest.fixture
def here(home, tmp_path, monkeypatch):
    """A directory to work in, with a place for temporary files that nobody else uses."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def lines(path: Path, *records: Span) -> str:
    path.write_bytes(b"".join(encode(record) + b"\n" for record in records))
    return path.name


def left(here: Path) -> list[str]:
    """What is among the temporary files."""
    return sorted(path.name for path in (here.parent / "tmp").iterdir())


@pytest.mark.parametrize("form", ["jsonl", "otlp", "otlp-proto", "jsonl.gz"])
@pytest.mark.parametrize("command", ["show", "trace", "replay", "diff", "stats", "export"])
def test_each_command_reads_each_form_and_keeps_nothing(command, form, home, here):
    lines(here / "plain.jsonl", *EARLIER)
    made = run("export", "plain.jsonl", "--format", form.removesuffix(".gz"), "-o", "one.file")
    assert made.exit_code == 0, made.stderr
    if form.endswith(".gz"):
        Path("one.file").write_bytes(gzip.compress(Path("one.file").read_bytes()))
    others = ["plain.jsonl"] if command == "diff" else []
    done = run(command, "one.file", *others)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "checkout" in done.stdout
    assert not home.exists()
    assert left(here) == []


def test_a_last_line_that_is_torn_is_said_and_left_out(here):
    lines(here / "torn.jsonl", *EARLIER)
    whole = Path("torn.jsonl").read_bytes()
    Path("torn.jsonl").write_bytes(whole[:-20])
    done = run("trace", "torn.jsonl", "--json")
    assert done.exit_code == 0
    assert '"checkout"' in done.stdout
    assert '"policy"' not in done.stdout
    assert "torn.jsonl: line 2: " in done.stderr
    assert "left out" in done.stderr


def test_a_compressed_file_that_ends_too_early_is_said_and_read_as_far_as_it_goes(here):
    lines(here / "one.jsonl", *EARLIER, span(OTHER, 3, "x" * 4_000, 2, 3))
    packed = gzip.compress(Path("one.jsonl").read_bytes(), compresslevel=0)
    Path("one.jsonl.gz").write_bytes(packed[:-2_000])
    done = run("show", "one.jsonl.gz")
    assert done.exit_code == 0
    assert "checkout" in done.stdout
    assert "ends too early" in done.stderr


@pytest.mark.parametrize("command", ["show", "stats", "export"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff not this", b'{"something": []}', b"{"])
def test_a_file_in_which_nothing_can_be_read_is_trouble(command, content, home, here):
    Path("other.bin").write_bytes(content)
    done = run(command, "other.bin")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "other.bin" in done.stderr
    assert left(here) == []


def test_a_file_with_no_trace_is_no_trace(here):
    lines(here / "loose.jsonl", Event(event_id="1" * 16, time=BEGAN, name="log"))
    done = run("show", "loose.jsonl")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no trace is in loose.jsonl" in done.stderr


def test_of_a_file_with_several_traces_one_is_named_behind_it(here):
    lines(here / "two.jsonl", *EARLIER, *LATER)
    several = run("show", "two.jsonl")
    assert several.exit_code == 2
    assert f"{TRACE} (checkout)" in several.stderr
    assert "two.jsonl@latest" in several.stderr
    named = {"latest": TRACE, "-1": TRACE, "-2": OTHER, OTHER: OTHER}
    for ref, trace_id in named.items():
        told = run("show", f"two.jsonl@{ref}", "--json")
        assert json.loads(told.stdout)["trace"]["trace_id"] == trace_id, ref
    absent = run("show", "two.jsonl@abcdef")
    assert absent.exit_code == 2
    assert "no trace 'abcdef' is in two.jsonl" in absent.stderr


def test_a_file_and_a_recorded_trace_are_compared_in_either_order(home, here):
    cli_samples.store(home, EARLIER)
    lines(here / "new.jsonl", *LATER)
    for sides, signs in ((("@latest", "new.jsonl"), "[-14-]{+30+}"), (("new.jsonl", OTHER), "[-30-]{+14+}")):
        done = run("diff", *sides)
        assert (done.exit_code, done.stderr) == (0, "")
        assert f"within {signs} days" in done.stdout
    previous = run("diff", "@previous", "new.jsonl", "--fail-on", "new:error")
    assert previous.exit_code == 1
    assert "within [-14-]{+30+} days" in previous.stdout
    with_itself = run("diff", "new.jsonl", "new.jsonl", "--json")
    assert json.loads(with_itself.stdout)["same"]
    listed = json.loads(run("list", "--json").stdout)
    assert [each["trace_id"] for each in listed] == [OTHER]


def test_the_same_trace_of_two_files_is_read_from_each(here):
    lines(here / "one.jsonl", *EARLIER)
    lines(here / "two.jsonl", *checkout(OTHER, 0, "within 60 days"))
    assert "within [-14-]{+60+} days" in run("diff", "one.jsonl", "two.jsonl").stdout


def test_files_with_several_traces_are_compared_as_sets(home, here):
    lines(here / "one.jsonl", *EARLIER, *LATER)
    lines(here / "single.jsonl", *EARLIER)
    cli_samples.store(home, LATER)
    for sides in (
        ("one.jsonl", "single.jsonl"),
        ("name:checkout", "one.jsonl"),
        ("single.jsonl", "name:checkout"),
    ):
        done = run("diff", *sides, "--json")
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["success"]
    mixed = run("diff", "one.jsonl", TRACE)
    assert mixed.exit_code == 2
    assert "one side is a trace" in mixed.stderr


def test_a_question_and_options_choose_within_files(here):
    lines(here / "one.jsonl", *EARLIER)
    lines(here / "two.jsonl", *LATER)
    told = run("export", "one.jsonl", "two.jsonl", "status:error", "--format", "csv")
    assert [row.split(",")[0] for row in told.stdout.splitlines()[1:]] == [TRACE]
    alone = run("export", "one.jsonl", "two.jsonl", "--status", "ok", "--format", "csv")
    assert [row.split(",")[0] for row in alone.stdout.splitlines()[1:]] == [OTHER]
    named = run("export", f"one.jsonl@{OTHER[:31]}", "--format", "csv")
    assert named.exit_code == 0
    counted = json.loads(run("stats", "one.jsonl", "two.jsonl", "kind:tool", "--json").stdout)
    assert [row["spans"] for row in counted["name"]] == [2]
    both = run("export", "one.jsonl", OTHER)
    assert both.exit_code == 2
    assert "is none of a file" in both.stderr


def test_standard_input_is_a_file_too(here):
    data = b"".join(encode(record) + b"\n" for record in EARLIER)
    asked = [sys.executable, "-m", "flightlog", "show", "-", "--json"]
    done = subprocess.run(asked, input=data, capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout)["trace"]["trace_id"] == OTHER


@pytest.mark.parametrize("word", ["none.jsonl", "./none", "none.jsonl@latest"])
def test_a_file_that_is_not_there_is_said_even_where_nothing_was_recorded(word, here):
    done = run("show", word)
    assert done.exit_code == 2
    assert f"there is no file {word.removesuffix('@latest')}" in done.stderr


def test_a_directory_is_no_file(here):
    Path("runs.d").mkdir()
    assert "runs.d is a directory" in run("show", "runs.d").stderr


def test_a_word_that_can_be_an_id_is_one(recorded, here):
    lines(here / TRACE, *EARLIER)
    assert json.loads(run("show", TRACE, "--json").stdout)["trace"]["name"] == "answer_question"
    assert json.loads(run("show", f"./{TRACE}", "--json").stdout)["trace"]["name"] == "checkout"


def test_a_file_without_a_dot_is_told_how_to_name_it(recorded, here):
    lines(here / "myrun", *EARLIER)
    done = run("show", "myrun")
    assert done.exit_code == 2
    assert "./myrun" in done.stderr


def test_what_is_in_a_file_is_redacted_by_the_rules_of_the_home(here, monkeypatch):
    monkeypatch.setenv("FLIGHTLOG_REDACT_KEYS", "answer_text")
    lines(
        here / "one.jsonl", *EARLIER, span(OTHER, 3, "secretive", 2, 3, input={"answer_text": "plain words"})
    )
    done = run("show", "one.jsonl", "secretive")
    assert "plain words" not in done.stdout
    assert "REDACTED" in done.stdout


def test_reading_a_file_tells_the_audit_log_nothing(recorded, here, monkeypatch):
    monkeypatch.setenv("FLIGHTLOG_AUDIT", "all")
    lines(here / "one.jsonl", *EARLIER)
    for command in ("show", "export", "stats"):
        assert run(command, "one.jsonl").exit_code == 0
    assert not (recorded / "audit.jsonl").exists()


def test_what_a_killed_command_left_behind_is_removed_and_what_is_young_or_held_stays(here):
    from flightlog.lock import FileLock

    lines(here / "one.jsonl", *EARLIER)
    places = {name: here.parent / "tmp" / f"{PREFIX}{name}" for name in ("dead", "young", "held")}
    for name, place in places.items():
        place.mkdir()
        (place / "store.db").write_bytes(b"x")
        if name != "young":
            long_ago = time.time() - 3600
            os.utime(place, (long_ago, long_ago))
    with FileLock(places["held"] / "held") as lock:
        assert lock.acquire()
        long_ago = time.time() - 3600
        os.utime(places["held"], (long_ago, long_ago))
        assert run("show", "one.jsonl").exit_code == 0
        assert left(here) == [f"{PREFIX}held", f"{PREFIX}young"]


def test_a_file_is_as_good_as_a_trace_for_golden(here):
    lines(here / "one.jsonl", *EARLIER)
    lines(here / "two.jsonl", *LATER)
    assert run("golden", "save", "checkout", "one.jsonl").exit_code == 0
    assert run("golden", "check", "checkout", "one.jsonl").exit_code == 0
    assert run("golden", "check", "checkout", "two.jsonl").exit_code == 1


def test_the_error_of_a_trace_in_a_file_is_explained(here):
    lines(here / "two.jsonl", *LATER)
    assert "KeyError" in run("show", "two.jsonl", "--why").stdout
