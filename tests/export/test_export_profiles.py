"""Perfetto's and speedscope's documents, read with what their makers publish.

Perfetto's is read with the code that its package generated from Perfetto's `.proto` files; its trace processor is
asked in `test_export_trace_processor.py`.
"""

from __future__ import annotations

import json

import consumers
import export_records
import jsonschema
import pytest
from export_records import HOSTILE, MAIN, MS, WORKER
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.tree import build
from flightlog.export import perfetto, speedscope
from flightlog.records.span import Link

BEGIN, END, INSTANT = 1, 2, 3
TIMES = st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 30)), st.sampled_from(["", "a"]))


@pytest.fixture(scope="module")
def protos():
    """Perfetto's messages."""
    return pytest.importorskip(
        "perfetto.protos.perfetto.trace.perfetto_trace_pb2", reason="install it with: pip install perfetto"
    )


def read(protos, pieces):
    trace = protos.Trace()
    data = b"".join(pieces)
    trace.ParseFromString(data)
    assert unknown_fields(trace) == []
    return list(trace.packet)


def unknown_fields(message) -> list[str]:
    """Messages in which something stands that Perfetto has no name for."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    found = [message.DESCRIPTOR.name] if len(UnknownFieldSet(message)) else []
    for field, value in message.ListFields():
        if field.message_type is not None:
            for one in value if field.is_repeated else [value]:
                found += unknown_fields(one)
    return found


def sample(protos):
    return read(
        protos, perfetto.document([(export_records.row(), export_records.tree())], export_records.PROCESSES)
    )


def slices(packets):
    """Each slice: name, begin, end, track; as a stack for each track pairs them."""
    stacks: dict[int, list] = {}
    found = []
    for packet in sorted((p for p in packets if p.HasField("track_event")), key=lambda p: p.timestamp):
        event = packet.track_event
        if event.type == BEGIN:
            stacks.setdefault(event.track_uuid, []).append((event.name, packet.timestamp))
        elif event.type == END:
            name, began = stacks[event.track_uuid].pop()
            found.append((name, began, packet.timestamp, event.track_uuid))
    assert [name for stack in stacks.values() for name in stack] == []
    return found


# -- Perfetto -------------------------------------------------------------------------------------------------


def test_each_span_is_a_slice_with_its_times(protos):
    packets = sample(protos)
    tree = export_records.tree()
    expected = sorted((s.name, s.start, tree.end if s.end is None else s.end) for s in export_records.spans())
    found = sorted((name, began, ended) for name, began, ended, _ in slices(packets))
    assert found == [
        (name.encode("utf-8", "replace").decode(), began, ended) for name, began, ended in expected
    ]


def test_tracks_stand_below_threads_and_those_below_processes_each_said_before_it_is_used(protos):
    packets = sample(protos)
    parents, processes, threads, names = {}, {}, {}, {}
    for packet in packets:
        if packet.HasField("track_descriptor"):
            said = packet.track_descriptor
            assert said.uuid not in {*parents, *processes}
            assert not said.parent_uuid or said.parent_uuid in {*processes, *threads}
            if said.HasField("process"):
                processes[said.uuid] = said.process
            else:
                parents[said.uuid] = said.parent_uuid
                names[said.uuid] = said.name or said.thread.thread_name
            if said.HasField("thread"):
                threads[said.uuid] = said.thread
        elif packet.HasField("track_event"):
            assert packet.track_event.track_uuid in parents
    assert {p.process_name for p in processes.values()} == {"shop-bot", "search"}
    assert len({p.pid for p in processes.values()}) == 2, "two processes of one number stay two"
    assert len({t.tid for t in threads.values()}) == len(threads)
    assert {t.thread_name for t in threads.values()} == {
        "MainThread",
        "Thread-2",
        "pool-1",
        "pool-2",
        "(no thread)",
    }
    assert {"Task-1", "Task-2", "MainThread (beside)"} <= set(names.values())
    for thread in threads.values():
        assert thread.pid in {p.pid for p in processes.values()}


def test_a_link_is_an_arrow_from_what_was_first_to_what_came_later(protos):
    begins = [p for p in sample(protos) if p.track_event.type == BEGIN]
    failed, again = (p for p in begins if p.track_event.name == "carrier status")
    assert set(failed.track_event.flow_ids) & set(again.track_event.terminating_flow_ids)
    assert len(again.track_event.terminating_flow_ids) == 2, "the other is for a span of another trace"


def test_a_link_to_what_begins_later_is_drawn_in_the_order_of_time(protos):
    later = export_records.span(2, 0, "later", 5, 6)
    first = export_records.span(1, 0, "first", 1, 2, links=[Link(later.trace_id, later.span_id)])
    packets = read(protos, perfetto.document([(None, build([first, later]))]))
    one, other = (p.track_event for p in packets if p.track_event.type == BEGIN)
    assert (one.name, other.name) == ("first", "later")
    assert set(one.flow_ids) & set(other.terminating_flow_ids)


def test_a_link_across_traces_meets_its_span_when_both_are_written(protos):
    one = export_records.span(1, 0, "one", 0, 1)
    other = export_records.span(
        2, 0, "other", 5, 6, trace_id="c" * 32, links=[Link(one.trace_id, one.span_id)]
    )
    packets = read(protos, perfetto.document([(None, build([other])), (None, build([one]))]))
    events = {p.track_event.name: p.track_event for p in packets if p.track_event.type == BEGIN}
    assert set(events["one"].flow_ids) & set(events["other"].terminating_flow_ids)


def test_events_are_instants_and_what_is_known_stands_beside_the_slices(protos):
    packets = sample(protos)
    instants = {p.track_event.name: p for p in packets if p.track_event.type == INSTANT}
    assert {"retry", "exception", "loose"} <= set(instants)
    assert instants["retry"].timestamp == export_records.BEGAN + 902 * MS
    (failed,) = (
        p.track_event for p in packets if p.track_event.type == BEGIN
        and any(note.name == "error" for note in p.track_event.debug_annotations)
    )  # fmt: skip
    notes = {note.name: note for note in failed.debug_annotations}
    assert notes["error"].string_value == "TimeoutError: no answer within 0.2 s"
    assert notes["attributes.attempt"].int_value == 1
    (hostile,) = (
        p.track_event for p in packets if p.track_event.name == HOSTILE and p.track_event.type == BEGIN
    )
    assert {n.name: n.string_value for n in hostile.debug_annotations}[f"attributes.{HOSTILE}"].startswith(
        '["</script>'
    )


def test_every_packet_names_its_sequence_and_the_one_clock(protos):
    clock, *packets = sample(protos)
    assert clock.clock_snapshot.primary_trace_clock == 1
    assert {p.trusted_packet_sequence_id for p in (clock, *packets)} == {1}
    assert {p.timestamp_clock_id for p in packets if p.HasField("track_event")} == {1}


@given(st.lists(TIMES, max_size=15))
def test_whatever_the_times_every_slice_lies_inside_the_one_that_is_open(protos, times):
    spans = [
        export_records.span(n + 1, n // 2, f"n{n}", start, end, task=task)
        for n, (start, end, task) in enumerate(times)
    ]
    packets = read(protos, perfetto.document([(None, build(spans))]))
    stacks: dict[int, list[str]] = {}
    opened = closed = 0
    last: dict[int, int] = {}
    for packet in packets:
        event = packet.track_event
        if event.type in (BEGIN, END):
            assert packet.timestamp >= last.get(event.track_uuid, 0)
            last[event.track_uuid] = packet.timestamp
            opened += event.type == BEGIN
            closed += event.type == END
            stacks.setdefault(event.track_uuid, []).append("x") if event.type == BEGIN else stacks[
                event.track_uuid
            ].pop()
    assert opened == closed == len(spans)


def test_numbers_of_any_size_are_written(protos):
    values = {
        "a": -1,
        "b": 2**63,
        "c": 2**63 - 1,
        "d": 0.5,
        "e": True,
        "f": None,
        "g": [1],
        "h": "x" * 10_000,
    }
    tree = build([export_records.span(1, 0, "n", 0, 1, attributes=values)])
    (begin,) = (
        p.track_event for p in read(protos, perfetto.document([(None, tree)])) if p.track_event.type == BEGIN
    )
    notes = {note.name.removeprefix("attributes."): note for note in begin.debug_annotations}
    assert (notes["a"].int_value, notes["b"].string_value, notes["c"].int_value) == (
        -1,
        str(2**63),
        2**63 - 1,
    )
    assert (notes["d"].double_value, notes["e"].bool_value, notes["f"].string_value) == (0.5, True, "null")
    assert (notes["g"].string_value, len(notes["h"].string_value)) == ("[1]", perfetto.MOST_TEXT)


# -- speedscope -----------------------------------------------------------------------------------------------


def profile_document(traces):
    return json.loads(b"".join(speedscope.document(traces)))


def test_the_document_fits_the_schema_that_speedscope_publishes():
    schema = json.loads(
        (consumers.package("speedscope") / "dist" / "release" / "file-format-schema.json").read_text()
    )
    traces = [(export_records.row(), export_records.tree()), (None, export_records.many(50))]
    jsonschema.validate(profile_document(traces), schema)


def test_there_is_a_profile_for_each_lane_and_each_closes_what_it_opens():
    made = profile_document([(export_records.row(), export_records.tree())])
    frames = [frame["name"] for frame in made["shared"]["frames"]]
    names = []
    for profile in made["profiles"]:
        stack, last = [], 0
        for event in profile["events"]:
            assert profile["startValue"] <= last <= event["at"] <= profile["endValue"]
            last = event["at"]
            if event["type"] == "O":
                stack.append(event["frame"])
                names.append(frames[event["frame"]])
            else:
                assert stack.pop() == event["frame"]
        assert stack == []
    assert sorted(names) == sorted(span.name for span in export_records.spans())
    assert [p["name"] for p in made["profiles"]] == [
        "POST /chat 4bf92f35 · MainThread", "POST /chat 4bf92f35 · MainThread · (2)", "POST /chat 4bf92f35 · pool-1",
        "POST /chat 4bf92f35 · pool-2", "POST /chat 4bf92f35 · MainThread · Task-1",
        "POST /chat 4bf92f35 · MainThread · Task-2", "POST /chat 4bf92f35 · Thread-2",
    ]  # fmt: skip
    assert {MAIN, WORKER} == {span.process_id for span in export_records.spans()}


def test_a_document_without_a_trace_is_one_that_holds_nothing():
    assert profile_document([])["profiles"] == []
