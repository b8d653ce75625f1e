"""The seam between the hot tier and its calls: those in plain Python (`hot.py`), or their twins in C.

The twins do the plain case, and hand every other call to the one in Python as it came. What they share with it (the
texts that are remembered, the actors, the pairs, what sites have left out) is handed over here, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flightlog._speed.presence import ENGINE
from flightlog.core import hot
from flightlog.core.hot_pairs import entered
from flightlog.core.hot_sites import site_at, tally
from flightlog.core.hot_texts import made
from flightlog.core.provenance import _actors

if TYPE_CHECKING or ENGINE is None:
    from flightlog.core.hot import correlated, enter, exit, iteration, state, tiny  # noqa: A004 - the tier's words
else:
    tiny, correlated = ENGINE.tiny, ENGINE.correlated
    enter, exit = ENGINE.enter, ENGINE.exit  # noqa: A001 - the tier's word
    iteration, state = ENGINE.iteration, ENGINE.state
    ENGINE.hot_use(
        {
            "tiny": hot.tiny,
            "correlated": hot.correlated,
            "enter": hot.enter,
            "exit": hot.exit,
            "iteration": hot.iteration,
            "state": hot.state,
            "actors": _actors,
            "entered": entered,
            "site_at": site_at,
            "made": made,
            "tally": tally,
        }
    )
    hot._heed()
    for _call in (tiny, correlated, enter, exit, iteration, state):
        _call.__module__ = "flightlog.hot"  # where a pickle finds it, whichever engine runs

__all__ = ["correlated", "enter", "exit", "iteration", "state", "tiny"]
