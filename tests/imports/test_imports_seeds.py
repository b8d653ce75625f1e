"""What the systems wrote that Flightlog came from: each of their documents becomes the traces that it tells of."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from imports_documents_of_others import FILES, GOLD, brought_in, drawn, flujo_file, spans

import flightlog as fl
from flightlog.analysis.graph import graphs
from flightlog.loading import load_trace
from flightlog.records.agents import end_reason
from flightlog.steps.trace import ExecutionTrace

KEY = "tlm_sk_" + "a1B2" * 8


def test_a_trace_of_frame_trace_is_a_root_and_its_steps(home):
    brought_in(home, FILES["frame-trace"])
    assert drawn(home) == [
        "execution_trace workflow ok",
        "  capture audio_capture ok",
        "  vad voice_activity ok",
        "  transcribe speech_to_text ok",
        "  search_documents retrieval ok",
        "  weather_api step error",
        '  weather_api "retry" tool ok',
        "  generate_response llm ok",
        "  speak text_to_speech ok",
        "  play audio_playback ok",
    ]
    root, failed = spans(home)["execution_trace"].record, spans(home)["weather_api"].record
    assert (root.context, root.duration_ns) == ({"session": "42", "turn": 3}, 2_210_000_000)
    assert (failed.start, failed.duration_ns) == (1795196935334_000_000, 1_204_000_000)
    assert failed.error.message == "timeout after 1200ms"
    assert failed.input == {"city": "Zürich", "day": "+1"}
    assert spans(home)["capture"].record.attributes == {
        "device": "default",
        "flightlog.step_type": "AudioCapture",
    }


def test_an_execution_trace_that_is_saved_and_imported_is_there_once(home, tmp_path, monkeypatch):
    trace = ExecutionTrace.from_json(FILES["frame-trace"].read_text(encoding="utf-8"))
    brought_in(home, FILES["frame-trace"])
    before = {name: (node.trace_id, node.span_id, node.kind) for name, node in spans(home).items()}
    path = tmp_path / "again.json"
    path.write_text(trace.to_json(precise=True), encoding="utf-8")
    brought_in(home, path)
    assert {name: (node.trace_id, node.span_id, node.kind) for name, node in spans(home).items()} == before


def test_ids_of_an_import_are_those_that_saving_gives(home):
    brought_in(home, FILES["frame-trace"])
    with fl.capture() as seen:
        ExecutionTrace.from_json(FILES["frame-trace"].read_text(encoding="utf-8")).save()
    saved = {(span.name, span.trace_id, span.span_id) for span in seen.spans}
    assert {(name, node.trace_id, node.span_id) for name, node in spans(home).items()} == saved


def test_a_step_that_nothing_made_good_fails_its_trace(home, tmp_path):
    value = json.loads(FILES["frame-trace"].read_text(encoding="utf-8"))
    value["steps"] = value["steps"][:5]
    path = tmp_path / "failed.json"
    path.write_text(json.dumps([value]), encoding="utf-8")
    brought_in(home, path)
    root = spans(home)["execution_trace"].record
    assert (root.status, root.error.message) == ("error", "timeout after 1200ms")


def test_runs_of_flujo_are_traces_with_what_their_steps_said(home, tmp_path):
    done, skipped = brought_in(home, flujo_file(tmp_path / "flujo_ops.db"))
    assert (done.records, skipped) == (6, [])
    assert drawn(home) == [
        "shouting workflow ok",
        "  up step ok",
        "  again step ok",
        "failing workflow error",
        "  up step ok",
        "  bad step error",
    ]
    found = spans(home)
    assert (found["again"].record.input, found["again"].record.output) == ("HELLO", "HELLO")
    assert found["bad"].record.error.message == found["failing"].record.error.message == "no such city: HELLO"
    assert found["shouting"].record.attributes["flujo.run_id"] == "run_ok"
    assert (
        found["shouting"].record.end == 1795298178_348008000
    )  # the run's, whose root was stored before it ended
    again, _ = brought_in(home, tmp_path / "flujo_ops.db", form="flujo")
    assert again.new == 0


def test_what_flujo_has_written_beside_its_file_is_read_as_well_and_the_file_is_left_alone(home, tmp_path):
    path = flujo_file(tmp_path / "flujo_ops.db")
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("PRAGMA wal_autocheckpoint = 0")
        store.execute("UPDATE runs SET pipeline_name = 'renamed' WHERE run_id = 'run_ok'")
        store.commit()
        before = {one.name: one.read_bytes() for one in tmp_path.glob("flujo_ops*")}
        brought_in(home, path)
        assert {one.name: one.read_bytes() for one in tmp_path.glob("flujo_ops*")} == before
    assert "renamed" in spans(home)


def test_a_run_of_which_no_spans_were_kept_has_its_steps(home, tmp_path):
    path = flujo_file(tmp_path / "steps.db")
    with closing(sqlite3.connect(path)) as store:
        store.execute("DELETE FROM spans")
        store.execute("UPDATE steps SET cost = 0.25, tokens = 40 WHERE step_name = 'again'")
        store.commit()
    brought_in(home, path)
    assert [line.strip() for line in drawn(home)[:3]] == [
        "shouting workflow ok",
        "up step ok",
        "again step ok",
    ]
    again = spans(home)["again"].record
    assert again.output == "HELLO"
    assert again.attributes == {"flightlog.usage.total_tokens": 40, "gen_ai.usage.cost": 0.25}


def test_what_flujo_0_6_stored_and_what_it_exported_of_one_run_are_one_trace(home, tmp_path):
    """Its file has ids of spans and no events, its export has events and no ids; the clock began with the machine."""
    expected = [
        "unnamed_20261121_222951 workflow error",
        "  up step ok",
        "  bad step error",
    ]
    brought_in(home, flujo_file(tmp_path / "flujo_ops.db", version="0.6.11"))
    assert drawn(home) == expected
    root = spans(home)["unnamed_20261121_222951"].record
    assert (root.start, root.duration_ns) == (1795300194_144517000, 54_235_264)
    assert spans(home)["up"].record.output == "HELLO"
    assert spans(home)["up"].record.attributes["flightlog.usage.total_tokens"] == 1
    assert "no such city: HELLO" in spans(home)["bad"].record.error.message
    brought_in(home, GOLD / "imports" / "flujo-0.6.11-debug.json")
    assert [line.strip().split()[1:] for line in drawn(home)] == [
        line.strip().split()[1:] for line in expected
    ]


def test_a_debug_export_of_flujo_is_its_tree_moved_to_where_it_was(home, tmp_path):
    """The shape that flujo 0.6 writes, whose spans tell seconds since the machine began, and events without times."""
    step = {
        "name": "up",
        "start_time": 807.75,
        "end_time": 807.85,
        "status": "completed",
        "attributes": {"flujo.budget.actual_tokens": 7, "step_input": "hello"},
        "children": [],
        "events": [{"name": "flujo.retry", "attributes": {"reason": "retry"}}],
    }
    tree = {
        "name": "pipeline_run",
        "start_time": 807.5,
        "end_time": 808.0,
        "status": "failed",
        "attributes": {"flujo.run_id": "run_9", "flujo.input": "hello"},
        "children": [
            step,
            {
                **step,
                "start_time": 807.875,
                "end_time": 808.0,
                "status": "failed",
                "attributes": {"feedback": "boom"},
                "events": [],
            },
        ],
    }
    told = {
        "exported_at": "2026-11-21T10:00:00.000000+00:00",
        "pipeline_name": "shouting",
        "run_id": "run_9",
        "env": {},
        "trace_tree": tree,
        "result": {"step_history": [{"name": "up", "success": True, "output": "HELLO", "token_counts": 7}]},
    }
    path = tmp_path / "debug.json"
    path.write_text(json.dumps(told, indent=2), encoding="utf-8")
    _, skipped = brought_in(home, path)
    assert skipped == []
    assert drawn(home) == ["shouting workflow error", "  up step ok *retry", "  up step error"]
    root = spans(home)["shouting"].record
    assert (root.end, root.duration_ns, root.error.message) == (1795255200_000000000, 500_000_000, "boom")
    bare = tmp_path / "bare.json"
    alone = {**tree, "start_time": 1795255199.5, "end_time": 1795255200.0, "children": []}
    bare.write_text(json.dumps(alone), encoding="utf-8")
    assert brought_in(home, bare)[0].records == 1
    assert len(drawn(home)) == 3  # the root is the same span


def test_traces_of_tracellm_are_calls_with_their_tools_and_without_the_key(home, tmp_path):
    path = tmp_path / "export.json"
    text = FILES["tracellm"].read_text(encoding="utf-8")
    assert text.count('"KEY"') == 1
    path.write_text(text.replace("KEY", KEY), encoding="utf-8")
    brought_in(home, path)
    assert drawn(home) == [
        "Weather in Zürich? llm ok",
        "  lookup tool ok",
        "Weather in Atlantis? llm error",
        "  lookup tool error",
    ]
    call = spans(home)["Weather in Zürich?"].record
    assert (call.service, call.project, call.environment) == ("weather", "weather", "staging")
    assert (call.output, call.duration_ns) == ("4.5 degrees: {'t': 4.5}", 120_000)
    assert call.attributes == {"gen_ai.request.model": "gpt-4.1-mini", "tracellm.token_count": 90}
    assert spans(home)["Weather in Atlantis?"].record.error.message == "'no such city'"
    assert KEY.encode() not in b"".join(one.read_bytes() for one in home.path.rglob("*") if one.is_file())


@pytest.mark.parametrize("first", [0, 1])
def test_the_csv_of_tracellm_adds_nothing_to_its_json_and_takes_nothing(first, home):
    files = [FILES["tracellm"], GOLD / "imports" / "tracellm-0.1.0.csv"]
    done, skipped = brought_in(home, files[first])
    assert (done.records, skipped) == ((4, 2)[first], [])
    brought_in(home, files[1 - first])
    call = spans(home)["Weather in Zürich?"]
    assert (call.record.output, len(call.children)) == ("4.5 degrees: {'t': 4.5}", 1)


def test_a_row_that_has_other_values_than_its_table_is_left_out(home, tmp_path):
    lines = (GOLD / "imports" / "tracellm-0.1.0.csv").read_text(encoding="utf-8").splitlines()
    path = tmp_path / "broken.csv"
    path.write_text("\n".join([lines[0], "half a row,x", *lines[1:]]), encoding="utf-8")
    done, skipped = brought_in(home, path)
    assert (done.records, skipped) == (
        2,
        [("line 2", "it has more or fewer values than the first line names")],
    )


def test_records_of_lash_are_turns_with_their_calls_and_everything_else_as_events(home):
    brought_in(home, FILES["lash"])
    assert drawn(home) == [
        "session agent ok *session_started",
        "turn agent ok *prompt *token_usage *x.event",
        "  m llm ok *chunk",
        "  read_file tool error",
        "  exec_code tool ok",
        "  main workflow ok *branch",
        "    read step ok",
        "turn agent interrupted *of_the_future",
        "  m llm interrupted",
    ]
    found = spans(home)
    tool, read = found["read_file"].record, found["read"].record
    assert (tool.error.type, tool.error.message, tool.duration_ns) == ("boom", "no such file", 100_000_000)
    assert read.attributes["flightlog.graph.node"] == "n1"
    assert tool.context == {"session": "root", "turn": 0}
    with home.reader() as reader:
        calls = [span for span in reader.each_span() if span.kind == "llm" and span.status == "ok"]
        events = {event.name: event for one in reader.traces(9) for event in reader.events(one.trace_id)}
    assert calls[0].attributes["gen_ai.usage.input_tokens"] == 13  # 10 of them from no cache
    assert calls[0].attributes["gen_ai.response.time_to_first_chunk"] == 0.25
    assert calls[0].output == "hello"
    assert events["of_the_future"].attributes["what"] == [1, 2]
    assert events["chunk"].level == "trace"
    assert events["prompt"].attributes["components"] == {"system_prompt": "sha256:ab12"}
    assert events["prompt"].attributes["sizes"] == {"system_prompt": 12}
    assert found["exec_code"].record.output == "hello\nworld"


def test_what_lash_says_in_words_of_its_own_is_said_in_ours(home):
    """Attachments, raw requests, runs of code, hand-overs, failures and how turns ended."""
    brought_in(home, GOLD / "imports" / "lash-2-words.jsonl")
    assert drawn(home) == [
        "turn agent error *effect_envelope_diff *handoff",
        "  m llm error *attachment *request *chunk",
        "  exec_code tool ok",
        "  exec_code tool error",
    ]
    with home.reader() as reader:
        (trace,) = reader.traces(9)
        events = {event.name: event for event in reader.events(trace.trace_id)}
        turn, call, ran, broke = sorted(reader.each_span(), key=lambda span: span.start)
    assert turn.attributes["flightlog.turn.done_reason"] == "provider_error"
    assert (turn.error.type, events["handoff"].attributes["to"]) == ("provider_error", "frame-2")
    known = {name: call.attributes[f"flightlog.error.{name}"] for name in ("code", "retryable", "raw")}
    assert known == {"code": "overloaded", "retryable": True, "raw": '{"busy": true}'}
    assert end_reason(call.attributes, call.status) == "provider_error"
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    file = {"name": "a.pdf", "type": "application/pdf", "size": 3, "sha256": digest}
    assert events["attachment"].attributes.items() >= file.items()
    asked = {"endpoint": "/v1/messages", "size": 70_213, "hash": f"sha256:{digest}", "omitted": "size_limit"}
    assert events["request"].attributes.items() >= asked.items()
    assert (events["request"].level, events["chunk"].attributes["size"]) == ("trace", 5)
    assert (ran.input, ran.output, ran.duration_ns) == ({"code": "print(1)"}, "1", 200_000_000)
    assert (broke.error.message, broke.duration_ns) == ("NameError", 100_000_000)


def test_an_execution_of_lash_is_a_graph_with_the_branch_that_was_chosen(home):
    brought_in(home, FILES["lash"])
    with home.reader() as reader:
        ids = [trace.trace_id for trace in reader.traces(9)]
        (graph,) = [found for one in ids for found in graphs(load_trace(reader, one).roots)]
    assert (graph.name, [(node.id, node.title, node.state) for node in graph.nodes]) == (
        "main",
        [("n1", "Read it", "ok"), ("n2", "then", "not_seen"), ("n3", "else", "not_seen")],
    )
    assert [(edge.id, edge.selection) for edge in graph.edges] == [("e1", "chosen"), ("e2", "rejected")]


def test_an_end_without_a_beginning_began_as_long_before_as_it_took(home, tmp_path):
    lines = FILES["lash"].read_text(encoding="utf-8").splitlines()
    path = tmp_path / "rotated.jsonl"
    path.write_text("\n".join([lines[5][200:], *(lines[at] for at in (5, 7))]), encoding="utf-8")
    _, skipped = brought_in(home, path)
    assert [place for place, _ in skipped] == ["line 1"]
    found = spans(home)
    assert (found["call"].record.duration_ns, found["read_file"].record.duration_ns) == (
        12_000_000,
        3_000_000,
    )


def test_a_record_of_lash_of_the_first_schema_is_refused(home, tmp_path):
    path = tmp_path / "old.jsonl"
    text = FILES["lash"].read_text(encoding="utf-8")
    path.write_text(text.replace('"schema_version":2', '"schema_version":1', 1), encoding="utf-8")
    _, skipped = brought_in(home, path)
    assert skipped == [("line 1", "a record of schema 1; from 2 on they can be read")]


def test_narrations_stand_in_the_flow_or_on_the_span_that_they_name(home):
    brought_in(home, FILES["narration"])
    assert drawn(home) == [
        "6f1d3a52-58a1-4b0e-9f53-0a1b2c3d4e5f workflow error *enqueue *inference_error",
        "queue - interrupted *dispatch",
    ]
    with home.reader() as reader:
        flow = next(event for event in reader.events("6f1d3a5258a14b0e9f530a1b2c3d4e5f"))
        told = [event.body for event in reader.loose_events(9)]
    assert flow.body == "Enqueued job job-1 in position 3"
    assert flow.attributes["cute"].startswith("Job job-1 takes a seat")
    assert flow.attributes["flightlog.event"] == "narration"
    assert told == ["Listened on port 8080"]
