"""Which spans of a tree have a line, and what stands before them."""

from __future__ import annotations

from flightlog.analysis.tree import Tree, build
from flightlog.records.span import Span
from flightlog.tui.unfolding import MOST_OPENED, Unfolding


def tree(parents: dict[int, int | None]) -> Tree:
    """A tree of spans by number and parent."""
    return build(
        Span(
            trace_id="a" * 32,
            span_id=f"{number:016x}",
            parent_id="" if parent is None else f"{parent:016x}",
            name=f"s{number}",
            start=number,
            end=number + 1,
            status="ok",
        )
        for number, parent in parents.items()
    )


def drawn(unfolding: Unfolding) -> list[str]:
    return [unfolding.guides(number) + unfolding.node(number).name for number in range(len(unfolding.rows))]


def unfolded(parents: dict[int, int | None]) -> Unfolding:
    unfolding = Unfolding()
    unfolding.show(tree(parents))
    return unfolding


SMALL = {1: None, 2: 1, 3: 2, 4: 2, 5: 1}


def test_a_small_tree_is_open_as_far_as_it_goes():
    assert drawn(unfolded(SMALL)) == ["▾ s1", "├▾ s2", "│ ├─ s3", "│ └─ s4", "└─ s5"]


def test_what_is_closed_hides_what_is_below_and_says_so():
    unfolding = unfolded(SMALL)
    assert unfolding.turn(1, is_open=False)
    assert drawn(unfolding) == ["▾ s1", "├▸ s2", "└─ s5"]
    assert not unfolding.turn(1, is_open=False)
    assert not unfolding.turn(2, is_open=True)
    assert unfolding.turn(1, is_open=True)
    assert len(drawn(unfolding)) == 5


def test_what_was_closed_stays_so_when_the_trace_grows():
    unfolding = unfolded(SMALL)
    unfolding.turn(1, is_open=False)
    unfolding.show(tree({**SMALL, 6: 2, 7: 5}))
    assert drawn(unfolding) == ["▾ s1", "├▸ s2", "└▾ s5", "  └─ s7"]


def test_what_is_hidden_is_revealed_with_all_that_is_above_it():
    unfolding = unfolded(SMALL)
    hidden = unfolding.node(3)
    unfolding.turn(1, is_open=False)
    unfolding.turn(0, is_open=False)
    assert drawn(unfolding) == ["▸ s1"]
    assert unfolding.node(unfolding.reveal(hidden)) is hidden
    assert [node.name for node in unfolding.path(3)] == ["s1", "s2", "s4"]


def test_a_wide_tree_opens_its_roots_and_no_more():
    wide: dict[int, int | None] = {1: None, **dict.fromkeys(range(2, 52), 1)}
    deep = {n: 2 + n % 50 for n in range(52, 52 + MOST_OPENED)}
    unfolding = unfolded({**wide, **deep})
    assert len(unfolding.rows) == 51
    assert {unfolding.is_open(number) for number in range(1, 51)} == {False}


def test_a_chain_of_a_hundred_thousand_is_laid_out_and_told_by_its_depth():
    unfolding = unfolded({n: n - 1 or None for n in range(1, 100_001)})
    assert len(unfolding.rows) == MOST_OPENED
    assert unfolding.guides(1000) == "⋯1000 └▾ "
    assert unfolding.guides(MOST_OPENED - 1).endswith("▸ ")


def test_several_roots_stand_beside_each_other():
    assert drawn(unfolded({1: None, 2: None, 3: 2})) == ["s1", "▾ s2", "└─ s3"]
