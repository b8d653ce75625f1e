"""`flightlog lint`: mistakes of agents and pipelines that their traces give away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import click
from msgspec import structs

from flightlog.analysis.lints.finding import SEVERITIES, Finding, Severity, Silence, silence
from flightlog.analysis.lints.running import LINTS, lint
from flightlog.cli.filters import project
from flightlog.cli.jsonout import print_array
from flightlog.cli.looks import drawn, paged
from flightlog.cli.moments import moment
from flightlog.cli.naming import find
from flightlog.cli.opening import home, reading, reading_if_any, say
from flightlog.cli.options import as_json
from flightlog.cli.render import lints as drawing
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.render.words import of_them
from flightlog.loading import load_trace
from flightlog.records.traces import Selection
from flightlog.store.port import Reader

EXIT_CODES: Final = (
    "Exit codes: 0 nothing found that is as grave as --fail-at, 1 something found or trouble (the home or its store "
    "cannot be used), 2 a question that makes no sense (an unknown id or lint, a bad option)."
)
_DAY_NS: Final = 86_400 * 10**9


@click.command("lint", epilog=EXIT_CODES)
@click.argument("trace", metavar="[TRACE]", required=False)
@click.option(
    "--since",
    callback=moment,
    metavar="TIME",
    help="Without TRACE: traces that started since then: 2h, 3d. By default 24h.",
)
@project
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(tuple(LINTS)),
    metavar="LINT",
    help=f"Only this lint; may be given again. There are {', '.join(LINTS)}.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="LINT[:NAME]",
    help="Not this lint; with a name or pattern, not about such spans. May be given again.",
)
@click.option(
    "--fail-at",
    type=click.Choice((*SEVERITIES, "never")),
    default="warning",
    show_default=True,
    help="Exit with 1 for findings as grave as this.",
)
@as_json
@drawn
@paged
def command(
    *,
    trace: str | None,
    since: int | None,
    project: str,
    only: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_at: str,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Say which mistakes of agents and pipelines traces give away.

    No model is asked: each lint is a rule over the records.

    repeated-call: the same call with the same input again and again. n-plus-one: a call for each item, one after the
    other. unbounded-retry: attempts that nothing ends. swallowed-error: a failed tool that nobody noticed.
    broken-cache-prefix: what changes in a prompt stands before what stays. never-ended: a span nobody ended.
    lost-context: a span without its place in the trace. secret-found: the gate had to take a secret out.
    payload-bloat: inputs and outputs beyond reason. Each has a page in docs/lints.

    Of TRACE, or of all traces since a time. --ignore, and the setting ignore_lints, silence a lint, or a lint for
    spans of a name: n-plus-one:fetch_*.

    With --json: an array of findings, each with its trace.
    """
    if trace and (since is not None or project):
        raise click.UsageError("give either TRACE, or --since and --project")
    quiet = silence([home().settings.ignore_lints, *ignore], tuple(LINTS))
    found: list[tuple[str, Finding]] = []
    checked = 0
    with reading() if trace else reading_if_any() as reader:
        if reader is not None:
            selection = Selection(since=since or time.time_ns() - _DAY_NS, project=project)
            for trace_id in _ids(reader, trace, selection):
                checked += 1
                found += [(trace_id, finding) for finding in _findings(reader, trace_id, quiet, only)]
    if as_json:
        print_array(_document(trace_id, finding) for trace_id, finding in found)
    elif found:
        page(drawing.lines(found, checked, look))
    elif reader is not None:
        say(f"{of_them(checked, 'trace')} checked, nothing found" if checked else "no trace began since then")
    if any(_is_grave(finding.severity, fail_at) for _, finding in found):
        click.get_current_context().exit(1)


def _ids(reader: Reader, trace: str | None, selection: Selection) -> Iterator[str]:
    if trace is not None:
        yield find(reader, trace)
        return
    yield from (row.trace_id for row in reader.each_trace(selection))


def _findings(reader: Reader, trace_id: str, quiet: Silence, only: tuple[str, ...]) -> list[Finding]:
    return [
        finding for finding in lint(load_trace(reader, trace_id), quiet) if not only or finding.lint in only
    ]


def _is_grave(severity: Severity, fail_at: str) -> bool:
    return fail_at in SEVERITIES and SEVERITIES.index(severity) <= SEVERITIES.index(fail_at)


def _document(trace_id: str, finding: Finding) -> dict[str, Any]:
    return {"trace_id": trace_id, **structs.asdict(finding), "page": finding.page}
