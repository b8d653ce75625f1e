"""Spans that no block holds: begun under a given parent, with ids and times that are given, and ended by a call."""

from __future__ import annotations

import flightlog as fl
from flightlog.core import detached
from flightlog.core.context import Remote, variable
from flightlog.core.engine import span

BEGUN = 1_700_000_000_000_000_000


def test_ids_times_and_parent_are_those_that_are_given():
    with fl.capture() as seen, fl.span("around") as around:
        made = span("a", k=1)
        detached.begin(made, around, start=BEGUN, own=("1" * 32, "2" * 16))
        assert fl.current() is around
        child = span("child")
        detached.begin(child, made)
        detached.finish(child)
        detached.finish(made, BEGUN + 7)
        detached.finish(made, BEGUN + 9)
    found = seen.span("a")
    assert (found.span_id, found.parent_id) == ("2" * 16, around.span_id)
    assert (found.start, found.end, found.attributes) == (BEGUN, BEGUN + 7, {"k": 1})
    assert seen.span("child").parent_id == "2" * 16
    assert len(seen.spans) == 3


def test_what_is_bound_is_on_it_as_on_every_span():
    with fl.capture() as seen, fl.bind(session="s"):
        made = span("a")
        detached.begin(made, variable.get())
        detached.tell(made, "e", "info", "body", {"k": 1}, time=BEGUN, otel={"dropped": 1})
        detached.finish(made)
    assert seen.span("a").context == {"session": "s"}
    (event,) = seen.events
    assert (event.time, event.body, event.attributes, event.otel) == (BEGUN, "body", {"k": 1}, {"dropped": 1})
    assert (event.span_id, event.context) == (seen.span("a").span_id, {"session": "s"})


def test_one_that_ended_astray_adopts_nothing_and_one_that_did_not_does():
    with fl.capture() as seen:
        for name, astray in (("astray", True), ("in place", False)):
            made = span(name)
            detached.begin(made, variable.get())
            before = variable.set(made)
            detached.finish(made, astray=astray)
            with fl.span(f"after {name}"):
                pass
            variable.reset(before)
    assert seen.span("after astray").parent_id == ""
    assert seen.span("after in place").parent_id == seen.span("in place").span_id


def test_a_span_that_waits_is_paused_and_not_over():
    with fl.capture() as seen:
        made = span("a")
        detached.begin(made, variable.get())
        made.pause("approval")
        detached.finish(made)
    statuses = [record.status for record in seen.records if record.__struct_config__.tag == "span"]
    assert statuses[-1] == "paused"
    assert seen.spans == []


def test_what_belongs_to_a_trace_that_is_not_recorded_tells_nothing(tmp_path):
    fl.configure(home=str(tmp_path))
    try:
        with fl.capture() as seen:
            detached.tell(Remote("1" * 32, "2" * 16, sampled=False), "e", "info", "", {})
        assert seen.records == []
    finally:
        fl.configure(home=None)


def test_times_are_told_from_what_is_none():
    assert detached.is_moment(BEGUN)
    assert not any(map(detached.is_moment, (0, -1, True, "soon", 1.5, None, 2**63)))
