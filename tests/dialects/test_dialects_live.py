"""Spans that a program records through OpenTelemetry are read on their way from the journal into the store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flightlog.configure import load_settings
from flightlog.dialects.reading import raw
from flightlog.home import Home
from flightlog.importing import import_documents
from flightlog.renormalising import renormalise

pytest.importorskip("opentelemetry.trace")

DATA = Path(__file__).parent / "data"

PROGRAM = """
import flightlog as fl
from flightlog.integrations.opentelemetry import TracerProvider

provider = TracerProvider()
outer, inner = provider.get_tracer("outer.library"), provider.get_tracer("inner.library")
ASKED = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o-mini", "llm.provider": "openai",
    "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "hello",
    "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "yes",
    "llm.token_count.prompt": 11, "llm.token_count.completion": 3, "session.id": "s-1"}
SERVED = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 11, "gen_ai.usage.output_tokens": 3}


def call(attributes, tracer, within=lambda: None):
    with tracer.start_as_current_span("call") as span:
        within()
        span.set_attributes(attributes)


"""


def _recorded(tmp_path, body: str) -> Home:
    home = tmp_path / "home"
    environment = {**os.environ, "FLIGHTLOG_HOME": str(home)}
    subprocess.run([sys.executable, "-c", PROGRAM + body], env=environment, check=True, timeout=300)
    return Home.find(load_settings({"home": str(home)}))


def _run(tmp_path, body: str) -> Home:
    found = _recorded(tmp_path, body)
    assert found.catch_up(120.0).bytes == 0
    return found


def _spans(home: Home):
    with home.reader() as reader:
        assert reader.verify() == []
        return list(reader.each_span())


def _sums(home: Home):
    with home.reader() as reader:
        rows = {row.kind: row for row in reader.figures(("kind",))["kind"]}
    return {kind: (row.spans, row.input_tokens) for kind, row in rows.items()}


def test_a_dialect_is_read_out_of_the_journal(tmp_path):
    home = _run(tmp_path, "call(ASKED, outer)")
    (span,) = _spans(home)
    assert span.kind == "llm"
    assert span.input == {"messages": [{"role": "user", "content": "hello"}]}
    assert span.output == {"messages": [{"role": "assistant", "content": "yes"}]}
    assert span.context["session"] == "s-1"
    assert span.attributes["gen_ai.usage.input_tokens"] == span.attributes["llm.token_count.prompt"] == 11
    assert _sums(home) == {"llm": (1, 11)}


def test_two_libraries_that_tell_of_one_call_count_once(tmp_path):
    home = _run(tmp_path, "call(ASKED, outer, lambda: call(SERVED, inner))")
    assert _sums(home) == {"llm": (1, 11), "http": (1, 0)}
    outer, inner = sorted(_spans(home), key=lambda span: span.otel["scope"]["name"] != "outer.library")
    assert inner.attributes["flightlog.counted"] is False
    assert inner.attributes["flightlog.counted_by"] == outer.span_id
    assert inner.attributes["gen_ai.usage.input_tokens"] == 11
    assert renormalise(home).changed == 0


def test_a_library_within_a_call_made_by_hand_counts_once(tmp_path):
    by_hand = """
with fl.llm("gpt-4o-mini", provider="openai") as made:
    call(SERVED, inner)
    made.usage(input=11, output=3)
"""
    assert _sums(_run(tmp_path, by_hand)) == {"llm": (1, 11), "http": (1, 0)}


def test_a_call_made_by_hand_that_knows_no_tokens_leaves_them_to_the_library_within(tmp_path):
    by_hand = """
with fl.llm("gpt-4o-mini", provider="openai"):
    call(SERVED, inner)
"""
    assert _sums(_run(tmp_path, by_hand)) == {"llm": (1, 11), "step": (1, 0)}


def test_calls_of_a_tool_that_a_model_asked_for_are_calls_of_their_own(tmp_path):
    body = """
def tool():
    with fl.span("look", kind="tool"):
        call(SERVED, inner)
call(ASKED, outer, tool)
"""
    assert _sums(_run(tmp_path, body)) == {"llm": (2, 22), "tool": (1, 0)}


def test_what_a_journal_gave_leaves_the_store_as_it_was_told(tmp_path):
    home = _run(tmp_path, "call(ASKED, outer, lambda: call(SERVED, inner))")
    told = [raw(span) for span in _spans(home)]
    assert sorted(span.kind for span in told) == ["llm", "llm"]
    assert all("understood" not in span.otel for span in told)
    assert [set(span.attributes) for span in told if "llm.model_name" in span.attributes] == [
        {
            "openinference.span.kind",
            "llm.model_name",
            "llm.provider",
            "llm.input_messages.0.message.role",
            "llm.input_messages.0.message.content",
            "llm.output_messages.0.message.role",
            "llm.output_messages.0.message.content",
            "llm.token_count.prompt",
            "llm.token_count.completion",
            "session.id",
        }
    ]


def test_a_mistake_of_a_reader_keeps_nothing_from_the_store(tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    told = tmp_path / "told.jsonl.gz"
    told.write_bytes((DATA / "openai_genai.jsonl.gz").read_bytes())
    home = Home.find(load_settings({"home": str(tmp_path / "home")}))
    monkeypatch.setattr("flightlog.understanding.understand", broken)
    done = import_documents(home, [str(told)], bad=pytest.fail)
    assert done.unread >= 11
    monkeypatch.undo()
    assert renormalise(home).changed == 11


def test_a_mistake_in_settling_keeps_nothing_from_the_store(tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("flightlog.understanding.verdicts", broken)
    home = _run(tmp_path, "call(ASKED, outer, lambda: call(SERVED, inner))")
    assert _sums(home) == {"llm": (2, 22)}
    monkeypatch.undo()
    assert renormalise(home).duplicates == 1
    assert _sums(home) == {"llm": (1, 11), "http": (1, 0)}


@pytest.mark.parametrize("is_indexed", [True, False])
def test_a_call_that_flightlog_recorded_and_a_document_tells_of_as_well_counts_once(tmp_path, is_indexed):
    body = """
