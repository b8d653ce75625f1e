"""What `flightlog doctor` looks at, gathered into one value before anything is printed.

Each question is asked on its own: a store that cannot be read is one problem in the list and hides none of the
other answers. Values of settings and paths pass the gate, as everything that Flightlog prints of what users typed.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import Any, TypeVar

from msgspec import Struct

from flightlog.cli.opening import holds_something
from flightlog.core.engine import NAME, REASON
from flightlog.core.ports import Gate
from flightlog.home import Home
from flightlog.instrumenting import choices
from flightlog.journal.counters import REDACTED
from flightlog.pricelist import own_prices
from flightlog.pricing.snapshot import bundled
from flightlog.records.errors import FlightlogError
from flightlog.redacting import gate_of_messages
from flightlog.settings import SETTINGS, Settings, Withheld
from flightlog.store.port import Difference, Reader, Sizes
from flightlog.store.textport import TextState

_T = TypeVar("_T")


class Value(Struct, frozen=True):
    """A setting as it is."""

    name: str
    value: Any
    origin: str


class Place(Struct, frozen=True):
    """The home directory."""

    path: str
    exists: bool
    usable: bool = True
    """Whether something can be recorded there; the problems say why not."""
    journal_bytes: int = 0
    journals: int = 0
    living: int = 0
    """Journals whose owner still runs."""
    store_bytes: int = 0


class Prices(Struct, frozen=True):
    """What money is computed with."""

    source: str
    version: str
    taken: date
    """When that version was the newest."""
    is_stale: bool
    """That is so long ago that models and changes are likely to be missing."""
    own: str | None = None
    """Whose prices win over them; None without a price file."""
    own_prices: int = 0


class Checkup(Struct, frozen=True):
    """Everything that was found; `problems` says in sentences what is not as it should be."""

    version: str
    python: str
    engine: str
    engine_reason: str
    settings: Sequence[Value]
    home: Place
    store: Sizes | None
    """None when there is no store, or it cannot be read."""
    losses: Mapping[str, int]
    redactions: Mapping[str, int]
    """How many secrets each rule of the gate replaced."""
    """Every counter of something lost, cut or failed; all zero is the rule."""
    prices: Prices
    differences: Sequence[Difference] | None
    """What `verify` found; None when it was not asked."""
    problems: Sequence[str]
    texts: TextState | None = None
    """How the index of words stands; None where there is no store."""
    libraries: Mapping[str, str] = {}
    """What records each library that is installed and could be recorded, and why that."""


def examine(settings: Settings, *, verify: bool) -> Checkup:
    """Look at everything; what cannot be used becomes a problem, and hides no other answer.

    Raises:
        BadSetting: the setting `home` names no directory.
        HomeUnusable: it is relative to a directory that is gone.
    """
    problems: list[str] = []
    home = Home.find(settings, strict=True)
    obstacles = _asked(problems, home.problems) or []
    problems += obstacles
    exists = _asked([] if problems else problems, lambda: holds_something(home)) or False
    store: Sizes | None = None
    counters: Mapping[str, int] = {}
    texts: TextState | None = None
    differences: Sequence[Difference] | None = None
    if exists:
        texts = _asked(problems, lambda: _read(home, lambda reader: reader.text_state()))
        store = _asked(problems, lambda: _read(home, lambda reader: reader.sizes()))
        counters = _asked(problems, home.losses) or {}
        if verify:
            differences = _asked(problems, lambda: _read(home, lambda reader: reader.verify()))
    if differences:
        problems.append(f"sums in the store that differ from what its records say: {len(differences):,}")
    problems += _asked(problems, home.self_check) or []
    return Checkup(
        version=version("flightlog"),
        python=platform.python_version(),
        engine=NAME,
        engine_reason=REASON,
        settings=values(settings),
        home=_place(home, exists, not obstacles, problems),
        store=store,
        losses={name: count for name, count in counters.items() if not name.startswith(REDACTED)},
        redactions={
            name.removeprefix(REDACTED): count
            for name, count in counters.items()
            if name.startswith(REDACTED)
        },
        prices=_prices(settings, problems),
        differences=differences,
        texts=texts,
        libraries=dict(told.split(": ", 1) for told in choices()),
        problems=[gate_of_messages().text("", problem) for problem in dict.fromkeys(problems)],
    )


def _asked(problems: list[str], question: Callable[[], _T]) -> _T | None:
    """Ask, and note what went wrong instead of an answer."""
    try:
        return question()
    except FlightlogError as error:
        problems.append(str(error))
        return None


def _read(home: Home, question: Callable[[Reader], _T]) -> _T:
    with home.reader() as reader:
        return question(reader)


def _prices(settings: Settings, problems: list[str]) -> Prices:
    snapshot = bundled()
    own = _asked(problems, lambda: own_prices(settings))
    return Prices(
        source=snapshot.source,
        version=snapshot.version,
        taken=snapshot.taken,
        is_stale=snapshot.is_stale(datetime.now(tz=UTC).date()),
        own=gate_of_messages().text("", own.source) if own else None,
        own_prices=len(own.prices) if own else 0,
    )


def _place(home: Home, exists: bool, usable: bool, problems: list[str]) -> Place:
    sizes = _asked(problems, home.sizes) if exists else None
    path = gate_of_messages().text("", str(home.path))
    if sizes is None:
        return Place(path, exists, usable)
    return Place(
        path=path,
        exists=True,
        usable=usable,
        journal_bytes=sizes.journal_bytes,
        journals=sizes.journals,
        living=sizes.living,
        store_bytes=sizes.store_bytes,
    )


def values(settings: Settings) -> list[Value]:
    """Every setting as it is; what may be a secret in it passes the gate."""
    gate = gate_of_messages()
    values = []
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        is_free = (
            isinstance(value, str) and setting.name != "redact"
        )  # whose words are names of rules and modes
        shown = gate.text("", value) if is_free else _told(value, gate)
        values.append(Value(setting.name, shown, gate.text("", settings.origins[setting.name])))
    return values


def _told(value: Any, gate: Gate) -> Any:
    """A value that is no text: of what is withheld the number, of rules the names, of sinks the addresses."""
    if isinstance(value, Withheld):
        return str(value)
    if isinstance(value, Mapping):
        return gate.text("", ", ".join(value))
    if isinstance(value, tuple):
        return type(value)([gate.text("", one) if isinstance(one, str) else one for one in value])
    return value
