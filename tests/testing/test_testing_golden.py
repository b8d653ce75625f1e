"""Golden traces and stories: what counts, how a difference is drawn, what a file looks like."""

from __future__ import annotations

import json
import os
import unittest
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

import flightlog as fl
from flightlog.testing import assert_story_matches, assert_trace_matches
from flightlog.testing.updating import updating


@pytest.fixture
def asked(monkeypatch):
    """Golden files are written, as if that had been asked for."""
    monkeypatch.setenv("FLIGHTLOG_UPDATE", "1")
    yield monkeypatch
    updating.take_written()
    updating.texts.clear()


@pytest.fixture(autouse=True)
def _not_asked(monkeypatch):
    monkeypatch.delenv("FLIGHTLOG_UPDATE", raising=False)
    monkeypatch.setattr(updating, "asked", False)
    monkeypatch.setattr(updating, "has_option", False)


def captured(tree):
    """A capture of spans given as nested lists: a name, then the spans below."""
    with fl.capture() as seen:
        begin(tree)
    return seen


def begin(tree):
    for name, *below in tree:
        with fl.span(name):
            begin(below)


def golden(*spans):
    return {"golden_trace": 1, "spans": list(spans)}


def refusal(assertion, *args, **kwargs):
    with pytest.raises(AssertionError) as caught:
        assertion(*args, **kwargs)
    return str(caught.value)


def drawn(assertion, *args, **kwargs):
    """The tree of a refusal: what stands between its first line and how to update."""
    return refusal(assertion, *args, **kwargs).split("\n\n")[1].splitlines()


# -- what counts ----------------------------------------------------------------------------------------------


def test_two_runs_of_one_program_match():
    tree = [["a", ["b"], ["c", ["d"]]]]
    captured(tree).assert_trace_matches(captured(tree))


def test_siblings_may_begin_in_any_order_unless_it_counts():
    forth, back = (
        captured([["a", ["b", ["x"]], ["b", ["y"]], ["c"]]]),
        captured([["a", ["c"], ["b", ["y"]], ["b", ["x"]]]]),
    )
    forth.assert_trace_matches(back)
    assert drawn(forth.assert_trace_matches, back, ordered=True) == [
        "  a (step)",
        "+   b (step)",
        "+     x (step)",
        "+   b (step)",
        "+     y (step)",
        "    c (step)",
        "-   b (step)",
        "-     y (step)",
        "-   b (step)",
        "-     x (step)",
    ]


@given(some.permutations(["a", "a", "b", "c", "d"]), some.permutations(["x", "y", "z"]))
def test_any_order_of_siblings_on_any_level_matches(above, below):
    sorted_ones = captured([["root", *[[name, ["x"], ["y"], ["z"]] for name in "aabcd"]]])
    mixed = captured([["root", *[[name, *[[leaf] for leaf in below]] for name in above]]])
    mixed.assert_trace_matches(sorted_ones)


@given(some.recursive(some.just([]), lambda below: some.lists(below, max_size=3), max_leaves=12))
def test_a_trace_matches_what_was_written_of_it_and_no_trace_with_one_span_more(shape):
    def named(below, depth=0):
        return [[f"s{depth}-{at % 2}", *named(each, depth + 1)] for at, each in enumerate(below)]

    tree = ["root", *named(shape)]
    once = captured([tree])
    once.assert_trace_matches(captured([tree]), ordered=True)
    more = captured([[*tree, ["one more"]]])
    assert drawn(more.assert_trace_matches, once)[-1] == "+   one more (step)"
    assert drawn(once.assert_trace_matches, more)[-1] == "-   one more (step)"


def test_names_kinds_statuses_and_error_types_count():
    failing = pytest.raises(ValueError, match="bad")
    with fl.capture() as seen, fl.span("answer", kind="agent"), failing, fl.span("search", kind="tool"):
        raise ValueError("bad")
    seen.assert_trace_matches(
        golden(
            {
                "name": "answer",
                "kind": "agent",
                "children": [{"name": "search", "kind": "tool", "status": "error", "error": "ValueError"}],
            }
        )
    )
    wanted = golden({"name": "answer", "kind": "chain", "children": [{"name": "search", "kind": "tool"}]})
    assert drawn(seen.assert_trace_matches, wanted) == [
        "- answer (chain)",
        "+ answer (agent)",
        "-   search (tool)",
        "+   search (tool) error ValueError",
    ]


