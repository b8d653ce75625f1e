"""What lints found, a few lines for each: what is wrong, what would be better, and where to look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from flightlog.analysis.lints.finding import SEVERITIES, Finding
from flightlog.cli.render import words
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.cli.render.wrap import lines as wrapped

STYLES: Final[dict[str, Style]] = {"error": "alarm", "warning": "yellow", "note": "cyan"}
"""The colour of a severity."""

_SIGNS: Final = {"error": ("✗", "x"), "warning": ("▲", "!"), "note": ("•", ".")}
_SHOWN: Final = 3
_ALIKE: Final = 3
"""Findings of one lint about spans of one name that are drawn for a trace."""
_INDENT: Final = "  "


def lines(found: Sequence[tuple[str, Finding]], checked: int, terminal: Terminal) -> Iterator[str]:
    """Draw the findings by trace, then how many there were."""
    for trace_id, group in groupby(found, key=lambda each: each[0]):
        if checked > 1:
            yield terminal.paint("bold", clean(trace_id))
        yield from _of_trace([finding for _, finding in group], trace_id, terminal)
    counts = Counter(finding.severity for _, finding in found)
    told = [words.of_them(counts[severity], severity) for severity in SEVERITIES if counts[severity]]
    yield terminal.paint("dim", f"{', '.join(told)} in {words.of_them(checked, 'trace')}")


def _of_trace(found: Sequence[Finding], trace_id: str, terminal: Terminal) -> Iterator[str]:
    """The first few of each lint about spans of a name; of the others how many they are, which `--json` lists."""
    alike = Counter(_about(finding) for finding in found)
    drawn: Counter[tuple[str, str]] = Counter()
    for finding in found:
        drawn[_about(finding)] += 1
        if drawn[_about(finding)] > _ALIKE:
            continue
        yield from one(finding, terminal, trace_id)
        more = alike[_about(finding)] - _ALIKE
        if more > 0 and drawn[_about(finding)] == _ALIKE:
            yield terminal.paint("dim", f"{_INDENT}and {more:,} more of the same; --json lists them")
        yield ""


def _about(finding: Finding) -> tuple[str, str]:
    return finding.lint, finding.name


def one(finding: Finding, terminal: Terminal, trace_id: str = "") -> Iterator[str]:
    """Draw one finding; with a trace also the command that shows the first span of it."""
    style = STYLES[finding.severity]
    room = terminal.width - len(_INDENT)
    yield f"{terminal.paint(style, sign(finding, terminal))} {terminal.paint(style, finding.lint)}"
    for text in wrapped(clean(finding.text), room):
        yield _INDENT + text
    for text in wrapped(clean(finding.advice), room):
        yield _INDENT + terminal.paint("dim", text)
    if trace_id and finding.spans:
        yield f"{_INDENT}flightlog show {clean(trace_id)[:8]} {clean(finding.spans[0])}{_others(finding, terminal)}"


def sign(finding: Finding, terminal: Terminal) -> str:
    """The sign of its severity, one cell."""
    return _SIGNS[finding.severity][not terminal.unicode]


def _others(finding: Finding, terminal: Terminal) -> str:
    others = finding.spans[1 : 1 + _SHOWN]
    if not others:
        return ""
    left = finding.count - 1 - len(others)
    more = f" and {left:,} more" if left > 0 else ""
    if terminal.width < 80:
        return terminal.paint("dim", f"  and {finding.count - 1:,} more")
    return terminal.paint("dim", f"  also {', '.join(clean(other)[:8] for other in others)}{more}")
