"""Two traces laid over each other: what is the same step, however the program around it changed."""

from __future__ import annotations

import random
from itertools import pairwise

from analysis_kit import span, tree
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.alignment import align
from flightlog.analysis.sequences import common
from flightlog.analysis.tree import build


def told(before, after):
    """Each pair, where it is not in its place or renamed."""
    found = {}
    for pair in align(before, after).pairs:
        if pair.is_renamed:
            found[pair.before.name] = f"renamed {pair.after.name}"
        elif pair.how != "same place":
            found[pair.node.name] = pair.how
    return found


ROOT = span(1, 0, "root")


def named(*names, parent=1, first=2, **fields):
    return [span(first + at, parent, name, at, at + 1, **fields) for at, name in enumerate(names)]


def test_a_trace_is_as_it_is():
    trace = tree(ROOT, *named("a", "b", "a"), *named("c", parent=2, first=10))
    assert told(trace, trace) == {}


def test_what_came_and_what_went_is_told():
    before, after = (
        tree(ROOT, *named("alpha", "beta")),
        tree(ROOT, *named("alpha", "gamma_step", "xylophone")),
    )
    found = told(before, after)
    assert found["gamma_step"] == "added"
    assert found["xylophone"] == "added"
    assert found["beta"] == "removed"


def test_what_was_removed_stands_where_it_had_stood():
    row = align(tree(ROOT, *named("a", "xyz", "b")), tree(ROOT, *named("a", "b"))).roots[0].children
    assert [(pair.node.name, pair.how) for pair in row] == [
        ("a", "same place"),
        ("xyz", "removed"),
        ("b", "same place"),
    ]


def test_a_step_with_another_name_and_the_same_below_was_renamed():
    before = tree(ROOT, *named("zebra"), *named("a", "b", parent=2, first=10))
    after = tree(ROOT, *named("quux"), *named("a", "b", parent=2, first=10))
    assert told(before, after) == {"zebra": "renamed quux"}


def test_a_name_that_is_much_alike_is_a_renamed_step():
    assert told(tree(ROOT, *named("plan")), tree(ROOT, *named("make_plan"))) == {"plan": "renamed make_plan"}


def test_the_same_input_under_another_name_is_a_renamed_step():
    given_ = {"input": {"q": "refunds"}}
    before, after = tree(ROOT, *named("zebra", **given_)), tree(ROOT, *named("quux", **given_))
    assert told(before, after) == {"zebra": "renamed quux"}


def test_another_kind_is_no_renamed_step():
    before, after = tree(ROOT, *named("plan", kind="llm")), tree(ROOT, *named("plans", kind="tool"))
    assert told(before, after) == {"plan": "removed", "plans": "added"}


def test_roots_stand_for_each_other_whatever_they_are_called():
    pairs = align(tree(span(1, 0, "one")), tree(span(1, 0, "quite another"))).pairs
    assert [(pair.before.name, pair.after.name) for pair in pairs] == [("one", "quite another")]


def test_siblings_that_changed_places_have_moved():
    assert list(told(tree(ROOT, *named("a", "b", "c")), tree(ROOT, *named("c", "a", "b"))).values()) == [
        "moved"
    ]


def test_what_stands_under_another_parent_has_moved():
    before = tree(ROOT, *named("a", "b"), *named("deep", parent=2, first=10, input={"q": 1}))
    after = tree(ROOT, *named("a", "b"), *named("deep", parent=3, first=10, input={"q": 1}))
    assert told(before, after) == {"deep": "moved"}


def test_a_step_that_was_wrapped_has_moved_and_its_wrapper_is_new():
    work = {"kind": "tool", "input": {"q": 1}}
    before = tree(ROOT, *named("work", **work))
    after = tree(ROOT, *named("guard", kind="guardrail"), *named("work", parent=2, first=10, **work))
    assert told(before, after) == {"guard": "added", "work": "moved"}


def test_an_item_more_in_the_middle_moves_none_of_the_others():
    items = [span(2 + n, 1, "item", n, n + 1, input={"n": n}) for n in (0, 1, 2, 3)]
    without = [each for each in items if each.input != {"n": 1}]
    assert told(tree(ROOT, *without), tree(ROOT, *items)) == {"item": "added"}


@st.composite
def traces(draw):
    names = st.sampled_from(["a", "b", "c"])
    return build(
        span(
            number,
            draw(st.integers(0, number)) % number,
            draw(names),
            number,
            number + 1,
            input=draw(st.sampled_from([None, 1, 2])),
        )
        for number in range(1, draw(st.integers(0, 14)) + 1)
    )


@given(traces(), traces())
def test_every_span_is_in_exactly_one_pair(before, after):
    pairs = align(before, after).pairs
    assert sorted(id(p.before) for p in pairs if p.before) == sorted(id(node) for node in before.walk())
    assert sorted(id(p.after) for p in pairs if p.after) == sorted(id(node) for node in after.walk())
    assert all((pair.how == "added") is (pair.before is None) for pair in pairs)
    assert all((pair.how == "removed") is (pair.after is None) for pair in pairs)


@given(traces())
def test_nothing_of_a_trace_differs_from_itself(trace):
    assert told(trace, trace) == {}


def _longest(one, two):
    rows = [[0] * (len(two) + 1) for _ in range(len(one) + 1)]
    for i, left in enumerate(one):
        for j, right in enumerate(two):
            rows[i + 1][j + 1] = rows[i][j] + 1 if left == right else max(rows[i][j + 1], rows[i + 1][j])
    return rows[-1][-1]


@given(st.lists(st.integers(0, 3), max_size=20), st.lists(st.integers(0, 3), max_size=20))
def test_as_many_elements_as_can_be_stand_beside_each_other(one, two):
    found = common(one, two)
    assert all(one[left] == two[right] for left, right in found)
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(found))
    assert len(found) == _longest(one, two)


def test_two_wide_traces_are_laid_over_each_other():
    """Of the siblings in common none is lost, however many there are."""
    dice = random.Random(1)
    names = [dice.choice("abcde") for _ in range(5_000)]
    before, after = tree(ROOT, *named(*names)), tree(ROOT, *named(*names[500:]))
    pairs = align(before, after).pairs
    assert sum(pair.how == "same place" for pair in pairs) == 4_501
    assert sum(pair.how == "removed" for pair in pairs) == 500
