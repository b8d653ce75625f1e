"""One step in full: everything that was recorded of it, readable, and nothing of it obeyed."""

from __future__ import annotations

import json

import cli_samples
import msgspec
import pytest
from click.testing import CliRunner

from flightlog.analysis import messages
from flightlog.analysis.pace import DEFAULT
from flightlog.analysis.tree import build
from flightlog.cli.main import commands
from flightlog.cli.naming import find_span
from flightlog.cli.render import step, wrap
from flightlog.cli.render.cells import width
from flightlog.cli.render.terminal import Terminal
from flightlog.records.errors import BadQuestion
from flightlog.records.span import Link

LONG = "word " * 60 + "x" * 300
CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image", "size": 9}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "function": {"name": "search", "arguments": '{"q": 1}'}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "found \x1b[31mit"},
]


def run(*args: str):
    return CliRunner().invoke(commands, args)


@pytest.mark.parametrize("ref", [f"{4:016x}", "vector_store.query", "vector"])
def test_a_step_is_named_by_its_id_its_name_or_a_part_of_it(recorded, ref):
    result = run("show", cli_samples.TRACE, ref)
    assert result.exit_code == 0
    assert result.stdout.startswith("✓ vector_store.query  db\n")
    assert f"span     {4:016x}" in result.stdout
    assert "path     answer_question > search_documents > vector_store.query" in result.stdout


def test_a_step_that_is_not_there_or_not_the_only_one_is_a_bad_question(recorded):
    nobody = run("show", cli_samples.TRACE, "nobody")
    assert (nobody.exit_code, nobody.stdout) == (2, "")
    assert "no span 'nobody' in this trace" in nobody.stderr
    many = run("show", cli_samples.TRACE, "fetch page")
    assert many.exit_code == 2
    assert "fits 100 spans" in many.stderr
    assert f"{100:016x} (fetch page 0)" in many.stderr
    assert "95 more; give the id of one" in many.stderr


def test_an_id_wins_over_a_name_and_the_name_itself_over_the_beginning_of_an_id():
    spans = [cli_samples.span(0xABCDEF, 0, "one", 0, 1), cli_samples.span(2, 0, f"{0xABCDEF:016x}", 0, 1)]
    assert find_span(spans, f"{0xABCDEF:016x}").name == "one"
    assert find_span([*spans, cli_samples.span(3, 0, "0000000000", 0, 1)], "0000000000").name == "0000000000"
    with pytest.raises(BadQuestion):
        find_span(spans, "0000")


def test_a_failed_step_has_its_whole_stack(recorded):
    shown = run("show", cli_samples.TRACE, f"{7:016x}").stdout
    assert "RateLimitError: too many requests" in shown
    assert 'File "agent.py", line 40' in shown
    only = run("show", cli_samples.TRACE, f"{7:016x}", "--error").stdout
    assert "attributes" not in only
    assert "\x1b" not in shown


def test_a_step_as_json_is_its_record_with_where_it_stands(recorded):
    told = json.loads(run("show", cli_samples.TRACE, f"{2:016x}", "--json").stdout)
    assert (told["name"], told["duration_ns"]) == ("search_documents", 415 * 10**6)
    assert told["path"] == ["answer_question", "search_documents"]
    assert len(told["children"]) == 102
    assert told["events"][0]["name"] == "log"


def test_the_inputs_of_all_steps_are_those_that_have_one(recorded):
    shown = run("show", cli_samples.TRACE, "--input").stdout
    assert "How do I wrap long lines?" in shown
    assert "search_documents" not in shown
    told = json.loads(run("show", cli_samples.TRACE, "--input", "--error", "--json").stdout)
    assert [each["name"] for each in told] == ["answer_question", cli_samples.HOSTILE]


def test_only_a_name_narrows_the_steps_and_verbose_shows_each_in_full(recorded):
    told = json.loads(run("show", cli_samples.TRACE, "--only", "*page 1?", "--json").stdout)
    assert [each["name"] for each in told] == [f"fetch page {n}" for n in range(10, 20)]
    everything = run("show", cli_samples.TRACE, "--verbose").stdout
    assert everything.count("\ntrace    ") + everything.count("  trace    ") >= 112
    assert "no step of this trace is like that" in run("show", cli_samples.TRACE, "--only", "none").stdout


