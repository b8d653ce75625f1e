"""The documents of the other example, and a database about the modules they come from.

`modules` has a row for each file of the standard library that the other example reads: name, lines, functions,
classes. It is written in one transaction, in a thread, while the first question is asked already.
"""

from __future__ import annotations

import ast
import sqlite3
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "answers"))

from library import Library, build_library
from question import Vocabulary, rewrite
from ranking import rerank
from retrieval import retrieve
from sources import Passage, Source, find_sources, read_share

import flightlog as fl

__all__ = [
    "Library",
    "Passage",
    "Source",
    "Vocabulary",
    "build_library",
    "collect",
    "rerank",
    "retrieve",
    "rewrite",
    "start_catalogue",
]


@fl.traced(kind="step", capture_args=False, capture_result=False)
def collect() -> tuple[list[Passage], list[Source]]:
    """Every passage, and the files they come from."""
    sources = find_sources()
    return sorted(read_share(sources)), sources


def start_catalogue(path: Path, sources: Sequence[Source]) -> threading.Thread:
    """Begin to write the database of modules; it is locked for readers until it is whole."""
    holding = threading.Event()
    writer = threading.Thread(target=_write, args=(path, sources, holding), name="catalogue", daemon=True)
    writer.start()
    holding.wait()
    return writer


@fl.traced(name="write_catalogue", kind="db", capture_args=False)
def _write(path: Path, sources: Sequence[Source], holding: threading.Event) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(
            "CREATE TABLE modules (name TEXT, lines INTEGER, functions INTEGER, classes INTEGER)"
        )
        database.execute("BEGIN EXCLUSIVE")
        holding.set()
        rows = [_row(source) for source in sources]
        database.executemany("INSERT INTO modules VALUES (?, ?, ?, ?)", rows)
        database.execute("COMMIT")
    fl.current().set(rows=len(rows))


def _row(source: Source) -> tuple[str, int, int, int]:
    text = Path(source.path).read_text(encoding="utf-8", errors="replace")
    body = ast.parse(text).body
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    members = [node for one in classes for node in one.body]
    functions = sum(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in [*body, *members])
    return source.module, text.count("\n"), functions, len(classes)
