"""What the core asks of the rooms it must not know: the gate, the place where lines go, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from flightlog.records.line import Line


class Gate(Protocol):
    """Decides what is secret. Both sides of the seam hold on to the same rules for a whole process.

    A gate is asked from any thread, at any time, also from a signal handler: it takes no lock and never
    raises. A rule that fails inside drops the text it was given, never the rule.
    """

    def text(self, path: str, text: str) -> str:
        """Return `text` with every secret in it replaced; the same object when it holds none.

        Args:
            path: dotted key path of the text within its record, e.g. `input.headers.accept`; list positions
                are left out. Empty for names.
            text: what the program handed over, of any length.
        """

    def beginning(self, path: str, text: str, length: int) -> str:
        """Return the redacted beginning of a text for which there is room for `length` characters.

        It may be longer than that, and shorter where much work would be needed for more; equal texts become equal.
        """

    def arguments(self, arguments: list[str]) -> list[str]:
        """Return texts that stand beside each other, redacted: they may be the words of a command."""

    def hides(self, key: str) -> bool:
        """Say whether what stands under a key of this name is secret, whatever its type."""

    def under(self, key: str, text: str) -> str:
        """Return what a text under a key that hides becomes."""

    def spares(self, key: str) -> bool:
        """Say of a key that hides whether it hides only texts that look like a secret, and nothing else."""

    def digest(self, data: bytes) -> str:
        """Keyed hash of already redacted bytes, so that equal values stay comparable within one home."""


class Journal(Protocol):
    """Takes finished lines. `write` may be called from any thread and from a signal handler."""

    def write(self, line: Line) -> None:
        """Append one line; it survives the death of the process once this returns.

        Never raises. A line that cannot be kept is counted, and the counter is what is left of it.
        """


class Branch(Protocol):
    """A span as it is read back, with everything below it. Nothing in it changes afterwards."""

    @property
    def name(self) -> str:
        """What was done."""

    @property
    def kind(self) -> str:
        """What sort of work it was."""

    @property
    def status(self) -> str:
        """How it ended; `running` while it is open."""

    @property
    def trace_id(self) -> str:
        """The trace it belongs to; empty if nothing was recorded."""

    @property
    def span_id(self) -> str:
        """Its own id; empty if nothing was recorded."""

    @property
    def start(self) -> int:
        """Unix nanoseconds."""

    @property
    def end(self) -> int | None:
        """Unix nanoseconds; None while it is open."""

    @property
    def duration_ns(self) -> int | None:
        """End minus start; None while it is open."""

    @property
    def self_ns(self) -> int | None:
        """Duration without the time in which a child ran; None while it is open."""

    @property
    def attributes(self) -> dict[str, Any]:
        """What else is known of it."""

    @property
    def input(self) -> Any:
        """What it was given; None when nothing was."""

    @property
    def output(self) -> Any:
        """What it gave back; None when nothing was."""

    @property
    def error(self) -> Any:
        """What went wrong, with `type`, `message` and `stack`; None when nothing did."""

    @property
    def events(self) -> Sequence[Any]:
        """Its events by time, each with `name`, `time` and `attributes`."""

    @property
    def marks(self) -> Sequence[str]:
        """What is odd about its place in the trace, one word each."""

    @property
    def children(self) -> Sequence[Branch]:
        """The spans under it, by start."""

    def walk(self) -> Iterator[Branch]:
        """This one and every one below it, a parent before its children."""

    def find(self, name: str) -> Branch | None:
        """The first of this name, here or below; None when there is none."""

    def find_all(self, name: str) -> Sequence[Branch]:
        """Every one of this name, here or below."""


class ReadBack(Protocol):
    """Reads a span back, from wherever its lines went."""

    def __call__(self, span: Any, /) -> Branch:
        """Give the span as it stands now, open or ended, with what was recorded under it.

        Never raises: where nothing can be read, what the span itself knows is the answer.
        """
