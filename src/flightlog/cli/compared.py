"""A comparison as one JSON object, and as what a condition is held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import UNSET, structs

from flightlog.analysis.comparing import MEASURES, Compared, Comparison, Figures
from flightlog.analysis.differing import Change
from flightlog.analysis.gating import SCORE, Evidence
from flightlog.analysis.sets import Measured, SetComparison
from flightlog.analysis.tree import Node, Tree
from flightlog.analysis.wording import compared
from flightlog.cli.render import money

MOST_TEXTS: Final = 1_000
"""Texts of one comparison that are told word by word; of others only before and after."""


Scores = Mapping[str, tuple[float | None, float | None]]
"""What each of two traces was judged, by the name of the score."""


def document(before: Tree, after: Tree, found: Comparison, scores: Scores) -> dict[str, Any]:
    """Two traces compared; of spans only those in which something but their times changed."""
    texts = iter(range(MOST_TEXTS))
    return {
        "before": _trace(before),
        "after": _trace(after),
        "same": found.is_same,
        "figures": {_called(name): _figure(found.before, found.after, name) for name in MEASURES},
        "scores": {name: dict(zip(("before", "after"), both, strict=True)) for name, both in scores.items()},
        "counts": {
            "as_before": found.count(lambda each: not each.is_changed),
            "changed": found.count(lambda each: each.says_something_else),
            "added": found.count(lambda each: each.pair.how == "added"),
            "removed": found.count(lambda each: each.pair.how == "removed"),
            "moved": found.count(lambda each: each.pair.how == "moved"),
            "renamed": found.count(lambda each: each.pair.is_renamed),
        },
        "new_errors": [_error(node) for node in found.new_errors],
        "gone_errors": [_error(node) for node in found.gone_errors],
        "spans": [_span(each, texts) for each in found.spans.values() if each.is_changed],
    }


def evidence(found: Comparison, scores: Scores) -> Evidence:
    """What a condition about two traces is held against."""
    one, two = found.before, found.after
    return Evidence(
        {
            "duration": (one.duration_ns, two.duration_ns),
            "cost": (one.pico_usd, two.pico_usd),
            "tokens": (_tokens(one), _tokens(two)),
            **{name: (getattr(one, name), getattr(two, name)) for name in _COUNTS},
            **{f"{SCORE}{name}": both for name, both in scores.items()},
        },
        {
            "new:error": bool(found.new_errors),
            "new:span": found.count(lambda each: each.pair.how == "added") > 0,
            "gone:span": found.count(lambda each: each.pair.how == "removed") > 0,
            "changed:input": found.count(lambda each: each.input) > 0,
            "changed:output": found.count(lambda each: each.output) > 0,
            "changed:prompt": found.count(lambda each: each.prompt) > 0,
            "changed:status": found.count(lambda each: any(c.place == "status" for c in each.fields)) > 0,
            "changed:anything": not found.is_same,
        },
    )


_COUNTS: Final = ("input_tokens", "output_tokens", "spans", "errors", "llm_calls", "retries")


def evidence_of_sets(found: SetComparison) -> Evidence:
    """What a condition about two sets is held against: their medians."""
    amounts = {measure.name: (measure.before, measure.after) for measure in found.measures}
    read, written = found.measure("input_tokens"), found.measure("output_tokens")
    amounts["tokens"] = (_sum(read.before, written.before), _sum(read.after, written.after))
    amounts |= {f"{SCORE}{score.name}": (score.before, score.after) for score in found.scores}
    doubted = {measure.name for measure in found.measures if not measure.is_significant}
    doubted |= {f"{SCORE}{score.name}" for score in found.scores if not score.is_significant}
    if not (read.is_significant or written.is_significant):
        doubted.add("tokens")
    return Evidence(amounts, {"new:error": bool(found.new_errors)}, frozenset(doubted))


def set_document(found: SetComparison) -> dict[str, Any]:
    """Two sets of traces compared."""
    share = found.success
    return {
        "before": {"traces": found.before},
        "after": {"traces": found.after},
        "measures": {
            _called(measure.name): _measured(measure, is_money=measure.name == "cost")
            for measure in found.measures
        },
        "success": {**structs.asdict(share), "significant": share.is_significant},
        "steps": [{"name": step.name, **_measured(step)} for step in found.steps],
        "scores": [{"name": score.name, **_measured(score)} for score in found.scores],
        "traces_needed": found.needed or None,
        "new_errors": [_failing(error) for error in found.new_errors],
        "gone_errors": [_failing(error) for error in found.gone_errors],
    }


def _trace(tree: Tree) -> dict[str, Any]:
    root = tree.root
    return {"trace_id": root.trace_id, "name": root.name, "status": root.status, "start": tree.start}


def _called(name: str) -> str:
    return {"pico_usd": "cost", "duration": "duration_ns"}.get(name, name)


def _figure(one: Figures, two: Figures, name: str) -> dict[str, Any]:
    before, after = getattr(one, name), getattr(two, name)
    change = None if before is None or after is None else after - before
    if name == "pico_usd":
        signed = None if change is None else change / 1e12
        return {"before": money.exact(before), "after": money.exact(after), "change": signed}
    return {"before": before, "after": after, "change": change}


def _error(node: Node) -> dict[str, Any]:
    fault = node.error
    return {
        "span_id": node.span_id,
        "name": node.name,
        "type": fault.type if fault else "",
        "message": fault.message if fault else "",
    }


def _failing(error: tuple[str, str, int]) -> dict[str, Any]:
    return dict(zip(("name", "type", "count"), error, strict=True))


def _span(each: Compared, texts: Iterator[int]) -> dict[str, Any]:
    pair = each.pair
    told: dict[str, Any] = {
        "how": pair.how,
        "name": pair.node.name,
        "kind": pair.node.kind,
        "before_id": pair.before.span_id if pair.before else None,
        "after_id": pair.after.span_id if pair.after else None,
    }
    if pair.is_renamed and pair.before:
        told["renamed_from"] = pair.before.name
    for what in ("fields", "input", "output", "attributes"):
        if changes := getattr(each, what):
            told[what] = [_change(change, texts) for change in changes]
    if each.prompt:
        told["prompt"] = [structs.asdict(part) for part in each.prompt]
    if each.before and each.after:
        told["duration_ns"] = {"before": each.before.duration_ns, "after": each.after.duration_ns}
    return told


def _change(change: Change, texts: Iterator[int]) -> dict[str, Any]:
    told: dict[str, Any] = {"place": change.place}
    told.update(
        {
            name: value
            for name, value in (("before", change.before), ("after", change.after))
            if value is not UNSET
        }
    )
    if change.is_text and next(texts, None) is not None:
        told["words"] = [[piece.sign, piece.text] for piece in compared(change.before, change.after)]
    return told


def _measured(measure: Measured, *, is_money: bool = False) -> dict[str, Any]:
    scale = 1e-12 if is_money else 1
    return {
        "before": None if measure.before is None else measure.before * scale,
        "after": None if measure.after is None else measure.after * scale,
        "before_known": measure.before_known,
        "after_known": measure.after_known,
        "change": measure.change,
        "p": measure.p,
        "significant": measure.is_significant,
    }


def _tokens(figures: Figures) -> float | None:
    return _sum(figures.input_tokens, figures.output_tokens)


def _sum(one: float | None, two: float | None) -> float | None:
    known = [value for value in (one, two) if value is not None]
    return sum(known) if known else None
