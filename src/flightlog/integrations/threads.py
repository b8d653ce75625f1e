"""The standard library's threads and thread pools, taught to carry the current span and binding.

A thread begins with an empty context, so without this a span opened in it would start a trace of its own.
What is carried counts while its span is open and no longer: a worker thread that was started during one
request does not put every later request under it.
"""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any, Final

from flightlog.core.carry import Luggage, pack
from flightlog.integrations.on_import import when_imported

_MARK: Final = "_flightlog_original"


class _Quiet(threading.local):
    """Whether threads started here begin with nothing: a pool's workers get luggage with each task instead."""

    on = False


_quiet: Final = _Quiet()


def carry_into_threads() -> None:
    """Wrap `Thread.start` now and `ThreadPoolExecutor.submit` when it is imported; twice is harmless."""
    if not is_carrying():
        setattr(threading.Thread, "start", _carrying_start(threading.Thread.start))  # noqa: B010 - mypy: a method
    when_imported("concurrent.futures.thread", _wrap_pool)


def is_carrying() -> bool:
    """Whether threads that start now carry the current span."""
    return hasattr(threading.Thread.start, _MARK)


def restore() -> None:
    """Put the standard library's own methods back."""
    original = getattr(threading.Thread.start, _MARK, None)
    if original is not None:
        setattr(threading.Thread, "start", original)  # noqa: B010 - as above


def start_quietly(thread: threading.Thread) -> None:
    """Start a thread of our own: it carries nothing."""
    _quiet.on = True
    try:
        thread.start()
    finally:
        _quiet.on = False


def _carrying_start(original: Any) -> Any:
    def start(self: threading.Thread) -> None:
        luggage = None if _quiet.on else pack()
        if luggage is None or luggage.empty:
            original(self)
            return
        _load(self, luggage)
        try:
            original(self)
        except BaseException:
            self.__dict__.pop("run", None)
            raise

    setattr(start, _MARK, original)
    start.__doc__ = original.__doc__
    return start


def _load(thread: threading.Thread, luggage: Luggage) -> None:
    run = thread.run

    def carried() -> None:
        thread.__dict__.pop("run", None)
        luggage.unpack()
        run()

    thread.run = carried  # type: ignore[method-assign]  # for this one thread, until it runs


def _wrap_pool(module: ModuleType) -> None:
    pool = module.ThreadPoolExecutor
    original = pool.submit
    if hasattr(original, _MARK):
        return

    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        luggage = pack()
        _quiet.on = True
        try:
            if luggage.empty:
                return original(self, fn, *args, **kwargs)
            return original(self, luggage.around, fn, args, kwargs)
        finally:
            _quiet.on = False

    setattr(submit, _MARK, original)
    submit.__doc__ = original.__doc__
    pool.submit = submit
