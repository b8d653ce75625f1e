"""Transcripts of Claude Code: a trace a prompt, each answer of the model one call however many lines it has."""

from __future__ import annotations

import json

from imports_documents_of_others import FILES, brought_in, drawn, spans


def _lines():
    return [json.loads(line) for line in FILES["claude-code"].read_text(encoding="utf-8").splitlines()]


def test_a_prompt_is_a_trace_with_its_calls_and_tools_and_subagents_under_their_tool(home):
    brought_in(home, FILES["claude-code"])
    model = "claude-sonnet-4-5-20250929 llm ok"
    assert drawn(home) == [
        "turn agent ok *compact_boundary",
        f"  {model}",
        "  Bash tool error",
        f"  {model}",
        "  Task tool ok",
        "    claude-haiku-4-5 llm ok",
        f"  {model}",
        "turn agent cancelled",
        f"  {model}",
        "  Edit tool cancelled",
    ]


def test_an_answer_of_several_lines_is_counted_once_with_what_came_out_of_the_cache(home):
    brought_in(home, FILES["claude-code"])
    with home.reader() as reader:
        calls = sorted(
            (span for span in reader.each_span() if span.kind == "llm"), key=lambda span: span.start
        )
        figures = {trace.name: trace for trace in reader.traces(5)}
    assert len(calls) == 5
    first = calls[0].attributes
    assert (first["gen_ai.usage.input_tokens"], first["gen_ai.usage.output_tokens"]) == (6004, 80)
    assert first["gen_ai.usage.cache_read.input_tokens"] == 5000
    assert [block["type"] for block in calls[0].output["content"]] == ["thinking", "tool_use"]
    assert calls[0].input == [{"role": "user", "content": "Fix the failing test"}]
    assert calls[1].input[0]["content"][0]["content"] == "1 failed"
    assert set(figures) == {"turn"}


def test_the_turn_has_its_prompt_its_answer_its_session_and_its_number(home):
    brought_in(home, FILES["claude-code"])
    with home.reader() as reader:
        turns = sorted(
            (span for span in reader.each_span() if span.kind == "agent"), key=lambda span: span.start
        )
    assert [turn.context["turn"] for turn in turns] == [1, 2]
    assert (turns[0].input, turns[0].output) == ("Fix the failing test", "It is a typo.")
    assert turns[0].attributes == {"claude_code.cwd": "/srv/shop", "claude_code.gitBranch": "main"}
    assert (turns[0].service, turns[0].version) == ("claude-code", "2.0.14")
    assert spans(home)["Bash"].record.duration_ns == 4_000_000_000


def test_a_transcript_that_went_on_is_imported_again_and_only_what_is_new_is(home, tmp_path):
    path = tmp_path / "session.jsonl"
    lines = _lines()
    path.write_text("\n".join(map(json.dumps, lines[:4])), encoding="utf-8")
    brought_in(home, path)
    assert drawn(home) == ["turn agent ok", "  claude-sonnet-4-5-20250929 llm ok", "  Bash tool interrupted"]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    brought_in(home, path)
    assert drawn(home)[2] == "  Bash tool error"
    assert len(drawn(home)) == 10


def test_a_transcript_of_a_subagent_alone_is_a_trace_of_its_own(home, tmp_path):
    aside = [line for line in _lines() if line.get("isSidechain")]
    path = tmp_path / "agent-1.jsonl"
    path.write_text("\n".join(map(json.dumps, aside)), encoding="utf-8")
    brought_in(home, path)
    assert drawn(home) == ["subagent agent ok", "  claude-haiku-4-5 llm ok"]
    assert spans(home)["subagent"].record.input == "Find the cause"
