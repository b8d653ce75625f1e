"""What a value became, for a reader: texts word by word, everything else as before and after.

What was taken away stands in `[-…-]`, what came in `{+…+}`, in colour as well as without. Of a text only what is
near a change is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET

from flightlog.analysis.differing import Change
from flightlog.analysis.drift import Part
from flightlog.analysis.wording import Piece, compared
from flightlog.cli.render import styled
from flightlog.cli.render.cells import cut
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Terminal

MOST_LINES: Final = 6
"""Lines of one change."""
_CONTEXT: Final = 40
"""Characters that are shown on each side of a change."""
_VALUE: Final = 60


def parts(change: Change, terminal: Terminal, *, whole: bool) -> list[styled.Part]:
    """What a change says, without its place; `whole` leaves nothing out."""
    found = _words(change.before, change.after, terminal, whole=whole) if change.is_text else None
    return list(found if found is not None else _values(change, terminal, whole=whole))


def lines(said: Sequence[styled.Part], room: int, terminal: Terminal, *, whole: bool) -> list[str]:
    """The lines of what a change says; at most `MOST_LINES` unless all of it is wanted."""
    drawn = styled.lines(said, room, terminal, None if whole else MOST_LINES + 1)
    if whole or len(drawn) <= MOST_LINES:
        return drawn
    return [*drawn[: MOST_LINES - 1], terminal.paint("dim", f"{terminal.ellipsis()} more; --all shows it")]


def is_short(change: Change) -> bool:
    """Whether a change is one for the line of its place, where it fits there."""
    return not change.is_text or len(change.before) + len(change.after) < _VALUE


def _words(before: str, after: str, terminal: Terminal, *, whole: bool) -> Iterator[styled.Part]:
    pieces = compared(before, after)
    for place, piece in enumerate(pieces):
        if piece.sign == "=":
            text = piece.text if whole else _near(piece, place, len(pieces), terminal)
            yield _line(text, terminal, newline=" "), "dim"
        elif piece.sign == "-":
            yield f"[-{_line(piece.text, terminal)}-]", "red"
        else:
            yield f"{{+{_line(piece.text, terminal)}+}}", "green"


def _near(piece: Piece, place: int, count: int, terminal: Terminal) -> str:
    """What is near a change."""
    text, more = piece.text, terminal.ellipsis()
    head = "" if place == 0 else text[:_CONTEXT]
    tail = "" if place == count - 1 else text[-_CONTEXT:]
    if len(text) <= len(head) + len(tail) + len(more) + 2:
        return text
    return f"{head}{more}{tail}" if head and tail else head + more if head else more + tail


def _line(text: str, terminal: Terminal, newline: str = "") -> str:
    mark = newline or ("↵" if terminal.unicode else "\\n")
    return clean(text.replace("\r\n", "\n").replace("\n", mark).expandtabs(4))


def _values(change: Change, terminal: Terminal, *, whole: bool) -> Iterator[styled.Part]:
    before, after = (_shown(value, terminal, whole=whole) for value in (change.before, change.after))
    if change.before is UNSET:
        yield f"{{+{after}+}}", "green"
    elif change.after is UNSET:
        yield f"[-{before}-]", "red"
    else:
        yield f"[-{before}-]", "red"
        yield " ", ""
        yield f"{{+{after}+}}", "green"


def _shown(value: Any, terminal: Terminal, *, whole: bool) -> str:
    if value is UNSET:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    line = _line(text, terminal)
    return line if whole else cut(line, 4 * _VALUE, terminal.ellipsis())


def of_prompt(parts: Sequence[Part], terminal: Terminal) -> str:
    """Which parts of a prompt changed, on one line: `system 812 > 830, examples new; question the same`."""
    arrow = "→" if terminal.unicode else ">"
    told = [_part(part, arrow) for part in parts if part.fate != "same"]
    same = [clean(part.name) for part in parts if part.fate == "same"]
    rest = f"; the same: {', '.join(same)}" if same else ""
    return ", ".join(told) + rest


def _part(part: Part, arrow: str) -> str:
    name = clean(part.name)
    if part.fate == "added":
        return f"{name} new"
    if part.fate == "removed":
        return f"{name} gone"
    if part.before is None or part.after is None:
        return f"{name} changed"
    sizes = f"{part.after:,}" if part.before == part.after else f"{part.before:,} {arrow} {part.after:,}"
    return f"{name} changed ({sizes} characters)"
