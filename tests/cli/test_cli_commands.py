"""The commands, run on a real store: what they print, where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
from contextlib import closing

import cli_samples
import pytest
from click.testing import CliRunner

from flightlog.cli.main import COMMANDS, commands
from flightlog.codecs.lines import decode, encode
from flightlog.records.line import Line
from flightlog.store.open import open_writer
from flightlog.store.port import Chunk


def run(*args: str):
    return CliRunner().invoke(commands, args)


def test_list_prints_the_newest_first_with_whole_ids(recorded):
    result = run("list")
    assert result.exit_code == 0
    _titles, first, second = result.stdout.splitlines()
    assert first.endswith(cli_samples.TRACE)
    assert "answer_question" in first
    assert second.endswith(cli_samples.OTHER)


def test_list_as_json_has_exactly_the_documented_keys_and_null_for_what_is_unknown(recorded):
    rows = json.loads(run("list", "--json").stdout)
    assert [row["trace_id"] for row in rows] == [cli_samples.TRACE, cli_samples.OTHER]
    keys = (
        "trace_id,name,kind,status,start,duration_ns,span_count,error_count,llm_calls,input_tokens,output_tokens,"
        "unknown_usage_calls,model,retries,slow,interrupted,project,environment,session,user,tags,service,cost"
    )
    assert ",".join(rows[0]) == keys
    assert (rows[0]["input_tokens"], rows[0]["retries"], rows[0]["session"]) == (812, 1, "s-1")
    assert (rows[1]["input_tokens"], rows[1]["model"], rows[1]["session"]) == (None, None, None)
    assert rows[0]["cost"] == {"usd": 0.0004688, "calls": 2, "unknown_calls": 1, "reported_calls": 0}
    assert rows[1]["cost"] is None


def test_list_is_limited(recorded):
    assert len(json.loads(run("list", "-n", "1", "--json").stdout)) == 1


@pytest.mark.parametrize("args", [("list",), ("list", "--json")])
def test_an_empty_home_is_said_on_standard_error_and_is_no_error(home, args):
    result = run(*args)
    assert result.exit_code == 0
    assert result.stdout == ("[]\n" if "--json" in args else "")
    assert "flightlog run" in result.stderr
    assert not home.exists()


@pytest.mark.parametrize("command", ["show", "trace", "spans", "export"])
def test_asking_an_empty_home_for_a_trace_is_a_bad_question(home, command):
    result = run(command, "@latest")
    assert result.exit_code == 2
    assert "nothing is recorded" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["show", "trace", "spans", "export"])
@pytest.mark.parametrize(
    ("ref", "said"),
    [("0123456789", "no trace"), ("5f0c8a31", "fits several"), ("@-9", "no trace"), ("???", "???")],
)
def test_a_reference_that_fits_nothing_or_too_much_is_a_bad_question(recorded, command, ref, said):
    result = run(command, ref)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["show", "trace", "spans", "export"])
@pytest.mark.parametrize("ref", [cli_samples.TRACE, cli_samples.TRACE[:32], "@latest", "@-1"])
def test_a_trace_is_found_by_its_id_and_by_its_place(recorded, command, ref):
    result = run(command, ref)
    assert result.exit_code == 0
    assert "answer_question" in result.stdout


@pytest.mark.parametrize("command", ["show", "trace", "spans", "export"])
@pytest.mark.parametrize(
    ("ref", "advice"),
    [
        ("5f0", "give at least 4 digits"),
        ("latest", "did you mean @latest?"),
        ("@newest", "did you mean @latest?"),
        ("@foo", "@latest is the newest, @-2 the second newest"),
        ("@0", "@latest is the newest, @-2 the second newest"),
        ("answer_question", "named by its id"),
        ("@-9", "`flightlog list` shows the newest"),
    ],
)
def test_a_name_that_can_name_no_trace_is_answered_with_how_one_looks(recorded, command, ref, advice):
    result = run(command, ref)
    assert result.exit_code == 2
    assert advice in result.stderr


@pytest.mark.parametrize(("typed", "meant"), [("lst", "list"), ("tarce", "trace"), ("docter", "doctor")])
def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(typed, meant):
    result = run(typed)
    assert result.exit_code == 2
    assert f"did you mean {meant}?" in result.stderr


def test_a_command_like_no_other_is_answered_with_where_to_find_them():
    assert "`flightlog --help` lists all" in run("xyzzy").stderr


@pytest.mark.parametrize(
    "args", [("list",), ("list", "--json"), ("show", "@latest"), ("export",), ("spans", "@latest")]
)
@pytest.mark.parametrize("below", ["", "sub"])
def test_a_home_that_is_no_directory_is_trouble_and_not_an_empty_home(tmp_path, monkeypatch, args, below):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("FLIGHTLOG_HOME", str(file / below))
    result = run(*args)
    assert result.exit_code == 1
    assert f"home {file / below} cannot be used (Not a directory)" in result.stderr
    assert result.stdout == ""


def test_doctor_says_that_the_home_cannot_be_used_and_why(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("FLIGHTLOG_HOME", str(file))
    result = run("doctor")
    assert result.exit_code == 1
    assert re.search(r"state +cannot be used", result.stdout)
    assert result.stdout.splitlines()[-1] == f"✗ {file} is not a directory"
    found = json.loads(run("doctor", "--json").stdout)
    assert (found["home"]["exists"], found["home"]["usable"]) == (False, False)


def test_a_store_that_cannot_be_read_is_not_called_replaceable(home):
    home.mkdir()
    (home / "store.db").write_bytes(b"not a database, " * 1000)
    said = run("list").stderr
    for told in ("in no other place", "do not delete it", "move it away", ".recover"):
        assert told in said


def test_a_slow_trace_is_told_with_the_limit_that_makes_it_slow(recorded, monkeypatch):
    monkeypatch.setenv("FLIGHTLOG_SLOW_LIMIT", "1250")
    monkeypatch.setenv("COLUMNS", "200")
    assert "slow (≥ 1.25 s)" in run("list").stdout
    assert "slow (≥ 1.25 s)" in run("show", cli_samples.TRACE).stdout


def test_the_processes_of_a_trace_stand_in_the_order_of_their_starts(home):
    processes = [
        cli_samples.process(pid=n, process_id=f"{n:032x}", started=cli_samples.BEGAN - n) for n in range(4)
    ]
    home.mkdir()
    writer = open_writer(home / "store.db")
    spans = [
        cli_samples.span(n + 1, 0, "work", 0, 1, process_id=each.process_id)
        for n, each in enumerate(processes)
    ]
    writer.append([Chunk(each, [Line(encode(span))]) for each, span in zip(processes, spans, strict=True)])
    writer.close()
    assert "process    4 on build-7: pid 3, 2, 1, 0\n" in run("show", "@latest").stdout
    told = json.loads(run("show", "@latest", "--json").stdout)["processes"]
    assert [process.get("pid", 0) for process in told] == [3, 2, 1, 0]


def test_a_message_that_quotes_the_user_shows_no_secret_and_no_control_character(recorded):
    secret = "sk-ant-" + "api03-" + "Ab1" * 20
    result = run("show", f"{secret}\x1b[2J")
    assert result.exit_code == 2
    assert secret not in result.stderr
    assert "\x1b" not in result.stderr


def test_show_tells_facts_values_failure_slowest_kinds_and_events(recorded):
    shown = run("show", cli_samples.TRACE).stdout
    for told in (cli_samples.TRACE, "docs-bot", "pid 4711", "s-1", "beta", "How do I wrap", "RateLimitError"):
        assert told in shown
    assert "span 0000000000000007" in shown
    assert "vector_store.query" in shown
    assert "retry attempt=1" in shown


def test_show_as_json_is_one_object_with_the_same(recorded):
    told = json.loads(run("show", cli_samples.TRACE, "--json").stdout)
    assert told["trace"]["trace_id"] == cli_samples.TRACE
    assert told["input"] == {"question": "How do I wrap long lines?", "k": 8}
    assert told["failure"]["span_id"] == "0000000000000007"
    assert told["event_counts"] == {"chunk": 20, "log": 1, "retry": 1}
    assert told["marks"] == {"orphan": 1, "outside": 1}
    assert told["processes"][0]["pid"] == 4711
    assert told["open_spans"] == 2


def test_trace_folds_repetitions_and_all_shows_every_span(recorded):
    folded = run("trace", cli_samples.TRACE).stdout
    every = run("trace", cli_samples.TRACE, "--all").stdout
    assert "98 more like" in folded
    assert folded.count("fetch page") == 3
    assert every.count("fetch page") == 100


def test_trace_can_be_limited_in_depth(recorded):
    shown = run("trace", cli_samples.TRACE, "--depth", "1").stdout
    assert "search_documents" not in shown
    assert "110 more below" in shown


def test_trace_as_json_nests_every_span_once(recorded):
    document = json.loads(run("trace", cli_samples.TRACE, "--json").stdout)
    spans = []
    pending = list(document["roots"])
    while pending:
        node = pending.pop()
        spans.append(node)
        assert all(child["parent_id"] == node["span_id"] for child in node["children"])
        pending += node["children"]
    assert len(spans) == len(cli_samples.spans())
    root = next(node for node in spans if node["span_id"] == "0000000000000001")
    assert root["duration_ns"] == 1240 * cli_samples.MS
    assert root["events"][0]["name"] == "retry"
    assert document["trace"]["trace_id"] == cli_samples.TRACE
    assert document["marks"] == {"orphan": 1, "outside": 1}


def test_json_holds_no_character_that_a_terminal_would_obey_and_loses_none(recorded):
    text = run("spans", cli_samples.TRACE, "--json").stdout
    assert "\u202e" not in text
    assert cli_samples.HOSTILE in [span["name"] for span in json.loads(text)]


def test_spans_as_json_are_record_lines_with_their_duration(recorded):
    spans = json.loads(run("spans", cli_samples.TRACE, "--json").stdout)
    by_id = {span["span_id"]: span for span in spans}
    assert len(by_id) == len(cli_samples.spans())
    for wanted in cli_samples.spans():
        found = by_id[wanted.span_id]
        assert found.pop("duration_ns") == wanted.duration_ns
        assert decode(json.dumps(found)).name == wanted.name


def test_spans_are_listed_by_start_with_whole_ids(recorded):
    lines = run("spans", cli_samples.TRACE).stdout.splitlines()
    assert len(lines) == 1 + len(cli_samples.spans())
    assert all(re.search(r"[0-9a-f]{16}$", line) for line in lines[1:])


def test_export_gives_the_lines_of_one_trace_or_of_everything(recorded):
    one = [json.loads(line) for line in run("export", cli_samples.TRACE).stdout.splitlines()]
    everything = [json.loads(line) for line in run("export").stdout.splitlines()]
    assert {line["trace_id"] for line in one if line["type"] == "span"} == {cli_samples.TRACE}
    assert {line["trace_id"] for line in everything if line["type"] == "span"} == {
        cli_samples.TRACE,
        cli_samples.OTHER,
    }
    assert all(line["process_id"] == cli_samples.PROCESS for line in everything)


def test_what_was_exported_can_be_stored_again_and_exports_the_same(recorded, tmp_path, monkeypatch):
    lines = run("export").stdout.splitlines()
    second = tmp_path / "second"
    monkeypatch.setenv("FLIGHTLOG_HOME", str(second))
    cli_samples.store(second, [decode(line) for line in lines])
    assert sorted(run("export").stdout.splitlines()) == sorted(lines)


def test_export_to_a_file_says_so_on_standard_error_and_never_replaces_one_unasked(recorded, tmp_path):
    file = tmp_path / "out.jsonl"
    first = run("export", "-o", str(file))
    assert (first.exit_code, first.stdout) == (0, "")
    assert "lines written to" in first.stderr
    written = file.read_bytes()
    refused = run("export", cli_samples.TRACE, "-o", str(file))
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert file.read_bytes() == written
    assert run("export", cli_samples.TRACE, "-o", str(file), "--force").exit_code == 0
    assert file.read_bytes() != written
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_export_writes_into_what_is_no_file(recorded, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()), daemon=True)
    reader.start()
    assert run("export", "-o", str(fifo), "--force").exit_code == 0
    reader.join()
    assert read == [run("export").stdout_bytes]
    assert fifo.is_fifo()


@pytest.mark.parametrize("name", ["list", "show", "export", "doctor", "demo", "run"])
def test_a_home_of_a_user_who_does_not_exist_is_a_bad_setting(tmp_path, monkeypatch, name):
    monkeypatch.setenv("FLIGHTLOG_HOME", "~nosuchuser/x")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "program.py").touch()
    result = run(name, *{"show": ["@latest"], "run": ["program.py"]}.get(name, []))
    assert result.exit_code == 2
    assert "setting home from " in result.stderr
    assert "no such user" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"], "nothing was made"


@pytest.mark.parametrize("args", [("list", "-n", "1" + "0" * 20), ("list", "-n", "0"), ("list", "-n", "x")])
def test_a_number_of_traces_that_cannot_be_is_a_bad_question(recorded, args):
    result = run(*args)
    assert result.exit_code == 2
    assert "Invalid value for '-n'" in result.stderr


@pytest.mark.parametrize("args", [("doctor",), ("doctor", "--json"), ("list",)])
def test_a_path_with_a_secret_in_it_is_shown_without(tmp_path, monkeypatch, args):
    project = tmp_path / "token=hunter3"
    project.mkdir()
    (project / "flightlog.toml").write_text('project = "p"')
    monkeypatch.chdir(project)
    monkeypatch.setenv("FLIGHTLOG_HOME", str(tmp_path / "password=hunter2"))
    result = run(*args)
    said = result.stdout + result.stderr
    assert "[REDACTED]" in said
    assert "hunter" not in said


@pytest.mark.parametrize("command", ["list", "trace", "show", "spans"])
def test_no_width_is_too_large_to_draw_for(recorded, monkeypatch, command):
    args = [command, *([] if command == "list" else ["@latest"])]
    monkeypatch.setenv("COLUMNS", "1" + "0" * 20)
    assert run(*args).exit_code == 0
    assert run(*args, "--width", "10000").exit_code == 0
    refused = run(*args, "--width", "1" + "0" * 20)
    assert refused.exit_code == 2
    assert "Invalid value for '--width'" in refused.stderr


def test_export_into_a_directory_that_is_not_there_is_trouble(recorded, tmp_path):
    result = run("export", "-o", str(tmp_path / "nowhere" / "out.jsonl"))
    assert result.exit_code == 1
    assert "nowhere" in result.stderr


@pytest.mark.parametrize("command", [("list",), ("show", "@latest"), ("trace", "@latest"), ("export",)])
def test_a_store_that_is_no_store_is_trouble_and_no_traceback(home, command):
    home.mkdir()
    (home / "store.db").write_bytes(b"not a database, " * 1000)
    result = run(*command)
    assert result.exit_code == 1
    assert "Error: " in result.stderr
    assert "Traceback" not in result.output


def test_schema_is_the_json_schema_of_a_line():
    assert "$defs" in json.loads(run("schema").stdout)


def test_version_says_version_python_and_engine():
    assert set(json.loads(run("version", "--json").stdout)) == {"version", "python", "engine"}
    assert run("version").stdout.startswith("flightlog ")
    assert run("--version").stdout == run("version").stdout


def test_doctor_lists_settings_with_origin_sizes_and_losses(recorded, monkeypatch):
    monkeypatch.setenv("FLIGHTLOG_SLOW_LIMIT", "50")
    result = run("doctor")
    assert result.exit_code == 0
    assert re.search(r"slow_limit +50.0 +FLIGHTLOG_SLOW_LIMIT", result.stdout)
    assert re.search(r"path +" + re.escape(str(recorded)), result.stdout)
    assert "no problem found" in result.stdout


@pytest.mark.parametrize("args", [("doctor",), ("doctor", "--json")])
def test_doctor_shows_the_address_of_a_sink_without_its_password(recorded, monkeypatch, args):
    monkeypatch.setenv("FLIGHTLOG_SINKS", "store,otlp:http://ada:geheim9x77@collector.example/x")
    result = run(*args)
    assert "otlp:http://ada:[REDACTED]@collector.example/x" in result.stdout
    assert "geheim" not in result.output


def test_doctor_as_json_is_one_object(recorded):
    found = json.loads(run("doctor", "--json", "--verify").stdout)
    assert found["home"]["path"] == str(recorded)
    assert found["store"]["traces"] == 2
    assert found["differences"] == []
    assert found["problems"] == []


def test_doctor_of_a_home_without_anything_is_well_and_makes_nothing(home):
    assert run("doctor").exit_code == 0
    assert not home.exists()


def test_doctor_finds_a_damaged_store_and_still_answers_the_rest(home):
    home.mkdir()
    (home / "store.db").write_bytes(b"not a database, " * 1000)
    result = run("doctor")
    assert result.exit_code == 1
    assert "settings" in result.stdout
    assert "store.db" in result.stdout.splitlines()[-1]


def test_doctor_verifies_the_sums_of_the_store_and_names_those_that_differ(recorded):
    assert run("doctor", "--verify").exit_code == 0
    with closing(sqlite3.connect(recorded / "store.db")) as database:
        database.execute("UPDATE traces SET spans = spans + 1")
        database.commit()
    assert run("doctor").exit_code == 0
    result = run("doctor", "--verify")
    assert result.exit_code == 1
    assert "traces" in result.stdout
    assert "recomputed" in result.stdout
    assert "differ from what its records say" in result.stdout


def test_doctor_marks_what_was_lost_and_calls_it_no_problem(recorded):
    writer = open_writer(recorded / "store.db")
    writer.append([Chunk(cli_samples.process(), [], counters={"lines_dropped_full": 1234})])
    writer.close()
    result = run("doctor")
    assert result.exit_code == 0
    assert re.search(r"^! lines_dropped_full +1,234$", result.stdout, re.MULTILINE)
    assert json.loads(run("doctor", "--json").stdout)["losses"]["lines_dropped_full"] == 1234


def test_a_bad_setting_names_its_origin_and_is_a_bad_question(recorded, monkeypatch):
    monkeypatch.setenv("FLIGHTLOG_SAMPLE", "often")
    result = run("list")
    assert result.exit_code == 2
    assert "FLIGHTLOG_SAMPLE" in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_is_for_and_what_its_exit_codes_mean(name):
    result = run(name, "--help")
    assert result.exit_code == 0
    assert COMMANDS[name] in result.stdout
    assert re.search(r"[Ee]xit codes?\b", result.stdout)


@pytest.mark.parametrize("name", [*COMMANDS, "golden save", "golden check"])
def test_what_every_command_says_of_itself_fits_a_terminal_of_80_columns(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    told = run(*name.split(), "--help").stdout
    assert [line for line in told.splitlines() if len(line) > 80] == []
    assert "\\b" not in told
    assert "\b" not in told


@pytest.mark.parametrize("name", ["list", "show", "trace", "spans", "doctor", "version"])
def test_every_command_that_prints_a_table_prints_json_as_well(name):
    assert "--json" in run(name, "--help").stdout


@pytest.mark.parametrize("args", [("nonsense",), ("list", "--nonsense"), ("trace",), ("list", "-n", "0")])
def test_what_makes_no_sense_exits_with_2(home, args):
    assert run(*args).exit_code == 2


def test_output_that_is_no_terminal_has_no_escape_sequence(recorded):
    for command in ("list", "show", "trace", "spans"):
        args = () if command == "list" else ("@latest",)
        assert "\x1b" not in run(command, *args).stdout
