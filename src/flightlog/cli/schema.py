"""`flightlog schema`: what a record line looks like."""

from __future__ import annotations

import click

from flightlog.cli.jsonout import print_document
from flightlog.codecs.json_schema import json_schema


@click.command("schema", epilog="Exit codes: 0 fine, 2 a bad option.")
def command() -> None:
    """Print the JSON Schema of a record line.

    Draft 2020-12, one definition for each type of record. A line may have more fields than the schema names.
    """
    print_document(json_schema())