def test_a_span_that_is_ordinary_needs_only_a_name():
    captured([["a", ["b"]]]).assert_trace_matches(golden({"name": "a", "children": [{"name": "b"}]}))


def test_fields_count_where_they_are_chosen_or_the_golden_trace_has_them():
    with fl.capture() as seen:
        with fl.span("search", top_k=5, model="m-1", input={"query": "refunds"}, noise=0.123):
            pass
        with fl.span("plan", top_k=1):
            pass
    plain = golden({"name": "search"}, {"name": "plan"})
    seen.assert_trace_matches(plain)
    assert drawn(seen.assert_trace_matches, plain, fields=["top_k", "input.query"]) == [
        "  search (step)",
        "+   input.query: 'refunds'",
        "+   top_k: 5",
        "  plan (step)",
        "+   top_k: 1",
    ]
    said = golden(
        {"name": "search", "fields": {"top_k": 8, "gone": True}}, {"name": "plan", "fields": {"top_k": 1}}
    )
    assert drawn(seen.assert_trace_matches, said) == [
        "  search (step)",
        "-   gone: True",
        "-   top_k: 8",
        "+   top_k: 5",
        "  plan (step)",
    ]


def test_a_field_that_is_named_on_one_span_counts_on_every_span():
    with fl.capture() as seen:
        for number in (1, 2):
            with fl.span(f"s{number}", number=number):
                pass
    assert drawn(
        seen.assert_trace_matches, golden({"name": "s1", "fields": {"number": 1}}, {"name": "s2"})
    ) == ["  s1 (step)", "  s2 (step)", "+   number: 2"]


def test_attributes_may_be_chosen_by_a_pattern():
    with fl.capture() as seen, fl.span("chat") as span:
        span.set_attributes({"gen_ai.request.model": "m-1", "gen_ai.usage.input_tokens": 812, "other": 1})
    assert drawn(seen.assert_trace_matches, golden({"name": "chat"}), fields=["gen_ai.*"]) == [
        "  chat (step)",
        "+   gen_ai.request.model: 'm-1'",
        "+   gen_ai.usage.input_tokens: 812",
    ]


def test_events_count_where_it_is_said():
    with fl.capture() as seen, fl.span("a"):
        fl.event("cache")
        fl.event("retry")
        with fl.span("b"):
            pass
    bare = golden({"name": "a", "children": [{"name": "b"}]})
    seen.assert_trace_matches(bare)
    assert drawn(seen.assert_trace_matches, bare, events=True) == [
        "  a (step)",
        "-   events: none",
        "+   events: cache, retry",
        "    b (step)",
    ]
    seen.assert_trace_matches(
        golden({"name": "a", "events": ["cache", "retry"], "children": [{"name": "b"}]})
    )


def test_ids_times_process_ids_and_paths_do_not_count(tmp_path):
    def program(run):
        with (
            fl.capture() as seen,
            fl.span(
                f"job {uuid4()}",
                file=str(tmp_path / run / "data.db"),
                text=f"at 2026-11-2{run[-1]}T06:31:0{run[-1]}Z by pid {run[-1]}1, object 0x7f00{run[-1]}a1b2c3d",
                trace=uuid4().hex,
                pid=os.getpid() + int(run[-1]),
                here=str(Path.cwd() / "src"),
                answer=42,
            ),
        ):
            pass
        return seen

    first, second = program("run1"), program("run2")
    second.assert_trace_matches(first, fields=["*"])
    assert drawn(first.assert_trace_matches, golden({"name": "job <uuid>"}), fields=["*"]) == [
        "  job <uuid> (step)",
        "+   answer: 42",
        "+   file: '<tmp>/data.db'",
        "+   here: '<cwd>/src'",
        "+   pid: '<pid>'",
        "+   text: 'at <time> by pid <pid>, object <address>'",
        "+   trace: '<id>'",
    ]


def test_what_only_looks_like_an_id_counts():
    def program(route):
        with fl.capture() as seen, fl.span(f"GET {route}", version="1.4.0", day="2026-11-21", n="1234567890"):
            pass
        return seen

    program("/v1/chat").assert_trace_matches(program("/v1/chat"), fields=["*"])
    assert (
        drawn(program("/v1/chat").assert_trace_matches, program("/v1/embeddings"))[0]
        == "- GET /v1/embeddings (step)"
    )


# -- how it is drawn ------------------------------------------------------------------------------------------


