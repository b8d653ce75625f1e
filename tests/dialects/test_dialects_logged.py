"""Calls that a program tells of in log records: each counts once, alone or beside its span, whatever came first."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.importing import import_documents
from flightlog.records import genai
from flightlog.records.understood import COUNTED
from flightlog.renormalising import renormalise

DATA = Path(__file__).parent / "data"
SERVED = json.loads((DATA / "served.json").read_text(encoding="utf-8"))
HAYSTACK = "haystack_and_openai_openinference"
LOGGING = ("claude_code", "claude_code_logs", "gemini_cli")


def _messages(case):
    return gzip.decompress((DATA / f"{case}.jsonl.gz").read_bytes()).decode().splitlines()


def _file(path, messages):
    path.write_text("".join(f"{message}\n" for message in messages), encoding="utf-8")
    return str(path)


def _apart(case):
    """The messages with spans, and those with log records."""
    told = _messages(case)
    return [one for one in told if "resourceSpans" in one], [one for one in told if "resourceLogs" in one]


def _imported(home, path, messages):
    return import_documents(home, [_file(path, messages)], bad=lambda *told: pytest.fail(str(told)))


@pytest.fixture
def home(tmp_path):
    return Home.find(load_settings({"home": str(tmp_path / "home")}))


def _calls(home):
    names = (genai.INPUT_TOKENS, genai.OUTPUT_TOKENS, genai.CACHE_READ_TOKENS)
    with home.reader() as reader:
        assert reader.verify() == []
        return Counter(
            tuple(call.attributes.get(name) for name in names) if call.status != "error" else "failed"
            for call in reader.model_calls()
            if call.kind == "llm"
        )


def _served(case):
    """What was served; a request that a program tried again within one call is no call of its own."""
    found = Counter(
        tuple(answer["usage"].values()) if answer["usage"] else "failed" for answer in SERVED[case]
    )
    if case.startswith("claude_code"):
        found["failed"] -= 1
    return found


def _spans(home, **wanted):
    with home.reader() as reader:
        spans = list(reader.each_span())
    return [span for span in spans if all(getattr(span, name) == one for name, one in wanted.items())]


def _without_ids(message):
    told = json.loads(message)
    for group in told["resourceLogs"]:
        for scoped in group["scopeLogs"]:
            for record in scoped["logRecords"]:
                record.pop("traceId", None)
                record.pop("spanId", None)
    return json.dumps(told)


@pytest.mark.parametrize("case", LOGGING)
def test_log_records_alone_tell_of_every_call(case, home, tmp_path):
    done = _imported(home, tmp_path / "logs.jsonl", _apart(case)[1])
    assert _calls(home) == _served(case)
    assert done.logged == len(_spans(home, kind="llm")) + len(_spans(home, kind="tool"))
    assert renormalise(home).changed == 0
    assert _calls(home) == _served(case)


@pytest.mark.parametrize("case", LOGGING)
def test_calls_of_records_that_name_no_trace_stand_under_what_was_asked_for(case, home, tmp_path):
    _imported(home, tmp_path / "logs.jsonl", map(_without_ids, _apart(case)[1]))
    assert _calls(home) == _served(case)
    roots = _spans(home, parent_id="")
    assert len(roots) == 5
    assert {root.kind for root in roots} == {"agent"}
    assert {"remember this", "refuse the first try", "break it"} < {root.input for root in roots}
    by_trace = {root.trace_id: root for root in roots}
    for span in _spans(home):
        root = by_trace[span.trace_id]
        assert root.start <= span.start <= span.end <= root.end
        assert span.parent_id == ("" if span is root or span == root else root.span_id)
        assert (
            span.context["session"]
            == root.context["session"]
            == span.attributes.get("session.id", root.context["session"])
        )


@pytest.mark.parametrize("case", LOGGING)
def test_a_second_import_of_log_records_changes_nothing(case, home, tmp_path):
    logs = _apart(case)[1]
    _imported(home, tmp_path / "logs.jsonl", logs)
    before = _lines(home)
    assert _imported(home, tmp_path / "logs.jsonl", reversed(logs)).new == 0
    assert _lines(home) == before


def _lines(home):
    with home.reader() as reader:
        return sorted(reader.lines())


def test_what_claude_code_logs_is_all_there(home, tmp_path):
    _imported(home, tmp_path / "logs.jsonl", _apart("claude_code_logs")[1])
    [tool] = _spans(home, kind="tool")
    assert (tool.attributes["gen_ai.tool.name"], tool.input["command"]) == ("Bash", "echo 3")
    assert tool.end - tool.start == 54_000_000
    [failed] = _spans(home, kind="llm", status="error")
    assert (failed.error.type, failed.error.message) == ("400", "no such thing")
    [cached] = [span for span in _spans(home, kind="llm") if span.attributes.get(genai.INPUT_TOKENS) == 87]
    assert cached.output == {"messages": [{"role": "assistant", "content": "It is remembered."}]}
    assert cached.attributes["gen_ai.usage.cost"] == 0.0001752
    assert cached.attributes[genai.CACHE_WRITE_TOKENS] == 16
    assert cached.attributes[genai.PROVIDER] == "anthropic"
    assert cached.attributes[genai.REQUEST_MODEL] == "claude-sonnet-4-5"
    assert cached.end - cached.start == cached.attributes["duration_ms"] * 1_000_000
    assert cached.context["user"] == cached.attributes["user.id"]


def test_what_gemini_cli_logs_is_all_there(home, tmp_path):
    _imported(home, tmp_path / "logs.jsonl", map(_without_ids, _apart("gemini_cli")[1]))
    [tool] = _spans(home, kind="tool")
    assert (tool.attributes["gen_ai.tool.name"], tool.input) == ("list_directory", {"dir_path": "."})
    assert {span.error.type for span in _spans(home, kind="llm", status="error")} == {"ApiError"}
    [thinking] = [span for span in _spans(home, kind="llm") if span.attributes.get(genai.REASONING_TOKENS)]
    assert thinking.attributes[genai.REASONING_TOKENS] == 8
    assert thinking.attributes[genai.OUTPUT_TOKENS] == 5 + 8
    assert thinking.attributes[genai.PROVIDER] == "gcp.gemini"
    assert thinking.input["messages"][-1]["content"][-1]["text"] == "remember this"
    assert thinking.output == {"messages": [{"role": "assistant", "content": "It is remembered."}]}


@pytest.mark.parametrize("case", ["claude_code", "gemini_cli"])
def test_a_span_counts_once_with_what_only_its_log_record_knows(case, home, tmp_path):
    spans, logs = _apart(case)
    _imported(home, tmp_path / "spans.jsonl", spans)
    before = {span.span_id for span in _spans(home)}
    _imported(home, tmp_path / "logs.jsonl", logs)
    assert {span.span_id for span in _spans(home)} == before
    assert _calls(home) == _served(case)
    if case == "claude_code":
        assert all("gen_ai.usage.cost" in span.attributes for span in _spans(home, kind="llm", status="ok"))


@pytest.mark.parametrize("case", ["claude_code", "gemini_cli"])
def test_log_records_that_came_before_their_spans_step_back(case, home, tmp_path):
    spans, logs = _apart(case)
    _imported(home, tmp_path / "logs.jsonl", logs)
    _imported(home, tmp_path / "spans.jsonl", spans)
    assert _calls(home) == _served(case)
    assert len(_spans(home, kind="tool")) == 1
    counted = [span for span in _spans(home, kind="llm") if COUNTED not in span.attributes]
    assert not any("logged" in span.otel for span in counted)
    assert renormalise(home).changed == 0


@pytest.mark.parametrize(
    "case",
    [
        *LOGGING,
        "anthropic_openllmetry",
        "anthropic_openinference",
        "openai_genai",
        HAYSTACK,
        "autogen_openinference",
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_calls_count_once_in_whatever_order_and_imports_they_come(case, seed, home, tmp_path):
    whole = Home.find(load_settings({"home": str(tmp_path / "whole")}))
    messages = _messages(case)
    _imported(whole, tmp_path / "whole.jsonl", messages)
    chance = random.Random(seed)
    chance.shuffle(messages)
    while messages:
        some = chance.randint(1, len(messages))
        _imported(home, tmp_path / "some.jsonl", messages[:some])
        messages = messages[some:]
    assert _calls(home) == _calls(whole)
    assert len(_spans(home, kind="tool")) == len(_spans(whole, kind="tool"))
    assert renormalise(home).changed == 0
    assert _calls(home) == _calls(whole)


@pytest.mark.parametrize(
    "case", ["anthropic_openllmetry", "openai_twice", "langchain_and_openai_openinference", HAYSTACK]
)
@pytest.mark.parametrize("is_reversed", [False, True])
def test_two_libraries_that_come_in_two_imports_count_once(case, is_reversed, home, tmp_path):
    by_scope = {}
    for message in _messages(case):
        told = json.loads(message)
        for group in told.get("resourceSpans", ()):
            for scoped in group["scopeSpans"]:
                one = {"resourceSpans": [{**group, "scopeSpans": [scoped]}]}
                by_scope.setdefault(scoped["scope"]["name"], []).append(json.dumps(one))
    done = [
        _imported(home, tmp_path / "some.jsonl", messages)
        for _, messages in sorted(by_scope.items(), reverse=is_reversed)
    ]
    whole = Home.find(load_settings({"home": str(tmp_path / "whole")}))
    once = _imported(whole, tmp_path / "whole.jsonl", [one for some in by_scope.values() for one in some])
    assert len(done) == 2
    assert once.duplicates == sum(one.duplicates for one in done) > 0
    assert _calls(home) == _calls(whole)
    assert renormalise(home).changed == 0
