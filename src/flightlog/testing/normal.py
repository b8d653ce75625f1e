"""Texts without what differs from run to run: ids, times, process ids, addresses, the paths of this machine."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

_RULES: Final = (
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<uuid>"),
    (
        re.compile(
            r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"
            r"(?:Z|(?: ?UTC)|[+-][0-9]{2}:?[0-9]{2})?(?![0-9])"
        ),
        "<time>",
    ),
    (re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{16})\b"), "<id>"),
    (re.compile(r"\b0x[0-9a-fA-F]{6,16}\b"), "<address>"),
    (re.compile(r"\b((?i:pid)[ =:]{1,2})[0-9]+\b"), r"\1<pid>"),
)
_UNIT: Final = r"(?:ns|µs|us|ms|s|sec|seconds?|min|minutes?|h|hours?)"
_DURATION: Final = re.compile(
    rf"(?<![\w.-])(?:[0-9]+[mhd] [0-9]{{2}}[smh]|[0-9][0-9,]*(?:\.[0-9]+)? ?{_UNIT})\b"
)
_CLOCK: Final = re.compile(r"(?<![\w:.])[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?![\w:])")
_IN_NAME: Final = r"[^\s'\"<>:,;()\[\]{}/]"
_LAST: Final = rf"(?:/{_IN_NAME}+)*?(/{_IN_NAME}+)?/?(?!{_IN_NAME}|/)"
"""What follows the name of a folder, of which the last name is kept."""
_PID_KEY: Final = re.compile(r"(?:\A|[._])p?pid\Z")


def text(given: str) -> str:
    """A text of a record."""
    for place, rule, name in _places():
        if place in given:
            given = rule.sub(name, given)
    if not any(map(str.isdigit, given)):
        return given
    for rule, name in _RULES:
        given = rule.sub(name, given)
    return given


def sentence(given: str) -> str:
    """A sentence for people, where durations and times of day differ as well; on one line."""
    return _CLOCK.sub("<time>", _DURATION.sub("<duration>", text(" ".join(given.split()))))


def value(given: Any, key: str = "") -> Any:
    """Any value of a record; a number under a key that is called a process id is one."""
    if isinstance(given, str):
        return text(given)
    if isinstance(given, Mapping):
        return {name: value(item, name) for name, item in given.items()}
    if isinstance(given, list):
        return [value(item) for item in given]
    if isinstance(given, int) and not isinstance(given, bool) and _PID_KEY.search(key):
        return "<pid>"
    return given


def _places() -> list[tuple[str, re.Pattern[str], str]]:
    return _places_of(_here(), _home(), tempfile.gettempdir())


@lru_cache(maxsize=16)
def _places_of(here: str, home: str, temporary: str) -> list[tuple[str, re.Pattern[str], str]]:
    """The folders of this machine, longest first; of what is in the temporary one only the last name counts."""
    named = {temporary: "<tmp>", os.path.realpath(temporary): "<tmp>"}
    named = {home: "<home>", sys.prefix: "<python>", **named, here: "<cwd>"}
    usable = [(place, name) for place, name in named.items() if len(place) > 2]
    return [
        (place, _rule(place, _LAST if name == "<tmp>" else "()"), rf"{name}\1")
        for place, name in sorted(usable, key=lambda each: -len(each[0]))
    ]


def _rule(place: str, tail: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.-]){re.escape(place)}(?![\w-]){tail}")


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it is gone
        return ""


def _home() -> str:
    try:
        return str(Path.home())
    except RuntimeError:  # the system knows of none
        return ""
