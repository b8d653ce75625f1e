"""How the layers that give settings their values are laid over each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from flightlog.records.errors import BadSetting
from flightlog.settings.headers import Names
from flightlog.settings.privacy import Withheld
from flightlog.settings.sinks import STORE, Chosen
from flightlog.settings.table import BY_NAME, SETTINGS


class Layer(Struct, frozen=True):
    """Values from one place, the strongest place first in a list of layers."""

    origin: str
    """What `doctor` prints: `code`, `FLIGHTLOG_LEVEL`, `pyproject.toml`, …"""
    values: Mapping[str, object]


class Settings(Struct, frozen=True):
    """The resolved settings, each with its origin."""

    home: str
    project: str
    environment: str
    service: str
    version: str
    enabled: bool
    level: str
    sample: float
    durability: str
    overflow: str
    overflow_wait: float
    journal_bytes: int
    segment_bytes: int
    line_bytes: int
    value_bytes: int
    request_bytes: int
    sinks: Chosen
    fulltext: bool
    sink_bytes: int
    console: str
    view: str
    open_spans: int
    exit_drain: float
    propagate: bool
    propagators: Names
    baggage_keys: tuple[str, ...]
    inject_hosts: Names
    propagate_environment: bool
    instrument: str
    instrument_without: tuple[str, ...]
    editorial: str
    redact: str
    redact_values: Withheld
    redact_environment: bool
    redact_keys: tuple[str, ...]
    redact_allow: Withheld
    redact_rules: Mapping[str, Any]
    content: str
    vectors: bool
    slow_warn: float
    slow_limit: float
    slow_warns: str
    slow_limits: str
    prices: str
    audit: str
    prune_older_than: str
    prune_keep_errors: bool
    prune_max_size: str
    prune_question: str
    ignore_lints: str

    @property
    def wants_store(self) -> bool:
        """Whether this program's records are to be indexed."""
        return STORE in self.sinks

    @property
    def wants_other_sinks(self) -> bool:
        """Whether there is any sink beside the store."""
        return self.console != "off" or any(one != STORE for one in self.sinks)

    origins: Mapping[str, str]
    """Setting name to where its value came from; `default` for most."""


def environment_layers(environ: Mapping[str, str]) -> list[Layer]:
    """One layer per variable that is set, so that each value can name its variable as its origin.

    An empty variable counts as not set, as OpenTelemetry's specification has it for all of them: a shell
    script that passes on `FLIGHTLOG_ENABLED=$FOO` does not switch recording off by that.
    """
    layers = [
        Layer(variable, {setting.name: environ[variable]})
        for setting in SETTINGS
        for variable in (setting.variable, *setting.variables)
        if environ.get(variable)
    ]
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        layers.insert(0, Layer("OTEL_SDK_DISABLED", {"enabled": False}))
    return layers


def refuse(error: BadSetting) -> None:
    """Raise it: what happens to a value that cannot be used unless somebody says otherwise."""
    raise error


def resolve(layers: Sequence[Layer], on_error: Callable[[BadSetting], None] = refuse) -> Settings:
    """Lay the layers over each other, the first one strongest.

    Args:
        layers: values with where they come from.
        on_error: told of a value that cannot be used, which then counts as not given.

    Raises:
        BadSetting: unless `on_error` does otherwise: a name that does not exist, or a value that does not
            fit; it names the origin.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for name, raw in _spread(layer.values):
            if name not in BY_NAME:
                on_error(
                    BadSetting(name, raw, layer.origin, "one of the settings that `flightlog doctor` lists")
                )
                continue
            if name in values:
                continue
            try:
                values[name] = BY_NAME[name].parse(raw)
            except ValueError as error:
                shown = "(withheld)" if isinstance(BY_NAME[name].default, Withheld) else raw
                on_error(BadSetting(name, shown, layer.origin, str(error)))
                continue
            origins[name] = layer.origin
    defaults = {s.name: s.default for s in SETTINGS if s.name not in values}
    return Settings(**values, **defaults, origins={**dict.fromkeys(defaults, "default"), **origins})


def _spread(values: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Names and values; a file's `slow.limit = 900` is `slow_limit`, its `slow.limit.llm = "10s"` `slow_limits`."""
    for name, value in values.items():
        if name == "slow" and isinstance(value, Mapping):
            for part, given in value.items():
                yield f"slow_{part}{'s' if isinstance(given, Mapping) else ''}", given
        else:
            yield name, value
