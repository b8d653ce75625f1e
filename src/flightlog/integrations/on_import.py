"""Calls a function once a module has been imported: now if it is there already, else when it comes.

A recorder must not import `concurrent.futures` or `multiprocessing` for their own sake (start-up time), and
must not miss them when the program does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # importlib's abstract classes cost start-up time and are not needed to run
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
else:
    ModuleSpec = type(sys.__spec__)

_WAITING: Final = "flightlog_waiting"
"""Attribute of the spec of a module whose import is going on: who waits for its end."""

_waiting: Final[dict[str, list[Callable[[ModuleType], object]]]] = {}


def when_imported(name: str, then: Callable[[ModuleType], object]) -> None:
    """Call `then(module)` as soon as the module is imported, at once if it already is."""
    module = sys.modules.get(name)
    if module is not None and is_half_made(module):
        __import__(name)  # another thread is at it: an import waits until it is done
        module = sys.modules.get(name)
    if module is not None and is_half_made(module):  # this thread is at it: something in it asks
        _Unfinished.watch(module, then)
        return
    if module is not None:
        then(module)
        return
    _waiting.setdefault(name, []).append(then)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def is_half_made(module: ModuleType) -> bool:
    """Whether its import is going on; the interpreter's own mark, which it asks itself when two threads import."""
    return getattr(getattr(module, "__spec__", None), "_initializing", False) is True


class _Unfinished(ModuleSpec):
    """The spec of a module whose import is going on, until that ends: the interpreter then says so on the spec."""

    @classmethod
    def watch(cls, module: ModuleType, then: Callable[[ModuleType], object]) -> None:
        """Call `then` when the import has ended; after one that failed, when the next one succeeds."""
        spec: Any = module.__spec__
        if type(spec) is ModuleSpec:
            spec.__class__ = cls
        if type(spec) is not cls:  # somebody's own, which says nothing
            then(module)
            return
        vars(spec).setdefault(_WAITING, []).append(then)
        if not is_half_made(module):  # another thread has ended it in this very moment
            spec._initializing = False  # noqa: SLF001 - says so once more

    @classmethod
    def announce(cls, spec: ModuleSpec) -> None:
        """Tell those that wait for this module when its import has ended; it may only be looked up, and not begin."""
        if type(spec) is ModuleSpec:
            spec.__class__ = cls
            vars(spec)[_WAITING] = [lambda module: _announce(spec.name, module)]

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        if name != "_initializing" or value:
            return
        waiting = vars(self).pop(_WAITING, ())
        self.__class__ = ModuleSpec  # type: ignore[assignment]  # as it was
        for then in waiting:
            when_imported(self.name, then)


def _announce(name: str, module: ModuleType) -> None:
    for then in _waiting.pop(name, ()):
        then(module)


class _Finder:
    """Finds nothing itself: asks the other finders and wraps the loader of a module that is waited for."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname not in _waiting:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Announcing(spec.loader, fullname)  # type: ignore[assignment]  # a loader too
                else:  # a package without code of its own, spread over directories
                    _Unfinished.announce(spec)
                return spec
        return None


class _Announcing:
    """A module's own loader, with a word afterwards."""

    def __init__(self, loader: Loader, name: str) -> None:
        self._loader = loader
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._loader, attribute)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        _announce(self._name, module)


_finder: Final = _Finder()
