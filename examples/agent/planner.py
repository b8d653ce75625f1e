"""The rules of the provider on loopback: what to do next, from nothing but the messages.

A question about numbers becomes a query, any other a search for each of its parts; a query that was refused is
mended by what the refusal says; and when the tools have answered, so does it, in their words.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

_COUNTS: Final = re.compile(r"\b(how many|most|largest|longest|biggest)\b", re.IGNORECASE)
_BACK: Final = re.compile(r"\b(that|it|there|those)\b", re.IGNORECASE)
_PARTS: Final = re.compile(r"\?\s*|,?\s+and\s+(?=how|what|where)", re.IGNORECASE)
_LEAST_WORDS: Final = 2


class Call(NamedTuple):
    """A tool that is to be called."""

    id: str
    name: str
    arguments: dict[str, Any]


def plan(messages: list[dict[str, Any]]) -> str | list[Call]:
    """An answer, or the tools to call first."""
    asked = max(place for place, message in enumerate(messages) if message["role"] == "user")
    question = str(messages[asked]["content"])
    results = [json.loads(message["content"]) for message in messages[asked:] if message["role"] == "tool"]
    number = sum(message["role"] == "tool" for message in messages)
    if not results:
        return _first(question, messages[:asked], number)
    if "error" in results[-1]:
        mended = _mended(results[-1]["error"])
        return f"I could not find out: {results[-1]['error']}" if mended is None else [_query(mended, number)]
    return _told(results)


def _first(question: str, before: list[dict[str, Any]], number: int) -> str | list[Call]:
    if _COUNTS.search(question):
        # What a model would guess of a table that it has not seen.
        return [
            _query("SELECT name, function_count FROM modules ORDER BY function_count DESC LIMIT 3", number)
        ]
    if _BACK.search(question) and (name := _last_name(before)):
        return [Call(f"call_{number}", "read_passage", {"name": name})]
    parts = [part.strip() for part in _PARTS.split(question) if len(part.split()) >= _LEAST_WORDS]
    return [
        Call(f"call_{number + place}", "search_documents", {"query": part})
        for place, part in enumerate(parts)
    ] or "What would you like to know about Python's standard library?"


def _query(statement: str, number: int) -> Call:
    return Call(f"call_{number}", "query_modules", {"sql": statement})


def _mended(error: str) -> str | None:
    """The query again, with the column that the refusal suggests; None when it says nothing of use."""
    found = re.search(r"no such column: (\w+).*columns: ([\w, ]+)", error)
    if found is None:
        return None
    wrong, columns = found[1], found[2].split(", ")
    right = next((column for column in columns if column in wrong or wrong.startswith(column[:-1])), None)
    return right and f"SELECT name, {right} FROM modules ORDER BY {right} DESC LIMIT 3"


def _last_name(messages: list[dict[str, Any]]) -> str:
    """What was found first the last time something was looked for."""
    for message in reversed(messages):
        if message["role"] == "tool":
            found = json.loads(message["content"])
            if rows := found.get("passages"):
                return str(rows[0]["name"])
    return ""


def _told(results: list[dict[str, Any]]) -> str:
    lines: list[str] = []
    for found in results:
        passages = found.get("passages", [])[:2]
        lines += [f"- {passage['name']}: {passage['text'].splitlines()[0]}" for passage in passages]
        lines += ["- " + ", ".join(map(str, row)) for row in found.get("rows", [])]
        if "text" in found:
            lines.append(f"{found['name']} ({found['module']}, line {found['line']}):\n{found['text']}")
    return "\n".join(lines) or "The tools found nothing."
