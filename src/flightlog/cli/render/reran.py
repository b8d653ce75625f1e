"""What a rerun came to: how many answers were given, and each question that had none, by JSON path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flightlog.cli.render import wrap
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.cli.render.words import of_them
from flightlog.replay.order import Change, Note
from flightlog.replay.rerunning import Reran

_MOST_LACKS: Final = 10
_MOST_LEFT: Final = 5
_HEADS: Final = {
    "diverged": "not recorded so",
    "refused": "cannot be given again",
    "ran out": "was read further",
    "unrecorded": "leaves no record",
}


def lines(done: Reran, look: Terminal, trace_id: str) -> Iterator[str]:
    """The report; it stands before the line that says how the program ended."""
    lacks = done.lacks
    for note in lacks[:_MOST_LACKS]:
        yield from _lack(note, done, look)
    if len(lacks) > _MOST_LACKS:
        yield look.paint("dim", f"{len(lacks) - _MOST_LACKS} more of them")
    given = f"{done.given} of {of_them(len(done.tape) + done.people, 'recorded answer')} given"
    anew = f"{look.dot()}{of_them(done.asked_anew, 'call')} made anew" if done.asked_anew else ""
    yield f"rerun of {trace_id}: {given}{anew}"
    if not lacks and not done.has_ended_as_told:
        yield from _left(done, look)


def _lack(note: Note, done: Reran, look: Terminal) -> Iterator[str]:
    became = "made anew" if note.live else "ended here"
    sign = look.paint("yellow" if note.live else "alarm", "≠" if look.unicode else "!")
    at = f" at {clean(note.at)}" if note.at else ""
    yield f"{sign} {look.paint('bold', clean(note.what))}{at}: {_HEADS[note.sort]}, {became}"
    yield from _indented(clean(note.reason), look, 2)
    if note.number is not None:
        recorded = done.tape[note.number]
        word = "nearest recorded call" if note.sort == "diverged" else "recorded call"
        yield look.paint("dim", f"  {word}: {recorded.span_id} ({clean(recorded.name)})")
    for change in note.changes:
        yield from _change(change, look)
    if note.more:
        yield look.paint("dim", f"  {of_them(note.more, 'more place')}")


def _change(change: Change, look: Terminal) -> Iterator[str]:
    yield f"  {look.paint('bold', clean(change.path))}"
    yield from _side("recorded", change.recorded, look, "red")
    yield from _side("now     ", change.now, look, "green")


def _side(word: str, text: str | None, look: Terminal, style: Style) -> Iterator[str]:
    shown = "(nothing)" if text is None else clean(text)
    for at, part in enumerate(wrap.lines(shown, max(20, look.width - 13))):
        head = look.paint("dim", word) if not at else " " * len(word)
        yield f"    {head} {look.paint(style, part)}"


def _indented(text: str, look: Terminal, cells: int) -> Iterator[str]:
    for part in wrap.lines(text, max(20, look.width - cells)):
        yield " " * cells + part


def _left(done: Reran, look: Terminal) -> Iterator[str]:
    """The recorded calls that nobody asked for."""
    left = [span for number, span in enumerate(done.tape) if number not in done.served]
    if left and not done.asked_anew:
        named = ", ".join(f"{clean(span.name)} ({span.span_id})" for span in left[:_MOST_LEFT])
        more = f" and {len(left) - _MOST_LEFT} more" if len(left) > _MOST_LEFT else ""
        yield from _indented(f"not asked for this time: {named}{more}", look, 2)
