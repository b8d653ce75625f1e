"""Lints: each finds what it is for, leaves alone what looks like it, and can be silenced."""

from __future__ import annotations

from pathlib import Path

import pytest
from analysis_kit import event, span, tree

from flightlog.analysis.lints.finding import MOST_EVIDENCE, SEVERITIES, Silence, silence
from flightlog.analysis.lints.prompts import LEAST
from flightlog.analysis.lints.running import LINTS, lint
from flightlog.analysis.tree import build
from flightlog.records.errors import BadQuestion

ROOT = span(1, 0, "root", 0, 100, kind="agent")
LOST = ("ConnectionError", "connection to warehouse lost")
STEADY = "Answer briefly and cite the policy. " * (LEAST // 36 + 20)


def found(name, *records):
    findings = [finding for finding in lint(tree(ROOT, *records)) if finding.lint == name]
    assert len(findings) <= 1
    return findings[0] if findings else None


def calls(count, name="lookup", *, first=2, kind="tool", **fields):
    known = {"input": {"order": 17}, **fields}
    return [span(first + n, 1, name, n, n + 0.5, kind=kind, **known) for n in range(count)]


# -- repeated-call


def test_the_same_call_three_times_is_a_loop():
    finding = found("repeated-call", *calls(3, output="shipped"))
    assert finding.text == "lookup was called 3 times with the same input, and got the same answer"
    assert (finding.count, [int(each, 16) for each in finding.spans]) == (3, [2, 3, 4])


@pytest.mark.parametrize(
    "records",
    [
        calls(2),
        calls(3, input={}),
        calls(3, kind="step"),
        [span(n, 1, "lookup", n, n + 1, kind="tool", input={"order": n}) for n in (2, 3, 4)],
        [*calls(2), *calls(1, "another", first=9)],
        calls(4, error=LOST),
    ],
    ids=["twice", "nothing given", "a step", "other inputs", "another name", "failed attempts"],
)
def test_what_is_no_loop_is_left_alone(records):
    assert found("repeated-call", *records) is None


# -- n-plus-one


def fetches(count, **fields):
    return [
        span(n + 2, 1, f"fetch {n}", n, n + 0.5, kind="http", **{"input": {"id": n}, **fields})
        for n in range(count)
    ]


def test_a_call_for_each_item_is_one_too_many():
    finding = found("n-plus-one", *fetches(30))
    assert finding.text == "root made 30 http calls of fetch #, one after the other"
    assert (finding.count, len(finding.spans)) == (30, MOST_EVIDENCE)


def test_few_calls_parallel_ones_and_equal_ones_are_left_alone():
    assert found("n-plus-one", *fetches(9)) is None
    parallel = [span(n + 2, 1, "fetch", 0, 9, kind="http", input={"id": n}) for n in range(12)]
    assert found("n-plus-one", *parallel) is None
    assert found("n-plus-one", *calls(12)) is None
    assert found("n-plus-one", *fetches(12, input={"same": 1})) is None


# -- unbounded-retry


def retries(count, **fields):
    return [event(n + 1, 2, n, "retry", attributes={"attempt": n + 1, **fields}) for n in range(count)]


def test_retries_without_an_end_are_told_with_their_haste():
    call = span(2, 1, "connect", 0, 9)
    assert "connect was tried 5 times" in found("unbounded-retry", call, *retries(5)).text
    assert found("unbounded-retry", call, *retries(5)).text.endswith("without a wait between them")
    assert "without a wait" not in found("unbounded-retry", call, *retries(5, delay=0.5)).text


def test_a_bound_or_a_few_retries_are_fine():
    call = span(2, 1, "connect", 0, 9)
    assert found("unbounded-retry", call, *retries(4)) is None
    assert found("unbounded-retry", call, *retries(9, max_attempts=10)) is None


def test_failed_siblings_are_attempts():
    finding = found("unbounded-retry", *calls(5, error=LOST))
    assert (finding.name, finding.count) == ("lookup", 5)
    assert found("unbounded-retry", *calls(4, error=LOST)) is None


# -- swallowed-error

FAILED = span(2, 1, "search", 1, 2, kind="tool", error=LOST)


def test_a_failed_tool_that_nobody_noticed_is_grave():
    finding = found("swallowed-error", FAILED, span(3, 1, "answer", 3, 4, kind="llm", input="What now?"))
    assert finding.severity == "error"
    assert finding.text.startswith("search failed (ConnectionError), and root ended well")


@pytest.mark.parametrize(
    "record",
    [
        span(3, 1, "search", 3, 4, kind="tool"),
        event(1, 1, 2, "fallback"),
        event(1, 1, 2, "retry"),
        event(1, 1, 2, "log", level="warn", body="no search"),
        span(3, 1, "answer", 3, 4, kind="llm", input=[{"role": "tool", "content": f"error: {LOST[1]}"}]),
    ],
    ids=["tried again", "fell back", "retried", "logged", "told"],
)
def test_an_error_that_somebody_noticed_is_not_swallowed(record):
    assert found("swallowed-error", FAILED, record) is None


def test_an_error_of_which_the_model_was_told_in_other_words_is_not_swallowed():
    words = "The tool failed, try again."
    failed = span(2, 1, "search", 1, 2, kind="tool", error=LOST, output=words)
    told = span(3, 1, "answer", 3, 4, kind="llm", input=[{"role": "tool", "content": words}])
    assert found("swallowed-error", failed, told) is None
    silent = span(3, 1, "answer", 3, 4, kind="llm", input="What now?")
    assert found("swallowed-error", failed, silent) is not None


def test_an_error_that_failed_its_caller_is_not_swallowed():
    failing = span(1, 0, "root", 0, 100, error=LOST)
    assert [each.lint for each in lint(tree(failing, FAILED))] == []


def test_what_a_model_was_told_before_does_not_count():
    earlier = span(3, 1, "answer", 0, 0.5, kind="llm", input=f"error: {LOST[1]}")
    assert found("swallowed-error", earlier, FAILED) is not None


# -- broken-cache-prefix


def ask(number, system, question="Why?", **attributes):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    known = {"gen_ai.request.model": "m", **attributes}
    return span(
        number, 1, "ask", number, number + 1, kind="llm", input={"messages": messages}, attributes=known
    )


def test_a_date_on_top_of_the_instructions_breaks_the_cache():
    finding = found(
        "broken-cache-prefix", ask(2, f"It is 14:01. {STEADY}"), ask(3, f"It is 14:02. {STEADY}", "And now?")
    )
    assert "first differ in message 1 (system), after 9 characters: '01' became '02'" in finding.text
    assert finding.count == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ask(2, STEADY), ask(3, STEADY, "And now?")),
        (ask(2, f"{STEADY} It is 14:01."), ask(3, f"{STEADY} It is 14:02.")),
        (ask(2, "It is 14:01."), ask(3, "It is 14:02.")),
        (ask(2, f"A. {STEADY}"), ask(3, f"B. {STEADY}", **{"gen_ai.request.model": "other"})),
        (
            ask(2, f"A. {STEADY}"),
            ask(
                3,
                f"B. {STEADY}",
                **{"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 60},
            ),
        ),
    ],
    ids=["only the question", "at the end", "too short", "another model", "was cached"],
)
def test_a_prompt_that_can_be_cached_is_left_alone(first, second):
    assert found("broken-cache-prefix", first, second) is None


