"""Model calls as every engine gives them to whoever adds up money."""

from __future__ import annotations

import msgspec

from contracts.store_lines import HOUR, MS, START, Engine, span, span_id, trace_id, usage
from flightlog.records.traces import Selection

MODEL = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
USED = {**MODEL, **usage(input=10, output=2)}


def llm(trace: int = 1, number: int = 1, **fields):
    return span(trace, number, **{"kind": "llm", "attributes": USED, **fields})


def places(calls) -> list[tuple[int, int]]:
    return sorted((int(call.trace_id, 16), int(call.span_id, 16)) for call in calls)


def test_a_call_is_given_with_what_it_is_charged_by(engine: Engine):
    context = {"session": "s-1", "user": 7, "tags": ["beta", "x"], "plan": "free"}
    engine.append(llm(context=context, name="chat", at=5))
    (call,) = engine.reader().model_calls()
    assert msgspec.structs.asdict(call) == {
        "trace_id": trace_id(1),
        "span_id": span_id(1),
        "start": START + 5 * MS,
        "status": "ok",
        "name": "chat",
        "kind": "llm",
        "project": "shop",
        "session": "s-1",
        "user": "7",
        "tags": ("beta", "x"),
        "attributes": USED,
    }


def test_calls_that_are_over_are_given_and_other_spans_are_not(engine: Engine):
    engine.append(
        llm(number=1),
        llm(number=2, status="error"),
        llm(number=3, took=None, status="running"),
        llm(number=4, took=None, status="paused"),
        llm(number=5, attributes={}),
        span(number=6, kind="embedding", attributes=USED),
        span(number=7, kind="embedding"),
        span(number=8, kind="agent", attributes=USED),
        span(number=9, attributes=USED),
    )
    assert places(engine.reader().model_calls()) == [(1, 1), (1, 2), (1, 5), (1, 6)]


def test_what_a_call_has_not_itself_is_that_of_its_trace(engine: Engine):
    root = {"session": "of root", "user": "u-1", "tags": ["root"]}
    engine.append(
        span(1, 1, context=root),
        llm(1, 2, parent=1),
        llm(1, 3, parent=1, context={"session": "own", "user": "u-2", "tags": ["own"]}),
        span(2, 1),
        llm(2, 2, parent=1, at=5),
        llm(2, 3, parent=1, at=2, context={"session": "below", "user": "u-3"}),
    )
    calls = {(call.trace_id, call.span_id): call for call in engine.reader().model_calls()}
    told = {
        (int(trace, 16), int(span, 16)): (call.session, call.user, call.tags)
        for (trace, span), call in calls.items()
    }
    assert told == {
        (1, 2): ("of root", "u-1", ("root",)),
        (1, 3): ("own", "u-2", ("own",)),
        (2, 2): ("below", "u-3", ()),
        (2, 3): ("below", "u-3", ()),
    }


