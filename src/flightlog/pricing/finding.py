"""Which entry of the prices a call means: from the names that programs, libraries and providers use.

A host that is a provider's own decides before the name of the provider, since one client library calls many
providers. A name such as `openai/gpt-4o` that is unknown to its provider is looked for at the one it begins with. What
is then still unknown stays unknown: the prices of somebody else are never taken for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from flightlog.pricing.clauses import fits_any, is_at
from flightlog.pricing.snapshot import Model, Provider, Snapshot

ALIASES: Final[Mapping[str, str]] = {
    "fireworks_ai": "fireworks",
    "x_ai": "x-ai",
    "z.ai": "zai",
    "z_ai": "zai",
}
"""Names of providers that OpenTelemetry and libraries use, and their prices do not."""

FAMILIES: Final[Mapping[str, str]] = {"azure": "azure", "az.": "azure", "gcp": "google"}
"""Beginnings of such names."""

GATEWAYS: Final = frozenset({"litellm"})
"""Names of what passes calls on to the providers that its names of models begin with."""

_PATH: Final = "models/"
"""What Google's names of models have before them: `publishers/google/models/gemini-2.5-pro`."""

_COMPACT_DATE: Final = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Listed(Struct, frozen=True):
    """A model and who sells it."""

    provider: Provider
    model: Model
    is_own: bool = True
    """The provider sells it at prices of its own; else at those of the provider it comes from."""


class Unlisted(Struct, frozen=True):
    """A call that means no entry."""

    is_known_provider: bool


class Finder:
    """Looks names up in a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._providers = snapshot.providers
        self._by_id = {provider.id: provider for provider in snapshot.providers}

    def find(self, provider: str, models: Sequence[str], address: str = "") -> Listed | Unlisted:
        """The entry that a call means.

        Args:
            provider: as the call names it; empty where it names none.
            models: the names of its model, the best first.
            address: the host it went to; empty if unknown.
        """
        called = provider.strip().lower()
        called = "" if called in GATEWAYS else called
        sellers = list(self._sellers(called, address.strip().lower()))
        names = [name.strip().lower() for name in models]
        for name in names:
            for seller in sellers or self._guessed(name, is_named=bool(called)):
                if found := self._of(seller, name):
                    return found
        for name in names if sellers or not called else ():
            if found := self._of_prefix(name):
                return found
        return Unlisted(bool(sellers))

    def provider(self, name: str) -> Provider | None:
        """The provider that this name in lower case means."""
        name = ALIASES.get(name) or next(
            (whole for start, whole in FAMILIES.items() if name.startswith(start)), name
        )
        if name in self._by_id:
            return self._by_id[name]
        return next((one for one in self._providers if fits_any(one.called, name)), None)

    def _sellers(self, provider: str, address: str) -> Iterator[Provider]:
        """Who may have sold it, the one whose host it is first."""
        if address:
            yield from (one for one in self._providers if is_at(address, one.url))
        if provider and (named := self.provider(provider)):
            yield named

    def _guessed(self, name: str, *, is_named: bool) -> Iterable[Provider]:
        """Where no provider is named, the one that such a model is of; one that is unknown is not replaced."""
        return [] if is_named else [one for one in self._providers if fits_any(one.serves, name)]

    def _of_prefix(self, name: str) -> Listed | None:
        """The entry for a name such as `openai/gpt-4o`."""
        prefix, slash, rest = name.partition("/")
        if not slash or not (seller := self.provider(prefix)):
            return None
        return self._of(seller, rest)

    def _of(self, seller: Provider, name: str) -> Listed | None:
        """The model of this name that a provider sells.

        Where it is unknown, a date in it is read with hyphens, at last a path before it is left out.
        """
        bare = name.rpartition(_PATH)[2]
        for each in dict.fromkeys((name, _COMPACT_DATE.sub(_hyphened, name), bare)):
            if model := _among(seller.models, each):
                return Listed(seller, model)
            for other in seller.fallback:
                if model := _among(self._by_id[other].models if other in self._by_id else (), each):
                    return Listed(seller, model, is_own=False)
        return None


def _among(models: Iterable[Model], name: str) -> Model | None:
    return next((model for model in models if name in model.names or fits_any(model.match, name)), None)


def _hyphened(match: re.Match[str]) -> str:
    try:
        return f"-{date(int(match[1]), int(match[2]), int(match[3])).isoformat()}"
    except ValueError:
        return match[0]
