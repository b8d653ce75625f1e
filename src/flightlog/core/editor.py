"""Reads narrations over the shoulder of whoever develops a program, and warns of what could be better.

The rules are those of `records/editorial.py`. Each finding is told once a source line, and too many narrations
once a trace, as an `EditorialWarning` at the line that spoke: `python -W`, `warnings.filterwarnings` and pytest
deal with it as with any other warning. It comes after the narration was recorded. Where it is off, which it is
unless somebody develops, this costs one look at a flag.
"""

from __future__ import annotations

import sys
from _warnings import warn_explicit
from types import ModuleType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import memo
from flightlog.records.errors import EditorialWarning

_DEVELOPING: Final = frozenset({"dev", "development", "local"})
"""Values of the setting `environment` in which somebody develops."""

_MOST_SAID: Final = 10_000
_MOST_TRACES: Final = 1_000
"""Findings and traces that are remembered. Beyond them all are forgotten, and may be told again."""
_MOST_READ: Final = 4_096
"""Characters of a text that are read; a longer one is too long whatever else it says."""


class Editor:
    """What was found and told in this process."""

    __slots__ = ("_counts", "_said", "is_on")

    def __init__(self) -> None:
        self.is_on = False
        self._said: dict[tuple[str, str], None] = {}
        self._counts: dict[str, int] = {}

    def forget(self) -> None:
        """Begin anew."""
        self._said.clear()
        self._counts.clear()

    def read(self, spot: Spot, level: str, texts: tuple[str, str, str, str], *, is_done: bool) -> None:
        """Check one narration and warn of what is found.

        Args:
            spot: the line that spoke.
            level: its level.
            texts: the plain sentence, the cute one, the story and the target, as the program gave them.
            is_done: whether what it tells of is over.
        """
        for rule, text in _findings(level, texts, is_done=is_done):
            self.tell(spot, f"{spot.file}:{spot.line}", rule, text)

    def count(self, spot: Spot, trace_id: str) -> None:
        """Count one narration of a trace, and warn when there are too many."""
        count = self._counts[trace_id] = self._counts.get(trace_id, 0) + 1
        _bound(self._counts, _MOST_TRACES)
        found = _rules().too_many(count)
        if found is not None:
            self.tell(spot, trace_id, found.rule, found.text)

    def tell(self, spot: Spot, where: str, rule: str, text: str) -> None:
        """Warn of one thing at a line, unless it was told of this place before."""
        if (where, rule) in self._said:
            return
        self._said[where, rule] = None
        _bound(self._said, _MOST_SAID)
        spot.warn(EditorialWarning(rule, text))


class Spot:
    """A line of the program: where a warning says that it comes from."""

    __slots__ = ("file", "line", "module", "names")

    def __init__(self, file: str, line: int, module: str, names: dict[str, Any]) -> None:
        self.file = file
        self.line = line
        self.module = module
        self.names = names
        """The module's globals, where the interpreter keeps what it warned of."""

    def warn(self, warning: Warning) -> None:
        """Warn as if this line had. What the program's filters make an exception is raised."""
        registry = self.names.setdefault("__warningregistry__", {})
        warn_explicit(warning, None, self.file, self.line, self.module, registry)


editor: Final = Editor()
"""The one of this process."""


def use(choice: str, environment: str) -> None:
    """Take the setting `editorial`: `on`, `off` or `auto`, for which the environment counts."""
    developing = sys.flags.dev_mode or environment.strip().lower() in _DEVELOPING
    editor.is_on = choice == "on" or (choice == "auto" and developing)
    editor.forget()


def _findings(level: str, texts: tuple[str, str, str, str], *, is_done: bool) -> list[tuple[str, str]]:
    """What the rules find: their names, and what they say of it."""
    try:
        human, cute, story, target = (memo.redacted(text[:_MOST_READ]) for text in texts)
        found = _rules().findings(level, human, cute, story, target=target, is_done=is_done)
        return [(one.rule, one.text) for one in found]
    except Exception as failure:  # noqa: BLE001 - the border: a rule or the gate failed; then there is no advice
        let_through(failure)
        memo._encoder.failed()
        return []


def _rules() -> ModuleType:
    from flightlog.records import editorial  # msgspec and patterns, and only while somebody develops

    return editorial


def _bound(table: dict[Any, Any], most: int) -> None:
    if len(table) > most:
        table.clear()