def test_without_content_the_parts_of_the_prompt_tell():
    def built(number, on, **parts):
        sizes = {"date": 10, "rules": LEAST, "question": 9}
        return event(number, on, on, "prompt", attributes={"components": parts, "sizes": sizes})

    first, second = (span(n, 1, "ask", n, n + 1, kind="llm") for n in (2, 3))
    same = {"rules": "x", "question": "y"}
    finding = found(
        "broken-cache-prefix", first, second, built(1, 2, date="1", **same), built(2, 3, date="2", **same)
    )
    assert "first differ in its part date" in finding.text
    assert (
        found(
            "broken-cache-prefix", first, second, built(1, 2, date="1", **same), built(2, 3, date="1", **same)
        )
        is None
    )


# -- never-ended, lost-context


def test_a_span_that_nobody_ended_is_told():
    assert "its process ended" in found("never-ended", span(2, 1, "work", 1, 2, status="interrupted")).text
    forgotten = span(2, 1, "work", 1, None, status="running")
    assert "its trace was over" in found("never-ended", forgotten).text


def test_a_span_of_a_trace_that_runs_may_run_as_well():
    running = span(1, 0, "root", 0, None, status="running")
    assert lint(tree(running, span(2, 1, "work", 1, None, status="running"))) == []
    assert found("never-ended", span(2, 1, "ask", 1, None, status="paused")) is None


