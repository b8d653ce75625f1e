"""The views that somebody who writes SQL sees: their names, their columns, what each means and what it is made of.

These names and meanings are a promise; the tables behind them are not, and are not to be read. A column costs only
where it is named: large values are unpacked, and calls priced, for the rows and columns that a query asks for.
"""

# ruff: noqa: S608 - every statement here is put together from constants
from __future__ import annotations

from typing import Final

from msgspec import Struct

from flightlog.store.sqlite import layout
from flightlog.store.sqlite.asked import COST
from flightlog.store.sqlite.ids import as_text


class Column(Struct, frozen=True):
    """One column of a view."""

    name: str
    sql: str
    meaning: str


class View(Struct, frozen=True):
    """One view: a row each of something."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    source: str
    counted: str = ""
    """What has as many rows, at hand in an index: for who asks how many there are and nothing else."""

    @property
    def sql(self) -> str:
        """The statement that makes it, on one connection alone."""
        columns = ",\n  ".join(f'{column.sql} AS "{column.name}"' for column in self.columns)
        return f'CREATE TEMP VIEW "{self.name}" AS SELECT\n  {columns}\n{self.source}'

    @property
    def counting_sql(self) -> str:
        """The statement that makes what its rows are counted by."""
        return f'CREATE TEMP VIEW "{COUNTED}{self.name}" AS SELECT NULL {self.counted or self.source}'


COUNTED: Final = "how many "
"""Before the name of a view: what its rows are counted by. Nobody types it."""

_SOURCE: Final = """FROM main.spans s CROSS JOIN main.traces t ON t.id = s.trace
CROSS JOIN main.series n ON n.id = s.series LEFT JOIN main.span_more m ON m.span = s.id"""
_ROOT: Final = """FROM main.traces t CROSS JOIN main.spans s ON s.id = t.root
CROSS JOIN main.series n ON n.id = s.series LEFT JOIN main.span_more m ON m.span = s.id"""
_AT: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', {0} / 1e9, 'unixepoch')"
_OF: Final = "(SELECT x.{0} FROM main.{1} x WHERE x.span = s.id)"
_BOUND: Final = """coalesce((SELECT CAST(x.{0} AS TEXT) FROM main.span_context x WHERE x.span = s.id),
    (SELECT CAST(x.{0} AS TEXT) FROM main.span_context x WHERE x.span = t.root),
    (SELECT CAST(x.{0} AS TEXT) FROM main.trace_context b JOIN main.span_context x ON x.span = b.{0}_span
      WHERE b.trace = t.id))"""
_CALL: Final = COST.replace(" priced_calls ", " main.priced_calls ")


_MESSAGE: Final = f"""CASE WHEN s.more & {layout.MESSAGE} THEN sql_value(s.id, {layout.MESSAGE})
    ELSE {_OF.format("message", "span_errors")} END"""


def _value(name: str, bit: int) -> str:
    return f"CASE WHEN s.more & {bit} THEN sql_value(s.id, {bit}) ELSE s.{name} END"


def _columns(*rows: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(Column(*row) for row in rows)


_NAMED: Final = (
    ("name", "coalesce(m.name, n.name)", "its name"),
    ("kind", "coalesce(m.kind, n.kind)", "its kind, empty for none"),
    ("status", "s.status", "`running`, `ok`, `error`, `cancelled`, `interrupted` or `paused`"),
)
_WHOSE: Final = (
    ("service", "coalesce(m.service, n.service)", "the program"),
    ("environment", "coalesce(m.environment, n.environment)", "where it ran"),
    ("project", "t.project", "whose it is"),
)
_TRACE_ID: Final = ("trace_id", as_text("t.trace_id"), "of its trace")

SPANS: Final = View(
    "spans",
    "one row a span",
    _columns(
        _TRACE_ID,
        ("span_id", as_text("s.span_id"), "its own id"),
        ("parent_id", as_text("s.parent_id"), "of the span above it; NULL for none"),
        *_NAMED,
        ("level", "s.level", "how important it is"),
        ("start", "s.start", "nanoseconds since 1970"),
        ("end", 's."end"', "as start; NULL while it runs"),
        ("started_at", _AT.format("s.start"), "start as a text in UTC: `2026-11-20T14:00:00.250Z`"),
        ("duration_ns", 's."end" - s.start', "how long it took; NULL while it runs"),
        (
            "model",
            "nullif(coalesce(m.model, n.model), '')",
            "the model that answered, else the one asked for",
        ),
        ("provider", "nullif(n.provider, '')", "whose model it is"),
        ("input_tokens", _OF.format("input_tokens", "span_usage"), "of a model call; NULL unknown"),
        ("output_tokens", _OF.format("output_tokens", "span_usage"), "as input_tokens"),
        ("cache_read_tokens", _OF.format("cache_read_tokens", "span_usage"), "part of input_tokens"),
        ("cache_write_tokens", _OF.format("cache_write_tokens", "span_usage"), "part of input_tokens"),
        ("reasoning_tokens", _OF.format("reasoning_tokens", "span_usage"), "part of output_tokens"),
        ("cost_usd", f"({_CALL}) / 1e12", "what a model call cost, in US dollars; NULL unknown"),
        ("error_type", _OF.format("type", "span_errors"), "class of its error; NULL without one"),
        ("error_message", _MESSAGE, "what its error said"),
        ("input", _value("input", layout.INPUT), "what it was given, as JSON"),
        ("output", _value("output", layout.OUTPUT), "what it gave back, as JSON"),
        (
            "attributes",
            _value("attributes", layout.ATTRIBUTES),
            "as JSON: `attributes ->> '$.\"http.route\"'`",
        ),
        ("session", _BOUND.format("session"), "the conversation: its own, else its trace's"),
        ("user", _BOUND.format("user"), "who used the program: its own, else its trace's"),
        (
            "correlation_id",
            "CAST(" + _OF.format("correlation_id", "span_context") + " AS TEXT)",
            "bound to it",
        ),
        ("thread", "s.thread", "name of the thread; NULL for none"),
        ("task", "s.task", "name of the task; NULL for none"),
        (
            "process_id",
            "(SELECT x.process_id FROM main.sources x WHERE x.id = s.source)",
            "of the process that wrote it",
        ),
        ("version", "(SELECT x.version FROM main.sources x WHERE x.id = s.source)", "of the program"),
        *_WHOSE,
    ),
    _SOURCE,
    "FROM main.spans",
)
TRACES: Final = View(
    "traces",
    "one row a trace; name, kind, status, service and environment are those of its root",
    _columns(
        ("trace_id", as_text("t.trace_id"), "its id"),
        *_NAMED,
        ("start", "t.start", "nanoseconds since 1970: the first start of its spans"),
        ("end", 't."end"', "the last end of its spans; NULL while none has ended"),
        ("started_at", _AT.format("t.start"), "start as a text in UTC"),
        ("duration_ns", 't."end" - t.start', "from the first start to the last end"),
        ("spans", "t.spans", "how many"),
        ("errors", "t.errors", "how many of them failed"),
        ("interrupted", "t.interrupted", "how many of them were cut off"),
        ("llm_calls", "t.llm_calls", "how many of them are model calls"),
        (
            "input_tokens",
            "CASE WHEN t.input_known THEN t.input_tokens END",
            "of its model calls, as far as told",
        ),
        ("output_tokens", "CASE WHEN t.output_known THEN t.output_tokens END", "as input_tokens"),
        (
            "model",
            """(SELECT nullif(coalesce(b.model, a.model), '') FROM main.spans c JOIN main.series a ON a.id = c.series
    LEFT JOIN main.span_more b ON b.span = c.id WHERE c.id = t.model_span)""",
            "of its first model call",
        ),
        ("retries", "t.retries", "events named `retry`"),
        (
            "session",
            _BOUND.format("session"),
            "of its root, else of its first span that has one",
        ),
        ("user", _BOUND.format("user"), "as session"),
        *_WHOSE,
    ),
    _ROOT,
    "FROM main.traces WHERE start IS NOT NULL",  # it is NULL where there is no span, and so no root
)
EVENTS: Final = View(
    "events",
    "one row an event",
    _columns(
        ("event_id", as_text("e.event_id"), "its id"),
        (
            "trace_id",
            f"(SELECT {as_text('x.trace_id')} FROM main.traces x WHERE x.id = e.trace)",
            "NULL for an event outside any trace",
        ),
        ("span_id", as_text("e.span_id"), "of the span that it is on; NULL for none"),
        ("time", "e.time", "nanoseconds since 1970"),
        ("at", _AT.format("e.time"), "time as a text in UTC"),
        ("name", "e.name", "its name"),
        ("level", "e.level", "how important it is"),
        ("body", "e.body", "what it says; NULL for nothing"),
        ("attributes", "e.attributes", "as JSON; NULL for none"),
        ("project", "e.project", "whose it is"),
    ),
    "FROM main.events e",
)
ANNOTATIONS: Final = View(
    "annotations",
    "one row a score, label or note",
    _columns(
        ("annotation_id", "a.annotation_id", "its id"),
        (
            "trace_id",
            f"(SELECT {as_text('x.trace_id')} FROM main.traces x WHERE x.id = a.trace)",
            "of the trace that it is about",
        ),
        ("span_id", as_text("a.span_id"), "of the span that it is about; NULL for the whole trace"),
        ("time", "a.time", "nanoseconds since 1970"),
        ("at", _AT.format("a.time"), "time as a text in UTC"),
        ("name", "a.name", "what is judged"),
        ("value", "a.value", "a number, 0 or 1 for a truth value, NULL for neither"),
        ("label", "a.label", "a word; NULL for none"),
        ("note", "a.note", "a sentence; NULL for none"),
        ("by", "a.by", "who judged; NULL when nobody is named"),
        ("project", "a.project", "whose it is"),
    ),
    "FROM main.annotations a",
)
_CHARGED: Final = ("trace_id", "span_id", "name", "kind", "model", "provider", "start", "started_at")
_COSTS: Final = (*_CHARGED, "input_tokens", "output_tokens", "cost_usd", "service", "project")
COSTS: Final = View(
    "costs",
    "one row a model call that is over, with what it cost; a part of spans",
    tuple(column for name in _COSTS for column in SPANS.columns if column.name == name),
    f"{_SOURCE}\nWHERE s.status NOT IN ('running', 'paused') AND coalesce(m.kind, n.kind) = 'llm'",
)

VIEWS: Final = (SPANS, TRACES, EVENTS, ANNOTATIONS, COSTS)
"""In the order in which a reader meets them."""

FUNCTIONS: Final = {
    "has_words(text, words)": "whether words stand in a JSON value, as `input:` has it in questions: "
    "`has_words(input, 'refund pol*')`",
}
"""What a query may call besides what SQLite has."""
