"""What failed last, a few lines for each kind of failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flightlog.analysis.failures import Alike
from flightlog.cli.render import words
from flightlog.cli.render.cells import cut, flow
from flightlog.cli.render.marks import kind_style, status_sign
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Terminal

_INDENT = "  "


def lines(groups: Sequence[Alike], spans: int, terminal: Terminal, now_ns: int, most: int) -> Iterator[str]:
    """Draw the groups in the order they are given, then what there is in all."""
    for group in groups[:most]:
        yield from _group(group, terminal, now_ns)
        yield ""
    rest = len(groups) - most
    told = f"{words.of_them(spans, 'failure')} of {words.of_them(len(groups), 'kind')}"
    yield terminal.paint("dim", told + (f"; {rest:,} kinds are not shown, -n shows more" if rest > 0 else ""))


def _group(group: Alike, terminal: Terminal, now_ns: int) -> Iterator[str]:
    paint = terminal.paint
    count = f"{group.count:,}\u00d7" if terminal.unicode else f"{group.count:,}x"
    room = terminal.width - len(_INDENT)
    name = cut(clean(group.name) or "(no name)", max(16, room - len(count) - 24), terminal.ellipsis())
    kind = f" {paint(kind_style(group.kind), clean(group.kind))}" if group.kind else ""
    sign = paint("alarm", status_sign("error", terminal))
    yield f"{sign} {paint('bold', count)} {paint('bold', name)}{kind}"
    error = (
        clean(": ".join(text for text in (group.type, group.message) if text)) or "failed without an error"
    )
    yield _INDENT + paint("red", cut(error, room, terminal.ellipsis()))
    times = [f"newest {words.ago(group.newest, now_ns)}"]
    if group.count > 1:
        times += [f"first {words.ago(group.oldest, now_ns)}", f"in {words.of_them(group.traces, 'trace')}"]
    for line in flow(times, terminal.dot(), room, terminal.ellipsis()):
        yield _INDENT + paint("dim", line)
    for span in group.examples:
        yield f"{_INDENT}flightlog show {clean(span.trace_id)} {clean(span.span_id)}"
