"""The beginning of a value, as lines that fit: texts keep their line breaks, everything else is JSON."""

from __future__ import annotations

import msgspec

from flightlog.cli.render.cells import cut, width
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.render.words import of_them


def lines(value: object, cells: int, most: int, terminal: Terminal) -> list[str]:
    """At most `most` clean lines of at most `cells` cells, and one more that counts the rest."""
    whole = _text_lines(value, cells)
    shown = [cut(clean(line.expandtabs(4)), cells, terminal.ellipsis()) for line in whole[:most]]
    if len(whole) > most:
        shown.append(f"{terminal.ellipsis()} {of_them(len(whole) - most, 'more line')}")
    return shown


def tail(text: str, cells: int, most: int, terminal: Terminal) -> list[str]:
    """The last lines of a text: of a stack trace they are the ones that matter."""
    whole = text.rstrip().splitlines()
    shown = [cut(clean(line.expandtabs(4)), cells, terminal.ellipsis()) for line in whole[-most:]]
    if len(whole) > most:
        shown.insert(0, f"{terminal.ellipsis()} {of_them(len(whole) - most, 'line')} above")
    return shown


def _text_lines(value: object, cells: int) -> list[str]:
    if isinstance(value, str):
        return value.splitlines() or ['""']
    compact = msgspec.json.encode(value)
    if len(compact) > cells or width(compact.decode()) > cells:
        return msgspec.json.format(compact, indent=2).decode().splitlines()
    return [compact.decode()]
