"""Names, docstrings and ignores: what a stranger reads first."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from law_source import FUNCTIONS, PACKAGE, ROOT, Function, Module, comments, modules, tracked_texts

import flightlog

PUBLIC = [
    "ModelCall",
    "Span",
    "annotate",
    "attachment",
    "bind",
    "capture",
    "configure",
    "current",
    "done",
    "event",
    "extract",
    "flush",
    "graph",
    "handoff",
    "inject",
    "instrument",
    "json_hash",
    "llm",
    "load",
    "mute",
    "narrate",
    "narrates",
    "prompt_built",
    "recorded",
    "redact",
    "resume",
    "run_process",
    "session",
    "sha256_hex",
    "span",
    "strip",
    "tool",
    "traced",
    "turn",
    "uninstrument",
]
"""The public face. Another name is a promise for years: it is added here in the change that makes it."""

HOMELESS = {"common", "helper", "helpers", "misc", "util", "utils", "_internal"}
"""Names that say nothing; a homeless function is looking for its noun."""

PLANS = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
"""Marks of plans, which live elsewhere. In pieces, so that this file does not hold them."""

_NOQA = re.compile(
    r"#\s*(?:ruff:\s*)?noqa\b(?P<codes>:\s*[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*)?(?P<reason>.*)"
)
_TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore(?P<codes>\[[a-z, -]+\])?(?P<reason>.*)")
_WORDS = re.compile(r"[A-Za-z]{2,}")


def test_the_public_names_are_explicit_sorted_and_there():
    assert flightlog.__all__ == PUBLIC
    assert sorted(PUBLIC) == PUBLIC
    assert [name for name in PUBLIC if not hasattr(flightlog, name)] == []


def test_the_public_names_say_what_they_do():
    assert [name for name in PUBLIC if not (getattr(flightlog, name).__doc__ or "").strip()] == []


def test_the_public_names_are_all_that_a_star_import_gives():
    given: dict[str, object] = {}
    exec("from flightlog import *", given)
    assert sorted(given.keys() - {"__builtins__"}) == PUBLIC


def test_no_file_or_folder_has_a_name_that_says_nothing():
    named = [
        path for top in ("src", "tests", "scripts", "bench", "examples") for path in (ROOT / top).rglob("*")
    ]
    assert [str(path) for path in named if path.stem.lower() in HOMELESS] == []


def test_no_plans_are_left_in_the_source():
    found = [f"{path}: {match[0]}" for path, text in tracked_texts() if (match := PLANS.search(text))]
    assert found == []


def test_every_module_says_what_is_in_it():
    assert [str(module) for module in modules() if not ast.get_docstring(module.tree)] == []


def test_every_room_says_in_its_first_line_what_it_never_does():
    rooms = [
        module for module in modules() if module.path.parent.parent == PACKAGE and module.place == module.room
    ]
    first = {str(module): (ast.get_docstring(module.tree) or "").splitlines()[0] for module in rooms}
    limits = re.compile(r"\b(?:never|only|pure)\b")
    assert {name: line for name, line in first.items() if not limits.search(line)} == {}


def _undocumented(module: Module) -> Iterator[str]:
    """Public classes and functions, at the top and within public classes, that say nothing of themselves."""

    def walk(body: list[ast.stmt], prefix: str) -> Iterator[str]:
        for node in body:
            if not isinstance(node, (ast.ClassDef, *FUNCTIONS)) or node.name.startswith("_"):
                continue
            if isinstance(node, FUNCTIONS) and _is_exempt(node):
                continue
            if not ast.get_docstring(node):
                yield f"{module}:{node.lineno} {prefix}{node.name}"
            if isinstance(node, ast.ClassDef):
                yield from walk(node.body, f"{prefix}{node.name}.")

    return walk(module.tree.body, "")


def _is_exempt(node: Function) -> bool:
    """An overload is described by its implementation, a setter by its property."""
    marks = {ast.unparse(mark).rpartition(".")[2] for mark in node.decorator_list}
    return bool(marks & {"overload", "setter", "override"})


def test_every_public_class_and_function_says_what_it_does():
    assert [name for module in modules() for name in _undocumented(module)] == []


def _bad_ignore(comment: str) -> str:
    """What is wrong with the ignores in one comment; empty when nothing is."""
    for pattern in (_NOQA, _TYPE_IGNORE):
        match = pattern.search(comment)
        if match is None:
            continue
        if not match["codes"]:
            return "names no code"
        if not _WORDS.search(match["reason"]):
            return "gives no reason"
    return ""


@pytest.mark.parametrize(
    ("comment", "wrong"),
    [
        ("# a plain remark", ""),
        ("# no" + "qa: BLE001 - the border", ""),
        ("# no" + "qa: BLE001, S110  # the border", ""),
        ("# no" + "qa: BLE001", "gives no reason"),
        ("# no" + "qa", "names no code"),
        ("# no" + "qa - because I say so", "names no code"),
        ("# type: ig" + "nore[assignment]  # a loader too", ""),
        ("# type: ig" + "nore[assignment]", "gives no reason"),
        ("# type: ig" + "nore  # a loader too", "names no code"),
    ],
)
def test_an_ignore_is_judged_by_its_code_and_its_reason(comment, wrong):
    assert _bad_ignore(comment) == wrong


def test_every_ignore_names_its_code_and_says_why():
    found = [
        f"{path}:{line} {wrong}: {comment}"
        for path, text in tracked_texts()
        if path.suffix == ".py"
        for line, comment in comments(text)
        if (wrong := _bad_ignore(comment))
    ]
    assert found == []
