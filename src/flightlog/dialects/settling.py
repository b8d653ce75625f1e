"""What is looked at to settle which calls are the same: who may be within whom, who ran when, who is lent what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from flightlog.dialects.counting import Call, Key, Verdict

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
    if len(calls) < 2:
        return False
    calls.sort(key=lambda call: (call.start, -call.end))
    latest = calls[0].end
    for call in calls[1:]:
        if call.end <= latest:
            return True
        latest = max(latest, call.end)
    return False
