"""The last limit of a query: one call of a function of SQLite's, which nothing can interrupt, ends the process.

SQLite looks at the time between the steps of its machine. Within one step, `instr` or `LIKE` on texts of many
megabytes may go on for hours, and no signal is seen until it is over. A command that only reads has nothing to lose
by ending there.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, Self, TypeVar

GRACE_SECONDS: Final = 5.0
"""Beyond the limit of the query, which it mostly keeps itself; beginning it may take two of them."""

_LOOK_SECONDS: Final = 0.2

_Row = TypeVar("_Row")


class Impatience:
    """Ends the process with exit code 2 where the query within this block takes far too long."""

    def __init__(self, seconds: float) -> None:
        """Prepare; `seconds` is how long the query may take."""
        self._seconds = seconds
        self._since: float | None = None
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._look, name="flightlog-sql", daemon=True)

    def __enter__(self) -> Self:
        self._since = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_done.set()
        self._thread.join()

    def rows(self, found: Iterable[_Row]) -> Iterator[_Row]:
        """The same rows; the time that passes while somebody has one does not count."""
        answers = iter(found)
        while True:
            self._since = time.monotonic()
            row = next(answers, None)
            self._since = None
            if row is None:
                return
            yield row

    def _look(self) -> None:
        while not self._is_done.wait(_LOOK_SECONDS):
            since = self._since
            if since is not None and time.monotonic() - since > self._seconds + GRACE_SECONDS:
                told = (
                    f"Error: one function of the query took longer than {self._seconds:g} s; it was ended\n"
                )
                os.write(2, told.encode())
                os._exit(2)
