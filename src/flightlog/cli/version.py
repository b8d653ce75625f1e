"""`flightlog version`: which Flightlog this is."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version

import click

from flightlog.cli.options import as_json
from flightlog.core.engine import NAME


@click.command("version", epilog="Exit codes: 0 fine, 2 a bad option.")
@as_json
def command(as_json: bool) -> None:
    """Print the version.

    With --json: version, python, and the engine that records (pure or compiled).
    """
    facts = {"version": version("flightlog"), "python": platform.python_version(), "engine": NAME}
    if as_json:
        click.echo(json.dumps(facts))
    else:
        click.echo(f"flightlog {facts['version']} (Python {facts['python']}, {facts['engine']} engine)")