def test_the_final_output_is_printed_alone_as_it_is(home):
    spans = [
        cli_samples.span(1, 0, "root", 0, 1, output="line one\n\x1b[1mline two"),
        cli_samples.span(2, 1, "inner", 0, 1, output="not this"),
    ]
    cli_samples.store(home, spans)
    assert run("show", "@latest", "--final-output").stdout == "line one\n\x1b[1mline two\n"


def test_a_final_output_that_is_no_text_is_json_and_one_that_is_not_there_is_said(home):
    cli_samples.store(home, [cli_samples.span(1, 0, "root", 0, 1, output={"a": [1]})])
    assert json.loads(run("show", "@latest", "--final-output").stdout) == {"a": [1]}
    cli_samples.store(home, [cli_samples.span(1, 0, "root", 0, 2)])
    missing = run("show", "@latest", "--final-output")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert "this trace has no output" in missing.stderr


def test_the_final_output_as_json_is_json_also_of_a_text(home):
    cli_samples.store(home, [cli_samples.span(1, 0, "root", 0, 1, output="a\nb")])
    assert run("show", "@latest", "--final-output", "--json").stdout == '"a\\nb"\n'


def test_the_final_output_of_a_program_is_that_of_its_last_step_which_has_one(home):
    spans = [
        cli_samples.span(1, 0, "agent.py", 0, 9, kind="run", input={"command": ["agent.py"]}),
        cli_samples.span(2, 1, "plan", 1, 2, output="not this"),
        cli_samples.span(3, 1, "answer", 3, 6, output="this"),
        cli_samples.span(4, 3, "inner", 4, 5, output="nor this"),
        cli_samples.span(5, 1, "tidy", 7, 8),
    ]
    cli_samples.store(home, spans)
    assert run("show", "@latest", "--final-output").stdout == "this\n"


def test_the_final_output_of_a_program_may_lie_deeper(home):
    spans = [
        cli_samples.span(1, 0, "agent.py", 0, 9, kind="run", input={"command": ["agent.py"]}),
        cli_samples.span(2, 1, "conversation", 1, 8),
        cli_samples.span(3, 2, "first answer", 2, 3, output="not this"),
        cli_samples.span(4, 2, "second answer", 4, 6, output="this"),
        cli_samples.span(5, 4, "inner", 5, 6, output="nor this"),
    ]
    cli_samples.store(home, spans)
    assert run("show", "@latest", "--final-output").stdout == "this\n"


@pytest.mark.parametrize(
    "options",
    [["root", "--final-output"], ["--final-output", "-v"], ["--final-output", "-o"], ["root", "--only", "x"]],
)
def test_options_of_show_that_contradict_each_other_are_a_bad_question(home, options):
    cli_samples.store(home, [cli_samples.span(1, 0, "root", 0, 1, output="text")])
    result = run("show", "@latest", *options)
    assert (result.exit_code, result.stdout) == (2, "")


def drawn(span, events=(), columns=80, **look) -> list[str]:
    (node,) = build([span], events).roots
    return list(step.lines(step.Step(node, [span.name], span.start), Terminal(columns, **look), DEFAULT))


def a_step(**fields):
    return cli_samples.span(1, 0, "step", 0, 2000, **fields)


def test_messages_are_told_one_by_one_with_their_roles():
    lines = drawn(a_step(kind="llm", input={"messages": CHAT, "tools": [{"name": "search"}]}, output=CHAT[0]))
    at = lines.index("input")
    assert lines[at : at + 6] == ["input", "  system", "    Be brief.", "", "  user", "    What is this?"]
    assert "  calls search" in lines
    assert '    {"q": 1}' in lines
    assert "  tool c1" in lines
    assert "    found \\x1b[31mit" in lines
    assert "  tools" in lines
    assert lines.index("output") < lines.index("  system", lines.index("output"))


