"""What is looked at to settle which calls are the same: who may be within whom, who ran when, who is lent what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from flightlog.dialects.counting import RUNS, Call, Key, Verdict

AROUND_NS: Final = 5_000_000_000
"""So much earlier or later may two libraries have told of one call: it has the same answer's id then."""
_MOST_TIMES: Final = 64


def lending_of(found: Mapping[Key, Verdict], calls: Mapping[Key, Call]) -> dict[Key, Key]:
    """Which of the calls that count are told of by a log record as well, and by which."""
    names = {(key[0], key[2]): key for key, call in calls.items() if not call.is_logged}
    pairs = (
        (names.get((key[0], verdict.by)), key)
        for key, verdict in found.items()
        if key in calls and calls[key].is_logged
    )
    return {by: key for by, key in pairs if by is not None and by not in found}


class Loan(NamedTuple):
    """What another telling of the same call knows of the parts of its tokens."""

    counts: dict[str, int]
    """By attribute."""
    by: str
    """The id of its span."""


def loans_of(found: Mapping[Key, Verdict], calls: Mapping[Key, Call]) -> dict[Key, Loan]:
    """Which of the calls that count know less of their tokens' parts than another telling with the same sums."""
    by_id = {(key[0], key[2]): call for key, call in calls.items()}
    loans: dict[Key, Loan] = {}
    for key in sorted(found):
        other, counted = calls.get(key), by_id.get((key[0], found[key].by))
        for _ in found:
            if counted is None or counted.key not in found:
                break
            counted = by_id.get((key[0], found[counted.key].by))  # which stands for that one in turn
        if (
            other is None
            or counted is None
            or counted.key in found
            or not counted.scope
            or None in (other.input, other.output)
        ):
            continue
        if (other.input, other.output) == (counted.input, counted.output):
            loan = loans.get(counted.key, Loan({}, key[2]))
            known = dict(counted.parts)
            loan.counts.update((name, n) for name, n in other.parts if name not in known | loan.counts)
            if loan.counts:
                loans[counted.key] = loan
    return loans


def times(calls: Iterable[Call]) -> list[tuple[int, int]]:
    """When these ran, and a little around it; times that are many are put together."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted((call.start - AROUND_NS, call.end + AROUND_NS) for call in calls):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    step = -(-len(found) // _MOST_TIMES)
    return [(some[0][0], some[-1][1]) for at in range(0, len(found), step) if (some := found[at : at + step])]


def may_nest(calls: list[Call]) -> bool:
    """Whether one of these calls may be within another, or within one that Flightlog recorded around it."""
    runs = {call.scope for call in calls if call.kind in RUNS and not call.may_be_logged}
    if len(runs) == 1:  # of one library: one within another is another
        calls = [call for call in calls if call.kind not in RUNS or call.may_be_logged]
    if len(calls) < 2:
        return False
    calls.sort(key=lambda call: (call.start, -call.end))
    latest = calls[0].end
    for call in calls[1:]:
        if call.end <= latest:
            return True
        latest = max(latest, call.end)
    return False
