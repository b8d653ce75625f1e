"""Puts the recorder into LlamaIndex, for everything or for single objects, and takes it away.

Its dispatcher tells a list of handlers of whatever is done; ours is added to that of the dispatcher which all others
pass on to. Single objects are known to the handler, which leaves the rest alone.
"""

from __future__ import annotations

import os
import sys
import weakref
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from flightlog.integrations.http.methods import Unfit
from flightlog.integrations.llama_index.handler import Handler, Report
from flightlog.integrations.llama_index.kinds import family_of
from flightlog.integrations.llama_index.streams import Streams

_MODULE: Final = "llama_index_instrumentation"
_ROOT: Final = "root_dispatcher"
_MIXIN: Final = "DispatcherSpanMixin"


class _Installed:
    """What of LlamaIndex is ours at the moment."""

    def __init__(self, module: Any, report: Report) -> None:
        root = getattr(module, _ROOT, None)
        mixin = getattr(module, _MIXIN, None)
        self._lists: list[Any] = [getattr(root, name, None) for name in ("span_handlers", "event_handlers")]
        if mixin is None or not all(isinstance(one, list) for one in self._lists):
            raise Unfit(f"it has no {module.__name__}.{_ROOT} with lists of handlers")
        packages = str(Path(str(module.__file__)).parents[1]) + os.sep
        self.handler = Handler(self.holds, packages, report)
        self.is_everywhere = False
        self.single: dict[int, weakref.ref[Any]] = {}
        """Single objects, by their identity: models are no keys."""
        self._streams = Streams(self.handler, mixin)
        for one in self._lists:
            one.append(self.handler)

    def holds(self, instance: object) -> bool:
        """Whether what this object does is recorded wherever it is done."""
        return self.is_everywhere or self.is_single(instance)

    def is_single(self, instance: object) -> bool:
        """Whether this is one of the single objects."""
        known = self.single.get(id(instance))
        return known is not None and known() is instance

    def end(self) -> None:
        """Leave everything as it was."""
        for one in self._lists:
            one[:] = [handler for handler in one if handler is not self.handler]
        self._streams.leave()
        self.handler.runs.end_all()


_installed: _Installed | None = None


def wrap(module: ModuleType, report: Report) -> None:
    """Record everything, from the next thing that begins; twice is harmless.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    _installation(module, report).is_everywhere = True


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - what was replaced is known
    """Leave LlamaIndex as it was."""
    if _installed is not None:
        _installed.is_everywhere = False
        _leave_if_unused()


def is_client(module: ModuleType, value: Any) -> bool:
    """Whether this is a model, an engine, a retriever, a tool, a workflow: what the dispatcher tells of."""
    mixin = getattr(module, _MIXIN, None)
    return (mixin is not None and isinstance(value, mixin)) or family_of(type(value)) != ""


def wrap_client(client: Any, report: Report) -> bool:
    """Record what one object does, and all that is done within it. False if it is recorded already."""
    installed = _installation(
        sys.modules[_MODULE], report
    )  # it is there: the object is of one of its classes
    if installed.is_single(client):
        return False
    installed.single[id(client)] = weakref.ref(client)
    return True


def unwrap_client(client: Any) -> None:
    """Leave one object as it was."""
    if _installed is not None and _installed.is_single(client):
        del _installed.single[id(client)]
        _leave_if_unused()


def _installation(module: ModuleType, report: Report) -> _Installed:
    global _installed  # noqa: PLW0603 - as global as what is replaced
    if _installed is None:
        _installed = _Installed(module, report)
    return _installed


def _leave_if_unused() -> None:
    global _installed  # noqa: PLW0603 - as above
    if _installed is not None and not _installed.is_everywhere and not _installed.single:
        _installed.end()
        _installed = None