@pytest.mark.parametrize(
    "value",
    ["text", 7, None, [], {}, [1], {"messages": []}, {"messages": "no list"}, {"input": [1, 2]}, [{"a": 1}]],
)
def test_what_is_no_conversation_is_a_value_like_any_other(value):
    assert messages.conversation(value) is None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([{"role": "user", "content": "hi"}], [("user", "", "hi")]),
        ({"role": "assistant", "content": ""}, [("assistant", "", "")]),
        ({"choices": [{"message": {"role": "assistant", "content": "a"}}]}, [("assistant", "", "a")]),
        (
            {"input": [{"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"}]},
            [("calls", "f", "{}")],
        ),
        ([{"type": "function_call_output", "call_id": "c", "output": "7"}], [("tool", "c", "7")]),
        (
            [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"}]}],
            [("user", "", "q")],
        ),
        (
            [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "so"}]}],
            [("reasoning", "", "so")],
        ),
        ([{"role": "user", "content": {"odd": 1}}], [("user", "", '{"odd":1}')]),
        (
            [{"role": "assistant", "tool_calls": ["odd", {"function": 3}]}],
            [("calls", "", "odd"), ("calls", "", '{"function":3}')],
        ),
        (
            [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "r"}]}],
            [("user", "", "[tool_result t] r")],
        ),
    ],
)
def test_messages_of_any_shape_become_a_role_and_a_text(value, told):
    found = messages.conversation(value)
    assert [(m.role, m.about, m.text) for m in found.messages] == told


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_nothing_is_cut_and_nothing_is_wider_than_the_terminal(columns):
    span = a_step(
        kind="tool",
        input=LONG,
        output={"deep": [LONG]},
        attributes={"key": LONG},
        links=[Link("a" * 32, "b" * 16, "caused_by", {"why": LONG})],
    )
    lines = drawn(span, [cli_samples.event(1, 1, 5, "log", body=LONG)], columns)
    assert all(
        width(line) <= max(columns, 22) for line in lines if not line.startswith(("  span", "  trace"))
    )
    assert sum(line.count("x") for line in lines) >= 5 * 300


def test_in_a_pipe_no_line_is_broken():
    lines = drawn(a_step(input=LONG), whole_tables=True)
    assert f"  {LONG}" in lines


def test_a_step_says_how_it_streamed_how_often_it_was_tried_and_how_long_it_waited():
    attributes = {
        "flightlog.stream.chunks": 31,
        "flightlog.stream.characters": 412,
        "flightlog.stream.longest_gap_ns": 48_000_000,
        "gen_ai.response.time_to_first_chunk": 0.25,
        "flightlog.waiting_ns": 1_900_000_000,
        "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.cache_read.input_tokens": 900,
    }
    events = [cli_samples.event(n, 1, n, "retry", attributes={"attempt": n}) for n in (1, 2)]
    told = "\n".join(drawn(a_step(attributes=attributes), events, 200))
    assert "stream   31 chunks, 412 characters, first after 250 ms, longest gap 48.0 ms" in told
    assert "ok after 2 retries" in told
    assert "waited 1.90 s, worked 100 ms" in told
    assert "tokens   1,200 in, 900 read from a cache" in told


def test_a_step_that_waits_says_since_when():
    span = a_step(status="paused", attributes={"flightlog.waiting_since": cli_samples.BEGAN})
    told = "\n".join(drawn(msgspec.structs.replace(span, end=None)))
    assert "waits    since 2025-11-20" in told
    assert "paused · open" in told


@pytest.mark.parametrize(
    "text", ["", "short", "two words", LONG, "日本語" * 30, "  indented " + LONG, "👩‍💻 " * 50]
)
@pytest.mark.parametrize("cells", [1, 8, 20, 79])
def test_wrapping_keeps_every_letter_and_the_width(text, cells):
    lines = wrap.lines(text, cells)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(width(line) <= max(cells, 2) for line in lines)
