"""What was told can always be had back, whatever was read out of it."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlog.codecs.lines import decode, encode
from flightlog.configure import load_settings
from flightlog.dialects.reading import marked, raw, understand
from flightlog.dialects.registry import DIALECTS, may_speak
from flightlog.home import Home
from flightlog.importing import import_documents
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.records.understood import LOGGED

sys.path.insert(0, str(Path(__file__).parents[1] / "codecs"))
import otlp_kit

DATA = Path(__file__).parent / "data"
CASES = sorted(path.name.removesuffix(".jsonl.gz") for path in DATA.glob("*.jsonl.gz"))

NAMES = [
    *(sign for dialect in DIALECTS for sign in dialect.signs),
    *(
        "gen_ai.operation.name",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.usage.input_tokens",
    ),
    *("gen_ai.provider.name", "gen_ai.prompt.0.content", "gen_ai.completion.0.role", "llm.request.type"),
    *(
        "openinference.span.kind",
        "llm.input_messages.0.message.content",
        "llm.token_count.prompt",
        "session.id",
    ),
    *("langfuse.observation.type", "ai.operationId", "mlflow.spanType", "mlflow.spanInputs", "final_result"),
]
texts = st.sampled_from(
    ["LLM", "chat", "llm", "generation", "", "{", '{"a":1}', '[{"role":"user","parts":[1]}]', "é"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**63) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
spans = st.builds(
    lambda attributes, name, scope, kind: Span(
        trace_id="a" * 32,
        span_id="b" * 16,
        name=name,
        kind=kind,
        start=1,
        end=2,
        status="ok",
        attributes=attributes,
        otel={"otlp": 1, "scope": {"name": scope}},
    ),
    st.dictionaries(st.sampled_from(NAMES) | texts, values, max_size=8),
    st.sampled_from(["n", "call_llm", "claude_code.tool", "gemini_cli.x", "running tools"]),
    st.sampled_from(["x", "litellm", "pydantic-ai", "gcp.vertex.agent", "gemini-cli"]),
    st.sampled_from(["", "function", "llm"]),
)


@settings(max_examples=400, deadline=None)
@given(told=spans)
def test_what_was_told_can_be_had_back(told):
    new = understand(told)
    assert raw(new) == told
    assert understand(new) == new
    twice = marked(new, "http", "c" * 16)
    assert raw(twice) == told
    assert twice.revision > new.revision or new is told
    assert understand(twice) == new


@pytest.mark.parametrize("case", CASES)
def test_a_recording_leaves_as_the_message_it_came_from(case, tmp_path):
    home = Home.find(load_settings({"home": str(tmp_path / "home")}))
    path = DATA / f"{case}.jsonl.gz"
    import_documents(home, [str(path)], bad=lambda *told: pytest.fail(str(told)))
    with home.reader() as reader:
        records = [decode(line) for line in reader.lines()]
    processes = {one.process_id: one for one in records if isinstance(one, Process)}
    made = [one for one in records if isinstance(one, Span) and LOGGED in one.otel]
    told = otlp_kit.back([one for one in records if one not in made], processes)
    assert bool(made) == (case == "claude_code_logs")
    plain = gzip.decompress(path.read_bytes()).decode()
    assert _spans(told.traces(as_json=True)) == _spans(*plain.splitlines())


def _spans(*messages):
    """Name, times, parent and attributes of each span, whatever the order, and however a number is written."""
    found = {}
    for message in messages:
        for group in json.loads(message).get("resourceSpans", []):
            for scoped in group["scopeSpans"]:
                for span in scoped["spans"]:
                    attributes = sorted(
                        (pair["key"], _value(pair["value"])) for pair in span.get("attributes", ())
                    )
                    times = (int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]))
                    found[span["spanId"]] = (span["name"], times, span.get("parentSpanId", ""), attributes)
    return found


def _value(value):
    (kind, one), *_ = value.items() or [("", "")]
    if kind == "arrayValue":
        return repr([_value(inner) for inner in one.get("values", ())])
    return f"{kind} {float(one)}" if kind in {"intValue", "doubleValue"} else f"{kind} {one}"


@pytest.mark.parametrize("case", CASES)
def test_each_line_that_says_something_shows_a_sign_of_it(case, tmp_path):
    """The quick look misses nothing that the readers would find."""
    home = Home.find(load_settings({"home": str(tmp_path / "home")}))
    import_documents(home, [str(DATA / f"{case}.jsonl.gz")], bad=lambda *told: pytest.fail(str(told)))
    with home.reader() as reader:
        lines = [line for line in reader.lines() if isinstance(decode(line), Span)]
    for line in lines:
        span = raw(decode(line))
        assert understand(span) is span or may_speak(encode(span))
