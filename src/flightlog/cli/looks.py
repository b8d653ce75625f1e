"""How a command learns what its terminal can show, with the options that overrule it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

import click

from flightlog.cli import paging
from flightlog.cli.render import terminal

_P = ParamSpec("_P")


def drawn(command: Callable[_P, None]) -> Callable[..., None]:
    """Add `--width` and `--no-color`, and hand the command a `look`: the terminal as it is to be used."""

    @click.option(
        "--width", type=click.IntRange(terminal.LEAST_WIDTH, terminal.MOST_WIDTH), help="Cells to draw for."
    )
    @click.option("--no-color", is_flag=True, help="Draw without colour, as in a pipe or with NO_COLOR.")
    @functools.wraps(command)
    def with_look(*args: _P.args, **kwargs: _P.kwargs) -> None:
        width, no_color = kwargs.pop("width"), kwargs.pop("no_color")
        kwargs["look"] = terminal.of(sys.stdout, no_color=bool(no_color), columns=width)  # type: ignore[arg-type]  # click made it an int
        command(*args, **kwargs)

    return with_look


def paged(command: Callable[_P, None]) -> Callable[..., None]:
    """Add `--no-pager`, and hand the command a `page`: what prints lines, through a pager where that helps."""

    @click.option("--no-pager", is_flag=True, help="Print to the terminal itself, however long.")
    @functools.wraps(command)
    def with_page(*args: _P.args, **kwargs: _P.kwargs) -> None:
        wanted = not kwargs.pop("no_pager")
        kwargs["page"] = functools.partial(paging.page, wanted=wanted)
        command(*args, **kwargs)

    return with_page
