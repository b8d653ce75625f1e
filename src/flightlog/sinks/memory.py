"""The memory sink: the last lines, kept for whoever asks."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from flightlog.codecs.lines import decode
from flightlog.records.line import Line
from flightlog.records.record import Record
from flightlog.sinks.port import Batch

MOST_LINES: Final = 10_000
"""How many lines are kept unless another number is given."""


class Memory:
    """Keeps the newest lines, and counts those that it let go."""

    def __init__(self, most: int = MOST_LINES) -> None:
        """Prepare.

        Args:
            most: lines to keep; older ones go.

        Raises:
            ValueError: `most` is less than 1.
        """
        if most < 1:
            raise ValueError(f"a memory sink keeps at least 1 line, not {most}")
        self._lines: deque[Line] = deque(maxlen=most)
        self._lock = threading.Lock()
        self._gone = 0

    @property
    def lines(self) -> list[Line]:
        """What is kept, the oldest first."""
        with self._lock:
            return list(self._lines)

    @property
    def records(self) -> list[Record]:
        """What is kept, as records, the oldest first."""
        return [decode(line) for line in self.lines]

    @property
    def gone(self) -> int:
        """How many lines were let go because newer ones came."""
        return self._gone

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._lines.clear()
            self._gone = 0

    def append(self, batch: Batch, /) -> None:
        """Keep the lines."""
        with self._lock:
            most = self._lines.maxlen or MOST_LINES
            self._gone += max(0, len(self._lines) + len(batch) - most)
            self._lines.extend(batch)

    def flush(self, timeout: float, /) -> bool:  # noqa: ARG002 - nothing here takes time
        """Nothing is on its way."""
        return True

    def close(self) -> None:
        """Keep what is there: it is read afterwards."""

    def forked(self) -> None:
        """The child begins with nothing, and with a lock that nobody holds."""
        self._lock = threading.Lock()
        self._lines.clear()
        self._gone = 0