def test_a_span_without_its_place_is_told():
    assert "never recorded" in found("lost-context", span(2, 99, "stray", 1, 2)).text
    assert "it has no parent" in found("lost-context", span(2, 0, "second root", 1, 2)).text
    placeholder = span(2, 1, "(not recorded)", 1, 2, status="interrupted")
    assert found("lost-context", placeholder) is not None
    assert found("never-ended", placeholder) is None


def test_a_parent_in_another_process_is_not_lost():
    assert lint(tree(span(1, 99, "served", 1, 2, otel={"flags": 0x300}))) == []


# -- secret-found, payload-bloat


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"input": {"key": "[REDACTED]"}}, "input"),
        ({"output": ["a [REDACTED …wxyz] b"]}, "output"),
        ({"attributes": {"header": "[REDACTED #0123456789abcdef]"}}, "attributes"),
        ({"error": ("E", "bad key [REDACTED: dropped]")}, "error"),
    ],
)
def test_where_the_gate_found_a_secret_is_told(fields, place):
    assert found("secret-found", span(2, 1, "login", 1, 2, **fields)).text.startswith(f"the {place} of login")


def test_large_values_are_told_and_those_that_are_carried_along():
    large = span(2, 1, "load", 1, 2, output="x" * 300_000)
    assert "the output of load has 293 KiB" in found("payload-bloat", large).text
    cut = [{"path": "output", "length": 900_000, "kept": 65_536, "hash": "b2:0"}]
    short = span(2, 1, "load", 1, 2, output="x" * 65_536, attributes={"flightlog.cut": cut})
    assert "has 879 KiB" in found("payload-bloat", short).text
    carried = [span(n, 1, "pass on", n, n + 1, input={"doc": "y" * 20_000}) for n in range(2, 8)]
    assert "is carried through 6 spans" in found("payload-bloat", *carried).text
    assert found("payload-bloat", *carried[:4]) is None


# -- all of them


def test_the_gravest_come_first():
    found_ = lint(tree(ROOT, FAILED, *calls(3, first=10), span(20, 1, "load", 1, 2, output="x" * 300_000)))
    order = [SEVERITIES.index(finding.severity) for finding in found_]
    assert order == sorted(order)
    assert len(set(order)) == 3


def test_a_lint_is_silenced_whole_or_for_a_name():
    trace = tree(ROOT, *calls(3), *calls(3, "poll", first=10))
    assert [f.name for f in lint(trace)] == ["lookup", "poll"]
    assert [f.name for f in lint(trace, silence(["repeated-call:po*"], tuple(LINTS)))] == ["lookup"]
    assert lint(trace, silence(["n-plus-one, repeated-call"], tuple(LINTS))) == []
    assert silence(["", " , "], tuple(LINTS)) == Silence([])
    with pytest.raises(BadQuestion, match="no lint 'repeated'; there are"):
        silence(["repeated"], tuple(LINTS))


def test_a_trace_without_faults_has_no_findings():
    assert lint(tree(ROOT, *calls(1))) == []
    assert lint(build([])) == []


def test_every_lint_has_a_page_that_tells_how_to_silence_it():
    pages = Path(__file__).parents[2] / "docs" / "lints"
    assert {path.stem for path in pages.glob("*.md")} - {"README"} == set(LINTS)
    overview = (pages / "README.md").read_text(encoding="utf-8")
    for name in LINTS:
        page = (pages / f"{name}.md").read_text(encoding="utf-8")
        assert page.startswith(f"# {name}\n")
        assert f'ignore_lints = "{name}' in page
        assert f"]({name}.md)" in overview
