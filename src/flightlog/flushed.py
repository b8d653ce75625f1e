"""What a flush found."""

from __future__ import annotations

from typing import NamedTuple


class Flushed(NamedTuple):
    """What a flush found. It is true when everything was delivered."""

    delivered: bool
    waiting_bytes: int = 0
    """Bytes that are safe in the journal and not in the store yet; -1 when the store cannot say."""
    in_memory: int = 0
    """Lines that are only in this process's memory, because the home cannot be written."""
    sinks: tuple[str, ...] = ()
    """Sinks beside the store that have not taken everything yet."""
    dropped: int = 0
    """Records that this process has lost since the flush before: the journal was full, say. Counters tell why."""

    def __bool__(self) -> bool:
        """Whether everything was delivered."""
        return self.delivered
