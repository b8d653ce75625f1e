"""What capturing a value costs the thread that hands it over, beside `json.dumps` and `repr` of the same value.

The gate is on. Common values come first; then those that are meant to hurt: very long, very deep, endless.
"""

from __future__ import annotations

import json
import sysconfig
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flightlog.core.capture import Encoder, Limits
from flightlog.core.fields import encoded
from flightlog.core.outcome import said
from flightlog.redaction.gate import DefaultGate

_SMALL = {"query": "refund policy", "top_k": 8, "score": 0.75, "tags": ["a", "b"], "ok": True}
_MESSAGES = {
    "model": "small",
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "How do I get a refund for my order that never came?"},
    ],
    "temperature": 0.2,
}


@dataclass
class _Data:
    a: int
    b: str


class _Plain:
    def __init__(self) -> None:
        self.a, self.b = 1, "text"

    def __repr__(self) -> str:
        return f"Plain(a={self.a!r}, b={self.b!r})"


class _Endless:
    def __repr__(self) -> str:
        while True:
            pass


class _EndlessError(Exception):
    def __str__(self) -> str:  # noqa: PLE0307 - that it never returns is the point
        while True:
            pass


def _deep(levels: int) -> list[object]:
    made: list[object] = []
    for _ in range(levels):
        made = [made]
    return made


def run(quick: bool) -> list[tuple[str, float, str]]:
    """Measure each subject and return (name, value, unit) rows."""
    encoder = Encoder(DefaultGate(b"bench"), Limits(), lambda: None)
    number = 200 if quick else 5_000
    plain, data = _Plain(), _Data(1, "text")

    def capture(value: object) -> Callable[[], object]:
        return lambda: encoder.encode(value, "input")

    rows = [
        ("floor: json.dumps, a small dict", _median(lambda: json.dumps(_SMALL), number), "us"),
        ("floor: repr, a small dict", _median(lambda: repr(_SMALL), number), "us"),
        ("a small dict", _median(capture(_SMALL), number), "us"),
        ("floor: json.dumps, messages to a model", _median(lambda: json.dumps(_MESSAGES), number), "us"),
        ("messages to a model", _median(capture(_MESSAGES), number), "us"),
        ("a list of 100 numbers", _median(capture(list(range(100))), number), "us"),
        ("a dataclass", _median(capture(data), number), "us"),
        ("floor: repr, an object of the program", _median(lambda: repr(plain), number), "us"),
        ("an object of the program", _median(capture(plain), number), "us"),
        ("an object whose repr never ends", _median(capture(_Endless()), number), "us"),
    ]
    prose = "It rained - as before: nobody minded (much), and the road's edge was gone. " * 140_000
    dense = ("pass" + "word=hunter2x9 to" + "ken=abcd1234efgh gh" + "p_" + "a1B2c3" * 6 + " ") * 126_000
    halves = "\ud800" * 10_000_000
    large = {
        "floor: json.dumps, a text of 10 MB": lambda: json.dumps(prose),
        "a text of 10 MB": capture(prose),
        "10 MB dense in secrets": capture(dense),
        "10 MB of source code, the slowest of 12 beginnings": _slowest(encoder, _sources(12)),
        '10 MB of "api_key="': capture("api_key=" * 1_250_000),
        "10 MB of half surrogate pairs, made a line": lambda: encoded(encoder.encode(halves, "input")[0]),
        "10 MB of bytes": capture(bytes(10_000_000)),
        "an image of 10 MB in a data URL": capture("data:image/png;base64,iVBORw0KGgo" + "A" * 10_000_000),
        "a list 1,000 deep": capture(_deep(1_000)),
        "an exception whose str never ends": lambda: said(_EndlessError()),
    }
    return rows + [
        (name, _median(subject, 3 if quick else 20) / 1000, "ms") for name, subject in large.items()
    ]


def _sources(beginnings: int) -> list[str]:
    """The standard library as one text, from different places on."""
    paths = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
    text = ""
    for path in paths:
        if len(text) >= 10_000_000:
            break
        text += path.read_text("utf-8", "replace")
    step = len(text) // beginnings
    return [text[place:] + text[:place] for place in range(0, step * beginnings, step)]


def _slowest(encoder: Encoder, texts: list[str]) -> Callable[[], object]:
    """Capture the one of the texts that takes longest."""

    def took(text: str) -> float:
        return _median(lambda: encoder.encode(text, "input"), 1)

    slowest = max(texts, key=took)
    return lambda: encoder.encode(slowest, "input")


def _median(subject: Callable[[], object], number: int) -> float:
    """Return the median of seven runs in microseconds a call."""
    runs = sorted(timeit.repeat(subject, number=number, repeat=7))
    return runs[3] / number * 1e6


if __name__ == "__main__":
    for label, value, unit in run(quick=False):
        print(f"{label:40} {value:10.3f} {unit}")
