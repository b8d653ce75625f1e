"""What a lint says, and what silences it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final, Literal, get_args

from msgspec import Struct

from flightlog.analysis.tree import Node
from flightlog.records.errors import BadQuestion

Severity = Literal["error", "warning", "note"]
"""How much it matters: something is lost or wrong; something costs time, money or trust; something to know."""

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""By importance."""

MOST_EVIDENCE: Final = 20
"""Spans that a finding names; `count` says how many there are."""

PAGES: Final = "docs/lints/"
"""Where each lint has its page, by its id."""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that a lint found in a trace."""

    lint: str
    """The id of the lint."""
    severity: Severity
    name: str
    """The name of the spans that it is about."""
    text: str
    """What is wrong, in one sentence."""
    advice: str
    """What would be better, in one sentence."""
    spans: Sequence[str]
    """Ids of spans that show it, by start; at most `MOST_EVIDENCE`."""
    count: int
    """How many spans show it."""

    @property
    def page(self) -> str:
        """The page that explains it."""
        return f"{PAGES}{self.lint}.md"


class Silence(Struct, frozen=True):
    """Which findings nobody wants to hear of."""

    rules: Sequence[tuple[str, str]] = ()
    """Id of a lint, and a pattern for names of spans; empty for all of them."""

    def covers(self, finding: Finding) -> bool:
        """Whether this finding is silenced."""
        return any(
            lint == finding.lint and (not pattern or fnmatchcase(finding.name, pattern))
            for lint, pattern in self.rules
        )


def silence(texts: Iterable[str], known: Sequence[str]) -> Silence:
    """Read what silences: ids with commas between them, each alone or with names as `n-plus-one:fetch_*`.

    Raises:
        BadQuestion: there is no such lint.
    """
    words = [word.strip() for text in texts for word in text.split(",") if word.strip()]
    rules = []
    for word in words:
        lint, _, pattern = word.partition(":")
        if lint not in known:
            raise BadQuestion(f"no lint {lint!r}; there are {', '.join(known)}")
        rules.append((lint, pattern))
    return Silence(rules)


def evidence(nodes: Iterable[Node]) -> tuple[list[str], int]:
    """The ids of spans that show something, and how many they are."""
    ids = [node.span_id for node in nodes]
    return ids[:MOST_EVIDENCE], len(ids)