def test_a_span_that_was_renamed_keeps_what_is_below():
    assert drawn(
        captured([["a", ["new", ["x"], ["y"]]]]).assert_trace_matches,
        captured([["a", ["old", ["x"], ["y"]]]]),
    ) == ["  a (step)", "-   old (step)", "+   new (step)", "      x (step)", "      y (step)"]


def test_what_is_missing_and_what_is_new_is_shown_with_all_that_is_below():
    assert drawn(
        captured([["a", ["b", ["x"]]]]).assert_trace_matches, captured([["a", ["c", ["y"], ["z"]]]])
    ) == [
        "  a (step)",
        "-   c (step)",
        "-     y (step)",
        "-     z (step)",
        "+   b (step)",
        "+     x (step)",
    ]


def test_many_that_match_are_counted():
    many = [["same", ["x"]] for _ in range(40)]
    assert drawn(captured([["a", *many, ["new"]]]).assert_trace_matches, captured([["a", *many]])) == [
        "  a (step)",
        "    same (step)  … 1 below, as wanted",
        "    … 78 more spans, as wanted",
        "+   new (step)",
    ]


def test_a_long_difference_is_cut_and_counted():
    said = refusal(captured([[f"s{n}"] for n in range(300)]).assert_trace_matches, golden())
    assert "  … and 200 more lines" in said
    assert said.startswith(
        "the trace does not match the golden trace: 300 lines with a difference (- golden, + recorded)\n"
    )


def test_a_difference_holds_nothing_that_a_terminal_would_obey():
    said = refusal(captured([["\x1b[31mred\u202e"]]).assert_trace_matches, golden({"name": "\x07"}))
    assert "\\x1b[31mred\\u202e" in said
    assert all(letter.isprintable() or letter == "\n" for letter in said)


def test_ten_thousand_siblings_are_compared_at_once():
    tree = [["a", *[[f"s{n % 7}"] for n in range(10_000)]]]
    once = captured(tree)
    once.assert_trace_matches(captured(tree))
    assert drawn(once.assert_trace_matches, captured([["a", *tree[0][2:]]]))[-1] == "+   s0 (step)"


def test_a_trace_that_is_too_deep_is_refused_in_words():
    tree = []
    for n in range(250):
        tree = [[f"s{n}", *tree]]
    assert "the trace is more than 200 spans deep, at 's49'" in refusal(
        captured(tree).assert_trace_matches, golden()
    )


# -- files ----------------------------------------------------------------------------------------------------


def test_a_file_that_is_missing_fails_with_what_to_do(tmp_path):
    said = refusal(captured([["a"]]).assert_trace_matches, tmp_path / "a.json")
    assert said == (
        f"the golden trace {tmp_path}/a.json does not exist\n\n"
        "to write it: FLIGHTLOG_UPDATE=1, then the same command again"
    )


def test_a_file_is_written_when_asked_and_matches_from_then_on(tmp_path, asked):
    seen = captured([["a", ["b"]]])
    path = tmp_path / "deep" / "a.json"
    seen.assert_trace_matches(path)
    assert updating.take_written() == [str(path)]
    asked.setenv("FLIGHTLOG_UPDATE", "0")
    seen.assert_trace_matches(str(path))
    assert "to accept what was recorded: FLIGHTLOG_UPDATE=1" in refusal(
        captured([["a"]]).assert_trace_matches, path
    )
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_matches_is_left_as_it_was_written(tmp_path, asked):
    path = tmp_path / "a.json"
    path.write_text('{"golden_trace":1,"spans":[{"name":"c"},{"name":"b"}]}')
    before = path.read_bytes()
    captured([["b"], ["c"]]).assert_trace_matches(path)
    assert path.read_bytes() == before


def test_a_file_that_matches_one_assertion_is_not_written_for_another(tmp_path, asked):
    path = tmp_path / "a.json"
    path.write_text('{"golden_trace": 1, "spans": [{"name": "a"}]}')
    captured([["a"]]).assert_trace_matches(path)
    assert "two assertions of this run want" in refusal(captured([["b"]]).assert_trace_matches, path)
    captured([["a"]]).assert_trace_matches(path)


def test_a_file_that_is_something_else_is_never_written(tmp_path, asked):
    path = tmp_path / "data.json"
    path.write_text('{"rows": [1, 2, 3]}')
    assert "is no golden trace" in refusal(captured([["a"]]).assert_trace_matches, path)
    assert path.read_text() == '{"rows": [1, 2, 3]}'


