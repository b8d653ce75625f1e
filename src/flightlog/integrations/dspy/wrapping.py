"""Puts the recorder into DSPy, for everything or for single objects, and takes it away.

DSPy asks its settings for callbacks whenever something begins, and a program may set others at any time. So ours is
given to whoever asks for them in order to call them, and stands in no setting.
"""

from __future__ import annotations

import os
import sys
import weakref
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from flightlog.integrations.dspy.callback import Callback, Report
from flightlog.integrations.dspy.serving import Serving
from flightlog.integrations.http.methods import Replaced, Switch, Unfit

_MODULE: Final = "dspy"
_SETTINGS: Final = "dspy.dsp.utils.settings"
_CALLER: Final = "dspy.utils.callback"
_CLASSES: Final = ("Module", "BaseLM", "Tool", "Evaluate", "Embedder")


class _Installed:
    """What of DSPy is ours at the moment."""

    def __init__(self, module: ModuleType, report: Report) -> None:
        package = str(Path(str(module.__file__)).parent) + os.sep
        self.callback = Callback(self._is_wanted, package, report)
        self.is_everywhere = False
        self.single: dict[int, weakref.ref[Any]] = {}
        """Single objects, by their identity: examples of them are no keys."""
        try:
            import_module(_CALLER)
            settings = getattr(import_module(_SETTINGS), "Settings", None)
            self._serving = Serving(self.callback)
        except ImportError as missing:
            raise Unfit(str(missing)) from missing
        try:
            self._settings = Replaced([(settings, "get", self._asking)])
        except Unfit:
            self._serving.leave()
            raise

    def _is_wanted(self, instance: object) -> bool:
        return self.is_everywhere or self.is_single(instance)

    def is_single(self, instance: object) -> bool:
        """Whether this is one of the single objects."""
        known = self.single.get(id(instance))
        return known is not None and known() is instance

    def end(self) -> None:
        """Leave everything as it was."""
        self._settings.restore()
        self._serving.leave()
        self.callback.runs.end_all()

    def _asking(self, original: Any, switch: Switch) -> Any:
        def get(settings: Any, key: Any, default: Any = None) -> Any:
            found = original(settings, key, default)
            if key != "callbacks" or not switch.on:
                return found
            asker = sys._getframe(1).f_globals.get("__name__")  # noqa: SLF001 - the program's own question is not ours
            return [self.callback, *found] if asker == _CALLER else found

        return get


_installed: _Installed | None = None


def wrap(module: ModuleType, report: Report) -> None:
    """Record everything, from the next thing that begins; twice is harmless.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    _installation(module, report).is_everywhere = True


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - what was replaced is known
    """Leave DSPy as it was."""
    if _installed is not None:
        _installed.is_everywhere = False
        _leave_if_unused()


def is_client(module: ModuleType, value: object) -> bool:
    """Whether this is a module, a model, a tool, an evaluation or an embedder."""
    classes = tuple(found for name in _CLASSES if isinstance(found := getattr(module, name, None), type))
    return isinstance(value, classes)


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
