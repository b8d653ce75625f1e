"""The one list of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from flightlog.records.propagators import FORMATS
from flightlog.settings.headers import Names, hosts, propagators
from flightlog.settings.privacy import Withheld, content, modes_text, own_rules, withheld, words
from flightlog.settings.sinks import Chosen, sinks
from flightlog.settings.values import (
    GIB,
    KIB,
    MIB,
    age_text,
    count,
    limits_text,
    milliseconds,
    one_of,
    ratio,
    seconds,
    size,
    size_text,
    text,
    truth,
)


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
        "home", "", text, "directory of journal and store; empty: the nearest .flightlog, else the user's"
    ),
    Setting("project", "default", text, "whose traces these are"),
    Setting("environment", "default", text, "where the program runs: production, staging, ci, …"),
    Setting("service", "", text, "name of the program; empty: from the command line", ("OTEL_SERVICE_NAME",)),
    Setting("version", "", text, "version of the program"),
    Setting(
        "enabled",
        True,
        truth,
        "false: no thread, no file, nothing recorded (OTEL_SDK_DISABLED=true does the same)",
    ),
    Setting("level", "info", text, "what is recorded, e.g. info or info,myapp.worker=trace, or off"),
    Setting("sample", 1.0, ratio, "share of traces that are recorded, decided once at the root"),
    Setting(
        "durability",
        "process",
        one_of("process", "power", "memory"),
        "what records survive: the process's death, a power cut, nothing",
    ),
    Setting("overflow", "drop-new", one_of("drop-new", "block"), "what happens when the journal is full"),
    Setting("overflow_wait", 1.0, seconds, "with overflow=block: the longest a record waits, in seconds"),
    Setting("journal_bytes", GIB, size, "most that all journals of a home may hold"),
    Setting("segment_bytes", 8 * MIB, size, "size of a journal segment after the first small one"),
    Setting("line_bytes", MIB, size, "longest record; the largest fields of a longer one are left out"),
    Setting("value_bytes", 256 * KIB, size, "longest single text in a record"),
    Setting(
        "request_bytes",
        64 * KIB,
        size,
        "at level trace: longest raw model request that is kept with its body; of a longer one its size and hash are",
    ),
    Setting(
        "sinks",
        Chosen(("store",)),
        sinks,
        "where records go, with commas between: store, jsonl:PATH?rotate=64MiB&age=86400&keep=5&compress=zstd, "
        "stderr?view=cute, stderr:json, logging:NAME?view=story, otlp:http://HOST:4318?protocol=http/json",
    ),
    Setting(
        "fulltext",
        True,
        truth,
        "index the words of inputs, outputs, errors and events for `flightlog search`; false takes the index away",
    ),
    Setting(
        "sink_bytes",
        16 * MIB,
        size,
        "most that may wait for a sink other than the store; beyond it the oldest is skipped and counted",
    ),
    Setting(
        "console",
        "off",
        one_of("off", "summary", "tree", "live"),
        "what is shown on stderr: nothing, a card for each trace, its tree as well, or every step as it happens",
    ),
    Setting(
        "view",
        "human",
        one_of("human", "cute", "story"),
        "the voice in which console and stderr tell narrations: the plain sentence, with a wink, with dialogue",
    ),
    Setting("open_spans", 100_000, count, "most open spans that get a line while they run"),
    Setting("exit_drain", 1.0, seconds, "longest time that a program's exit spends on indexing, in seconds"),
    Setting("propagate", True, truth, "carry the current span into threads, executors and child processes"),
    Setting(
        "propagators",
        Names(FORMATS),
        propagators,
        "formats of headers that are believed, the first one first, and written: tracecontext, baggage, b3, b3multi, "
        "correlation, or none; of the trace formats the first is written",
        ("OTEL_PROPAGATORS",),
    ),
    Setting(
        "baggage_keys",
        (),
        words,
        "names that are bound where they come in as baggage, and sent as baggage where they are bound: session,user",
    ),
    Setting(
        "inject_hosts",
        Names(("*",)),
        hosts,
        "patterns of hosts whose requests get headers from the recorded HTTP clients: *.internal; * or none",
    ),
    Setting(
        "propagate_environment",
        False,
        truth,
        "put TRACEPARENT, TRACESTATE and BAGGAGE into the environment of every child process that a span starts",
    ),
    Setting(
        "instrument",
        "all",
        text,
        "libraries whose calls `flightlog run` records: all that are installed, none, or names: openai, logging",
    ),
    Setting(
        "instrument_without",
        (),
        words,
        "libraries that are left alone although instrument means all: redis,urllib; * for every one",
        ("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",),
    ),
    Setting(
        "editorial",
        "auto",
        one_of("auto", "on", "off"),
        "warnings about how narrations are written; auto: in Python's development mode, and where environment is "
        "development, dev or local",
    ),
    Setting(
        "redact",
        "mask",
        modes_text,
        "what stands in a secret's place: mask, last4, hash, or drop (the whole text goes); by rule as in "
        "mask,json_web_token=hash,option=off; rules that are off until they are named: email, phone, card, iban",
    ),
    Setting("redact_values", Withheld(), withheld, "texts that are secret wherever they stand"),
    Setting(
        "redact_environment",
        True,
        truth,
        "treat the values of environment variables named like a key, token, secret or password as redact_values",
    ),
    Setting(
        "redact_keys",
        (),
        words,
        "names of further keys whose values are secret; * stands for anything: *_pin",
    ),
    Setting("redact_allow", Withheld(), withheld, "texts and keys that look like secrets and are none"),
    Setting(
        "redact_rules",
        {},
        own_rules,
        "rules of your own: a table of names with a regular expression each, whose first group, or else all of "
        "it, is secret; in code also functions from text to text",
    ),
    Setting(
        "content",
        "all",
        content,
        "whether inputs and outputs are recorded: all, or metadata for none of them; by kind as in "
        "all,llm=metadata",
    ),
    Setting(
        "vectors", False, truth, "true: the vectors of embeddings are recorded, so that a rerun can give them"
    ),
    Setting("slow_warn", 900.0, milliseconds, "from here on a step is marked as slowish, in milliseconds"),
    Setting("slow_limit", 1500.0, milliseconds, "from here on a step or a trace is slow, in milliseconds"),
    Setting("slow_warns", "", limits_text, "slow_warn by kind, name or pattern of names, as for slow_limits"),
    Setting(
        "slow_limits",
        "",
        limits_text,
        "slow_limit by kind, name or pattern of names, e.g. llm=10s,render_*=2s; a name wins over a kind; "
        'in a file also slow.limit.llm = "10s"',
    ),
    Setting(
        "prices",
        "",
        text,
        "a file with prices of your own, in TOML or JSON, which win over those that come with Flightlog",
    ),
    Setting(
        "audit",
        "off",
        one_of("off", "on", "all"),
        "a log of who did what in this home: off, on (exported, imported, pruned, annotated, deleted), all (also what "
        "was read); `flightlog audit` shows it",
    ),
    Setting(
        "prune_older_than",
        "",
        age_text,
        "how long traces are kept, e.g. 30d or 12h; what indexes the home prunes it at idle moments; empty: for good",
    ),
    Setting("prune_keep_errors", False, truth, "true: traces in which something failed are not pruned"),
    Setting(
        "prune_max_size",
        "",
        size_text,
        "most that the store may hold, e.g. 5GB; beyond it the oldest traces go; empty: no limit",
    ),
    Setting("prune_question", "", text, "only traces of which a span fits this question are pruned"),
    Setting(
        "ignore_lints",
        "",
        text,
        "lints that `flightlog lint` does not report, with commas between them; with a name or pattern only for "
        "such spans: repeated-call,n-plus-one:fetch_*",
    ),
)
"""Every setting there is."""

BY_NAME: Final[Mapping[str, Setting]] = {setting.name: setting for setting in SETTINGS}