with fl.llm("gpt-4o-mini", provider="openai") as made:
    made.usage(input=11, output=3)
    made.set(**{"gen_ai.response.id": "answer-1"})
"""
    home = _run(tmp_path, body) if is_indexed else _recorded(tmp_path, body)
    told = {
        "traceId": "a" * 32,
        "spanId": "b" * 16,
        "name": "chat",
        "startTimeUnixNano": str(time.time_ns()),
        "endTimeUnixNano": str(time.time_ns()),
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.response.id", "value": {"stringValue": "answer-1"}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 11}},
            {"key": "gen_ai.usage.output_tokens", "value": {"intValue": 3}},
        ],
    }
    scoped = {"scope": {"name": "some.library"}, "spans": [told]}
    document = tmp_path / "told.json"
    document.write_text(json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [scoped]}]}))
    assert import_documents(home, [str(document)], bad=pytest.fail).duplicates == 1
    assert _sums(home) == {"llm": (1, 11), "http": (1, 0)}


LOGGED = """
from flightlog.integrations.opentelemetry import LoggerProvider
from opentelemetry._logs import SeverityNumber

logger = LoggerProvider().get_logger("some.library")
DETAILS = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 11, "gen_ai.usage.output_tokens": 3,
    "gen_ai.output.messages": '[{"role": "assistant", "parts": [{"type": "text", "content": "yes"}]}]'}


def log(attributes=DETAILS, name="gen_ai.client.inference.operation.details"):
    logger.emit(event_name=name, attributes=attributes, severity_number=SeverityNumber.INFO2)


"""


def test_a_call_that_only_a_log_record_tells_of_counts(tmp_path):
    home = _run(tmp_path, LOGGED + "log()")
    assert _sums(home) == {"llm": (1, 11)}
    (span,) = _spans(home)
    assert span.name == "chat gpt-4o-mini"
    assert span.output == {"messages": [{"role": "assistant", "content": "yes"}]}
    with home.reader() as reader:
        assert [event.otel["severity"] for event in reader.loose_events(10)] == [10]
    assert renormalise(home).changed == 0


def test_a_log_record_within_the_span_of_its_call_gives_it_what_was_said_and_counts_nothing(tmp_path):
    home = _run(tmp_path, LOGGED + "call(SERVED, inner, log)")
    assert _sums(home) == {"llm": (1, 11)}
    (span,) = _spans(home)
    assert span.output == {"messages": [{"role": "assistant", "content": "yes"}]}


def test_log_records_within_a_span_that_is_no_call_are_each_a_call_below_it(tmp_path):
    home = _run(tmp_path, LOGGED + "with fl.span('work'):\n    log()\n    log()")
    assert _sums(home) == {"llm": (2, 22), "step": (1, 0)}
    work, *calls = sorted(_spans(home), key=lambda span: span.kind != "step")
    assert {call.parent_id for call in calls} == {work.span_id}


def test_claude_code_within_a_program_counts_once_with_its_log_records(tmp_path):
    body = """
ASKED = {"span.type": "llm_request", "model": "claude-sonnet-4-5", "input_tokens": 7, "output_tokens": 3}
TOLD = {"model": "claude-sonnet-4-5", "input_tokens": 7, "output_tokens": 3, "cost_usd": 0.25, "duration_ms": 0,
    "session.id": "s-1"}
told = provider.get_tracer("com.anthropic.claude_code.tracing")
with fl.span("work"):
    call(ASKED, told)
    log(TOLD, "claude_code.api_request")
log({**TOLD, "input_tokens": 100}, "claude_code.api_request")
"""
    home = _run(tmp_path, LOGGED + body)
    assert _sums(home) == {"llm": (2, 107), "step": (1, 0), "agent": (1, 0)}
    assert [span.attributes["gen_ai.usage.cost"] for span in _spans(home) if span.kind == "llm"] == [0.25] * 2


@pytest.mark.parametrize("policy", ["metadata", "all,llm=metadata"])
def test_a_content_policy_withholds_what_any_dialect_would_read_as_content(tmp_path, monkeypatch, policy):
    monkeypatch.setenv("FLIGHTLOG_CONTENT", policy)
    body = """
HELD = {"langfuse.observation.type": "generation", "langfuse.observation.input": "hidden words",
    "langfuse.observation.output": "hidden words", "mlflow.spanInputs": '"hidden words"', "ai.prompt": "hidden words",
    "gcp.vertex.agent.llm_request": '{"contents": "hidden words"}', "all_messages_events": '["hidden words"]',
    "tool_arguments": "hidden words", "final_result": "hidden words", "events": '[{"content": "hidden words"}]'}
call(HELD, outer)
"""
    home = _run(tmp_path, body)
    (span,) = _spans(home)
    assert span.kind == "llm"
    assert "hidden words" not in repr(span)
