"""The door by which lines come out of journals into the store: what other libraries told is read into our words first.

The readers are loaded at the first line that another library wrote: most programs write none, and the thread that
indexes beside them has to be light.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flightlog.records.errors import StoreError
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.settings import Settings
from flightlog.store.open import open_reader
from flightlog.store.port import Writer

if TYPE_CHECKING:
    from flightlog.understanding import Understanding

_FOREIGN: Final = b'"otel":{'


class Door:
    """What `sinks.store.Door` asks for, for one home."""

    def __init__(self, settings: Settings, key: bytes, store_path: Path) -> None:
        """Prepare.

        Args:
            settings: whose rules hold.
            key: of the home's hashes.
            store_path: where the lines go.
        """
        self._settings = settings
        self._key = key
        self._store_path = store_path
        self._understanding: Understanding | None = None

    def lines(self, lines: Sequence[Line], owner: Process) -> Sequence[Line]:
        """The lines of a process as they go into the store."""
        if self._understanding is None:
            if all(line.find(_FOREIGN) < 0 for line in lines):
                return lines
            from flightlog.understanding import understanding_of  # heavy, and most programs need none of it

            self._understanding = understanding_of(self._settings, self._key)
        return self._understanding.lines(lines, owner)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do about lines that are in the store."""
        return self._understanding is None or self._understanding.is_settled

    def settle(self, store: Writer) -> None:
        """Do what depends on several lines, all of which are in the store by now.

        Raises:
            StoreError: the store refused; the next time tries again.
        """
        if self._understanding is None:
            return
        reader = open_reader(self._store_path)
        try:
            self._understanding.settle(reader, store)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - the border: a mistake of ours must not keep lines from the store
            self._understanding = None
        finally:
            reader.close()
