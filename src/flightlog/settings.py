"""The one list of settings, and how the layers that give their values are laid over each other.

Code wins over the environment, the environment over the project's file (`flightlog.toml`, or
`[tool.flightlog]` in `pyproject.toml`), that over the user's file, that over the default. This room reads
neither files nor the environment: the layers are given to it (`configure.py` collects them), so a test can
give its own. `flightlog doctor` prints every value with where it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
_MILLISECONDS: Final = {"": 1.0, "ms": 1.0, "s": 1e3, "m": 60e3, "h": 3600e3}
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
    expected = "a number of milliseconds, or a duration such as 900ms, 1.5s or 2m"
    text = str(value).strip().lower()
    digits = text.rstrip("hms")
    if isinstance(value, bool) or text[len(digits) :] not in _MILLISECONDS:
        raise ValueError(expected)
    number = _number(digits.strip(), expected) * _MILLISECONDS[text[len(digits) :]]
    if not 0 <= number < 1e12:
        raise ValueError(expected)
    return number


def _limits(value: object) -> str:
    """Limits by kind or name, as one text; a table of a TOML file or a mapping from code is taken as well."""
    if isinstance(value, Mapping):
        pairs: list[tuple[str, object]] = [(str(word).strip(), limit) for word, limit in value.items()]
    else:
        split = (part.partition("=") for part in _text(value).split(",") if part.strip())
        pairs = [(word.strip(), limit) for word, _, limit in split]
    expected = "a list of limits such as llm=10s,render_*=2s"
    if any(not word or limit == "" or set(word) & set("=,") for word, limit in pairs):
        raise ValueError(expected)
    try:
        return ",".join(f"{word}={_milliseconds(limit):.15g}ms" for word, limit in pairs)
    except ValueError:
        raise ValueError(expected) from None


def limits(text: str) -> dict[str, float]:
    """Milliseconds by kind, name or pattern of names, in the order given, of `slow_warns` or `slow_limits`."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {word: _milliseconds(limit) for word, _, limit in pairs}


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


class Chosen(tuple[Any, ...]):
    """The sinks of a program, in order: words as `jsonl:PATH`, and objects of its own."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(one if isinstance(one, str) else type(one).__name__ for one in self)


class SinkWord(Struct, frozen=True):
    """What a word such as `jsonl:PATH?rotate=64MB&keep=5` says."""

    kind: str
    """One of `SINK_OPTIONS`."""
    target: str = ""
    options: Mapping[str, Any] = {}


def sink_word(word: str) -> SinkWord:
    """Read the word for one sink.

    Raises:
        ValueError: it is none; the text says what was expected.
    """
    kind, _, rest = word.strip().partition(":")
    if kind not in SINK_OPTIONS:
        raise ValueError("one of " + ", ".join(SINK_EXAMPLES))
    known = SINK_OPTIONS[kind]
    target, mark, asked = rest.rpartition("?")
    if not known or not mark or "=" not in asked:
        target, asked = rest, ""
    if kind == "jsonl" and not target:
        raise ValueError("a path after jsonl:")
    if kind == "store" and target:
        raise ValueError("a store with nothing behind it")
    if kind == "stderr" and target not in {"", "json"}:
        raise ValueError("one of stderr, stderr:json")
    options = {}
    for part in filter(None, asked.split("&")):
        name, _, value = part.partition("=")
        if name not in known:
            raise ValueError(f"one of the options {', '.join(known)} of {kind}")
        try:
            options[name] = known[name](value)
        except ValueError as error:
            raise ValueError(f"a {name} of {kind} that is {error}") from None
    return SinkWord(kind, target, options)


def _sinks(value: object) -> Chosen:
    """Read a list of sinks, or one text with commas between them."""
    if isinstance(value, str):
        value = [word.strip() for word in value.split(",") if word.strip()]
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError("a list of sinks such as " + ", ".join(SINK_EXAMPLES))
    for one in value:
        if isinstance(one, str):
            sink_word(one)
        elif not all(callable(getattr(one, name, None)) for name in ("append", "flush", "close")):
            raise ValueError("a sink by its name, or an object with append, flush and close")
    return Chosen(value)


SINK_OPTIONS: Final[Mapping[str, Mapping[str, Callable[[object], Any]]]] = {
    "store": {},
    "jsonl": {
        "rotate": _size,
        "age": _seconds,
        "keep": _count,
        "compress": _one_of("zstd", "gzip", "none"),
    },
    "stderr": {},
}
"""The sinks that have a name, and the options that may stand behind a `?`."""

STORE: Final = "store"
"""The word for the store, which has an indexer of its own."""

SINK_EXAMPLES: Final = ("store", "jsonl:PATH", "stderr", "stderr:json")


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
    Setting("line_bytes", MIB, _size, "longest record; the largest fields of a longer one are left out"),
    Setting("value_bytes", 256 * KIB, _size, "longest single text in a record"),
    Setting(
        "sinks",
        Chosen(("store",)),
        _sinks,
        "where records go, with commas between: store, jsonl:PATH?rotate=64MiB&age=86400&keep=5&compress=zstd, "
        "stderr, stderr:json",
    ),
    Setting(
        "sink_bytes",
        16 * MIB,
        _size,
        "most that may wait for a sink other than the store; beyond it the oldest is skipped and counted",
    ),
    Setting(
        "console",
        "off",
        _one_of("off", "summary", "tree", "live"),
        "what is shown on stderr: nothing, a card for each trace, its tree as well, or every step as it happens",
    ),
    Setting("open_spans", 100_000, _count, "most open spans that get a line while they run"),
    Setting("exit_drain", 1.0, _seconds, "longest time that a program's exit spends on indexing, in seconds"),
    Setting("propagate", True, _truth, "carry the current span into threads, executors and child processes"),
    Setting(
        "instrument",
        "all",
        _text,
        "libraries whose calls `flightlog run` records: all that are installed, none, or names: openai",
    ),
    Setting("slow_warn", 900.0, _milliseconds, "from here on a step is marked as slowish, in milliseconds"),
    Setting("slow_limit", 1500.0, _milliseconds, "from here on a step or a trace is slow, in milliseconds"),
    Setting("slow_warns", "", _limits, "slow_warn by kind, name or pattern of names, as for slow_limits"),
    Setting(
        "slow_limits",
        "",
        _limits,
        "slow_limit by kind, name or pattern of names, e.g. llm=10s,render_*=2s; a name wins over a kind; "
        'in a file also slow.limit.llm = "10s"',
    ),
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
    sinks: Chosen
    sink_bytes: int
    console: str
    open_spans: int
    exit_drain: float
    propagate: bool
    instrument: str
    slow_warn: float
    slow_limit: float
    slow_warns: str
    slow_limits: str

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
                on_error(BadSetting(name, raw, layer.origin, str(error)))
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
