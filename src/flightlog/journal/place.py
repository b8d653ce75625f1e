"""A place that takes lines, and the one that takes over from it: the chain that a writer walks along.

Writers share no lock. Each remembers some place of the chain and walks forward from it to the first that
takes the line, so a thread (or an interrupted signal handler) that remembers an old one loses nothing but a
step. Two things make that safe:

* A place has one successor, decided once, by one atomic dictionary operation.
* A place is retired before its successor becomes visible to readers. Once retired it takes no line, ever. So
  a reader that sees a successor knows that nothing will be added to the segment before it.
"""

from __future__ import annotations

from collections.abc import Callable

from flightlog.records.cursor import Cursor


class Place:
    """One element of the chain. Every method may be called again, by any thread; only the first call acts."""

    __slots__ = ("_heirs", "append", "number", "trouble")

    append: Callable[[bytes], object]
    """Takes one framed record; raises ValueError when the place is full, retired or broken."""
    number: int
    """Number of the segment; a place in memory has that of the segment before it."""
    trouble: str
    """Why a write or a rename failed; what comes next should not be another file. Empty while all is well."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.trouble = ""
        self._heirs: dict[str, Place] = {}

    @property
    def successor(self) -> Place | None:
        """The place that took over, if one did."""
        return self._heirs.get("successor")

    def hand_over(self, candidate: Place) -> Place:
        """Make `candidate` the successor unless there is one; return the one that is."""
        return self._heirs.setdefault("successor", candidate)

    def retire(self) -> None:
        """Take no further line."""
        raise NotImplementedError

    def publish(self) -> None:
        """Become visible to readers.

        Raises:
            OSError: that failed, and the place must not be written to.
        """

    def position(self) -> Cursor:
        """Where the next line would go; for a retired place, where its lines end."""
        raise NotImplementedError

    def seal(self) -> None:
        """Retire, then give back memory and descriptors, and cut the file to what is in it."""

    def sync(self) -> None:
        """Make what was written before this call survive a power cut."""

    def abandon(self) -> None:
        """Give back what a forked child inherited, touching nothing of the parent's."""

    def disown(self) -> None:
        """Close no descriptor of this place any more: the program has taken them from us."""

    def is_sound(self) -> bool:
        """Say whether lines still go where they should."""
        return True
