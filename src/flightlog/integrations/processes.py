"""Child processes of `multiprocessing` and process pools: they continue the trace of whoever started them.

A forked child inherits the context by itself. A spawned one starts from nothing, so the place in the trace
travels with the work, as a value that is pickled beside it. A `Process` subclass that overrides `run` and is
spawned has no work to send it with; it starts a trace of its own.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

from flightlog.core.carry import Passport, passport
from flightlog.integrations.on_import import when_imported

_MARK: Final = "_flightlog_original"


class Errand:
    """Work together with the place in the trace that it belongs to; can be pickled when the work can."""

    def __init__(self, papers: Passport, work: Any) -> None:
        self.papers = papers
        self.work = work

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work in its place, and be gone again."""
        return self.papers.around(self.work, args, kwargs)


def carry_into_processes() -> None:
    """Wrap process starts and process pools when they are imported; twice is harmless."""
    when_imported("multiprocessing.process", _wrap_process)
    when_imported("concurrent.futures.process", _wrap_pool)


def _wrap_process(module: ModuleType) -> None:
    base = module.BaseProcess
    original = base.start
    if hasattr(original, _MARK):
        return

    def start(self: Any) -> None:
        papers = passport()
        target = getattr(self, "_target", None)
        if papers is None or target is None:
            original(self)
            return
        self._target = Errand(papers, target)
        try:
            original(self)
        finally:
            if getattr(self, "_target", None) is not None:
                self._target = target

    setattr(start, _MARK, original)
    start.__doc__ = original.__doc__
    base.start = start


def _wrap_pool(module: ModuleType) -> None:
    pool = module.ProcessPoolExecutor
    original = pool.submit
    if hasattr(original, _MARK):
        return

    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        papers = passport()
        if papers is None:
            return original(self, fn, *args, **kwargs)
        return original(self, Errand(papers, fn), *args, **kwargs)

    setattr(submit, _MARK, original)
    submit.__doc__ = original.__doc__
    pool.submit = submit
