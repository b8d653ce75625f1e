"""What the gate costs for texts without a secret, which is nearly all of them, and for some with one.

The texts take turns, a fraction of a millisecond each, with a method that gives its text back: its row is the floor,
and is part of every other. A figure is the median of all turns and the fastest tenth (`slices.py`).
"""

from __future__ import annotations

import json
import random
import sysconfig
import time
import timeit
from collections.abc import Callable
from pathlib import Path

from flightlog.redaction.gate import DefaultGate
from slices import Row, ns_row

_PROSE = (
    "The committee met on Tuesday - after a well-known delay: nobody could say why the model had answered "
    "twice. It turned out (see the note below) that the cache was cold, and the second question had been "
    "asked before the first was done; so both ran, side by side, and the slower one won. Bob's remark "
    "stayed in the minutes, and June did not. "
)
_SOURCE = '''
    entries: list[TracebackType] = []
    while entry is not None and len(entries) < _MOST_ENTRIES:
        entries.append(entry)
        entry = entry.tb_next
    if len(entries) < depth:
        return False
    return mark == _mark(error, depth, entries[len(entries) - depth].tb_lasti if depth else -1)


def _mark(error: BaseException, depth: int, last: int) -> int:
    """How deep it was raised, where in its own code the outermost block was left, and a part of its address."""
    return depth << 52 | (last & 0xFFFF) << 36 | (id(error) >> 4) & 0xFFFFFFFFF


def status_of(error: BaseException) -> Status:
    """The status of a block that this exception leaves.

    A cancelled task, an interrupt from the keyboard and a cancelled scope of another library are
    `cancelled`. A generator that is closed, and an exit with a code that says success, are `ok`: nothing went
    wrong. Everything else is an `error`.
    """
    try:
        return _status_of(error, frozenset())
'''
"""Of this project; copied, so that it stays the same while the project changes."""

SECONDS = 15
_TURN_NS = 300_000


class _Floor:
    """A gate that finds everything clean."""

    def text(self, path: str, text: str) -> str:  # noqa: ARG002 - the shape of a gate
        """The text."""
        return text


def run(quick: bool) -> list[Row]:
    """Measure each subject and return (name, value, unit) rows."""
    gate = DefaultGate(b"bench")
    gate.text("", _SOURCE * 3000)  # after so much, the compiled first look is made, if there is one
    row = json.dumps({"id": 17, "user": "ada@example.org", "note": _PROSE[:80], "url": "https://a.example/x"})
    pieces = [{"token": word, "logprob": -0.31, "bytes": [72, 101]} for word in ("Hello", " the", " end") * 4]
    tokens = json.dumps({"choices": pieces, "model": "m"})
    source = _SOURCE[:1000]
    subjects: dict[str, Callable[[int], None]] = {
        "floor: a method that gives the text back": _turns_of(_Floor(), "input", _PROSE[:300]),
        "empty path, 16 characters": _turns_of(gate, "", "search_documents"),
        "clean prose, 300 characters": _turns_of(gate, "input", _PROSE[:300]),
        "the same without - and :, 300 characters": _turns_of(
            gate, "input", _PROSE[:300].replace("-", " ").replace(":", ",")
        ),
        "clean prose, 1,000 characters": _turns_of(gate, "input", (_PROSE * 4)[:1000]),
        "clean prose, 100,000 characters": _turns_of(gate, "input", (_PROSE * 400)[:100_000]),
        "clean JSON, 1,000 characters": _turns_of(gate, "output.rows", (row * 10)[:1000]),
        "clean JSON, 100,000 characters": _turns_of(gate, "output.rows", (row * 1000)[:100_000]),
        "clean source code, 1,000 characters": _turns_of(gate, "input", source),
        "clean source code, 100,000 characters": _turns_of(gate, "input", source * 100),
        "prose with a key, 300 characters": _turns_of(
            gate, "input", _PROSE[:240] + " gh" + "p_" + "a1B2c3" * 6
        ),
        "JSON with a token that is none, 600 characters": _turns_of(gate, "output", tokens),
        "under a secret key": _turns_of(gate, "headers.authorization", "whatever"),
        "hides, a key seen before": _turns_of_hides(gate),
    }
    return [*_in_turn(subjects, 2 if quick else SECONDS), *_of_sources(quick=quick)]


def _turns_of(gate: DefaultGate | _Floor, path: str, text: str) -> Callable[[int], None]:
    def turn(times: int) -> None:
        judge = gate.text
        for _ in range(times):
            judge(path, text)

    return turn


def _turns_of_hides(gate: DefaultGate) -> Callable[[int], None]:
    def turn(times: int) -> None:
        hides = gate.hides
        for _ in range(times):
            hides("temperature")

    return turn


def _in_turn(subjects: dict[str, Callable[[int], None]], seconds: float) -> list[Row]:
    """Let the subjects take turns for so long."""
    times = {name: max(1, int(_TURN_NS / max(1.0, _taken(turn, 3)))) for name, turn in subjects.items()}
    slices: dict[str, list[float]] = {name: [] for name in subjects}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for name, turn in subjects.items():
            slices[name].append(_taken(turn, times[name]))
    return [ns_row(name, found) for name, found in slices.items()]


def _taken(turn: Callable[[int], None], times: int) -> float:
    begun = time.thread_time_ns()
    turn(times)
    return (time.thread_time_ns() - begun) / times


def _of_sources(*, quick: bool) -> list[Row]:
    """Pieces of 1,000 characters from all over the standard library, on both engines."""
    pieces = _pieces(50 if quick else 400)
    plain, compiled = DefaultGate(b"bench"), DefaultGate(b"bench")
    plain._look.may_hold = None  # noqa: SLF001 # as where there is no compiled core
    gates = {"in Python": plain}
    compiled._look.make()  # noqa: SLF001 # at once, not after two million characters
    if compiled._look.may_hold is not None:  # noqa: SLF001 # as above
        gates["with the compiled core"] = compiled
    asked = [plain._at_rest(piece)[1] for piece in pieces]  # noqa: SLF001 # no public door tells it
    rows = [
        (
            f"of {len(pieces)} pieces of the standard library: those in which something is like a key",
            100 * sum(asked) / len(pieces),
            "%",
        )
    ]
    for how, gate in gates.items():
        took = [_least(gate, piece) for piece in pieces]
        calm = [cost for cost, rule in zip(took, asked, strict=True) if not rule]
        rows += [
            (f"  {how}, the median of all", _middle(took), "us"),
            (f"  {how}, the mean of all", sum(took) / len(took), "us"),
            (f"  {how}, the median of the others", _middle(calm), "us"),
            (f"  {how}, all above 12 us", 100 * sum(cost > 12 for cost in took) / len(took), "%"),
        ]
    return rows


def _pieces(count: int) -> list[str]:
    paths = [
        path
        for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
        if "site-packages" not in path.parts
    ]
    drawn = random.Random(5)
    pieces: list[str] = []
    while len(pieces) < count:
        text = drawn.choice(paths).read_text("utf-8", "replace")
        if len(text) > 1000:
            start = drawn.randrange(len(text) - 1000)
            pieces.append(text[start : start + 1000])
    return pieces


def _least(gate: DefaultGate, text: str) -> float:
    """Return the least of nine runs in microseconds a call: what a busy machine adds is left out."""
    return min(timeit.repeat(lambda: gate.text("input", text), number=10, repeat=9)) / 10 * 1e6


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    for label, value, unit in run(quick=False):
        print(f"{label:40} {value:10.3f} {unit}")
