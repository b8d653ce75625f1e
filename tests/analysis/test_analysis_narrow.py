"""A narrowed tree has what was asked for and the way that leads there, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.narrow import Wanted, fits_name, narrow
from flightlog.analysis.tree import build, walk
from flightlog.records.span import Span

MS = 1_000_000


def span(number, parent=0, took=1, **fields):
    known = {"name": f"step {number}", "kind": "tool", "status": "ok"}
    return Span(
        trace_id="a" * 32,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        start=number,
        end=number + took * MS,
        **{**known, **fields},
    )


def family():
    usage = {"gen_ai.usage.input_tokens": 900, "gen_ai.usage.output_tokens": 100}
    return build(
        [
            span(1, took=100, kind="agent"),
            span(2, 1, took=50, kind="workflow"),
            span(3, 2, took=40, kind="llm", attributes=usage, name="chat"),
            span(4, 1, took=2, status="error", name="Search"),
            span(5, 1, took=1),
        ]
    )


def names(narrowed):
    return [int(node.record.span_id, 16) for node in walk(narrowed.tree)]


@pytest.mark.parametrize(
    ("wanted", "kept", "hits"),
    [
        (Wanted(), [1, 2, 3, 4, 5], 5),
        (Wanted(kinds=("llm",)), [1, 2, 3], 1),
        (Wanted(kinds=("llm", "workflow")), [1, 2, 3], 2),
        (Wanted(statuses=("error",)), [1, 4], 1),
        (Wanted(name="sea"), [1, 4], 1),
        (Wanted(name="chat*"), [1, 2, 3], 1),
        (Wanted(name="hat*"), [], 0),
        (Wanted(least_ns=40 * MS), [1, 2, 3], 3),
        (Wanted(least_tokens=1000), [1, 2, 3], 1),
        (Wanted(least_tokens=1001), [], 0),
        (Wanted(kinds=("tool",), statuses=("error",)), [1, 4], 1),
    ],
)
def test_what_is_asked_for_is_kept_with_its_ancestors(wanted, kept, hits):
    found = narrow(family(), wanted)
    assert (names(found), found.wanted, found.tree.span_count) == (kept, hits, len(kept))


def test_those_that_only_lead_there_are_named():
    found = narrow(family(), Wanted(kinds=("llm",)))
    assert found.on_the_way == {f"{1:016x}", f"{2:016x}"}


def test_times_and_self_times_stay_those_of_the_whole_tree():
    whole = family()
    found = narrow(whole, Wanted(kinds=("llm",))).tree
    assert (found.start, found.end) == (whole.start, whole.end)
    assert found.roots[0].self_ns == whole.roots[0].self_ns
    assert len(whole.roots[0].children) == 3


def test_an_open_span_lasts_as_long_as_the_trace_is_known_to_have_run():
    tree = build(
        [span(1, took=100), Span(trace_id="a" * 32, span_id="2", name="open", start=1, status="running")]
    )
    assert narrow(tree, Wanted(least_ns=90 * MS)).wanted == 2


def test_a_chain_of_any_depth_is_narrowed():
    chain = build([span(n, n - 1, kind="leaf" if n == 20_000 else "link") for n in range(1, 20_001)])
    assert narrow(chain, Wanted(kinds=("leaf",))).tree.span_count == 20_000


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=12))
def test_every_span_asked_for_is_there_exactly_once_and_every_other_has_one_below(made):
    tree = build([span(n + 1, parent, kind="yes" if hit else "no") for n, (parent, hit) in enumerate(made)])
    found = narrow(tree, Wanted(kinds=("yes",)))
    kept = list(walk(found.tree))
    hits = [node for node in kept if node.record.kind == "yes"]
    assert len(hits) == sum(hit for _, hit in made) == found.wanted
    assert all(node.children for node in kept if node.record.kind == "no")


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("arch", "SEARCH", True),
        ("search*", "search_documents", True),
        ("search", "re[search]", True),
        ("?", "ab", False),
    ],
)
def test_a_pattern_is_for_the_whole_name_and_anything_else_for_a_part(pattern, name, fits):
    assert fits_name(pattern, name) is fits
