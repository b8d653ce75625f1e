"""`flightlog` alone on a terminal: a palette of commands, which runs the one that was chosen."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import click

from flightlog.cli.exploring import drawn_from, is_interactive, require_extra
from flightlog.cli.opening import PATIENCE, home
from flightlog.cli.render import mascot, terminal
from flightlog.records.errors import MissingExtra

if TYPE_CHECKING:
    from flightlog.tui.palette import Need

PAGE: Final = "trace-{id}.html"
"""The file that `export` writes from here, in the working directory; its name has the first digits of the id."""

OFFERED: Final[Mapping[str, tuple[Need, str, tuple[str, ...]]]] = {
    "run": ("words", "which program, with its arguments? program.py, or -m module", ()),
    "demo": ("", "", ()),
    "watch": ("", "", ()),
    "browse": ("", "", ()),
    "list": ("", "", ()),
    "show": ("trace", "", ()),
    "trace": ("trace", "", ()),
    "story": ("trace", "", ()),
    "replay": ("trace", "", ()),
    "search": ("words", "which words?", ()),
    "stats": ("", "", ()),
    "cost": ("", "", ()),
    "failures": ("", "", ()),
    "lint": ("trace", "", ()),
    "diff": ("two traces", "", ()),
    "export": ("trace", "", ("--format", "html", "--output", PAGE)),
    "serve": ("", "", ()),
    "project": ("", "", ()),
    "doctor": ("", "", ()),
}
"""Commands that somebody may choose, in the order of their use: what each needs, what is asked, what follows."""

_OWN_WORDS: Final = {"export": "Write a trace as one page that opens offline."}
"""Meanings of commands that do one thing of many when they are chosen here."""


def choose(meanings: Mapping[str, str]) -> list[str] | None:
    """The words of the command that somebody chose; None for none.

    Args:
        meanings: every command there is, with its first help line.

    Raises:
        MissingExtra: textual is not installed.
    """
    require_extra("the palette")
    from flightlog.tui.palette import Entry, Palette  # with textual, for whoever gives no command

    found = home()
    if found.exists():
        found.catch_up(PATIENCE)
    source, drawing = drawn_from(found, quiet=True)
    entries = [
        Entry(name=name, meaning=_OWN_WORDS.get(name, meanings[name]), needs=needs, asks=asks, behind=behind)
        for name, (needs, asks, behind) in OFFERED.items()
        if name in meanings
    ]
    look = terminal.of(sys.stdout)
    head = mascot.beside("idle", ["", f" {look.paint('bold', 'flightlog')}  what do you want to do?"], look)
    return Palette(entries, source, drawing, head).run()


def offer(meanings: Mapping[str, str]) -> list[str] | None:
    """The same where somebody sits at a terminal; nothing is said where nobody does, and help is what follows."""
    if not is_interactive():
        return None
    try:
        chosen = choose(meanings)
    except MissingExtra as error:
        click.echo(f"{error}\n", err=True)
        return None
    if chosen is None:
        return []
    click.echo(f"$ flightlog {shlex.join(chosen)}", err=True)
    return chosen
