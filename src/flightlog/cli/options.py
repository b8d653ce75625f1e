"""Options that several commands share, said once so that they are the same everywhere."""

from __future__ import annotations

from typing import Final

import click

from flightlog.records.narration import VIEWS

EXIT_CODES: Final = (
    "Exit codes: 0 fine, 1 trouble (the home or its store cannot be used), 2 a question that makes no sense "
    "(an unknown id, a prefix of several ids, a bad option)."
)
"""The last paragraph of the help of every command that asks a store."""

as_json: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
"""The switch from a table for people to data for programs."""

view: Final = click.option(
    "--view", type=click.Choice(VIEWS), default="human", show_default=True, help="The voice of narrations."
)
"""In which voice narrations are told; one without such a sentence is told plainly."""

trace_or_file: Final = click.argument("trace", metavar="TRACE|FILE")
"""The same, or a file that `flightlog import` reads, or one of its traces: `runs.jsonl@latest`."""

trace_ref: Final = click.argument("trace", metavar="TRACE")
"""Which trace: a full id, a unique prefix, `@latest` or `@-2`."""
