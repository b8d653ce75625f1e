"""What the gate finds, what it hits by mistake, and what hostile texts cost: the corpus of `tests/redaction`, whole."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

from flightlog.redaction.gate import DefaultGate

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "redaction"))

import clean_texts
import fake_secrets
import hostile_texts
import places

Row = tuple[str, float, str]

_DRAWS: Final = 20
_LENGTHS: Final = (12, 24, 40, 88)
_STEEPEST: Final = 8
_SLOWEST: Final = 2
"""Hostile texts that are also tried at full length: ten million characters of the slowest take half a minute."""


def run(quick: bool) -> list[Row]:
    """Measure recall, false positives and hostile texts, and return (name, value, unit) rows."""
    return [*_recall(), *_false_positives(quick=quick), *_hostile(quick=quick)]


def _recall() -> list[Row]:
    shaped = [make() for make in fake_secrets.KINDS.values() for _ in range(_DRAWS)]
    gate = DefaultGate(b"bench")
    found = sum(secret not in gate.text("", f"found {secret} in it") for secret in shaped)
    placed = [place.filled(length) for place in places.PLACES for length in _LENGTHS]
    exact = sum(gate.text("output", text) == left for text, left in placed)
    return [
        (f"secrets with a shape, {len(fake_secrets.KINDS)} kinds: found", 100 * found / len(shaped), "%"),
        (f"secrets in {len(places.PLACES)} places: found, and nothing else", 100 * exact / len(placed), "%"),
        (
            f"secrets in {len(places.OUT_OF_REACH)} further places, known to be out of reach: found",
            100 * _reached() / len(places.OUT_OF_REACH),
            "%",
        ),
        (
            "every kind and place, with those out of reach: found",
            100 * (found / _DRAWS + exact / len(_LENGTHS) + _reached()) / _all(),
            "%",
        ),
    ]


def _all() -> int:
    return len(fake_secrets.KINDS) + len(places.PLACES) + len(places.OUT_OF_REACH)


def _reached() -> int:
    """How many of the places that are listed as out of reach are found all the same."""
    filled = [place.filled(24) for place in places.OUT_OF_REACH]
    return sum(DefaultGate(b"bench").text("output", text) == left for text, left in filled)


def _false_positives(*, quick: bool) -> list[Row]:
    rows: list[Row] = []
    characters = hits = 0
    kinds = {
        "sources of the standard library": (
            text for _, text in clean_texts.library_sources(20 if quick else 1)
        ),
        "reference of the language": (text for _, text in clean_texts.library_prose()),
        **{kind: clean_texts.made(kind, 50_000 if quick else 500_000) for kind in clean_texts.MADE},
    }
    for kind, texts in kinds.items():
        gate = DefaultGate(b"bench")
        read = 0
        for text in texts:
            read += len(text)
            gate.text("", text)
        wrong = sum(gate.hits.values())
        rows.append((f"hits in clean texts, {kind}, {read / 1e6:.1f} million characters", wrong, ""))
        characters, hits = characters + read, hits + wrong
    rows.append((f"all {characters / 1e6:.1f} million characters", hits * 1e6 / characters, "a million"))
    return rows


def _hostile(*, quick: bool) -> list[Row]:
    """Every hostile text at two lengths, and those whose cost grows most, or is greatest, at a third."""
    short, middle, long = (2_000, 20_000, 200_000) if quick else (100_000, 1_000_000, 10_000_000)
    costs = {kind: (_nanoseconds(kind, short), _nanoseconds(kind, middle)) for kind in hostile_texts.HOSTILE}
    steep = sorted(costs, key=lambda kind: costs[kind][1] / costs[kind][0])[-_STEEPEST:]
    slow = sorted(costs, key=lambda kind: costs[kind][1])[-_SLOWEST:]
    last = {kind: _nanoseconds(kind, long) for kind in dict.fromkeys(steep + slow)}
    slowest = max(last, key=lambda kind: last[kind])
    steepest = max(last, key=lambda kind: last[kind] / costs[kind][1])
    return [
        (
            f"the slowest of {len(costs)} hostile texts ({slowest}), {long:,} characters",
            last[slowest],
            "ns each",
        ),
        (
            f"the steepest ({steepest}): cost of a character at {long:,} against {middle:,}",
            last[steepest] / costs[steepest][1],
            "times",
        ),
    ]


def _nanoseconds(kind: str, length: int) -> float:
    """Time of the gate for one character of a hostile text."""
    text = hostile_texts.made(kind, length)
    gate = DefaultGate(b"bench")
    start = time.process_time()
    gate.text("output", text)
    return (time.process_time() - start) / len(text) * 1e9


if __name__ == "__main__":
    for label, value, unit in run(quick="--quick" in sys.argv):
        print(f"{label:90} {value:10.3f} {unit}")
