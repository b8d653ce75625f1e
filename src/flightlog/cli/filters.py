"""The options that say which traces a command is about, the same for every command that has them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, ParamSpec

import click

from flightlog.cli.moments import moment
from flightlog.records.kinds import STATUSES
from flightlog.records.traces import Selection

_P = ParamSpec("_P")
_OPTIONS: Final = [name for name in Selection.__struct_fields__ if name not in ("question", "until")]

since: Final = click.option(
    "--since",
    callback=moment,
    metavar="TIME",
    help="Started since then: 2h, 3d, 2026-11-20, 2026-11-20T14:00Z.",
)
"""The switch from everything to what is new."""

project: Final = click.option("--project", default="", metavar="TEXT", help="Of this project alone.")
"""The switch from all projects to one."""


def selecting(command: Callable[_P, None]) -> Callable[..., None]:
    """Add the options that choose traces, and hand the command a `selection`; all that is given must hold."""

    @click.option(
        "--status",
        "statuses",
        type=click.Choice(STATUSES),
        multiple=True,
        help="With this status; may be given again.",
    )
    @click.option(
        "--name",
        default="",
        metavar="TEXT",
        help="With this in its name; with *, ? or [] a pattern for the whole name.",
    )
    @click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Of this kind; may be given again.")
    @click.option("--session", default="", metavar="ID", help="Of this session.")
    @project
    @since
    @functools.wraps(command)
    def with_selection(*args: _P.args, **kwargs: _P.kwargs) -> None:
        given: dict[str, Any] = {name: kwargs.pop(name) for name in _OPTIONS}
        kwargs["selection"] = Selection(**given)
        command(*args, **kwargs)

    return with_selection
