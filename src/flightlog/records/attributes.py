"""Names of attributes that more than one room reads and that no convention names, or names in another place.

What is about model calls stands in `genai.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WAITING: Final = "flightlog.waiting_ns"
"""How long a span has waited for somebody in all, in nanoseconds; its duration without that is work."""

WAITING_SINCE: Final = "flightlog.waiting_since"
"""On a span that waits now: since when, in Unix nanoseconds."""

EXCEPTION: Final[Mapping[str, str]] = {
    "type": "exception.type",
    "message": "exception.message",
    "stack": "exception.stacktrace",
}
"""Fields of an error to attributes of an `exception` event (OpenTelemetry, recording exceptions)."""

AGAIN: Final = "again"
"""On a `resume` event: true where the span was resumed before, by a process that died over it."""

RERUN_SERVED: Final = "flightlog.rerun.served_from"
"""On a span of a rerun: the id of the recorded span whose answer it was given."""
RERUN_LIVE: Final = "flightlog.rerun.live"
"""On a span of a rerun: why it was given no recorded answer."""

GRAPH: Final = "flightlog.graph"
"""On the span that is a run of an execution graph: its declaration, a `Declaration` (`graph.py`) as JSON."""
NODE: Final = "flightlog.graph.node"
"""On the span of a step: the id of the node that it is a run of, in the graph of the nearest run around it."""
ITEM: Final = "flightlog.graph.item"
"""On the span of a step: which of many items it works on, where a node is run for each."""

ATTEMPT: Final = "flightlog.attempt"
"""On the span of one attempt of a call that may be tried again: which one, from 1."""
RETRIES: Final = "flightlog.retries"
"""On the span of a call: how many of its attempts failed and were followed by another; left out for none."""
