"""What must stand in no tracked file: hosts of package registries, somebody's own paths, secrets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from law_source import ROOT, tracked_texts

from flightlog.redaction import shapes
from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.policy import Policy

HOSTS = tuple(
    f"{name}.{top}"
    for name, top in (
        ("py" + "pi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("proxy.golang", "org"),
        ("jsr", "io"),
        ("anaconda", "org"),
        ("conda.anaconda", "org"),
    )
)
"""Joined here, so that this file does not hold them. Which registry is used is the installer's setting."""

OWN_PATHS = re.compile(r"(?<![\w.~-])/(?:home|Users|root|work)/[\w.-]+")
"""Absolute paths as machines of developers have them."""

EXAMPLES: dict[str, str] = {
    "src/flightlog/redaction/evidence.py": "says in a comment what a secret looks like in a text",
    "src/flightlog/redaction/places.py": "says in a docstring what a secret looks like in markup",
    "README.md": "shows a password and a token that are nobody's, to show what becomes of them",
}
"""Files in which the gate finds a secret by the word before it, and why it is none."""


def _is_test(path: Path) -> bool:
    """Whether invented paths and passwords may stand there; keys of a known shape may not, and no path of ours."""
    return path.parts[0] == "tests"


def _lines_that_change(text: str, gate: DefaultGate) -> list[str]:
    """The numbers of the lines in which the gate finds a secret, as text."""
    if gate.text("", text) is text:
        return []
    lines = enumerate(text.splitlines(), 1)
    return [str(number) for number, line in lines if gate.text("", line) is not line] or ["several lines"]


def test_no_file_names_a_package_registry():
    pattern = re.compile("|".join(rf"\b{re.escape(host)}\b" for host in HOSTS), re.IGNORECASE)
    assert [str(path) for path, text in tracked_texts() if pattern.search(text)] == []


def test_no_file_holds_a_path_of_somebody_s_machine():
    found = [
        f"{path}: {match[0]}"
        for path, text in tracked_texts()
        if not _is_test(path) and (match := OWN_PATHS.search(text))
    ]
    assert found == []


def test_no_file_holds_a_path_of_this_machine():
    ours = [re.escape(str(path)) for path in (ROOT, Path.home()) if path != path.parent]
    here = re.compile(rf"(?<![\w.~-])(?:{'|'.join(ours)})/")
    found = [f"{path}: {match[0]}" for path, text in tracked_texts() if (match := here.search(text))]
    assert found == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/ho" + "me/ann/flightlog/x.py", True),
        ('File "/Us' + 'ers/ann/x.py"', True),
        ("https://example.org/ho" + "me/page", False),
        ("docs/ho" + "me/index.md", False),
        ("/tmp/home", False),
    ],
)
def test_a_path_of_somebody_s_machine_is_told_from_others(text, found):
    assert bool(OWN_PATHS.search(text)) is found


def test_no_file_holds_what_looks_like_a_secret():
    gate = DefaultGate(b"")
    found = {
        str(path): lines
        for path, text in tracked_texts()
        if not _is_test(path) and (lines := _lines_that_change(text, gate))
    }
    assert {path: lines for path, lines in found.items() if path not in EXAMPLES} == {}


def test_no_file_whatever_holds_a_key_of_a_known_shape():
    gate = DefaultGate(b"", Policy(shapes.FAMILIES, ()))
    found = [f"{path}:{line}" for path, text in tracked_texts() for line in _lines_that_change(text, gate)]
    assert found == []


def test_a_key_of_a_known_shape_would_be_found():
    gate = DefaultGate(b"", Policy(shapes.FAMILIES, ()))
    assert _lines_that_change("a = 1\nb = 'sk-" + "ant-" + "api03-" + "Ab1" * 20 + "'\n", gate) == ["2"]
