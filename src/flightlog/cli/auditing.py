"""How a command tells the audit log what it did; a log that cannot be written is said, and nothing fails for it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import Final

import click

from flightlog.access.audit import Act
from flightlog.home import Home

_NAMED: Final = "flightlog.traces"
_MOST_QUESTION: Final = 2000
_NOT_READING: Final = frozenset(("annotate", "delete", "export", "import", "prune", "renormalise", "audit"))
"""Commands that read on their way to something that is told of itself, or that show nothing of a trace."""


def note(
    found: Home,
    act: Act,
    traces: Sequence[str] = (),
    *,
    count: int | None = None,
    question: str = "",
    spans: int = 0,
) -> None:
    """Tell the log of a home what the command that runs did, where the log is on.

    A question is redacted by the rules of the home: somebody may look for a secret to see where it went.
    """
    log = found.audit()
    if not (log.wants(act) and found.path.is_dir()):
        return
    context = click.get_current_context(silent=True)
    command = f"flightlog {context.info_name}" if context is not None else "flightlog"
    try:
        told = _redacted(found, question)[:_MOST_QUESTION] if question else ""
        log.note(act, command, traces=tuple(traces), count=count, question=told, spans=spans)
    except OSError as error:
        click.echo(f"the audit log cannot be written ({error.strerror}); what was done is done", err=True)


def _redacted(found: Home, question: str) -> str:
    from flightlog.redacting import gate_of  # its patterns are compiled where the log is on

    return gate_of(found.settings, found.key(), lambda _: None).beginning("", question, 2 * _MOST_QUESTION)


def note_reading(found: Home) -> None:
    """Tell it which traces the command that runs read, or how it was asked for them."""
    context = click.get_current_context(silent=True)
    if found.settings.audit != "all" or context is None or context.info_name in _NOT_READING:
        return
    traces = tuple(dict.fromkeys(context.meta.get(_NAMED, ())))
    note(found, "read", traces, question="" if traces else as_typed())


def named(trace_id: str) -> str:
    """Remember a trace that the command that runs was asked for; gives its id back."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta.setdefault(_NAMED, []).append(trace_id)
    return trace_id


def as_typed() -> str:
    """The arguments of this process as they were typed."""
    return shlex.join(sys.argv[1:])
