"""Reading: what each question answers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec import UNSET

from contracts.store_lines import (
    ENGINES,
    MS,
    PROCESS,
    START,
    Engine,
    annotation,
    encode,
    event,
    everything,
    said,
    span,
    span_id,
    trace_id,
    usage,
)
from flightlog.questions.parsing import parse
from flightlog.records.errors import AmbiguousId, UnknownId
from flightlog.records.traces import Selection
from flightlog.store.port import Sizes


def test_a_store_that_does_not_exist_answers_that_there_is_nothing(engine: Engine) -> None:
    reader = engine.reader()
    assert not engine.place.exists()
    assert reader.traces(10) == []
    assert reader.trace(trace_id(1)) is None
    assert reader.spans(trace_id(1)) == []
    assert reader.events(trace_id(1)) == []
    assert list(reader.lines()) == []
    assert sum(reader.counters().values()) == 0
    assert reader.sizes() == Sizes(0, 0, 0, 0, 0, 0, 0, 0)
    assert reader.verify() == []
    with pytest.raises(UnknownId):
        reader.resolve("@latest")


def test_a_reader_that_was_first_sees_what_is_written_later(engine: Engine) -> None:
    reader = engine.reader()
    assert reader.traces(10) == []
    engine.append(span())
    assert len(reader.traces(10)) == 1


def test_a_reader_and_a_writer_can_be_closed_twice(engine: Engine) -> None:
    engine.append(span())
    reader = engine.reader()
    reader.close()
    reader.close()


def test_the_newest_traces_come_first_and_no_more_than_asked(engine: Engine) -> None:
    engine.append(*(span(number, number, at=at) for number, at in ((1, 30), (2, 10), (3, 20))))
    reader = engine.reader()
    assert [trace.trace_id for trace in reader.traces(10)] == [trace_id(1), trace_id(3), trace_id(2)]
    assert [trace.trace_id for trace in reader.traces(2)] == [trace_id(1), trace_id(3)]
    assert reader.traces(0) == []


def test_a_root_with_large_attributes_and_a_large_error_is_listed(engine: Engine) -> None:
    fault = {"type": "E", "message": "m" * 600, "stack": "s" * 600}
    engine.append(span(1, 1, status="error", kind="llm", attributes={"a": "x" * 600}, error=fault))
    reader = engine.reader()
    assert [trace.status for trace in reader.traces(10)] == ["error"]
    assert [call.attributes for call in reader.model_calls()] == [{"a": "x" * 600}]


def test_a_trace_row_sums_up_its_spans_and_events(engine: Engine) -> None:
    engine.append(
        span(1, 1, took=100, kind="agent", context={"session": "s-1", "user": 7, "tags": ["x", "y"]}),
        span(1, 2, parent=1, at=20, kind="llm", attributes={**usage(input=5, output=2)}),
        span(
            1,
            3,
            parent=1,
            at=10,
            took=200,
            kind="llm",
            attributes={
                "gen_ai.request.model": "asked",
                "gen_ai.response.model": "answered",
                **usage(input=7),
            },
        ),
        span(1, 4, parent=1, at=15, kind="llm", attributes={"gen_ai.request.model": "later"}, status="error"),
        span(1, 5, parent=1, kind="tool", attributes=usage(input=1000), status="interrupted"),
        span(1, 6, parent=1, at=50, kind="llm", took=None),
        event(1, name="retry"),
        event(2, name="retry"),
        event(3, name="loop"),
    )
    trace = engine.reader().trace(trace_id(1))
    assert trace is not None
    assert (trace.name, trace.kind, trace.status) == ("step_1", "agent", "ok")
    assert (trace.start, trace.duration_ns) == (START, 210 * MS)
    assert (trace.span_count, trace.error_count, trace.interrupted) == (6, 1, 1)
    assert (trace.llm_calls, trace.input_tokens, trace.output_tokens) == (4, 12, 2)
    assert trace.unknown_usage_calls == 1
    assert trace.model == "answered"
    assert trace.retries == 2
    assert (trace.project, trace.environment, trace.service) == ("shop", "test", "svc")
    assert (trace.session, trace.user, trace.tags) == ("s-1", "7", ["x", "y"])
    assert engine.reader().traces(1) == [trace]


def _people(engine: Engine, number: int = 1) -> tuple[str | None, str | None]:
    trace = engine.reader().trace(trace_id(number))
    assert trace is not None
    assert engine.reader().verify() == []
    return trace.session, trace.user


def test_what_the_root_does_not_say_of_session_and_user_the_earliest_span_that_does_says(
    engine: Engine,
) -> None:
    engine.append(span(1, 1), span(1, 4, parent=1, at=9, context={"session": "s-4", "user": "u-4"}))
    assert _people(engine) == ("s-4", "u-4")
    engine.append(span(1, 3, parent=1, at=5, context={"session": 3, "turn": 1}))
    engine.append(span(1, 5, parent=1, at=5, context={"session": "s-5", "user": "u-5"}), span(1, 6, parent=1))
    assert _people(engine) == ("3", "u-5")
    engine.append(
        span(1, 2, parent=1, at=5, context={"session": "s-2"}), span(2, 1, context={"user": "else"})
    )
    assert _people(engine) == ("s-2", "u-5")
    engine.append(span(1, 1, context={"user": "root"}, revision=1))
    assert _people(engine) == ("s-2", "root")
    assert [trace.session for trace in engine.reader().traces(2)] == [None, "s-2"]


def test_a_session_that_its_span_loses_is_looked_for_in_the_others(engine: Engine) -> None:
    engine.append(
        span(1, 1, parent=9),
        span(1, 2, parent=1, at=1, took=None, context={"session": "a", "user": "a"}),
        span(1, 3, parent=1, at=2, context={"session": "b", "user": "b"}),
    )
    assert _people(engine) == ("a", "a")
    engine.append(span(1, 2, parent=1, at=3, context={"session": "a"}))
    assert _people(engine) == ("b", "b")
    engine.append(span(1, 3, parent=1, at=2, revision=1), span(1, 2, parent=1, at=3, revision=1))
    assert _people(engine) == (None, None)


def test_a_trace_that_is_deleted_takes_its_session_with_it(engine: Engine) -> None:
    engine.append(span(1, 1), span(1, 2, parent=1, context={"session": "a"}))
    writer = engine.writer()
    writer.delete_trace(trace_id(1))
    writer.close()
    engine.append(span(2, 1))
    assert _people(engine, 2) == (None, None)


def test_what_is_unknown_of_a_trace_is_none(engine: Engine) -> None:
    bare = msgspec.structs.replace(PROCESS, service="")
    engine.append(span(1, 1, took=None, kind="llm"), process=bare)
    trace = engine.reader().trace(trace_id(1))
    assert trace is not None
    assert (trace.duration_ns, trace.input_tokens, trace.output_tokens) == (None, None, None)
    assert (trace.model, trace.session, trace.user, trace.service) == (None, None, None, None)
    assert (trace.llm_calls, trace.unknown_usage_calls, trace.slow) == (1, 0, False)


@pytest.mark.parametrize("tokens", [-1, 1.5, "12", True, None, 2**70])
def test_a_count_of_tokens_that_is_none_is_unknown(engine: Engine, tokens: object) -> None:
    engine.append(span(1, 1, kind="llm", attributes={"gen_ai.usage.input_tokens": tokens}))
    trace = engine.reader().trace(trace_id(1))
    assert trace is not None
    assert (trace.input_tokens, trace.unknown_usage_calls) == (None, 1)


def test_slow_is_what_the_reader_calls_slow(engine: Engine) -> None:
    engine.append(span(took=100))
    answers = [engine.reader(limit * MS).traces(1)[0].slow for limit in (99, 100, 101)]
    assert answers == [True, True, False]


def test_a_span_without_a_parent_is_the_root_even_if_it_starts_later(engine: Engine) -> None:
    engine.append(span(1, 1, parent=9), span(1, 2, at=50, name="root"))
    assert engine.reader().traces(1)[0].name == "root"


def test_without_such_a_span_the_earliest_whose_parent_is_absent_is_the_root(engine: Engine) -> None:
    reader = engine.reader()
    engine.append(span(1, 4, parent=3, at=9), span(1, 3, parent=8, at=20), span(1, 2, parent=8, at=10))
    assert reader.traces(1)[0].name == "step_2"
    engine.append(span(1, 8, parent=7, at=30))
    assert reader.traces(1)[0].name == "step_8"
    engine.append(span(1, 7, at=90))
    assert reader.traces(1)[0].name == "step_7"
    assert reader.verify() == []


def test_of_roots_that_start_together_the_least_id_is_the_root(engine: Engine) -> None:
    engine.append(span(1, 2), span(1, 1))
    assert engine.reader().traces(1)[0].name == "step_1"


def test_a_trace_that_is_one_circle_has_a_root_nevertheless(engine: Engine) -> None:
    engine.append(span(1, 1, parent=2, at=5), span(1, 2, parent=1), span(2, 3, parent=3))
    assert {trace.name for trace in engine.reader().traces(9)} == {"step_2", "step_3"}
    assert engine.reader().verify() == []


def test_events_and_annotations_alone_make_no_trace(engine: Engine) -> None:
    engine.append(event(name="retry"), annotation())
    reader = engine.reader()
    assert (reader.traces(9), reader.trace(trace_id(1)), reader.sizes().traces) == ([], None, 0)
    assert len(reader.events(trace_id(1))) == 1
    engine.append(span())
    assert reader.traces(9)[0].retries == 1
    assert reader.verify() == []


def test_spans_come_by_start_then_id(engine: Engine) -> None:
    engine.append(span(1, 3), span(1, 1, at=5), span(1, 2))
    assert [found.span_id for found in engine.reader().spans(trace_id(1))] == [
        span_id(2),
        span_id(3),
        span_id(1),
    ]


def test_without_payloads_only_large_inputs_and_outputs_are_missing(engine: Engine) -> None:
    engine.append(
        span(1, 1, input="x" * 600, output="y" * 600, attributes={"big": "z" * 600}),
        span(1, 2, input="small", output=None),
    )
    large, small = engine.reader().spans(trace_id(1), payloads=False)
    assert (large.input, large.output) == (UNSET, UNSET)
    assert large.attributes == {"big": "z" * 600}
    assert (small.input, small.output) == ("small", None)
    assert engine.reader().spans(trace_id(1))[0].input == "x" * 600


def test_events_come_by_time_then_id(engine: Engine) -> None:
    engine.append(event(3), event(1, at=5), event(2), event(4, trace=2), event(5, trace=0))
    assert [found.event_id for found in engine.reader().events(trace_id(1))] == [
        span_id(2),
        span_id(3),
        span_id(1),
    ]


def test_lines_of_everything_can_be_taken_into_another_store(engine: Engine, tmp_path: Path) -> None:
    engine.append(
        span(1, 1, input="x" * 900, unknown=1),
        span(1, 2, parent=1, took=None),
        event(1),
        event(2, trace=0),
        annotation(1, value=0.5),
        encode({"v": 1, "type": "hologram"}),
    )
    (copies := tmp_path / "copy").mkdir()
    with ENGINES["sqlite"](copies) as copy:
        copy.append(*engine.reader().lines())  # type: ignore[arg-type]  # they are lines
        assert everything(copy.reader()) == everything(engine.reader())


def test_lines_come_as_processes_spans_events_annotations_and_strays(engine: Engine) -> None:
    engine.append(annotation(), event(), encode({"type": "hologram", "v": 1}), span())
    kinds = [record["type"] for record in said(engine.reader())]
    assert kinds == ["process", "span", "event", "annotation", "hologram"]


def test_lines_of_one_trace_are_its_own_and_its_processes(engine: Engine) -> None:
    other = msgspec.structs.replace(PROCESS, process_id="0" * 31 + "2")
    engine.append(span(1, 1), event(1), annotation(1))
    engine.append(span(2, 2), event(2, trace=2), process=other)
    kinds = [record["type"] for record in said(engine.reader(), trace_id(1))]
    assert kinds == ["process", "span", "event", "annotation"]


def test_long_answers_are_complete(engine: Engine) -> None:
    engine.append(*(span(number % 7 + 1, number, input=f"{number}" * 200) for number in range(1, 1701)))
    reader = engine.reader()
    assert len({record["span_id"] for record in said(reader) if record["type"] == "span"}) == 1700
    assert len(reader.spans(trace_id(1))) == 242


def test_a_reference_is_a_full_id_a_prefix_or_an_age(engine: Engine) -> None:
    ids = ["ab12" + "0" * 28, "ab13" + "0" * 28, "cd" * 16]
    engine.append(*(span(number, trace_id=one, at=number) for number, one in enumerate(ids, 1)))
    reader = engine.reader()
    assert reader.resolve(ids[0]) == ids[0]
    assert reader.resolve("ab12") == ids[0]
    assert reader.resolve("cdcdc") == ids[2]
    assert reader.resolve("@latest") == reader.resolve("@-1") == ids[2]
    assert reader.resolve("@-3") == ids[0]
    with pytest.raises(AmbiguousId) as caught:
        engine.append(span(9, trace_id="ab12" + "f" * 28))
        reader.resolve("ab12")
    assert caught.value.candidates == (ids[0], "ab12" + "f" * 28)


@pytest.mark.parametrize(
    "ref", ["", "ab1", "ab14", "x" * 40, "0" * 40, "@-9", "@-0", "@", "@x", "@-²", "@-" + "9" * 99]
)
def test_a_reference_that_fits_nothing_is_unknown(engine: Engine, ref: str) -> None:
    engine.append(span(trace_id="ab12" + "0" * 28))
    with pytest.raises(UnknownId):
        engine.reader().resolve(ref)


def test_sizes_count_what_there_is(engine: Engine) -> None:
    engine.append(
        span(1, 1, input="x" * 900),
        span(2, 2),
        event(1),
        event(2, trace=0),
        encode({"type": "hologram", "v": 1}),
    )
    sizes = engine.reader().sizes()
    assert (sizes.traces, sizes.spans, sizes.events, sizes.payloads, sizes.strays, sizes.series) == (
        2,
        2,
        2,
        1,
        1,
        2,
    )
    assert sizes.bytes_on_disk >= engine.place.stat().st_size > 0
    assert 0 < sizes.payload_bytes < 900


def test_text_comes_back_as_it_was(engine: Engine) -> None:
    nasty = "\u202e\x1b[31m\u0000\U0001f600 ' \" \\ <b>"
    engine.append(span(name=nasty, input=nasty, context={"user": nasty}, thread=nasty))
    (found,) = engine.reader().spans(trace_id(1))
    assert (found.name, found.input, found.context["user"], found.thread) == (nasty, nasty, nasty, nasty)


def test_traces_with_most_of_something_come_first_and_the_unknown_last(engine: Engine) -> None:
    engine.append(
        span(1, 1, at=10, took=5, kind="llm", attributes=usage(input=10, output=20)),
        span(2, 2, at=20, took=50, status="error"),
        span(3, 3, at=30, took=20, kind="llm", attributes=usage(input=1, output=2)),
        span(4, 4, at=40, took=None, status="running"),
        span(4, 5, parent=4, at=41, took=None, status="error"),
        span(4, 6, parent=4, at=42, took=None, status="error"),
    )
    reader = engine.reader()
    expected = {
        "newest": [4, 3, 2, 1],
        "duration": [2, 3, 1, 4],
        "tokens": [1, 3, 4, 2],
        "errors": [4, 2, 3, 1],
    }
    for order, numbers in expected.items():
        found = reader.traces(10, by=order)
        assert [trace.trace_id for trace in found] == [trace_id(number) for number in numbers], order
        assert found == [reader.trace(trace.trace_id) for trace in found]
        assert reader.traces(2, by=order) == found[:2]
    failed = Selection(statuses=("error",))
    assert [trace.trace_id for trace in reader.traces(10, failed, by="duration")] == [trace_id(2)]
    asked = Selection(question=parse("kind:llm"))
    assert [trace.trace_id for trace in reader.traces(10, asked, by="tokens")] == [
        trace_id(1),
        trace_id(3),
    ]
