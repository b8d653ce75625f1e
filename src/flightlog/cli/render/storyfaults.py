"""What could be better about narrations, a few lines for each line of a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flightlog.cli.render import words
from flightlog.cli.render.cells import cut
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.render.wrap import lines as wrapped
from flightlog.narration.linting import Linted

_INDENT = "  "


def lines(found: Sequence[Linted], checked: int, terminal: Terminal) -> Iterator[str]:
    """Draw what was found in the order it is given, then how much there was in all."""
    for one in found:
        yield from _one(one, terminal)
        yield ""
    said = sum(one.count for one in found)
    places = words.of_them(len(found), "place")
    told = f"{words.of_them(said, 'finding')} at {places}, {words.of_them(checked, 'narration')} checked"
    yield terminal.paint("dim", told)


def _one(one: Linted, terminal: Terminal) -> Iterator[str]:
    count = (f" {one.count:,}\u00d7" if terminal.unicode else f" {one.count:,}x") if one.count > 1 else ""
    room = terminal.width - len(_INDENT)
    where = cut(clean(one.source), max(16, room - len(one.rule) - len(count)), terminal.ellipsis())
    yield f"{terminal.paint('yellow', one.rule)}{count}  {terminal.paint('bold', where)}".rstrip()
    for text in wrapped(clean(one.text), room):
        yield _INDENT + text
    if one.rule != "too-many":
        yield _INDENT + terminal.paint("dim", cut(one.sentence, room, terminal.ellipsis()))
    if one.trace_id:
        yield f"{_INDENT}flightlog show {clean(one.trace_id)} {clean(one.span_id)}".rstrip()
    else:
        yield f"{_INDENT}flightlog story --loose"
