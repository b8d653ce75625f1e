"""Traces told in sentences: plain text, a heading for each trace, what happened under a step deeper than the step.

The sentences are those of `narration.trace`, which are safe to show; nothing in the text is markup, whatever it looks
like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from flightlog.analysis.tree import Tree
from flightlog.narration.trace import PLAINLY, Manner, story
from flightlog.narration.words import duration, short
from flightlog.records.traces import Trace

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DEEPEST: Final = 12
"""Steps of indentation; what is deeper stands no further to the right."""


def text(traces: Iterable[tuple[Trace | None, Tree]], manner: Manner = PLAINLY) -> Iterator[bytes]:
    """The stories, a line at a time."""
    between = ""
    for trace, tree in traces:
        yield from (
            f"{line}\n".encode() for line in [*([between] if between else []), *_heading(trace, tree)]
        )
        for sentence in story(tree.roots, tree.loose_events, manner):
            gap = "\n" if sentence.chapter or sentence.what == "closing" else ""
            yield f"{gap}{'  ' * min(sentence.depth, _DEEPEST)}{sentence.text}\n".encode()
        between = "\n"


def _heading(trace: Trace | None, tree: Tree) -> Iterator[str]:
    if trace is None and not tree.roots:
        return
    name = short(trace.name if trace is not None else tree.name)
    yield name
    yield "=" * max(3, len(name))
    trace_id = trace.trace_id if trace is not None else tree.trace_id
    took = duration(trace.duration_ns if trace is not None else tree.duration_ns)
    status = trace.status if trace is not None else tree.status
    yield " · ".join(filter(None, (trace_id, _moment(tree.start), status, took)))
    yield ""


def _moment(ns: int) -> str:
    """The second in UTC; nothing where no calendar goes."""
    try:
        return f"{_EPOCH + timedelta(seconds=ns // 10**9):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return ""
