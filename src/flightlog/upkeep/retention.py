"""How long traces are kept without anybody asking: the policy of the settings, carried out at idle moments.

Whoever indexes a home carries it out: at most once an hour, and only when all that was recorded is in the store.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import Final

from flightlog.home import Home
from flightlog.integrations.threads import start_quietly
from flightlog.questions.parsing import parse
from flightlog.questions.units import duration
from flightlog.records.errors import FlightlogError
from flightlog.settings import Settings
from flightlog.settings.values import size
from flightlog.upkeep.prune import Policy, Pruned, prune

EVERY_SECONDS: Final = 3600.0
"""Between two runs over one home, whoever carries them out."""

STAMP: Final = "prune.time"
"""The file whose time says when it was done last."""


def policy_of(settings: Settings) -> Policy:
    """The policy that the settings name.

    Raises:
        UnreadableQuestion: `prune_question` is no question.
    """
    question = None
    if settings.prune_question:
        question = parse(settings.prune_question)
    return Policy(
        older_than_ns=duration(settings.prune_older_than) if settings.prune_older_than else None,
        max_bytes=size(settings.prune_max_size) if settings.prune_max_size else None,
        keep_errors=settings.prune_keep_errors,
        question=question,
    )


def is_set(settings: Settings) -> bool:
    """Whether the settings say that something goes by itself: a question alone deletes nothing unasked."""
    return bool(settings.prune_older_than or settings.prune_max_size)


def is_due(home: Home) -> bool:
    """Whether it is time; one `stat` of a file."""
    if not is_set(home.settings):
        return False
    try:
        last = (home.path / STAMP).stat().st_mtime
    except OSError:
        return True
    return not 0 <= time.time() - last < EVERY_SECONDS


def begin(home: Home, gentle: float) -> None:
    """Carry the policy out in a thread of its own, if it is time; `gentle` as for `prune`."""
    if is_due(home):
        thread = threading.Thread(
            target=keep_within, args=(home, gentle), name="flightlog-prune", daemon=True
        )
        start_quietly(thread)


def keep_within(home: Home, gentle: float = 0.0) -> Pruned | None:
    """Carry the policy out if it is time; None where it is not, or where the store could not be written.

    A policy that cannot be read deletes nothing; `flightlog prune` says what is wrong with it.

    Args:
        home: which.
        gentle: as for `prune`.
    """
    if not is_due(home):
        return None
    stamp = home.path / STAMP
    try:
        with stamp.open("ab"):  # first, so that nobody else begins as well
            os.utime(stamp)
        done = prune(home, policy_of(home.settings), gentle=gentle)
    except (FlightlogError, OSError):
        return None
    if done.traces:
        with suppress(OSError):
            home.audit().note(
                "pruned", "retention", traces=tuple(done.trace_ids), count=done.traces, spans=done.spans
            )
    return done