def test_since_is_about_the_call_wherever_its_trace_began(engine: Engine):
    engine.append(span(1, 1, name="job"), llm(1, 2, parent=1, at=HOUR // MS), llm(1, 3, parent=1))
    reader = engine.reader()
    late = START + HOUR
    assert places(reader.model_calls(Selection(since=late))) == [(1, 2)]
    assert places(reader.model_calls(Selection(since=late, name="job"))) == [(1, 2)]
    assert places(reader.model_calls(Selection(since=late), traces=[trace_id(1)])) == [(1, 2)]
    assert places(reader.model_calls(Selection(since=late + 1))) == []


def test_a_selection_chooses_traces_and_their_calls_are_given(engine: Engine):
    engine.append(
        span(1, 1, name="job", context={"session": "s-1"}),
        llm(1, 2, parent=1),
        span(2, 1, name="other"),
        llm(2, 2, parent=1),
        llm(3, 1, project="elsewhere"),
    )
    reader = engine.reader()
    assert places(reader.model_calls(Selection(session="s-1"))) == [(1, 2)]
    assert places(reader.model_calls(Selection(name="other"))) == [(2, 2)]
    assert places(reader.model_calls(Selection(project="elsewhere"))) == [(3, 1)]
    assert places(reader.model_calls(Selection(statuses=("error",)))) == []


def test_calls_of_some_traces_come_in_the_order_of_these(engine: Engine):
    engine.append(llm(1, 1), llm(2, 1, at=3), llm(2, 2, at=1), llm(3, 1))
    calls = engine.reader().model_calls(traces=[trace_id(3), trace_id(2), trace_id(9)])
    assert [(int(c.trace_id, 16), int(c.span_id, 16)) for c in calls] == [(3, 1), (2, 2), (2, 1)]


def test_many_calls_of_one_start_are_each_given_once(engine: Engine):
    engine.append(*(llm(1 + n // 100, 1 + n % 100, at=n // 3000) for n in range(4500)))
    reader = engine.reader()
    assert len(set(places(reader.model_calls()))) == 4500
    assert len(places(reader.model_calls())) == 4500
    assert len(places(reader.model_calls(Selection(name="step_*")))) == 4500


def test_attributes_that_are_large_are_whole(engine: Engine):
    attributes = {**USED, "flightlog.request.tools": "x" * 100_000}
    engine.append(llm(attributes=attributes), llm(number=2))
    found = {call.span_id: call.attributes for call in engine.reader().model_calls()}
    assert found == {span_id(1): attributes, span_id(2): USED}


def test_an_empty_store_has_no_calls(engine: Engine):
    reader = engine.reader()
    assert list(reader.model_calls()) == []
    assert list(reader.model_calls(Selection(name="x"))) == []
    assert list(reader.model_calls(traces=[trace_id(1)])) == []


def test_calls_near_a_time_are_those_that_ran_then(engine: Engine):
    engine.append(
        llm(1, 1, at=0, took=10),
        llm(1, 2, at=20, took=10),
        llm(2, 3, at=0, took=100),
        llm(2, 4, at=25, took=None, status="running"),
        span(2, 5, at=20, took=10, kind="tool"),
        span(3, 6, at=HOUR // MS, took=5, kind="embedding", attributes=USED),
        llm(4, 7, at=-700_000, took=800_000),
    )
    reader = engine.reader()
    second = [(START + 22 * MS, START + 24 * MS)]
    assert places(reader.calls_near(["llm"], second)) == [(1, 2), (2, 3)]
    assert places(reader.calls_near(["llm", "tool"], second)) == [(1, 2), (2, 3), (2, 5)]
    assert places(reader.calls_near(["llm"], second, but={(trace_id(2), span_id(3))})) == [(1, 2)]
    assert len(reader.calls_near(["llm"], second, most=1)) == 1
    many = [(START + 10 * MS, START + 10 * MS), (START + HOUR, START + HOUR)]
    assert places(reader.calls_near(["llm", "embedding"], many)) == [(1, 1), (2, 3), (3, 6)]
    assert reader.calls_near(["llm"], [(START + HOUR, START + 2 * HOUR)]) == []
    assert reader.calls_near(["none"], second) == reader.calls_near(["llm"], []) == []


def test_calls_near_a_time_have_their_attributes_however_large(engine: Engine):
    engine.append(llm(input={"messages": ["x" * 9000]}, attributes={**USED, "long": "y" * 9000}))
    (found,) = engine.reader().calls_near(["llm"], [(START, START)])
    assert found.attributes == {**USED, "long": "y" * 9000}
    assert found.input is msgspec.UNSET


def test_a_trace_that_is_named_twice_and_that_projects_share_gives_each_call_once(engine: Engine):
    large = {**USED, "note": "x" * 9000}
    engine.append(llm(1, 1, attributes=large), llm(1, 2, attributes=large, project="other"))
    calls = list(engine.reader().model_calls(traces=[trace_id(1), trace_id(1)]))
    assert sorted(call.project for call in calls) == ["other", "shop"]
    assert all(call.attributes == large for call in calls)
