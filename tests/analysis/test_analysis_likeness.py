"""Long repetitions fold, and a fold never hides what is different."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.likeness import SHOWN, Fold, Likeness
from flightlog.analysis.tree import build
from flightlog.records.span import Fault, Span


def span(number: int, parent: int, name: str, **fields) -> Span:
    return Span(
        trace_id="1" * 32,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=name,
        start=number,
        end=number + 10 * number,
        **{"status": "ok", **fields},
    )


def folded(spans: list[Span]) -> list[Fold | str]:
    tree = build(
        [Span(trace_id="1" * 32, span_id="f" * 16, name="root", start=0, end=9**9, status="ok"), *spans]
    )
    (root,) = tree.roots
    return [
        item if isinstance(item, Fold) else item.record.name for item in Likeness(tree).folded(root.children)
    ]


def under_root(number: int, name: str, **fields) -> Span:
    return msgspec.structs.replace(span(number, 0, name), parent_id="f" * 16, **fields)


def test_a_run_of_siblings_that_differ_in_digits_folds_after_the_second():
    first, second, fold = folded([under_root(n, f"page {n}") for n in range(1, 101)])
    assert (first, second) == ("page 1", "page 2")
    assert len(fold.nodes) == 98
    assert fold.durations == (30, 520, 1000)


def test_few_siblings_are_all_shown():
    assert folded([under_root(n, "page") for n in range(1, 5)]) == ["page"] * 4


def test_interleaved_repetitions_fold_one_fold_a_shape():
    items = folded([under_root(n, "ab"[n % 2]) for n in range(20)])
    assert items[:4] == ["a", "b", "a", "b"]
    assert [(fold.nodes[0].record.name, len(fold.nodes)) for fold in items[4:]] == [("a", 8), ("b", 8)]


def test_a_failing_sibling_is_never_folded_with_those_that_went_well():
    spans = [under_root(n, "page") for n in range(1, 50)]
    spans[30] = under_root(31, "page", status="error", error=Fault("ValueError", "bad"))
    items = folded(spans)
    failing = [item for item in build(spans).roots if item.record.status == "error"]
    assert items.count("page") == SHOWN + 1
    assert len(failing) == 1
    assert [len(item.nodes) for item in items if isinstance(item, Fold)] == [28, 18]


def test_siblings_with_other_things_below_them_are_not_alike():
    plain = [under_root(n, "step") for n in range(1, 10)]
    deep = span(50, 9, "failing tool", status="error")
    assert folded([*plain, deep])[-1] == "step"


def test_siblings_are_alike_however_often_their_children_are_repeated():
    steps = [under_root(n, "step") for n in range(1, 10)]
    tools = [span(100 + 10 * n + i, n, "tool") for n in range(1, 10) for i in range(1 + n % 3)]
    *_, fold = folded([*steps, *tools])
    assert len(fold.nodes) == 7
    assert fold.span_count == 7 + sum(1 + n % 3 for n in range(3, 10))


def test_siblings_that_are_open_fold_without_durations():
    fold = folded([under_root(n, "wait", status="running", end=None) for n in range(1, 9)])[-1]
    assert fold.durations is None


@given(st.lists(st.sampled_from(["a", "b", "c", "d1", "d2"]), max_size=60))
def test_folding_keeps_every_sibling_once(names):
    items = folded([under_root(n, name) for n, name in enumerate(names, 1)])
    assert sum(len(item.nodes) if isinstance(item, Fold) else 1 for item in items) == len(names)