def test_a_file_has_a_line_for_each_span(tmp_path, asked):
    with fl.capture() as seen, fl.span("answer", kind="agent"):
        with fl.span("plan"):
            fl.event("cache")
        with fl.span(
            "search", kind="retrieval", top_k=5, input={"query": "how do I get my money back " * 3}
        ) as span:
            span.output = [{"title": "Refunds"}]
            with fl.span("sql", kind="db", top_k=1):
                pass
    seen.assert_trace_matches(tmp_path / "a.json", fields=["top_k", "input", "output"], events=True)
    text = (tmp_path / "a.json").read_text()
    assert text.splitlines() == [
        '{"golden_trace": 1, "spans": [',
        '  {"name": "answer", "kind": "agent", "children": [',
        '    {"name": "plan", "events": ["cache"]},',
        '    {"name": "search", "kind": "retrieval", "fields": {',
        f'       "input": {{"query": "{"how do I get my money back " * 3}"}},',
        '       "output": [{"title": "Refunds"}],',
        '       "top_k": 5}, "children": [',
        '      {"name": "sql", "kind": "db", "fields": {"top_k": 1}}',
        "    ]}",
        "  ]}",
        "]}",
    ]
    assert text.endswith("]}\n")
    json.loads(text)


@given(
    some.lists(
        some.tuples(
            some.text(min_size=1, max_size=20),
            some.dictionaries(
                some.sampled_from(["a", "b.c", "ü"]),
                some.one_of(
                    some.none(), some.integers(-9, 9), some.text(max_size=60), some.lists(some.booleans())
                ),
            ),
        ),
        max_size=4,
    )
)
def test_whatever_is_written_is_read_back_as_it_was(tmp_path_factory, spans):
    path = tmp_path_factory.mktemp("golden") / "a.json"
    with fl.capture() as seen:
        for name, fields in spans:
            with fl.span(name) as span:
                span.set_attributes(fields)
                fl.event("e")
    updating.asked = True
    try:
        seen.assert_trace_matches(path, fields=["*"], events=True)
    finally:
        updating.asked = False
    seen.assert_trace_matches(path, fields=["*"], events=True, ordered=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no golden trace: Input data was truncated"),
        ("[]", "is no golden trace: Expected `object`, got `array`"),
        (
            '{"spans": [{"nam": "a"}]}',
            "is no golden trace: Object contains unknown field `nam`",
        ),
        ('{"golden_trace": 2, "spans": []}', "is a golden trace of version 2; this reads version 1"),
        ('{"spans": ' + '[{"name":"a","children":' * 2000, "is no golden trace: "),
    ],
)
def test_a_file_that_is_no_golden_trace_is_refused_in_words(tmp_path, text, why):
    (tmp_path / "a.json").write_text(text)
    assert why in refusal(captured([["a"]]).assert_trace_matches, tmp_path / "a.json")


def test_a_name_counts_from_the_folder_of_the_calling_code(tmp_path, asked):
    program = tmp_path / "elsewhere" / "program.py"
    program.parent.mkdir()
    program.write_text("def check(seen): seen.assert_trace_matches('a.json')\n")
    scope = {"__name__": "program", "__file__": str(program)}
    exec(compile(program.read_text(), str(program), "exec"), scope)
    scope["check"](captured([["a"]]))
    assert (program.parent / "a.json").exists()


# -- what a trace may be --------------------------------------------------------------------------------------


def test_a_trace_is_a_capture_a_tree_a_part_of_one_or_records():
    with fl.capture() as seen, fl.span("a") as span:
        with fl.span("b"):
            pass
        tree = fl.load("@latest")
    wanted = golden({"name": "a", "children": [{"name": "b"}]})
    assert_trace_matches(seen, wanted)
    assert_trace_matches(seen.records, wanted)
    assert_trace_matches(fl_tree := span.tree(), wanted)
    assert_trace_matches(fl_tree.find("b"), golden({"name": "b"}))
    assert_trace_matches(tree, golden({"name": "a", "status": "running", "children": [{"name": "b"}]}))
    assert_trace_matches(iter(seen.records), tree if tree.status == "ok" else wanted)


@pytest.mark.parametrize("wrong", [None, 42, "text", b"bytes", object()])
def test_anything_else_is_no_trace(wrong):
    with pytest.raises(TypeError, match=r"a trace is a capture, what flightlog\.load gives, or records"):
        assert_trace_matches(wrong, golden())


