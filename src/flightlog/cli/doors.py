"""Where a command finds the traces that it is asked for: the home, or a file that is given in the place of an id.

A file is anything that `flightlog import` reads, and nothing of it is kept (`cli/borrowed.py`). `FILE@REF` names one of
its traces as elsewhere: `runs.jsonl@latest`, `runs.jsonl@-2`, `runs.jsonl@3b9d`. A word without a dot or a slash may be
an id, a time or a part of a question, and is no file; `./3b9d` is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Final

from msgspec import Struct

from flightlog.cli.naming import LEAST_DIGITS, find
from flightlog.cli.opening import reading, reading_if_any
from flightlog.records.errors import BadQuestion, UnknownId
from flightlog.records.traces import Trace
from flightlog.store.port import Reader

INPUT: Final = "-"
"""Standard input."""

MOST_NAMED: Final = 5
"""Traces that a message names when a file has several."""

_ENDING: Final = re.compile(r"\.[A-Za-z]\w*(?:@|$)")
_NUMBER: Final = re.compile(r"-[1-9][0-9]*")


class InFile(Struct, frozen=True):
    """What a word means that names a file."""

    path: str
    ref: str = ""
    """Which trace of it; empty where that was not said."""


def in_file(word: str) -> InFile | None:
    """The file that a word names; None for a word that names none."""
    if _is_file(word):
        return InFile(word)
    path, sign, ref = word.rpartition("@")
    return InFile(path, ref) if sign and ref and _is_file(path) else None


def divided(words: Sequence[str]) -> tuple[list[InFile], tuple[str, ...]]:
    """The files that stand at the beginning of some words, and the other words."""
    files = list(takewhile(bool, map(in_file, words)))
    return [one for one in files if one], tuple(words[len(files) :])


def _is_file(word: str) -> bool:
    if word == INPUT:
        return True
    if "." not in word and "/" not in word:
        return False
    path = Path(word)
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):
        return False


def _refuse_missing(word: str) -> None:
    """Say of a word that can only be meant as a file that there is none.

    Raises:
        BadQuestion: it is such a word.
    """
    if "/" in word or _ENDING.search(word):
        path = word if "/" in word.rpartition("@")[2] else word.rpartition("@")[0] or word
        raise BadQuestion(f"{path} is a directory" if Path(path).is_dir() else f"there is no file {path}")


class Doors:
    """The readers of one command, each opened when it is asked for the first time."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._home: Reader | None = None
        self._files: dict[str, Reader] = {}

    def home(self) -> Reader:
        """The reader of the home.

        Raises:
            BadQuestion: nothing was recorded there yet.
            HomeUnusable: it is no directory.
            StoreError: its store cannot be read.
        """
        if self._home is None:
            self._home = self._stack.enter_context(reading())
        return self._home

    def file(self, path: str) -> Reader:
        """The reader of a file.

        Raises:
            BadDocument: it cannot be read, or is nothing that can be imported.
            BadQuestion: no trace is in it.
        """
        if path not in self._files:
            from flightlog.cli.borrowed import borrowed  # heavy: what imports, for who names a file

            reader = self._stack.enter_context(borrowed([path]))
            if not reader.traces(1):
                raise BadQuestion(f"no trace is in {_called(path)}")
            self._files[path] = reader
        return self._files[path]

    def trace(self, word: str) -> tuple[Reader, str]:
        """The id of the trace that a word names, and who has it.

        Raises:
            UnknownId, BadQuestion, AmbiguousId: it names none, no single one, or nothing at all.
            BadDocument: it names a file that cannot be read.
        """
        named = in_file(word)
        if named is None:
            _refuse_missing(word)
            reader = self.home()
            return reader, find(reader, word)
        reader = self.file(named.path)
        return reader, trace_of(reader, named)


@contextmanager
def doors() -> Iterator[Doors]:
    """Open what is asked for, and close it at the end."""
    with ExitStack() as stack:
        yield Doors(stack)


@contextmanager
def or_files(files: Sequence[InFile], costs: float = 0.0) -> Iterator[Reader | None]:
    """The reader of what is in these files; without any that of the home, or None where nothing was recorded yet.

    Args:
        files: all that is in them, whichever trace they name.
        costs: seconds that the store may take to remember what model calls cost.
    """
    if not files:
        with reading_if_any(costs) as reader:
            yield reader
        return
    from flightlog.cli.borrowed import borrowed  # as above

    with borrowed(list(dict.fromkeys(one.path for one in files)), costs) as reader:
        yield reader


def trace_of(reader: Reader, named: InFile) -> str:
    """The id of the one trace of a file that is meant.

    Raises:
        UnknownId, AmbiguousId: what was said fits none, or several.
        BadQuestion: it was not said which, and there are several.
    """
    if named.ref:
        ref = f"@{named.ref}" if named.ref == "latest" or _NUMBER.fullmatch(named.ref) else named.ref
        try:
            return reader.resolve(ref)
        except UnknownId as error:
            raise BadQuestion(
                f"no trace {named.ref!r} is in {_called(named.path)}; {_of(reader, named.path)}"
            ) from error
    found = reader.traces(2)
    if len(found) > 1:
        raise BadQuestion(f"{_called(named.path)} has more than one trace; {_of(reader, named.path)}")
    return found[0].trace_id


def _of(reader: Reader, path: str) -> str:
    """Which traces a file has, and how one is named."""
    found = reader.traces(MOST_NAMED + 1)
    told = ", ".join(map(_named, found[:MOST_NAMED])) + (", …" if len(found) > MOST_NAMED else "")
    return f"name one as {path}@latest or by {LEAST_DIGITS} or more digits of its id: {told}"


def _named(trace: Trace) -> str:
    return f"{trace.trace_id} ({trace.name})"


def _called(path: str) -> str:
    return "standard input" if path == INPUT else path
