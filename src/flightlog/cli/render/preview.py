"""The beginning of a value, as lines that fit: texts keep their line breaks, everything else is JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from flightlog.analysis.messages import Message, conversation
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


def shortened(value: object, characters: int, terminal: Terminal) -> list[str]:
    """The beginning of a value in at most so many characters on one line; all of it on its own lines for -1.

    Of messages to a model the last is shown, which is what is new; -1 shows all.
    """
    said = conversation(value)
    if characters < 0:
        whole = _said(said.messages) if said else _plain(value)
        return [clean(line.expandtabs(4)) for line in whole.splitlines()] or [""]
    told = _said(said.messages[-1:]) if said else _plain(value)
    earlier = f"(after {of_them(len(said.messages) - 1, 'message')}) " if said and said.messages[1:] else ""
    line = " ".join(told.split())
    shown = line if len(line) <= characters else line[:characters].rstrip() + terminal.ellipsis()
    return [clean(earlier + shown)]


def _said(messages: Sequence[Message]) -> str:
    return "\n".join(
        f"{' '.join(filter(None, (message.role, message.about)))}: {message.text}" for message in messages
    )


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def plain_lines(text: str) -> list[str]:
    """All lines of a text, clean and as long as they are."""
    return [clean(line.expandtabs(4)) for line in text.splitlines()]


def _text_lines(value: object, cells: int) -> list[str]:
    if isinstance(value, str):
        return value.splitlines() or ['""']
    compact = msgspec.json.encode(value)
    if len(compact) > cells or width(compact.decode()) > cells:
        return msgspec.json.format(compact, indent=2).decode().splitlines()
    return [compact.decode()]