def test_a_list_of_something_else_is_no_trace():
    with pytest.raises(TypeError, match="a trace is made of records, not of int"):
        assert_trace_matches([1], golden())


def test_fields_are_several():
    with pytest.raises(TypeError, match=r"fields takes several paths, such as \['top_k'\]"):
        assert_trace_matches(captured([]), golden(), fields="top_k")


class TestWithUnittest(unittest.TestCase):
    """A test case of the standard library needs no plugin."""

    def test_it_asserts_with_plain_functions(self):
        seen = captured([["a"]])
        assert_trace_matches(seen, golden({"name": "a"}))
        with pytest.raises(self.failureException, match="the trace does not match"):
            assert_trace_matches(seen, golden({"name": "b"}))


# -- stories --------------------------------------------------------------------------------------------------


@pytest.fixture
def told():
    with fl.capture() as seen:
        fl.narrate("enqueue", "job-1", human="Queued job-1 behind 3 others at 06:31:09.120.")
        fl.event("noise")
        fl.narrate("dispatch", human=f"Sent {uuid4()} to w-3\nin 1.20 s.", cute="Off you go! 🐝")
        fl.narrate("finish", "job-1")
    return seen


STORY = """
    Queued job-1 behind 3 others at <time>.

    Sent <uuid> to w-3 in <duration>.
    finish
"""


def test_a_story_is_its_sentences_in_order_without_what_differs_each_time(told):
    told.assert_story_matches(STORY)
    told.assert_story_matches(STORY.replace("<duration>", "3 ms").replace("<time>", "7:00:00"))
    assert_story_matches(told.records, STORY)


def test_a_story_that_differs_is_refused_line_by_line(told):
    said = refusal(told.assert_story_matches, STORY.replace("3 others", "4 others"))
    assert said.splitlines() == [
        "the story does not match what is wanted (- wanted, + told)",
        "",
        "- Queued job-1 behind 4 others at <time>.",
        "+ Queued job-1 behind 3 others at <time>.",
        "  Sent <uuid> to w-3 in <duration>.",
        "  finish",
    ]


def test_a_story_is_told_in_the_voice_that_is_asked_for(told):
    told.assert_story_matches(
        STORY.replace("Sent <uuid> to w-3 in <duration>.", "Off you go! 🐝"), view="cute"
    )


def test_a_story_in_a_file_is_written_when_asked(told, tmp_path, asked):
    told.assert_story_matches(tmp_path / "story.md")
    told.assert_story_matches(str(tmp_path / "story.txt"))
    text = (tmp_path / "story.txt").read_text()
    assert text == (tmp_path / "story.md").read_text()
    assert text.splitlines() == [line.strip() for line in STORY.splitlines() if line.strip()]
    asked.delenv("FLIGHTLOG_UPDATE")
    told.assert_story_matches(tmp_path / "story.txt")
    assert f"{tmp_path}/other.txt does not exist" in refusal(
        told.assert_story_matches, str(tmp_path / "other.txt")
    )


@pytest.mark.parametrize(
    ("sentence", "without"),
    [
        ("took 15 ms", "took <duration>"),
        ("took 1.20 s, then 842 ns", "took <duration>, then <duration>"),
        ("took 2m 03s and 3d 04h", "took <duration> and <duration>"),
        ("took 1h 05m", "took <duration>"),
        ("waited 12 seconds", "waited <duration>"),
        ("5 items, 3 more", "5 items, 3 more"),
        ("version 1.4.0 with 12 shards", "version 1.4.0 with 12 shards"),
        ("job-15 ms", "job-15 ms"),
        ("at 2026-11-21 06:31:09.120 UTC", "at <time>"),
        ("at 2026-11-21T06:31:09+01:00", "at <time>"),
        ("pid=4711 and PID 12", "pid=<pid> and PID <pid>"),
        ("sha b2c3d4", "sha b2c3d4"),
        ("span 00f067aa0ba902b7", "span <id>"),
    ],
)
def test_what_is_left_out_of_a_sentence_and_what_is_not(sentence, without):
    with fl.capture() as seen:
        fl.narrate("x", human=sentence)
    seen.assert_story_matches(without)
    if sentence != without:
        return
    assert "the story does not match" in refusal(
        seen.assert_story_matches, sentence.replace("1", "2").replace("5", "6").replace("b2", "b3")
    )
