"""What every store does when traces leave it: a part at a time, with sums that are right in between."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from contracts.store_lines import MS, Engine, annotation, event, span, trace_id, usage
from flightlog.records.traces import Selection
from flightlog.store.clearport import Deleted

LARGE = 60
CALL: dict[str, Any] = {
    "kind": "llm",
    "attributes": {**usage(input=7, output=3), "gen_ai.request.model": "m-1"},
}


def _large(trace: int = 1, root_parent: int = 0) -> list[Any]:
    """A trace of many spans: calls, failures, large values, retries."""
    made = [span(trace, 1, parent=root_parent, at=0, took=LARGE, context={"session": "s", "tags": ["a"]})]
    for number in range(2, LARGE + 1):
        more: dict[str, Any] = {"input": f"{number} of {trace} " * 200}
        if number % 3 == 0:
            more.update(CALL)
        if number % 5 == 0:
            more.update(status="error", error={"type": "E", "message": "m", "stack": "s"})
        made.append(span(trace, number, parent=number // 2, at=number, took=number, **more))
    events = [event(1000 * trace + n, trace=trace, name="retry" if n % 2 else "cache") for n in range(40)]
    return [*made, *events, annotation(trace, trace=trace)]


@pytest.mark.parametrize("root_parent", [0, 999])
def test_a_large_trace_goes_in_parts_and_every_sum_is_right_in_between(
    engine: Engine, root_parent: int
) -> None:
    engine.append(*_large(1, root_parent), span(2))
    writer, reader = engine.writer(), engine.reader()
    total, steps = Deleted(), 0
    while total.traces == 0:
        left = reader.trace(trace_id(1))
        assert left is not None
        assert left.name == "step_1" or root_parent
        gone = writer.delete_some([trace_id(1)], 16)
        assert gone.spans + gone.events > 0
        assert reader.verify() == []
        steps += 1
        total = Deleted(*(getattr(total, name) + getattr(gone, name) for name in Deleted.__struct_fields__))
    assert steps > 4
    assert (total.spans, total.events, total.annotations) == (LARGE, 40, 1)
    assert total.payloads > 0
    assert reader.trace(trace_id(1)) is None
    assert reader.events(trace_id(1)) == []
    assert reader.sizes().payloads == 0
    assert [trace.trace_id for trace in reader.traces(5)] == [trace_id(2)]


def test_many_small_traces_go_at_once_as_far_as_there_is_room(engine: Engine) -> None:
    engine.append(*(span(number, 1) for number in range(1, 31)))
    writer = engine.writer()
    ids = [trace_id(number) for number in range(1, 31)]
    gone = writer.delete_some(ids, 20)
    assert 0 < gone.traces < 30
    assert gone.spans == gone.traces
    assert engine.reader().trace(ids[gone.traces]) is not None
    assert engine.reader().verify() == []


def test_an_unknown_trace_counts_as_gone(engine: Engine) -> None:
    engine.append(span(1))
    assert engine.writer().delete_some([trace_id(8), trace_id(9)], 100) == Deleted(traces=2)
    assert engine.reader().trace(trace_id(1)) is not None


def test_a_part_of_a_conversation_leaves_what_a_later_one_is_made_of(engine: Engine) -> None:
    told = [{"role": "user", "content": f"{number} " + "said " * 120} for number in range(12)]
    first = [span(1, n, kind="llm", at=n, input={"messages": told[:n]}) for n in range(1, 12)]
    engine.append(*first)
    engine.append(span(2, 1, kind="llm", at=99, input={"messages": told}))
    writer = engine.writer()
    while writer.delete_some([trace_id(1)], 16).traces == 0:
        assert engine.reader().verify() == []
    assert engine.reader().spans(trace_id(2))[0].input == {"messages": told}


def test_room_that_nothing_lies_in_goes_back_to_the_disk(engine: Engine) -> None:
    engine.append(*(span(n, 1, input=Random(n).randbytes(4000).hex(), at=n) for n in range(1, 200)))
    writer = engine.writer()
    before = writer.room()
    for number in range(1, 200):
        writer.delete_trace(trace_id(number))
    full = writer.room()
    assert full.free_bytes > before.bytes // 4
    assert full.gives_back
    less = writer.give_back(3 * 8192)
    assert less.bytes == full.bytes - 3 * 8192
    assert less.free_bytes <= full.free_bytes - 3 * 8192
    while (left := writer.give_back(1024 * 1024)).free_bytes:
        assert left.free_bytes < less.free_bytes
        less = left
    assert left.bytes < before.bytes
    assert engine.reader().verify() == []
    assert writer.compact().free_bytes == 0


def test_traces_can_be_gone_through_from_the_oldest_on(engine: Engine) -> None:
    engine.append(*(span(number, 1, at=number) for number in range(1, 9)))
    reader = engine.reader()
    assert [t.start for t in reader.each_trace(oldest_first=True)] == sorted(
        t.start for t in reader.each_trace()
    )
    early = Selection(until=reader.each_trace(oldest_first=True).__next__().start + 3 * MS)
    assert [t.trace_id for t in reader.each_trace(early, oldest_first=True)] == [
        trace_id(number) for number in (1, 2, 3)
    ]
