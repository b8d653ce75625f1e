"""What is kept of a span that pauses: whether it waits, how long it has, and how its lines are told apart.

A span that never paused has none of this. Its lines would be told apart by their status alone, which cannot say
whether a `running` line comes before a pause or after it; so the revision grows with each pause and each
resumption, by two: the odd number between them is for the line that is written when the block is left while the
span waits, which must not outrank a resumption elsewhere.
"""

from __future__ import annotations


class Waits:
    """The waiting of one span. All times are monotonic nanoseconds of this process."""

    __slots__ = ("_since", "are_on", "revision", "total_ns")

    def __init__(self, revision: int = 0, total_ns: int = 0) -> None:
        """Begin with none, or with what another process knew.

        Args:
            revision: of the last line that was written.
            total_ns: how long it waited before.
        """
        self.are_on = False
        """Whether it waits now."""
        self.revision = revision
        """For the span's lines from now on."""
        self.total_ns = total_ns
        self._since = 0

    def begin(self, now: int) -> bool:
        """Wait from now on; False if it did already. Either way a new line has something to say."""
        self._next()
        if self.are_on:
            return False
        self.are_on = True
        self._since = now
        return True

    def end(self, now: int) -> bool:
        """Work from now on; False if it did already."""
        if not self.are_on:
            return False
        self._next()
        self.are_on = False
        self.total_ns += now - self._since
        return True

    def leave(self) -> None:
        """Number the line of a block that is left meanwhile."""
        self.revision |= 1

    def revision_of(self, status: str) -> int:
        """The revision of a line; one that says `running` and comes too late for that is none of importance."""
        return 0 if self.are_on and status == "running" else self.revision

    def _next(self) -> None:
        self.revision = (self.revision | 1) + 1
