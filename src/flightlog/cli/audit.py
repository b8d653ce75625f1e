"""`flightlog audit`: who did what with the records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import click

from flightlog.access.audit import Entry
from flightlog.cli.filters import since
from flightlog.cli.jsonout import print_array
from flightlog.cli.looks import drawn, paged
from flightlog.cli.opening import home, say
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.render.words import moment, of_them

_LEAST_ID = 12


@click.command("audit", epilog=EXIT_CODES)
@since
@as_json
@drawn
@paged
def command(
    *, since: int | None, as_json: bool, look: Terminal, page: Callable[[Iterable[str]], None]
) -> None:
    """Say who did what with the records, the newest first.

    A line an act: when, which user of the system, exported, imported, pruned, annotated, deleted or (with audit=all)
    read, with which command, which traces. The log is kept where the setting audit says so: FLIGHTLOG_AUDIT=on. It is
    the file audit.jsonl of the home; what is older than the newest 20 MiB goes.

    It says what Flightlog's own commands and programs did; whoever may write the home's files can change it.

    With --json: an array, oldest first, one object an act; `traces` names at most 100, `count` says how many there
    were.
    """
    found = home()
    entries = list(found.audit().entries(since))
    if as_json:
        print_array(entries)
        return
    if not entries:
        is_off = found.settings.audit == "off"
        say("the audit log is off; the setting audit=on or audit=all keeps one" if is_off else "nothing yet")
        return
    page(_lines(entries[::-1], look))


def _lines(entries: Sequence[Entry], look: Terminal) -> Iterator[str]:
    columns = [
        Column("when", [moment(entry.time) for entry in entries]),
        Column("who", [clean(entry.user) for entry in entries], least=6, comfortable=10),
        Column("what", [entry.act for entry in entries]),
        Column("with", [clean(entry.command) for entry in entries], leaves=1, least=10),
        Column("which", [clean(_which(entry)) for entry in entries], least=14, comfortable=24),
    ]
    return table_lines(columns, look)


def _which(entry: Entry) -> str:
    """The traces of an entry, in a few words."""
    is_one = len(entry.traces) == 1 == entry.count
    traces = of_them(entry.count, "trace") if entry.count else ""
    told = entry.traces[0][:_LEAST_ID] if is_one else traces
    spans = of_them(entry.spans, "span") if entry.spans else ""
    return ", ".join(filter(None, (told, spans, entry.question)))
