"""What a sink is: any object with these three methods.

A program hands its own to `flightlog.configure(sinks=["store", MySink()])`. `sinks/contract.py` checks one
against this page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from flightlog.records.line import Line

Batch = Sequence[Line]
"""Finished lines: JSON objects in UTF-8, redacted, without line feeds, each with its process's own fields on
it, so that it explains itself. They stand in the order in which they were recorded; the process line comes
first of all."""


class Sink(Protocol):
    """Takes finished lines somewhere.

    Threads: each sink has one of Flightlog's own, and every call comes from it, one after the other. A sink
    needs no lock for what only these methods touch, and may block: neither the program nor another sink waits.

    Failures: an exception is counted and said once, and the same batch comes again after a pause, so a sink
    gets everything at least once. When more than `sink_bytes` wait, the oldest are skipped and counted.

    Nothing that runs within these methods is recorded itself.
    """

    def append(self, batch: Batch, /) -> None:
        """Take the lines, or raise. The batch itself is not to be kept or changed; its lines may be kept.

        After `close` it begins anew: recording may be stopped and started again.
        """

    def flush(self, timeout: float, /) -> bool:
        """Bring what was taken to where it belongs, within this many seconds; say whether all of it is there."""

    def close(self) -> None:
        """Give back what is held. Twice is harmless; what was taken before must not be lost by it."""


@runtime_checkable
class Forkable(Protocol):
    """A sink that is used in forked children as well. One without this is left out there, which is said once."""

    def forked(self) -> None:
        """Told in the child, before anything else: let go of what is the parent's, without touching it."""


@runtime_checkable
class Ticking(Protocol):
    """A sink that has something to do when no lines come: to show what it held back, say."""

    def tick(self) -> bool:
        """Called after lines came, about every tenth of a second, as long as it says True."""


@runtime_checkable
class Lasting(Protocol):
    """A sink whose other side may be away for longer than a program runs.

    What such a sink has not taken when the program ends waits in the home, up to `sink_bytes`, for the next program
    with a sink of the same address.
    """

    @property
    def address(self) -> str:
        """Where it brings lines to; another one of the same address brings them to the same place."""

    def left(self) -> Sequence[Line]:
        """Lines that it took and could not bring there, once it is closed. May be called from another thread."""


@runtime_checkable
class Counting(Protocol):
    """A sink whose other side may refuse records for good: what is lost there is counted with everything else."""

    last_refusal: str
    """Why, the last time."""

    def losses(self) -> Mapping[str, int]:
        """What was lost since this was asked last, by the name of its counter."""
