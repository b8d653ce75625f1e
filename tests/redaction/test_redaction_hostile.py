"""Texts made to slow the rules down: the work grows with the length of a text and never with its square.

Work is counted, not timed: as steps of the rules' own Python code (each call and line, through `sys.settrace`)
for the loops, and as 200,000 hostile characters that have to be through before the test's generous time
limit for what runs inside `re`. `bench/redaction_bench.py` times ten million of each.
"""

from __future__ import annotations

import sys
from types import FrameType

import hostile_texts
import pytest

from flightlog.redaction.gate import RULE_FAILED, DefaultGate

MANY = 200_000

HOSTILE = hostile_texts.HOSTILE


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", HOSTILE)
def test_many_hostile_characters_are_gone_through(kind: str) -> None:
    text = hostile_texts.made(kind, MANY)
    gate = DefaultGate(b"k")
    once = gate.text("output", text)
    assert once != RULE_FAILED
    assert gate.text("output", once) is once


@pytest.mark.parametrize("kind", HOSTILE)
def test_twice_the_text_is_at_most_about_twice_the_work(kind: str) -> None:
    small, large = (_steps(hostile_texts.made(kind, length)) for length in (4_000, 8_000))
    assert large <= 2.2 * small + 200


def _steps(text: str) -> int:
    """Count the calls and lines that the rules run through for this text."""
    steps = 0

    def count(frame: FrameType, event: str, argument: object) -> object:
        nonlocal steps
        steps += 1
        return count

    gate = DefaultGate(b"k")
    before = sys.gettrace()
    sys.settrace(count)
    try:
        gate.text("output", text)
    finally:
        sys.settrace(before)
    return steps
