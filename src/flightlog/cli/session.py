"""`flightlog session`: a conversation across traces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final

import click
import msgspec

from flightlog.analysis.session import Part, Turn, turns
from flightlog.cli import money as purse
from flightlog.cli.filters import project, since
from flightlog.cli.jsonout import print_array, print_document
from flightlog.cli.looks import drawn, paged
from flightlog.cli.opening import home, reading_if_any, say
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render import money, talk
from flightlog.cli.render.terminal import Terminal
from flightlog.records.errors import BadQuestion
from flightlog.records.traces import Selection, Trace
from flightlog.store.port import Reader

MOST: Final = 20
LOOKED_AT: Final = 5_000
"""Traces in which the newest sessions are looked for."""

_OPEN: Final = frozenset(("running", "paused"))


@click.command("session", epilog=EXIT_CODES)
@click.argument("session", metavar="[SESSION]", required=False)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=MOST,
    show_default=True,
    help="Most sessions to list.",
)
@click.option("--brief", is_flag=True, help="The turns alone, without what was said.")
@project
@since
@as_json
@drawn
@paged
def command(
    *,
    session: str | None,
    limit: int,
    brief: bool,
    project: str,
    since: int | None,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Tell a conversation across traces, turn by turn.

    Without SESSION: list the newest ones.

    SESSION is what was bound as session (`flightlog.session("s-1")`, `bind(session=…)`, or what other libraries call a
    conversation or thread); `@latest` is the newest. A turn is what was bound as one (`flightlog.turn(3)`); where
    nothing was, each trace is a turn. Of each: when it was, how long it took, its model calls, tokens and money, what
    failed, which tools were called, and what was said, each message once.

    The list is of the sessions of the newest 5,000 traces, or of those since --since.

    With --json: the session with its turns as one object, or the list as an array. Money is exact and null where
    it is unknown.
    """
    chosen = Selection(project=project, since=since)
    with reading_if_any() as reader:
        if reader is None:
            if session is not None:
                raise BadQuestion(f"no trace has the session {session!r}")
            if as_json:
                print_array([])
            return
        if session is None:
            _list(_newest(reader, chosen, limit), look, page, as_json=as_json)
            return
        if session == "@latest":
            session = next((one.session for one in _newest(reader, chosen, 1)), session)
        book = purse.usable_prices(home())
        traces = reader.each_trace(
            Selection(session=session, project=project, since=since), oldest_first=True
        )
        parts = (Part(trace, reader.spans(trace.trace_id)) for trace in traces)
        found = turns(parts, session, book.charge if book else None)
    if not found:
        raise BadQuestion(f"no trace has the session {session!r}; `flightlog session` lists the newest")
    if as_json:
        print_document({"session": session, "turns": _all_told(found)})
    else:
        page(talk.lines(session, found, look, time.time_ns(), is_brief=brief))


def _newest(reader: Reader, chosen: Selection, limit: int) -> list[talk.Listed]:
    """The sessions of the newest traces, the one with the newest trace first."""
    found: dict[str, talk.Listed] = {}
    traces: Iterator[Trace] = reader.each_trace(chosen)
    for trace in traces if chosen.since is not None else islice(traces, LOOKED_AT):
        if trace.session is None:
            continue
        listed = found.get(trace.session)
        if listed is None:
            listed = found[trace.session] = talk.Listed(
                session=trace.session, name=trace.name, user=trace.user
            )
        listed.add(trace, is_open=trace.status in _OPEN)
    return list(found.values())[:limit]


def _list(
    found: list[talk.Listed], look: Terminal, page: Callable[[Iterable[str]], None], *, as_json: bool
) -> None:
    if as_json:
        print_array(found)
    elif found:
        page(talk.table(found, look, time.time_ns()))
    else:
        say('no trace has a session; `with flightlog.session("s-1"):` gives it one')


def _all_told(found: Iterable[Turn]) -> list[dict[str, Any]]:
    """The turns, each with what the session had taken when it was over."""
    told, calls, given, answered = [], 0, 0, 0
    for turn in found:
        spent = turn.spending
        calls, given, answered = (
            calls + spent.calls,
            given + spent.input_tokens,
            answered + spent.output_tokens,
        )
        so_far = {"llm_calls": calls, "input_tokens": given, "output_tokens": answered}
        told.append({**_told(turn), "cumulative": so_far})
    return told


def _told(turn: Turn) -> dict[str, Any]:
    spent = turn.spending
    return {
        "turn": turn.number,
        "name": turn.name,
        "status": turn.status,
        "done_reason": turn.done or None,
        "start": turn.start,
        "duration_ns": turn.duration_ns,
        "traces": turn.traces,
        "spans": turn.spans,
        "errors": turn.errors,
        "tools": turn.tools,
        "llm_calls": spent.calls,
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "cost": money.of_calls(spent) if spent.calls else None,
        "messages": [msgspec.to_builtins(message) for message in turn.messages],
    }
