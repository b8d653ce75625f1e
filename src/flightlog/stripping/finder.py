"""Finds the modules that are loaded without their hot calls, and loads them so.

A finder in front of all others asks them for a module that a pattern names, and puts a loader of its own around
theirs, if that one compiles source and keeps to importlib's protocol (`source_to_code`). What has another loader
(pytest's rewritten tests, a zip file, an extension) is left as it is.

Byte code without the calls must never be taken for the module's ordinary one, nor the other way round. So it is kept
under a tag of its own, in the way that Python tells levels of optimisation apart:
`__pycache__/worker.cpython-311.opt-flightlog1.pyc`. All that decides whether it is still valid is importlib's own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from copy import copy
from fnmatch import fnmatchcase
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import cache_from_source
from threading import local
from types import CodeType, ModuleType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.stripping.tree import mentions, stripped

_TAG: Final = "flightlog1"
"""Another number for each change of what is removed: it makes what was kept before invalid."""


class Finder(MetaPathFinder):
    """Stands first among the finders, and knows the patterns."""

    def __init__(self) -> None:
        self._patterns: tuple[str, ...] = ()
        self._asking = local()

    def watch(self, patterns: Sequence[str]) -> None:
        """Load what these patterns name without its calls; be first in line from now on."""
        self._patterns += tuple(pattern for pattern in patterns if pattern not in self._patterns)
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        sys.meta_path.insert(0, self)

    def leave(self) -> None:
        """Forget every pattern; what is loaded stays as it is."""
        self._patterns = ()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    @staticmethod
    def names(patterns: Sequence[str], module: str) -> bool:
        """Whether a pattern names a module."""
        return any(
            fnmatchcase(module, pattern) or (pattern.endswith(".*") and fnmatchcase(module, pattern[:-2]))
            for pattern in patterns
        )

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the finders behind this one find, with a loader that strips; None for what is none of ours."""
        if fullname.partition(".")[0] == "flightlog" or not self.names(self._patterns, fullname):
            return None
        if getattr(self._asking, "is_on", False):  # by another finder that asks all others, as this one does
            return None
        self._asking.is_on = True
        try:
            spec = self._found(fullname, path, target)
        finally:
            self._asking.is_on = False
        if spec is not None:
            _strip(spec)
        return spec

    def _found(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for other in list(sys.meta_path):
            find = None if other is self else getattr(other, "find_spec", None)
            spec: ModuleSpec | None = None if find is None else find(fullname, path, target)
            if spec is not None:
                return spec
        return None


finder: Final = Finder()
"""The one of this process."""


class Stripping:
    """Comes before a loader's own class: compiles without the hot calls, and keeps that apart."""

    path: str

    def source_to_code(self, data: Any, path: Any, *args: Any, **options: Any) -> CodeType:
        """Compile what is left of the source."""
        compile_it = super().source_to_code  # type: ignore[misc]  # the loader's class stands behind this one
        code: CodeType | None = None
        if mentions(data):
            try:
                code = compile_it(stripped(data, str(path)), path, *args, **options)
            except Exception as failure:  # noqa: BLE001 - the border: what cannot be stripped is loaded as it is
                let_through(failure)
        return compile_it(data, path, *args, **options) if code is None else code

    def get_data(self, path: str) -> bytes:
        """Read the source, or byte code that was stripped."""
        return super().get_data(self._kept(path))  # type: ignore[misc, no-any-return]  # as above

    def set_data(self, path: str, data: Any, **options: Any) -> None:
        """Keep byte code that was stripped."""
        super().set_data(self._kept(path), data, **options)  # type: ignore[misc]  # as above

    def _kept(self, path: str) -> str:
        """Where a file is kept: byte code elsewhere than importlib would have it."""
        try:
            return kept_at(self.path) if path == cache_from_source(self.path) else path
        except NotImplementedError:  # this Python keeps no byte code
            return path


def kept_at(source: str) -> str:
    """Where the stripped byte code of a source file is kept."""
    level = sys.flags.optimize
    return cache_from_source(source, optimization=f"{level or ''}{_TAG}")


_classes: Final[dict[type, type]] = {}
"""A loader's class to the one that strips besides."""


def _strip(spec: ModuleSpec) -> None:
    """Put a loader that strips in the place of a spec's own, if that can be done."""
    loader: Any = spec.loader
    if not isinstance(loader, SourceFileLoader) or isinstance(loader, Stripping):
        return
    kind = type(loader)
    try:
        if kind not in _classes:
            _classes[kind] = type("Stripping" + kind.__name__, (Stripping, kind), {})
        made = copy(loader)
        made.__class__ = _classes[kind]
        spec.loader = made
        if spec.cached is not None:
            spec.cached = kept_at(made.path)
    except Exception as failure:  # noqa: BLE001 - the border: a loader of another's making stays as it is
        let_through(failure)
        spec.loader = loader
