"""What the gate costs for texts without a secret, which is nearly all of them, and for some with one."""

from __future__ import annotations

import json
import random
import sysconfig
import timeit
from collections.abc import Callable
from pathlib import Path

from flightlog.core import outcome
from flightlog.redaction.gate import DefaultGate

_PROSE = (
    "The committee met on Tuesday - after a well-known delay: nobody could say why the model had answered "
    "twice. It turned out (see the note below) that the cache was cold, and the second question had been "
    "asked before the first was done; so both ran, side by side, and the slower one won. Bob's remark "
    "stayed in the minutes, and June did not. "
)


def run(quick: bool) -> list[tuple[str, float, str]]:
    """Measure each subject and return (name, value, unit) rows."""
    gate = DefaultGate(b"bench")
    source = Path(outcome.__file__).read_text(encoding="utf-8")
    gate.text("", source * 300)  # after so much, the compiled first look is made, if there is one
    row = json.dumps({"id": 17, "user": "ada@example.org", "note": _PROSE[:80], "url": "https://a.example/x"})
    pieces = [{"token": word, "logprob": -0.31, "bytes": [72, 101]} for word in ("Hello", " the", " end") * 4]
    tokens = json.dumps({"choices": pieces, "model": "m"})
    subjects = {
        "empty path, 16 characters": ("", "search_documents"),
        "clean prose, 300 characters": ("input", _PROSE[:300]),
        "the same without - and :, 300 characters": (
            "input",
            _PROSE[:300].replace("-", " ").replace(":", ","),
        ),
        "clean prose, 1,000 characters": ("input", (_PROSE * 4)[:1000]),
        "clean prose, 100,000 characters": ("input", (_PROSE * 400)[:100_000]),
        "clean JSON, 1,000 characters": ("output.rows", (row * 10)[:1000]),
        "clean JSON, 100,000 characters": ("output.rows", (row * 1000)[:100_000]),
        "clean source code, 1,000 characters": ("input", source[3000:4000]),
        "clean source code, 100,000 characters": ("input", source[3000:4000] * 100),
        "prose with a key, 300 characters": ("input", _PROSE[:240] + " gh" + "p_" + "a1B2c3" * 6),
        "JSON with a token that is none, 600 characters": ("output", tokens),
        "under a secret key": ("headers.authorization", "whatever"),
    }
    rows = [
        (name, _microseconds(gate, path, text, quick=quick), "us") for name, (path, text) in subjects.items()
    ]
    rows.append(("hides, a key seen before", _microseconds_of_hides(gate, quick=quick), "us"))
    return [*rows, *_of_sources(quick=quick)]


def _of_sources(*, quick: bool) -> list[tuple[str, float, str]]:
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


def _microseconds(gate: DefaultGate, path: str, text: str, *, quick: bool) -> float:
    return _median(
        lambda: gate.text(path, text), max(5, (20_000 if quick else 1_000_000) // (len(text) + 100))
    )


def _microseconds_of_hides(gate: DefaultGate, *, quick: bool) -> float:
    return _median(lambda: gate.hides("temperature"), 1_000 if quick else 100_000)


def _median(subject: Callable[[], object], number: int) -> float:
    """Return the median of seven runs in microseconds a call."""
    runs = sorted(timeit.repeat(subject, number=number, repeat=7))
    return runs[3] / number * 1e6


if __name__ == "__main__":
    for label, value, unit in run(quick=False):
        print(f"{label:40} {value:10.3f} {unit}")
