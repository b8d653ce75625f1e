"""The sink of full texts: follows a store with an index of the words in it, a step at a time, a second behind.

Whoever holds the home's lock and has nothing else to bring in does a step; nothing waits for it and nothing depends on
it, for what is not indexed yet is looked at itself. Trouble is the index's own: it is kept as a sentence, tried again
after a while, and never reaches who records.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from flightlog.records.errors import FlightlogError
from flightlog.store.open import open_texts, remove_texts, texts_are_possible
from flightlog.store.textport import TextIndex

RETRY_SECONDS: Final = 5.0
"""How long nothing is tried after trouble."""


class TextSink:
    """Carries what a store says into the index of its words."""

    def __init__(self, store: Path, *, is_on: bool = True, is_gentle: bool = False) -> None:
        """Prepare; nothing is opened before the first step.

        Args:
            store: its file, which need not be there yet.
            is_on: False takes an index that is there away.
            is_gentle: each step is so short that a program beside it hardly notices.
        """
        self._store = store
        self._is_on = is_on
        self._is_gentle = is_gentle
        self._index: TextIndex | None = None
        self._retry_at = 0.0
        self._file = (0, 0)
        self.trouble = ""
        """Why the last step failed; empty where it did not."""

    def step(self) -> bool:
        """Index a little; whether another step would find something at once."""
        if time.monotonic() < self._retry_at or not self._store.exists():
            return False
        try:
            return self._step()
        except (FlightlogError, OSError) as error:
            self.trouble = str(error)
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self.close()
            return False

    def run(self, within: float) -> bool:
        """Step until nothing is left or time is up, in seconds; one step may run over it. Whether anything is left."""
        deadline = time.monotonic() + within
        while self.step():
            if time.monotonic() >= deadline:
                return True
        return bool(self.trouble)

    def close(self) -> None:
        """Give back every handle; closing twice is harmless."""
        if self._index is not None:
            self._index.close()
            self._index = None

    def _step(self) -> bool:
        if not (self._is_on and texts_are_possible()):
            self.close()
            remove_texts(self._store)
            self._retry_at = time.monotonic() + RETRY_SECONDS
            return False
        found = self._store.stat()
        if self._file != (found.st_dev, found.st_ino):  # a home may be deleted and made anew beside us
            self.close()
            self._file = (found.st_dev, found.st_ino)
        if self._index is None:
            self._index = open_texts(self._store, is_gentle=self._is_gentle)
        more = self._index.step().more
        self.trouble = ""
        return more
