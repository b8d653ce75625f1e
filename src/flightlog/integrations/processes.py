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
    when_imported("multiprocessing.pool", _wrap_pool)
    when_imported("concurrent.futures.process", _wrap_executor)


def _wrap_process(module: ModuleType) -> None:
    base = module.BaseProcess
    original = base.start
    if hasattr(original, _MARK):
        return

    def start(self: Any) -> None:
        target = getattr(self, "_target", None)
        if target is None:
            original(self)
            return
        self._target = Errand(passport(), target)
        try:
            original(self)
        finally:
            if getattr(self, "_target", None) is not None:
                self._target = target

    setattr(start, _MARK, original)
    start.__doc__ = original.__doc__
    base.start = start


def _wrap_pool(module: ModuleType) -> None:
    """Every way of handing work to a `multiprocessing.Pool` goes through one of these four."""
    for name in ("apply_async", "_map_async", "imap", "imap_unordered"):
        _wrap_submission(module.Pool, name)


def _wrap_executor(module: ModuleType) -> None:
    _wrap_submission(module.ProcessPoolExecutor, "submit")


def _wrap_submission(pool: Any, name: str) -> None:
    """Wrap a method whose first argument is the work.

    Work that belongs to no span is wrapped as well: the worker may have been started inside of one.
    """
    original = getattr(pool, name)
    if hasattr(original, _MARK):
        return

    def submit(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        if args:
            return original(self, Errand(passport(), args[0]), *args[1:], **kwargs)
        if "func" in kwargs:
            kwargs["func"] = Errand(passport(), kwargs["func"])
        return original(self, **kwargs)

    setattr(submit, _MARK, original)
    submit.__doc__ = original.__doc__
    setattr(pool, name, submit)
