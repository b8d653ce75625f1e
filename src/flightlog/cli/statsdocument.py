"""What `flightlog stats` says as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import structs

from flightlog.analysis.periods import Change, failing, relative
from flightlog.cli.render.money import exact
from flightlog.cli.statsviews import Asked, Changes, Rows
from flightlog.records.traces import Figures, Trace, TraceFigures
from flightlog.store.groupings import Grouping

NO_TRACES: Final = TraceFigures(
    traces=0,
    statuses={},
    retried=0,
    retries=0,
    recovered=0,
    slow=0,
    p50_ns=None,
    p95_ns=None,
    p99_ns=None,
    hours=[],
)
"""What no traces add up to."""

_GROUPED: Final = (
    "name",
    "kind",
    "model",
    "provider",
    "service",
    "user",
    "session",
    "tag",
    "status",
    "attribute",
)
_TOLD_WITH: Final = {"name": ("name", "kind"), "model": ("model", "provider")}
_MONEY: Final = ("priced_calls", "unknown_cost_calls", "cost_pico_usd", "unpriced_calls")
_COMPARED: Final = (
    "spans",
    "errors",
    "total_ns",
    "p50_ns",
    "p90_ns",
    "p95_ns",
    "p99_ns",
    "max_ns",
    "input_tokens",
    "output_tokens",
    "cost_pico_usd",
)


def of_rows(found: Rows) -> dict[str, Any]:
    """Every row of every table."""
    return {grouping: [_row(grouping, row) for row in rows] for grouping, rows in found.items()}


def of_changes(found: Changes, asked: Asked, shift: int) -> dict[str, Any]:
    """Every group of both times; `change` has by which share each figure grew."""
    return {
        "shift_ns": shift or round((asked.period.seconds or 0) * 1e9),
        **{grouping: [_changed(grouping, row) for row in rows] for grouping, rows in found.items()},
    }


def of_traces(told: TraceFigures, failed: Sequence[Trace]) -> dict[str, Any]:
    """The figures with what follows from them, and the newest traces that failed."""
    fields = structs.asdict(told)
    cost = _cost(told)
    for name in _MONEY:
        del fields[name]
    newest = [msgspec.to_builtins(trace) for trace in failed]
    return {**fields, "cost": cost, "success_rate": told.success_rate, "newest_failures": newest}


def _row(grouping: Grouping, row: Figures) -> dict[str, Any]:
    kept = {part for field in grouping.split(",") for part in _parts(field)}
    fields = structs.asdict(row)
    for name in _GROUPED:
        if name not in kept:
            del fields[name]
    for name in _MONEY:
        del fields[name]
    fields["durations"] = [[bucket, spans] for bucket, spans in row.durations.items()]
    return {**fields, "tokens_per_second": row.tokens_a_second, "cost": _cost(row)}


def _changed(grouping: Grouping, row: Change) -> dict[str, Any]:
    kept = [part for field in grouping.split(",") for part in _parts(field)]
    shares = {name: relative(_told(row.before, name), _told(row.after, name)) for name in _COMPARED}
    before, after = failing(row.before), failing(row.after)
    worse = None if before is None or after is None else after - before
    return {
        **{name: getattr(row.row, name) for name in kept},
        "before": None if row.before is None else _row(grouping, row.before),
        "after": None if row.after is None else _row(grouping, row.after),
        "change": {**shares, "failing": worse},
    }


def _parts(field: str) -> tuple[str, ...]:
    return ("attribute",) if field.startswith("attr.") else _TOLD_WITH.get(field, (field,))


def _told(row: Figures | None, name: str) -> float | None:
    value: float | None = None if row is None else getattr(row, name)
    return value


def _cost(row: Figures | TraceFigures) -> Mapping[str, Any] | None:
    """What calls cost; null for what has none."""
    calls = row.priced_calls + row.unpriced_calls
    if not calls:
        return None
    is_known = row.priced_calls > row.unknown_cost_calls or row.cost_pico_usd > 0
    return {
        "usd": exact(row.cost_pico_usd) if is_known else None,
        "calls": calls,
        "unknown_calls": row.unknown_cost_calls,
        "unpriced_calls": row.unpriced_calls,
    }
