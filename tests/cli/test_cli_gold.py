"""Whole outputs, drawn from fixed records; look at the files in `tests/gold/cli` when one changes.

`UPDATE_GOLD=1 pytest tests/cli/test_cli_gold.py` writes them anew, for a reader's eye to approve in the diff.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import cli_samples
import pytest

from flightlog.analysis.pace import Pace
from flightlog.analysis.summary import summary
from flightlog.analysis.tree import build
from flightlog.cli.render import card, heading, listing, spanlist, tree
from flightlog.cli.render.branches import Limits
from flightlog.cli.render.cells import width
from flightlog.cli.render.terminal import Terminal

GOLD = Path(__file__).parents[1] / "gold" / "cli"
PACE = Pace()
WIDTHS = (60, 80, 100, 140)


@pytest.fixture(autouse=True)
def _greenwich(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def same_as_gold(name: str, lines: list[str]) -> None:
    path = GOLD / f"{name}.txt"
    text = "\n".join(lines) + "\n"
    if os.environ.get("UPDATE_GOLD"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def grown():
    return build(cli_samples.spans(), cli_samples.events())


def a_tree(terminal: Terminal, limits: Limits | None = None) -> list[str]:
    above = heading.lines(cli_samples.row(), terminal, cli_samples.NOW, PACE)
    return [*above, "", *tree.lines(grown(), terminal, limits or Limits())]


def a_card(terminal: Terminal) -> list[str]:
    subject = card.Subject(cli_samples.row(), grown(), summary(grown()), [cli_samples.process()], PACE)
    return list(card.lines(subject, terminal, cli_samples.NOW))


def a_list(terminal: Terminal) -> list[str]:
    return list(listing.lines(cli_samples.rows(), terminal, cli_samples.NOW, PACE, lambda: 9))


def a_span_list(terminal: Terminal) -> list[str]:
    return list(spanlist.lines(cli_samples.spans()[:14], terminal))


DRAWINGS = {"tree": a_tree, "card": a_card, "list": a_list, "spans": a_span_list}


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("drawing", DRAWINGS)
def test_a_drawing_looks_as_it_was_approved(drawing, columns):
    same_as_gold(f"{drawing}-{columns}", DRAWINGS[drawing](Terminal(width=columns)))


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_a_drawing_in_ascii_looks_as_it_was_approved(drawing):
    same_as_gold(f"{drawing}-ascii", DRAWINGS[drawing](Terminal(width=80, unicode=False)))


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_a_drawing_in_colour_looks_as_it_was_approved(drawing):
    lines = DRAWINGS[drawing](Terminal(width=100, colour=True))
    same_as_gold(f"{drawing}-colour", [line.replace("\x1b", "^[") for line in lines])


def test_a_tree_of_limited_depth_looks_as_it_was_approved():
    same_as_gold("tree-depth", a_tree(Terminal(width=100), Limits(depth=2)))


@pytest.mark.parametrize("columns", [40, *WIDTHS, 200])
@pytest.mark.parametrize("drawing", DRAWINGS)
def test_no_line_but_a_sentence_or_an_id_is_wider_than_the_terminal(drawing, columns):
    lines = DRAWINGS[drawing](Terminal(width=columns))
    too_wide = [line for line in lines if width(line) > columns]
    assert all("fold" in line or "time" in line or "parent" in line or columns < 60 for line in too_wide)


@pytest.mark.parametrize("columns", [20, 40, *WIDTHS])
@pytest.mark.parametrize(("drawing", "digits"), [("tree", 32), ("card", 32), ("list", 9)])
def test_as_many_digits_of_the_trace_id_as_are_needed_stand_at_any_width(drawing, digits, columns):
    lines = DRAWINGS[drawing](Terminal(width=columns))
    assert any(cli_samples.TRACE[:digits] in line for line in lines)
