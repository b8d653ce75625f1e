"""Words that people bring from other tools, and what a question calls the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FIELD_WORDS: Final[Mapping[str, str]] = {
    "after": "since",
    "answer": "output",
    "app": "service",
    "args": "input",
    "before": "until",
    "completion": "output",
    "conversation": "session",
    "elapsed": "duration",
    "env": "environment",
    "exception": "error",
    "from": "since",
    "latency": "duration",
    "level_name": "level",
    "price": "cost",
    "prompt": "input",
    "response": "output",
    "result": "output",
    "start": "since",
    "started": "since",
    "state": "status",
    "time": "duration",
    "took": "duration",
    "type": "kind",
    "usd": "cost",
}
"""Another word for a field."""

VALUE_WORDS: Final[Mapping[str, str]] = {
    "completed": "ok",
    "crashed": "interrupted",
    "done": "ok",
    "failed": "error",
    "failure": "error",
    "finished": "ok",
    "open": "running",
    "pending": "running",
    "success": "ok",
    "succeeded": "ok",
    "warning": "warn",
    "critical": "fatal",
    "exception": "error",
}
"""Another word for a status or a level."""

RELATION_WORDS: Final[Mapping[str, str]] = {"parent": "ancestor", "above": "ancestor", "children": "child"}
"""Another word for a relative."""

SIGN_WORDS: Final[Mapping[str, str]] = {"&&": "AND", "&": "AND", "||": "OR", "|": "OR", "!": "NOT"}
"""What other languages write for AND, OR and NOT."""

_IDS: Final = frozenset({"id", "trace", "trace_id", "traceid", "span", "span_id", "spanid"})


def field_meant(word: str) -> str:
    """What to say of a field that another tool has; empty for a word that is none here."""
    if word in _IDS:
        return "; an id is given alone, to show, trace or spans"
    known = FIELD_WORDS.get(word)
    return f"; did you mean {known}?" if known else ""


def one_of_meant(word: str, known: Mapping[str, str], allowed: tuple[str, ...]) -> str:
    """What to say of a word of a list that another tool has; empty for none that may stand there."""
    found = known.get(word, "")
    return f"; did you mean {found}?" if found in allowed else ""
