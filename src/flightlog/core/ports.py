"""What the core asks of the rooms it must not know: the gate and the place where lines go."""

from __future__ import annotations

from typing import Protocol

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

    def hides(self, key: str) -> bool:
        """Say whether whatever stands under a key of this name is secret, whatever its type."""

    def digest(self, data: bytes) -> str:
        """Keyed hash of already redacted bytes, so that equal values stay comparable within one home."""


class Journal(Protocol):
    """Takes finished lines. `write` may be called from any thread and from a signal handler."""

    def write(self, line: Line) -> None:
        """Append one line; it survives the death of the process once this returns.

        Never raises. A line that cannot be kept is counted, and the counter is what is left of it.
        """
