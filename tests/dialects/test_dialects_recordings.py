"""Real libraries under real instrumentations: what is counted is what their provider served, or is said to be unknown.

`recording/record.sh` made the recordings: the spans that an instrumentation told, and beside them what a provider noted
on the wire of each answer it gave. Where an instrumentation itself says less, `TRAPS` says what.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from msgspec import UNSET

from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.importing import import_documents
from flightlog.pricelist import price_book
from flightlog.records import genai
from flightlog.renormalising import renormalise

DATA = Path(__file__).parent / "data"
SERVED = json.loads((DATA / "served.json").read_text(encoding="utf-8"))
CASES = sorted(path.name.removesuffix(".jsonl.gz") for path in DATA.glob("*.jsonl.gz"))

TRAPS: dict[str, dict[str, list[tuple[int, int]] | bool]] = {
    "openai_openllmetry_legacy": {
        "untold": [(11, 3)],
        "unknown": [(11, 3)],
    },  # no Responses, no tokens of streams
    "openai_v2_legacy": {"untold": [(11, 3)], "no_cache": True},  # no Responses, no tokens of a cache
    "anthropic_openllmetry_legacy": {"unknown": [(11, 3), (87, 5)]},  # no tokens of streams, one of them as 0
    "google_openinference_calls": {"untold": [(43, 12)]},  # the first of two requests that were one call
    "agents_openllmetry": {"unknown": [(43, 12), (61, 9)]},  # no tokens of Chat Completions
    "claude_agent_sdk_openinference": {
        "untold": [(11, 3), (43, 12), (61, 9), (87, 5), (15, 4)]
    },  # sums of runs alone
    "crewai_openinference": {"untold": [(11, 3)]},  # agents and tasks alone
    "crewai_openllmetry": {"untold": [(11, 3)]},  # as above
    "dspy_openinference": {"unknown": [(11, 3), (107, 5)]},  # no tokens at all
    "haystack_openinference": {"no_cache": True},
    "llamaindex_openllmetry": {"untold": [(11, 3)]},  # of a completion it tells the text alone
    "mistral_openinference": {"no_cache": True},
}
"""By case: calls of which no span tells, and calls whose tokens none tells."""

DUPLICATES = {
    "adk": 0,
    "anthropic_genai": 8,
    "anthropic_openinference": 8,
    "anthropic_openllmetry": 8,
    "autogen_openinference": 2,  # the run of a tool, and of an agent
    "haystack_and_openai_openinference": 2,
    "langchain_and_openai_openinference": 6,
    "logfire": 4,
    "openai_twice": 11,
    "smolagents_and_openai_openinference": 1,
}
"""By case: spans that tell of a call which another one stands for; in all other cases there are none."""


def _home(path) -> Home:
    return Home.find(load_settings({"home": str(path)}))


def _imported(tmp_path, *cases: str):
    home = _home(tmp_path / "home")
    paths = [str(DATA / f"{case}.jsonl.gz") for case in cases]
    return home, import_documents(home, paths, bad=lambda *told: pytest.fail(str(told)))


def _told(home):
    with home.reader() as reader:
        assert reader.verify() == []
        return [call for call in reader.model_calls() if call.status != "error"]


def _tokens(call):
    names = (genai.INPUT_TOKENS, genai.OUTPUT_TOKENS, genai.CACHE_READ_TOKENS)
    found = tuple(call.attributes.get(name) for name in names)
    return None if found[:2] == (None, None) else (found[0], found[1], found[2] or 0)


def _served(case):
    """What was served, as far as the instrumentation can tell; None stands for tokens that it does not."""
    traps = TRAPS.get(case, {})
    served = Counter(
        None if answer["usage"] is None else tuple(answer["usage"].values())
        for answer in SERVED[case]
        if answer["status"] == 200 and "embeddings" not in answer["path"]
    )
    for pair in traps.get("untold", ()):
        _take(served, pair)
    for pair in traps.get("unknown", ()):
        _take(served, pair)
        served[None] += 1
    if traps.get("no_cache"):
        served = Counter((one and (*one[:2], 0)) for one in served.elements())
    return +served


def _take(served, pair):
    key = next(one for one in served if one and one[:2] == pair and served[one] > 0)
    served[key] -= 1


@pytest.mark.parametrize("case", CASES)
def test_each_call_that_was_served_counts_once_with_its_tokens(case, tmp_path):
    home, done = _imported(tmp_path, case)
    calls = [call for call in _told(home) if call.kind == "llm"]
    assert Counter(map(_tokens, calls)) == _served(case)
    assert done.duplicates == DUPLICATES.get(case, 0)


@pytest.mark.parametrize("case", CASES)
def test_sums_of_traces_and_of_models_say_the_same(case, tmp_path):
    home, _ = _imported(tmp_path, case)
    known = [tokens for tokens in map(_tokens, _told(home)) if tokens]
    with home.reader() as reader:
        traces = reader.traces(1000)
        by_kind = {row.kind: row for row in reader.figures(("kind",))["kind"]}
    assert sum(trace.input_tokens or 0 for trace in traces) == sum(one[0] or 0 for one in known)
    assert sum(trace.output_tokens or 0 for trace in traces) == sum(one[1] or 0 for one in known)
    assert sum(row.input_tokens or 0 for kind, row in by_kind.items() if kind == "llm") == sum(
        one[0] or 0 for one in known
    )


@pytest.mark.parametrize("case", CASES)
def test_each_call_whose_tokens_are_known_has_a_price(case, tmp_path):
    home, _ = _imported(tmp_path, case)
    book = price_book(home.settings)
    unpriced = [call.name for call in _told(home) if _tokens(call) and book.charge(call).pico_usd is None]
    assert unpriced == []


@pytest.mark.parametrize("case", CASES)
def test_each_call_says_what_it_was_given_and_what_it_answered(case, tmp_path):
    home, _ = _imported(tmp_path, case)
    with home.reader() as reader:
        spans = [span for span in reader.each_span() if span.kind == "llm" and span.status == "ok"]
    for span in spans:
        if span.otel["scope"]["name"] == "com.anthropic.sdk.python":
            continue  # which never tells what was said
        if genai.INPUT_TOKENS not in span.attributes:
            continue  # of such a stream the oldest tell nothing at all
        if case.startswith("claude_code"):
            assert (
                span.input is UNSET
            )  # which it never tells, and what was said only of an answer without a tool
            given, said = [], [] if span.output is UNSET else span.output["messages"]
        else:
            given, said = span.input["messages"], span.output["messages"]
        assert {message["role"] for message in given} <= {"system", "developer", "user", "assistant", "tool"}
        assert [message["role"] for message in said] == ["assistant"] * len(said)
        calls = [call for message in (*given, *said) for call in message.get("tool_calls", ())]
        for call in calls:
            assert call["type"] == "function"
            assert call["function"]["name"] in {"get_weather", "final_answer", "list_directory"}
            assert isinstance(json.loads(call["function"]["arguments"]), dict)


@pytest.mark.parametrize("case", CASES)
def test_a_second_import_and_a_second_reading_change_nothing(case, tmp_path):
    home, _ = _imported(tmp_path, case)
    before = _lines(home)
    again = import_documents(home, [str(DATA / f"{case}.jsonl.gz")], bad=pytest.fail)
    assert (again.new, again.duplicates) == (0, 0)
    assert renormalise(home).changed == 0
    assert _lines(home) == before


def _lines(home):
    with home.reader() as reader:
        return sorted(reader.lines())


@pytest.mark.parametrize("case", ["mcp_native", "mcp_openinference"])
def test_a_call_of_a_tool_at_a_server_is_one_tool(case, tmp_path):
    """The client tells of it as well, but not what it is; the instrumentation only joins the two."""
    home, _ = _imported(tmp_path, case)
    with home.reader() as reader:
        spans = list(reader.each_span())
    tools = [span for span in spans if span.kind == "tool"]
    assert [tool.name for tool in tools] == ["tools/call get_weather"] * 2
    assert sorted(tool.status for tool in tools) == ["error", "ok"]
    assert {tool.attributes["gen_ai.tool.name"] for tool in tools} == {"get_weather"}
    by_id = {span.span_id: span for span in spans}
    asked = [by_id[tool.parent_id].name for tool in tools if tool.parent_id in by_id]
    assert asked == ["MCP send tools/call get_weather"] * (2 if case == "mcp_openinference" else 0)


@pytest.mark.parametrize("version", [2, 3, 5, 6])
def test_each_form_of_pydantic_ai_s_spans_says_the_same(version, tmp_path):
    home, _ = _imported(tmp_path, f"pydanticai_v{version}")
    with home.reader() as reader:
        spans = sorted(reader.each_span(), key=lambda span: span.start)
    found = [(span.kind, span.attributes.get("gen_ai.tool.name", "")) for span in spans]
    assert [
        one for one in found if one[0] != "step"
    ] == [  # a step around a run's tools is of the oldest form alone
        *(("agent", ""), ("llm", ""), ("tool", "get_weather"), ("llm", ""), ("agent", ""), ("llm", ""))
    ]
    (tool,) = [span for span in spans if span.kind == "tool"]
    assert (tool.input, tool.output) == ({"city": "Oslo"}, "18 degrees in Oslo")
    second = [span for span in spans if span.kind == "llm"][1]
    roles = [message["role"] for message in second.input["messages"]]
    assert [role for role in roles if role != "system"] == ["user", "assistant", "tool"]


def test_one_project_of_several_recordings_counts_the_same(tmp_path):
    """Nothing of one program is taken for a part of another."""
    cases = [case for case in CASES if case.startswith(("openai_", "anthropic_"))]
    home, _ = _imported(tmp_path, *cases)
    expected = sum((_served(case) for case in cases), Counter())
    assert Counter(_tokens(call) for call in _told(home) if call.kind == "llm") == expected


def test_the_recordings_name_no_machine_and_no_secret():
    for path in DATA.glob("*.jsonl.gz"):
        text = gzip.decompress(path.read_bytes()).decode()
        assert not any(word in text for word in ("/" + "root/", "/tmp/", "/home/", "sk-"))
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 300 * 1024
