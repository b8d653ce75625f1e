"""Every lint there is, and how they are run over a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from flightlog.analysis.lints import calls, errors, payloads, prompts, spans
from flightlog.analysis.lints.finding import SEVERITIES, Finding, Silence
from flightlog.analysis.tree import Tree

Lint = Callable[[Tree], Iterator[Finding]]

LINTS: Final[Mapping[str, Lint]] = {
    "repeated-call": calls.repeated_call,
    "n-plus-one": calls.n_plus_one,
    "unbounded-retry": calls.unbounded_retry,
    "swallowed-error": errors.swallowed_error,
    "broken-cache-prefix": prompts.broken_cache_prefix,
    "never-ended": spans.never_ended,
    "lost-context": spans.lost_context,
    "secret-found": payloads.secret_found,
    "payload-bloat": payloads.payload_bloat,
}
"""By id."""


def lint(tree: Tree, silence: Silence | None = None) -> list[Finding]:
    """What the lints find in a trace, the gravest first; each lint's in the order of its spans."""
    wanted = silence or Silence()
    found = [finding for each in LINTS.values() for finding in each(tree) if not wanted.covers(finding)]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))
