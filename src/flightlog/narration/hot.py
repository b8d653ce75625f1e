"""A call of the hot tier as one line for people.

    TRACE orchestratord dispatch_job job_id="job-123" pool_id="default" "dispatch_job started"
    TRACE orchestratord dispatch_job result="worker-gpu0-r1" elapsed_ms=15 "dispatch_job completed"
    TRACE billing enter total "ENTER total(rows=3)"
    TRACE billing exit total "EXIT total → 41.5 (1.24ms)"
    TRACE billing loop iter_0/8 "Iteration 0/8: warming up"
    TRACE queue state_change queue_depth transition="5 → 6"
    TRACE queue dispatch job-1 left_out=99 "sent to w1"

Level, actor, action, target, fields, and in quotes the sentence; what there is not is left out. All texts are safe to
show (`safe.py`); long ones are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from flightlog.narration.words import MOST_TEXT, plain, short
from flightlog.records.event import Event
from flightlog.records.hot import ENTER, EXIT, LEFT_OUT, LOOP, STATE, TINY, hot_kind

_MOST_FIELDS: Final = 12
"""Arguments that are shown."""
_WITHIN: Final = "'"
"""Quotation marks within a text that stands in quotation marks itself."""
_NS: Final = ((1_000, 1, "ns"), (999_500, 1_000, "µs"), (999_500_000, 1_000_000, "ms"))


def is_hot(event: Event) -> bool:
    """Whether this is a call of the hot tier."""
    return hot_kind(event) != ""


def line(event: Event) -> str:
    """The line of a hot call, without the time; of any other event an empty one."""
    tell = _LINES.get(hot_kind(event))
    if tell is None:
        return ""
    told = event.attributes
    actor = plain(told.get("actor") or "") or short(event.service)
    left_out = [f"left_out={plain(told[LEFT_OUT])}"] if LEFT_OUT in told else []
    *parts, said = tell(event, told)
    return " ".join(filter(None, (event.level.upper(), actor, *parts, *left_out, said)))


def _tiny(event: Event, told: Mapping[str, Any]) -> Iterator[str]:
    yield short(event.name)
    yield plain(told.get("target", ""))
    if "correlation_id" in told:
        yield f"correlation_id={_value(told['correlation_id'])}"
    yield _quoted(event.body)


def _enter(event: Event, told: Mapping[str, Any]) -> Iterator[str]:
    if event.name != ENTER:
        yield short(event.name)
        yield from _pairs(told.get("args"))
        yield _quoted(f"{short(event.name)} started")
        return
    name = plain(told["function"])
    yield ENTER
    yield name
    yield _quoted(f"ENTER {name}({', '.join(_pairs(told.get('args'), mark=_WITHIN))})")


def _exit(event: Event, told: Mapping[str, Any]) -> Iterator[str]:
    ns = told.get("elapsed_ns")
    took = ns if isinstance(ns, int) and not isinstance(ns, bool) else None
    if event.name != EXIT:
        yield short(event.name)
        yield f"error={_value(told['error'])}" if "error" in told else f"result={_value(told.get('result'))}"
        if took is not None:
            yield f"elapsed_ms={_three_digits(took / 1e6)}"
        ended = told.get("status", "error") if "error" in told else "completed"
        yield _quoted(f"{short(event.name)} {'failed' if ended == 'error' else plain(ended)}")
        return
    name = plain(told["function"])
    yield EXIT
    yield name
    result = f" → {plain(told['result'])}" if "result" in told else ""
    yield _quoted(f"EXIT {name}{result}{'' if took is None else f' ({_brief(took)})'}")


def _loop(event: Event, told: Mapping[str, Any]) -> Iterator[str]:
    place = plain(told["i"]) + (f"/{plain(told['n'])}" if "n" in told else "")
    yield plain(told.get("name", LOOP))
    yield f"iter_{place}"
    yield _quoted(f"Iteration {place}" + (f": {event.body}" if event.body else ""))


def _state(event: Event, told: Mapping[str, Any]) -> Iterator[str]:
    yield "state_change"
    yield plain(told["name"])
    transition = f"{plain(told.get('before'))} → {plain(told.get('after'))}"
    yield f"transition={_quoted(transition)}"
    yield _quoted(event.body)


_LINES: Final[Mapping[str, Callable[[Event, Mapping[str, Any]], Iterator[str]]]] = {
    TINY: _tiny,
    ENTER: _enter,
    EXIT: _exit,
    LOOP: _loop,
    STATE: _state,
}


def _pairs(args: object, mark: str = '"') -> Iterator[str]:
    """Arguments by name, or by their place; a text as it is."""
    if isinstance(args, dict):
        shown = [f"{short(name)}={_value(value, mark)}" for name, value in args.items()]
    elif isinstance(args, list):
        shown = [_value(value, mark) for value in args]
    else:
        shown = [] if args is None else [plain(args)]
    yield from shown[:_MOST_FIELDS]
    if len(shown) > _MOST_FIELDS:
        yield "…"


def _value(value: object, mark: str = '"') -> str:
    """A value as JSON; a text in these quotation marks."""
    if isinstance(value, str):
        return mark + plain(value).replace(mark, f"\\{mark}") + mark
    return short(msgspec.json.encode(value).decode())


def _quoted(text: str) -> str:
    """A text in quotes, nothing for none."""
    return '"' + short(text, MOST_TEXT).replace('"', '\\"') + '"' if text else ""


def _brief(ns: int) -> str:
    """A duration without a blank: `15ms`, `1.24s`."""
    for limit, size, unit in _NS:
        if ns < limit:
            return f"{_three_digits(ns / size)}{unit}"
    return f"{_three_digits(ns / 1e9)}s"


def _three_digits(number: float) -> str:
    """Three significant digits, and all of a larger number, without noughts at the end."""
    if number >= 100:
        return f"{number:.0f}"
    return f"{float(f'{number:.3g}'):.6f}".rstrip("0").rstrip(".")
