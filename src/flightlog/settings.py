"""The one list of settings, and how the layers that give their values are laid over each other.

Code wins over the environment, the environment over the project's file (`flightlog.toml`, or
`[tool.flightlog]` in `pyproject.toml`), that over the user's file, that over the default. This room reads
neither files nor the environment: the layers are given to it (`configure.py` collects them), so a test can
give its own. `flightlog doctor` prints every value with where it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from flightlog.records.errors import BadSetting

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

_UNITS: Final = {
    "": 1,
    "b": 1,
    "k": KIB,
    "kb": KIB,
    "kib": KIB,
    "m": MIB,
    "mb": MIB,
    "mib": MIB,
    "g": GIB,
    "gb": GIB,
    "gib": GIB,
}
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off", ""})


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("true or false")


def _ratio(value: object) -> float:
    number = _number(value, "a number from 0 to 1")
    if not 0 <= number <= 1:
        raise ValueError("a number from 0 to 1")
    return number


def _seconds(value: object) -> float:
    number = _number(value, "a number of seconds")
    if not 0 <= number < 1e9:
        raise ValueError("a number of seconds, 0 or more")
    return number


def _milliseconds(value: object) -> float:
    number = _number(value, "a number of milliseconds")
    if not 0 <= number < 1e12:
        raise ValueError("a number of milliseconds, 0 or more")
    return number


def _number(value: object, expected: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(expected)
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise ValueError(expected) from None


def _count(value: object) -> int:
    expected = "a whole number, 1 or more"
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(expected)
    try:
        number = int(value)
    except ValueError:
        raise ValueError(expected) from None
    if number < 1:
        raise ValueError(expected)
    return number


def _size(value: object) -> int:
    expected = "a number of bytes such as 1048576, 64KiB or 1GiB"
    text = str(value).strip().lower().replace("_", "")
    digits = text.rstrip("bgikm")
    unit = text[len(digits) :]
    if unit not in _UNITS:
        raise ValueError(expected)
    number = _number(digits.strip(), expected) * _UNITS[unit]
    if not 1 <= number <= 2**60:
        raise ValueError(expected)
    return int(number)


def _one_of(*words: str) -> Callable[[object], str]:
    def choose(value: object) -> str:
        if value not in words:
            raise ValueError("one of " + ", ".join(words))
        return str(value)

    return choose


class Setting(Struct, frozen=True):
    """One setting: how it is called, read and explained."""

    name: str
    default: Any
    parse: Callable[[object], Any]
    """Turns a text or a TOML value into the value, or raises ValueError saying what was expected."""
    text: str
    variables: tuple[str, ...] = ()
    """Environment variables beside `FLIGHTLOG_<NAME>`, in order of precedence."""

    @property
    def variable(self) -> str:
        """The environment variable of this setting."""
        return "FLIGHTLOG_" + self.name.upper()


SETTINGS: Final = (
    Setting(
        "home", "", _text, "directory of journal and store; empty: the nearest .flightlog, else the user's"
    ),
    Setting("project", "default", _text, "whose traces these are"),
    Setting("environment", "default", _text, "where the program runs: production, staging, ci, …"),
    Setting(
        "service", "", _text, "name of the program; empty: from the command line", ("OTEL_SERVICE_NAME",)
    ),
    Setting("version", "", _text, "version of the program"),
    Setting(
        "enabled",
        True,
        _truth,
        "false: no thread, no file, nothing recorded (OTEL_SDK_DISABLED=true does the same)",
    ),
    Setting("level", "info", _text, "what is recorded, e.g. info or info,myapp.worker=trace, or off"),
    Setting("sample", 1.0, _ratio, "share of traces that are recorded, decided once at the root"),
    Setting(
        "durability",
        "process",
        _one_of("process", "power", "memory"),
        "what records survive: the process's death, a power cut, nothing",
    ),
    Setting("overflow", "drop-new", _one_of("drop-new", "block"), "what happens when the journal is full"),
    Setting("overflow_wait", 1.0, _seconds, "with overflow=block: the longest a record waits, in seconds"),
    Setting("journal_bytes", GIB, _size, "most that all journals of a home may hold"),
    Setting("segment_bytes", 8 * MIB, _size, "size of a journal segment after the first small one"),
    Setting("line_bytes", MIB, _size, "longest record; its largest values are cut to fit"),
    Setting("value_bytes", 256 * KIB, _size, "longest single text in a record"),
    Setting("open_spans", 100_000, _count, "most open spans that get a line while they run"),
    Setting("exit_drain", 1.0, _seconds, "longest time that a program's exit spends on indexing, in seconds"),
    Setting("propagate", True, _truth, "carry the current span into threads, executors and child processes"),
    Setting("slow_warn", 900.0, _milliseconds, "from here on a trace is marked as slowish, in milliseconds"),
    Setting("slow_limit", 1500.0, _milliseconds, "from here on a trace is slow, in milliseconds"),
)
"""Every setting there is."""

BY_NAME: Final[Mapping[str, Setting]] = {setting.name: setting for setting in SETTINGS}


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
    open_spans: int
    exit_drain: float
    propagate: bool
    slow_warn: float
    slow_limit: float
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
        for name, raw in layer.values.items():
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
                on_error(BadSetting(name, raw, layer.origin, str(error)))
                continue
            origins[name] = layer.origin
    defaults = {s.name: s.default for s in SETTINGS if s.name not in values}
    return Settings(**values, **defaults, origins={**dict.fromkeys(defaults, "default"), **origins})
