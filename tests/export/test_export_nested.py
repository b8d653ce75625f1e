"""The nested document holds every span once, at any depth."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.tree import build
from flightlog.export import nested
from flightlog.records.event import Event
from flightlog.records.span import Span


def span(number: int, parent: int) -> Span:
    return Span(
        trace_id="1" * 32,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=f"n{number}",
        start=number,
        end=10**6 - number,
        status="ok",
    )


def document(spans, events=()) -> dict:
    return json.loads(b"".join(nested.pieces(None, build(spans, events))))


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=12))
def test_whatever_the_links_every_span_is_in_the_document_once(links):
    found = []
    pending = document([span(*link) for link in links])["roots"]
    while pending:
        node = pending.pop()
        found.append(node["name"])
        pending += node["children"]
    assert sorted(found) == sorted(f"n{number}" for number, _ in links)


def test_a_node_is_its_record_with_times_marks_events_and_children():
    event = Event(event_id="e", trace_id="1" * 32, span_id=span(2, 1).span_id, time=5, name="retry")
    loose = Event(event_id="f", trace_id="1" * 32, time=5, name="log")
    told = document([span(1, 0), span(2, 1), span(3, 77)], [event, loose])
    root, orphan = told["roots"]
    (child,) = root["children"]
    assert (child["span_id"], child["parent_id"], child["type"]) == (
        span(2, 1).span_id,
        span(1, 0).span_id,
        "span",
    )
    assert (child["duration_ns"], child["self_ns"], child["marks"]) == (10**6 - 4, 10**6 - 4, [])
    assert [one["name"] for one in child["events"]] == ["retry"]
    assert orphan["marks"] == ["orphan"]
    assert told["marks"] == {"orphan": 1}
    assert [one["name"] for one in told["loose_events"]] == ["log"]


def test_a_chain_of_a_hundred_thousand_spans_is_written():
    count = 100_000
    text = b"".join(nested.pieces(None, build([span(n, n - 1) for n in range(1, count + 1)])))
    assert text.count(b'"type":"span"') == count
    assert text.count(b"]}") >= count
    assert text.count(b"[") == text.count(b"]")
