"""What is on: the level filter, the master switch, captures, and the first use that starts everything.

The engine asks `Control.decide` whenever a level's verdict is not known for everybody: before recording has
started (then it starts), when a filter names modules, and while somebody captures.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from threading import RLock
from time import monotonic
from types import FrameType
from typing import Final

from flightlog.border import let_through
from flightlog.core import engine
from flightlog.core.context import captor, variable
from flightlog.core.level import Filter, parse
from flightlog.records.kinds import LEVELS

_RETRY: Final = 5.0
"""Seconds after which a start that failed is tried again."""

_PATIENCE: Final = 10.0
"""Seconds that a fork waits for a start-up in another thread."""


class Control:
    """The switchboard of one process."""

    def __init__(self) -> None:
        self.undivided = RLock()
        """Held while something is done that a fork must not cut in two: starting up, loading modules."""
        self.refused = 0
        """Records that were not kept: made in the middle of starting up, or while it could not start."""
        self._start: Callable[[], object] | None = None
        self._prepare: Callable[[], object] | None = None
        self._starting = False
        self._not_before = 0.0
        self._captures: list[int] = []
        self.filter: Filter = parse("info")
        self.enabled = True
        self.changes = 0
        """How often it changed what is recorded."""
        self._told: list[Callable[[], object]] = []

    def on_first_use(self, start: Callable[[], object], prepare: Callable[[], object]) -> None:
        """Call `start` before the first record that is kept, and `prepare` before the first that is captured."""
        self._start = start
        self._prepare = prepare
        engine.verdicts.update(dict.fromkeys(LEVELS))
        engine.ask(self.decide)
        self._tell()

    def on_change(self, told: Callable[[], object]) -> None:
        """Call `told` now, and whenever it may have changed what is recorded."""
        self._told.append(told)
        told()

    def _tell(self) -> None:
        engine.heed_levels()
        self.changes += 1
        for told in self._told:
            told()

    def foresees(self, level: str, module: str = "") -> bool:
        """Whether this module's records of this level will be kept, without a module whether anybody's will be.

        Reads the settings if nobody has; nothing starts to be recorded by asking.
        """
        if not self._starting:
            self.prepared()
        number = LEVELS[level]
        if not self.enabled or any(number >= least for least in self._captures):
            return any(number >= least for least in self._captures)
        return self.filter.admits(level, module) if module else self.filter.verdict(level) is not False

    def forking(self) -> None:
        """Before a fork: wait until nothing is half done."""
        self.undivided.acquire(timeout=_PATIENCE)

    def fork_done(self) -> None:
        """After a fork, in the parent."""
        with suppress(RuntimeError):
            self.undivided.release()

    def forked(self) -> None:
        """After a fork, in the child."""
        self.undivided = RLock()
        self._starting = False

    @property
    def is_running(self) -> bool:
        """Whether recording, or capturing, has begun."""
        return self._start is None or self._prepare is None

    @property
    def is_starting(self) -> bool:
        """Whether recording is beginning at this moment."""
        return self._starting

    @property
    def wants_anything(self) -> bool:
        """Whether there is anything that would be recorded."""
        return self.enabled and not self.filter.is_off

    def configure(self, wanted: Filter, *, enabled: bool) -> None:
        """Change what is recorded, from now on and for every thread."""
        self.filter = wanted
        self.enabled = enabled
        self._refresh()

    def prepared(self) -> bool:
        """Read the settings and put the gate in place, unless that was done; say whether it could be."""
        return self._begun(only_prepare=True)

    def capture(self, least: int) -> None:
        """Begin a capture that takes everything from the level of this number up."""
        self._begun(only_prepare=True)
        with self.undivided:
            self._captures.append(least)
            self._refresh()

    def captured(self, least: int) -> None:
        """End a capture that began with this number."""
        with self.undivided:
            self._captures.remove(least)
            self._refresh()

    def decide(self, level: str, frame: FrameType) -> bool:
        """Whether code in this frame records at this level."""
        taker = captor(variable.get()) if self._captures else None
        if not self._begun(only_prepare=taker is not None):
            return False
        if taker is not None:
            return LEVELS.get(level, LEVELS["info"]) >= taker.least
        return self.enabled and self.filter.admits(level, frame.f_globals.get("__name__", ""))

    def _begun(self, *, only_prepare: bool) -> bool:
        """Whether recording has begun; begins it if need be. False for what records while it begins."""
        if self._start is None or (only_prepare and self._prepare is None):
            return True
        with self.undivided:
            begin = self._prepare if only_prepare else self._start
            if begin is None:
                return True
            if self._starting:
                self.refused += 1
                return False
            if monotonic() < self._not_before:
                self.refused += 1
                return False
            self._starting = True
            try:
                begin()
            except Exception as error:  # noqa: BLE001 - the border: a recorder that cannot start stays out of the way
                let_through(error)
                self._not_before = monotonic() + _RETRY
                self.refused += 1
                _say(
                    f"recording could not start ({type(error).__name__}); it is tried again in {_RETRY:.0f} s"
                )
                return False
            finally:
                self._starting = False
            self._prepare = None
            if not only_prepare:
                self._start = None
            self._refresh()
        return True

    def _refresh(self) -> None:
        if self._start is None:
            for level, number in LEVELS.items():
                verdict = self.filter.verdict(level) if self.enabled else False
                # Where a capture answers otherwise, it depends on who asks.
                differs = any((number >= least) is not verdict for least in self._captures)
                engine.verdicts[level] = None if differs else verdict
        self._tell()


def _say(message: str) -> None:
    if sys.stderr is not None:
        with suppress(Exception):
            sys.stderr.write(f"flightlog: {message}\n")


control = Control()
"""The one of this process."""
