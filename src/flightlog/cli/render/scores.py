"""Scores: a table of what they add up to, and the annotations of one trace as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from flightlog.analysis.evals import Row
from flightlog.cli.render import bars, words
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.records.annotation import Annotation

_LABELS: Final = 4
_NO_SCORE: Final = "note"


def lines(
    rows: Sequence[Row], before: Mapping[tuple[str, str], Row] | None, group: str, terminal: Terminal
) -> Iterator[str]:
    """Draw what scores add up to.

    Args:
        rows: by score.
        before: what they added up to at an earlier time; None where that is not asked for.
        group: what the rows of one score have in common; empty for nothing.
        terminal: where they are drawn.
    """
    changes = [""] * len(rows) if before is None else [_change(row, before) for row in rows]
    columns = [
        Column("score", [clean(row.score) for row in rows], least=8, comfortable=16),
        Column(
            group or "group",
            [clean(row.group) or ("(none)" if group else "") for row in rows],
            least=8,
            comfortable=18,
        ),
        Column("count", [words.count(row.count) for row in rows], align="right"),
        Column("mean", [number(row.mean) for row in rows], align="right"),
        Column("±", changes, [_style(row, before) for row in rows], align="right"),
        Column("passed", [_passed(row) for row in rows], align="right"),
        Column("least", [number(row.least) for row in rows], align="right", leaves=4),
        Column("median", [number(row.median) for row in rows], align="right", leaves=3),
        Column("most", [number(row.most) for row in rows], align="right", leaves=4),
        Column("spread", [_spread(row, terminal) for row in rows], leaves=2),
        Column("labels", [_labels(row) for row in rows], leaves=1, least=8, comfortable=16),
        Column("notes", [str(row.notes) if row.notes else "" for row in rows], align="right", leaves=5),
        Column("traces", [words.count(row.traces) for row in rows], align="right", leaves=6),
    ]
    return table_lines(columns, terminal)


def of_trace(annotations: Sequence[Annotation], names: Mapping[str, str]) -> list[str]:
    """The annotations of a trace, a line each: what was said, of which step, by whom, and the note.

    Args:
        annotations: by time.
        names: those of its spans, by id.
    """
    return [
        _line(one, f" on {clean(names.get(one.span_id) or one.span_id)}" if one.span_id else "")
        for one in annotations
    ]


def of_step(one: Annotation) -> str:
    """One that stands beside what it is about."""
    return _line(one, "")


def said(one: Annotation) -> str:
    """A score, in a few words."""
    value = value_text(one)
    if not value:
        return clean(one.name)
    return f"{clean(one.name)} {value}"


def value_text(one: Annotation) -> str:
    """The value or the label; both where there are both."""
    parts = []
    if isinstance(one.value, bool):
        parts.append("true" if one.value else "false")
    elif one.value is not None:
        parts.append(number(one.value))
    if one.label:
        parts.append(clean(one.label))
    return " ".join(parts)


def number(value: float | None) -> str:
    """Three digits that count, and no exponent where it can be helped."""
    return "" if value is None else f"{value:.3g}"


def _line(one: Annotation, about: str) -> str:
    by = f" by {clean(one.by)}" if one.by else ""
    is_note = one.name == _NO_SCORE and one.value is None and not one.label
    note = clean(" ".join(one.note.split()))
    told = "" if is_note else said(one)
    return f"{told}{about}{by}{': ' if note else ''}{note}".strip()


def _change(row: Row, before: Mapping[tuple[str, str], Row]) -> str:
    old = before.get((row.score, row.group))
    if old is None:
        return "new"
    if row.mean is None or old.mean is None:
        return ""
    return f"{row.mean - old.mean:+.3g}"


def _style(row: Row, before: Mapping[tuple[str, str], Row] | None) -> Style:
    old = None if before is None else before.get((row.score, row.group))
    if old is None or row.mean is None or old.mean is None or row.mean == old.mean:
        return "dim"
    return "green" if row.mean > old.mean else "red"


def _passed(row: Row) -> str:
    rate = row.pass_rate
    return "" if rate is None else f"{rate:.0%} ({row.passed:,})"


def _spread(row: Row, terminal: Terminal) -> str:
    if row.edges is None:
        return ""
    first, last = row.edges
    drawn = bars.heights(row.bars, max(row.bars), terminal)
    return f"{number(first)} {drawn} {number(last)}"


def _labels(row: Row) -> str:
    told = [f"{clean(label)} {count:,}" for label, count in list(row.labels.items())[:_LABELS]]
    more = len(row.labels) - _LABELS
    return ", ".join([*told, f"{more:,} more"] if more > 0 else told)
