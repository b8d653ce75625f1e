"""What a command says on standard error while it reads documents: how far it is, and which records it leaves out."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from flightlog.cli.opening import say
from flightlog.cli.render.safe import clean
from flightlog.cli.render.words import size
from flightlog.importing import Told
from flightlog.redacting import gate_of_messages

MOST_NAMED: Final = 100
"""Records that are left out and named one by one; further ones are only counted."""

_MANY_OBJECTS: Final = 1_000_000
"""More objects than two transactions have at a time, after which the garbage collector looks at them."""


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Have the garbage collector look seldom: it finds no cycles here, and takes a tenth of the time to say so."""
    before = gc.get_threshold()
    gc.set_threshold(_MANY_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Teller:
    """Says how it goes."""

    def __init__(self, verb: str) -> None:
        """Prepare; `verb` is what happens to a record that cannot be read."""
        self._verb = verb
        self._named = 0
        self._shown = False
        self._gate = gate_of_messages()

    def bad(self, path: str, place: str, why: str) -> None:
        """Name a record that is left out."""
        self._named += 1
        if self._named <= MOST_NAMED:
            self.end()
            say(clean(self._gate.text("", f"{path}: {place}: {why}; {self._verb}")))
        elif self._named == MOST_NAMED + 1:
            say(f"further records that are {self._verb} are only counted")

    def progress(self, path: str, told: Told) -> None:
        """Show how far it is, where somebody looks."""
        if sys.stderr.isatty():
            self._shown = True
            line = f"{clean(path)}: {told.records:,} records, {size(told.at)} of {size(told.size)}"
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)

    def end(self) -> None:
        """Leave the line that shows how far it is."""
        if self._shown:
            self._shown = False
            click.echo("\r\x1b[K", err=True, nl=False)
