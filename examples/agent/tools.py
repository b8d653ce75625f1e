"""What the agent can do: search the documentation, read a passage of it, and query a database of modules."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from documents import Library, Passage, Vocabulary, rerank, retrieve, rewrite

import flightlog as fl

ATTEMPTS: Final = 10
DELAY: Final = 0.1
"""Seconds before the second attempt; each further one waits twice as long."""
_MOST_CHARACTERS: Final = 200


class Toolbox:
    """The tools, their descriptions for the model, and the one way to call them."""

    def __init__(self, library: Library, passages: list[Passage], modules: Path) -> None:
        self._library = library
        self._vocabulary = Vocabulary(library, len(passages))
        self._passages = {passage.name: passage for passage in passages}
        self._modules = modules
        self._tools: dict[str, Callable[..., dict[str, Any]]] = {
            "search_documents": self.search_documents,
            "read_passage": self.read_passage,
            "query_modules": self.query_modules,
        }

    def call(self, name: str, arguments: str) -> str:
        """Run one tool; what goes wrong in it is an answer too, which the model may act upon."""
        with fl.span(name, kind="tool") as span:
            try:
                given = json.loads(arguments)
                span.input = given
                answer = self._tools[name](**given)
            except (KeyError, TypeError, ValueError, LookupError, sqlite3.Error) as error:
                span.fail(error)
                answer = {"error": f"{type(error).__name__}: {error}"}
            span.output = answer
        return json.dumps(answer)

    def search_documents(self, query: str) -> dict[str, Any]:
        """Search the documentation for a question in plain words."""
        terms = rewrite(query, self._vocabulary)
        found = asyncio.run(retrieve(self._library, terms)) if terms else []
        best = [one.candidate.passage for one in rerank(found, terms)]
        return {
            "passages": [
                {"name": passage.name, "text": passage.text[:_MOST_CHARACTERS]} for passage in best[:3]
            ]
        }

    def read_passage(self, name: str) -> dict[str, Any]:
        """Read the documentation of one name in full."""
        return self._passages[name]._asdict()

    def query_modules(self, sql: str) -> dict[str, Any]:
        """Ask the database of modules; while it is being written it is locked, and asked again."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._ask(sql)
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or attempt == ATTEMPTS:
                    raise
                delay = DELAY * 2 ** (attempt - 1)
                fl.event("retry", level="warn", attempt=attempt, reason=str(error), delay=delay)
                time.sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    @fl.traced(name="query", kind="db")
    def _ask(self, sql: str) -> dict[str, Any]:
        with closing(sqlite3.connect(f"{self._modules.as_uri()}?mode=ro", timeout=0, uri=True)) as database:
            try:
                return {"rows": database.execute(sql).fetchmany(10)}
            except sqlite3.OperationalError as error:
                if "no such column" not in str(error):
                    raise
                columns = ", ".join(row[1] for row in database.execute("PRAGMA table_info(modules)"))
                raise sqlite3.OperationalError(f"{error}; modules has the columns: {columns}") from error

    @property
    def descriptions(self) -> list[dict[str, Any]]:
        """The tools as Chat Completions wants them described."""
        parameters = {"search_documents": "query", "read_passage": "name", "query_modules": "sql"}
        return [
            {
                "type": "function",
                "function": {
                    "name": name,
                    "description": tool.__doc__,
                    "parameters": {
                        "type": "object",
                        "properties": {parameters[name]: {"type": "string"}},
                        "required": [parameters[name]],
                    },
                },
            }
            for name, tool in self._tools.items()
        ]
