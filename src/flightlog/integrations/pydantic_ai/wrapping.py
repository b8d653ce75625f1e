"""Has Pydantic AI tell Flightlog of its runs, of all agents or of single ones, and takes that back.

The library tells of agents, model calls and tools through OpenTelemetry's API when it is asked to, for everything
(`instrument_all`) or for one object (`instrument`). It is asked with a provider of ours, which records whatever the
program's own provider is; what the program has asked for itself stays as it is.
"""

from __future__ import annotations

import sys
import weakref
from types import ModuleType
from typing import Any, Final

from flightlog.integrations.http.call import Report
from flightlog.integrations.http.methods import Unfit
from flightlog.integrations.opentelemetry import TracerProvider

_OWNERS: Final = ("Agent", "Embedder", "ImageGenerator")
"""What can be asked; earlier versions have agents alone."""
_DEFAULT: Final = "_instrument_default"
_VERSION: Final = 6
"""Of the form of its spans: the first in which what a tool gave is a message of the role `tool`."""


class _Asking:
    """What the library is asked with while it is recorded, everywhere or for single objects."""

    def __init__(self, module: Any) -> None:
        make = getattr(module, "InstrumentationSettings", None)
        if make is None:
            raise Unfit("it has no InstrumentationSettings")
        self.owners = [owner for name in _OWNERS if (owner := getattr(module, name, None)) is not None]
        if not self.owners or not all(
            hasattr(owner, _DEFAULT) and callable(getattr(owner, "instrument_all", None))
            for owner in self.owners
        ):
            raise Unfit("its agents cannot be instrumented all at once")
        self.provider = TracerProvider()
        # Media are told by their type alone: a text of them would be cut, and could not be read any more.
        given: dict[str, Any] = {"tracer_provider": self.provider, "include_binary_content": False}
        try:
            self.settings = make(**given, version=_VERSION)
        except ValueError:  # it knows no such version
            self.settings = make(**given)
        self.before: list[tuple[Any, Any]] = []
        """Classes that were asked, and what they had before."""
        self.single: dict[int, tuple[weakref.ref[Any], Any]] = {}
        """Objects that were asked, by their identity, and what they had before."""

    def everywhere(self) -> None:
        """Ask every class that the program has not asked itself; twice is harmless."""
        asked = [owner for owner, _ in self.before]
        for owner in self.owners:
            had = getattr(owner, _DEFAULT)
            if not had and owner not in asked:
                self.before.append((owner, had))
                owner.instrument_all(self.settings)

    def nowhere(self) -> None:
        """Leave the classes as they were, where nobody has asked them since."""
        while self.before:
            owner, had = self.before.pop()
            if getattr(owner, _DEFAULT) is self.settings:
                owner.instrument_all(had)

    def ask(self, client: Any) -> bool:
        """Ask one object; False if somebody has."""
        had = client.instrument
        if had is not None and not isinstance(had, bool):
            return False
        key = id(client)
        self.single[key] = weakref.ref(client, lambda _: self.single.pop(key, None)), had
        client.instrument = self.settings
        return True

    def leave(self, client: Any) -> None:
        """Leave one object as it was."""
        _, had = self.single.pop(id(client), (None, None))
        if client.instrument is self.settings:
            client.instrument = had


_asking: _Asking | None = None


def wrap(module: ModuleType, report: Report) -> None:  # noqa: ARG001 - a shape that is not known is told by the caller
    """Record every agent, from its next run on; twice is harmless.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    _begun(module).everywhere()


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - what was asked is known
    """Leave the library as it was."""
    if _asking is not None:
        _asking.nowhere()
        _leave_if_unused()


def is_client(module: ModuleType, value: object) -> bool:
    """Whether this is an agent, or something else of the library that tells of its calls."""
    kinds = (getattr(module, name, None) for name in _OWNERS)
    return isinstance(value, tuple(kind for kind in kinds if isinstance(kind, type)))


def wrap_client(client: Any, report: Report) -> bool:  # noqa: ARG001 - as for `wrap`
    """Record one agent. False if it is recorded already, or the program has it told to somebody else."""
    return _begun(sys.modules["pydantic_ai"]).ask(client)


def unwrap_client(client: Any) -> None:
    """Leave one agent as it was."""
    if _asking is not None:
        _asking.leave(client)
        _leave_if_unused()


def _begun(module: Any) -> _Asking:
    global _asking  # noqa: PLW0603 - as global as what is asked
    if _asking is None or _asking.owners[0] is not getattr(module, _OWNERS[0], None):
        _asking = _Asking(module)
    return _asking


def _leave_if_unused() -> None:
    """Whoever still holds the settings tells of nothing more."""
    global _asking  # noqa: PLW0603 - as above
    if _asking is not None and not _asking.before and not _asking.single:
        _asking.provider.is_on = False
        _asking = None
