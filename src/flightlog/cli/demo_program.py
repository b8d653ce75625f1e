"""The program that `flightlog demo` records: it answers a question from Python's own documentation strings.

Nothing in it is staged. It reads the documentation of standard modules in threads, builds an SQLite full-text
index of it on disk, searches while a writer still holds the index (so the first attempt really finds it locked,
and is retried), and puts an answer together. Read it as an example of how a program uses Flightlog.
"""

from __future__ import annotations

import inspect
import re
import sqlite3
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

import flightlog as fl

QUESTION: Final = "How do I wrap long lines of text?"
"""Asked when the user asks nothing."""

MODULES: Final = (
    "bisect",
    "csv",
    "fnmatch",
    "glob",
    "heapq",
    "json",
    "os.path",
    "pathlib",
    "random",
    "shutil",
    "statistics",
    "string",
    "tempfile",
    "textwrap",
)
"""Standard modules whose documentation is read."""

ATTEMPTS: Final = 3
_STOP_WORDS: Final = frozenset(
    ("a", "an", "and", "are", "can", "do", "does", "for", "how", "i", "in", "is", "it")
)
"""Words of a question that say nothing about its subject."""


class Passage(NamedTuple):
    """The documentation of one public name."""

    name: str
    text: str


@fl.traced(kind="agent", name="answer_question")
def answer(question: str) -> str:
    """Answer a question from what the standard library says about itself."""
    with tempfile.TemporaryDirectory(prefix="flightlog-demo-") as directory:
        path = Path(directory) / "passages.db"
        passages = collect()
        with fl.span("build_index", kind="db", passages=len(passages)):
            writer = build_index(path, passages)
        try:
            found = search_patiently(path, question, when_locked=writer.commit)
        finally:
            writer.close()
        return compose(question, found)


@fl.traced(kind="workflow")
def collect() -> list[Passage]:
    """Read every module's documentation, four modules at a time."""
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="reader") as pool:
        return [passage for passages in pool.map(read_module, MODULES) for passage in passages]


def read_module(name: str) -> list[Passage]:
    """The documentation of one module's public functions and classes."""
    with fl.span("read_module", kind="tool", input={"module": name}) as span:
        module = import_module(name)
        members = inspect.getmembers(
            module, lambda member: inspect.isroutine(member) or inspect.isclass(member)
        )
        passages = [
            Passage(f"{name}.{member_name}", text)
            for member_name, member in members
            if not member_name.startswith("_") and (text := inspect.getdoc(member))
        ]
        span.set(passages=len(passages), characters=sum(len(passage.text) for passage in passages))
    return passages


def build_index(path: Path, passages: list[Passage]) -> sqlite3.Connection:
    """Write a full-text index and give the writer, which holds the file until it commits."""
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("CREATE VIRTUAL TABLE passages USING fts5(name, text, tokenize = 'porter')")
    writer.execute("BEGIN EXCLUSIVE")
    writer.executemany("INSERT INTO passages VALUES (?, ?)", passages)
    return writer


def search_patiently(path: Path, question: str, *, when_locked: Callable[[], object]) -> list[Passage]:
    """Search, and try again when the index is locked."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return search(path, question)
        except sqlite3.OperationalError as error:
            if attempt == ATTEMPTS:
                raise
            fl.event("retry", level="warn", attempt=attempt, reason=str(error), delay=0.0)
            when_locked()
    raise AssertionError("the last attempt returns or raises")


@fl.traced(kind="retrieval")
def search(path: Path, question: str) -> list[Passage]:
    """The three passages that fit best."""
    words = [word for word in re.findall(r"[a-z]+", question.lower()) if word not in _STOP_WORDS]
    reader = sqlite3.connect(path, timeout=0)
    try:
        rows = reader.execute(
            "SELECT name, text FROM passages WHERE passages MATCH ? ORDER BY bm25(passages, 4.0, 1.0) LIMIT 3",
            (" OR ".join(words) or "python",),
        ).fetchall()
    finally:
        reader.close()
    return [Passage(*row) for row in rows]


@fl.traced(kind="step")
def compose(question: str, passages: list[Passage]) -> str:
    """Put the first sentence of each passage behind its name."""
    if not passages:
        return f"Nothing in {len(MODULES)} modules speaks of: {question}"
    return "\n".join(f"{passage.name}: {passage.text.split('. ')[0].splitlines()[0]}" for passage in passages)
