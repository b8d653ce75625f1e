"""Two sets of traces: what each comes to, and what of the difference is more than chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flightlog.analysis.sets import Measured, SetComparison
from flightlog.cli.render import figurediff, words
from flightlog.cli.render.cells import cut
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.cli.render.wrap import lines as wrap


def lines(before: str, after: str, found: SetComparison, terminal: Terminal) -> Iterator[str]:
    """Draw a comparison of two sets."""
    for label, asked, count in (("before", before, found.before), ("after", after, found.after)):
        traces = words.of_them(count, "trace")
        name = cut(clean(asked), max(8, terminal.width - 9 - len(traces)), terminal.ellipsis())
        yield f"{label:<7}{terminal.paint('bold', name)}  {terminal.paint('dim', traces)}"
    yield ""
    if found.needed:
        yield from wrap(too_few(found), terminal.width)
        yield ""
    yield _success(found, terminal)
    yield ""
    yield terminal.paint("dim", "medians of a trace")
    yield from figurediff.lines([_row(each) for each in found.measures], terminal, "is it chance?")
    if found.steps:
        yield ""
        yield terminal.paint("dim", "steps that take longer or shorter, medians")
        yield from figurediff.lines([_step(step) for step in found.steps], terminal, "is it chance?")
    if found.scores:
        yield ""
        yield terminal.paint("dim", "scores, means of the traces that were judged")
        yield from figurediff.lines([_score(score) for score in found.scores], terminal, "is it chance?")
    yield from _errors("new error", found.new_errors, "red", terminal)
    yield from _errors("gone error", found.gone_errors, "green", terminal)


def too_few(found: SetComparison) -> str:
    """That two sets are too small for any difference between them to be more than chance."""
    return (
        f"too few traces to tell a difference from chance: {found.before:,} and {found.after:,}; each set needs "
        f"about {found.needed:,}"
    )


def _success(found: SetComparison, terminal: Terminal) -> str:
    share = found.success
    arrow = "→" if terminal.unicode else ">"
    told = f"went well  {_rate(share.before, share.before_of)} {arrow} {_rate(share.after, share.after_of)}"
    worse = share.after * share.before_of < share.before * share.after_of
    style: Style = "" if not share.is_significant else "red" if worse else "green"
    sure = "" if share.is_significant or share.p >= 1 else f"  p {share.p:.2g}, may be chance"
    return terminal.paint(style, told) + terminal.paint("dim", sure)


def _rate(part: int, of: int) -> str:
    return f"{100 * part / of:.1f} % of {of:,}" if of else "none is over"


def _step(step: Measured) -> figurediff.Row:
    name = clean(step.name) or "(no name)"
    return figurediff.Row(name, step.before, step.after, aside=_chance(step), is_step=True)


def _score(score: Measured) -> figurediff.Row:
    name = clean(score.name) or "(no name)"
    known = f"{score.before_known:,} and {score.after_known:,} judged"
    aside = "; ".join(filter(None, (_chance(score), known)))
    return figurediff.Row(name, score.before, score.after, score.is_significant, aside, is_score=True)


def _row(measure: Measured) -> figurediff.Row:
    return figurediff.Row(
        measure.name, measure.before, measure.after, measure.is_significant, _chance(measure)
    )


def _chance(measure: Measured) -> str:
    if measure.p >= 1 or measure.before == measure.after:
        return ""
    told = "p < 0.001" if measure.p < 0.001 else f"p {measure.p:.2g}"
    return f"no, {told}" if measure.is_significant else f"may be, {told}"


def _errors(
    label: str, errors: Sequence[tuple[str, str, int]], style: Style, terminal: Terminal
) -> Iterator[str]:
    if errors:
        yield ""
    times = "\u00d7" if terminal.unicode else "x"
    for name, error, count in errors:
        text = clean(f"{name}  {error}".rstrip()) + f"  {times}{count:,}"
        yield f"{terminal.paint(style, label)}  {cut(text, terminal.width - len(label) - 2, terminal.ellipsis())}"
