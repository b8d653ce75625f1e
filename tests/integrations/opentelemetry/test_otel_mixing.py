"""Parents and children across OpenTelemetry's API and ours, wherever a span is current, and wherever it ends."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

import flightlog as fl


def _parents(seen) -> dict[str, str]:
    """The name of each span's parent; empty for none."""
    names = {span.span_id: span.name for span in seen.spans}
    return {span.name: names.get(span.parent_id, span.parent_id) for span in seen.spans}


def test_each_is_a_child_of_whatever_is_current(seen, tracer):
    with fl.span("a"), tracer.start_as_current_span("b"), fl.span("c"), tracer.start_as_current_span("d"):
        tracer.start_span("e").end()
    assert _parents(seen) == {"a": "", "b": "a", "c": "b", "d": "c", "e": "d"}
    assert len({span.trace_id for span in seen.spans}) == 1


def test_the_current_span_within_ours_is_ours(seen, tracer):
    with fl.span("a") as a:
        current = trace.get_current_span()
        told = current.get_span_context()
        assert (f"{told.trace_id:032x}", f"{told.span_id:016x}") == (a.trace_id, a.span_id)
        assert (told.is_remote, told.trace_flags, told.is_valid) == (False, 3, True)
        assert current.is_recording()
        assert trace.get_current_span() is current
        current.set_attribute("k", 1)
        current.add_event("e")
        current.set_status(trace.StatusCode.ERROR, "why")
    assert not current.is_recording()
    assert trace.get_current_span() is trace.INVALID_SPAN
    span = seen.span("a")
    assert (span.attributes, span.status, span.error.message) == ({"k": 1}, "error", "why")
    assert [event.span_id for event in seen.events] == [a.span_id]


def test_ending_the_current_span_of_ours_ends_it_and_leaves_nothing_behind(seen, tracer):
    with fl.span("a"):
        trace.get_current_span().end()
    with fl.span("b"):
        pass
    assert _parents(seen) == {"a": "", "b": ""}


def test_a_span_that_is_ended_within_its_block_stays_current_until_it_is_left(seen, tracer):
    with tracer.start_as_current_span("a") as a:
        a.end()
        assert trace.get_current_span() is a or not trace.get_current_span().is_recording()
        with fl.span("b"):
            pass
    with fl.span("c"):
        pass
    assert _parents(seen) == {"a": "", "b": "a", "c": ""}


def test_a_detached_span_is_current_where_it_is_used(seen, tracer):
    with fl.span("outer"):
        span = tracer.start_span("a")
    with trace.use_span(span), fl.span("b"):
        assert trace.get_current_span() is not span
    with fl.span("c"):
        pass
    span.end()
    assert _parents(seen) == {"outer": "", "a": "outer", "b": "a", "c": ""}


def test_an_explicit_context_decides_and_its_absence_of_a_span_begins_a_trace(seen, tracer):
    with fl.span("outer"):
        other = tracer.start_span("other", context=Context())
        within = trace.set_span_in_context(other)
        with tracer.start_as_current_span("child", context=within), fl.span("grandchild"):
            pass
        with fl.span("beside"):
            pass
        other.end()
    assert _parents(seen) == {
        "outer": "",
        "other": "",
        "child": "other",
        "grandchild": "child",
        "beside": "outer",
    }


def test_a_remote_parent_goes_on_with_its_state_and_flags(seen, tracer):
    state = TraceState([("vendor", "1")])
    remote = NonRecordingSpan(SpanContext(0xA, 0xB, True, TraceFlags(1), state))
    with tracer.start_as_current_span("a", context=trace.set_span_in_context(remote)) as a:
        told = a.get_span_context()
        assert (told.trace_id, told.trace_state, told.trace_flags) == (0xA, state, 1)
        headers = fl.inject({})
        assert headers["tracestate"] == "vendor=1"
        with fl.span("b"):
            pass
    span = seen.span("a")
    assert (span.trace_id, span.parent_id) == (f"{10:032x}", f"{11:016x}")
    assert (span.otel["flags"], span.otel["trace_state"]) == (769, "vendor=1")
    assert _parents(seen)["b"] == "a"


def test_what_attach_makes_current_is_so_for_both_and_baggage_stays(seen, tracer):
    span = tracer.start_span("a")
    with fl.span("outer"):
        token = context.attach(baggage.set_baggage("user", "u", trace.set_span_in_context(span)))
        with fl.span("b"):
            assert baggage.get_baggage("user") == "u"
            inner = context.attach(baggage.set_baggage("more", "m"))
            with tracer.start_as_current_span("c"):
                assert baggage.get_all() == {"user": "u", "more": "m"}
            context.detach(inner)
            assert baggage.get_baggage("more") is None
        context.detach(token)
        assert baggage.get_baggage("user") is None
        with fl.span("d"):
            pass
    span.end()
    assert _parents(seen) == {"outer": "", "a": "", "b": "a", "c": "b", "d": "outer"}


def test_what_the_program_sets_as_baggage_leaves_with_our_headers(seen, tracer):
    came = {"baggage": "user=remote,kept=1;p", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    with fl.extract(came), tracer.start_as_current_span("a"):
        token = context.attach(baggage.set_baggage("user", "é b"))
        with fl.span("b"):
            assert fl.inject({})["baggage"] == "user=%C3%A9%20b,kept=1;p"
        context.detach(token)
        assert fl.inject({})["baggage"] == "user=remote,kept=1;p"
    assert "baggage" not in fl.inject({})


def test_tokens_may_be_detached_in_any_order(seen, tracer):
    first, second = tracer.start_span("first"), tracer.start_span("second")
    one = context.attach(trace.set_span_in_context(first))
    two = context.attach(trace.set_span_in_context(second))
    context.detach(one)
    assert trace.get_current_span() is second
    context.detach(two)
    context.detach(two)
    assert trace.get_current_span() is trace.INVALID_SPAN
    first.end()
    second.end()


def test_a_token_can_be_taken_back_as_one_of_contextvars(seen, tracer):
    """As OpenInference's instrumentation of LlamaIndex does, past `detach`, which would tell of what it expects."""
    span = tracer.start_span("a")
    token = context.attach(trace.set_span_in_context(span))
    assert trace.get_current_span() is span
    token.var.reset(token)
    assert trace.get_current_span() is trace.INVALID_SPAN
    span.end()
    assert _parents(seen) == {"a": ""}


def test_a_token_of_another_context_changes_nothing_and_is_no_error(seen, tracer, caplog):
    span = tracer.start_span("a")
    token = contextvars.copy_context().run(context.attach, trace.set_span_in_context(span))
    context.detach(token)
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert caplog.records == []
    span.end()


def test_what_was_attached_and_forgotten_adopts_nothing_once_its_span_is_over(seen, tracer):
    """OpenLLMetry attaches in one callback and detaches in another context: no later trace may end up below it."""
    span = tracer.start_span("leaked")
    context.attach(trace.set_span_in_context(span))
    contextvars.Context().run(span.end)
    with fl.span("b"), tracer.start_as_current_span("c"):
        pass
    assert {name: parent for name, parent in _parents(seen).items() if name in {"b", "c"}} == {
        "b": "",
        "c": "b",
    }


def test_a_span_may_end_in_another_thread(seen, tracer):
    span = tracer.start_span("a")
    with trace.use_span(span):
        worker = threading.Thread(target=span.end)
        worker.start()
        worker.join()
    assert [one.name for one in seen.spans] == ["a"]
    assert not span.is_recording()


def test_a_span_that_begins_and_ends_by_a_call_changes_nothing_for_whatever_is_current(seen, tracer):
    with fl.span("a") as a:
        early = tracer.start_span("early")
        with fl.span("b") as b:
            other = tracer.start_span("other")
            early.end()
            assert fl.current() is b
            with fl.span("c") as c:
                other.end()
                assert fl.current() is c
        assert fl.current() is a
    assert trace.get_current_span() is trace.INVALID_SPAN
    tracer.start_span("root").end()
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert _parents(seen) == {"a": "", "early": "a", "b": "a", "other": "b", "c": "b", "root": ""}


def _end_in_a_thread(span):
    worker = threading.Thread(target=span.end)
    worker.start()
    worker.join()


def _end_in_a_task(span):
    async def end():
        span.end()

    async def main():
        await asyncio.create_task(end())

    asyncio.run(main())


def _end_in_another_task(tracer):
    async def main():
        span = tracer.start_span("a")
        await asyncio.create_task(end(span))
        return span

    async def end(span):
        with fl.span("around") as around:
            span.end()
            assert fl.current() is around

    return asyncio.run(main())


@pytest.mark.parametrize("end", [_end_in_a_thread, _end_in_a_task, None])
def test_what_begins_below_a_span_that_was_ended_elsewhere_is_its_child(seen, tracer, end):
    with fl.span("around") as around:
        if end is None:
            span = _end_in_another_task(tracer)
        else:
            span = tracer.start_span("a")
            end(span)
        assert fl.current() is around
        tracer.start_span("late", trace.set_span_in_context(span)).end()
    assert _parents(seen)["late"] == "a"


def test_a_span_whose_end_is_interrupted_leaves_what_was_current(seen, tracer, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with fl.span("around") as around:
        span = tracer.start_span("a")
        with monkeypatch.context() as patched:
            patched.setattr(type(span.made), "__exit__", interrupted)
            patched.setattr(type(span.made), "_append", interrupted)  # by which the plain engine ends it
            with pytest.raises(KeyboardInterrupt):
                span.end()
        assert fl.current() is around


def test_a_task_that_outlives_its_span_is_its_child(seen, tracer):
    async def late(gate):
        await gate.wait()
        with tracer.start_as_current_span("late"):
            pass

    async def main():
        gate = asyncio.Event()
        with tracer.start_as_current_span("a"):
            task = asyncio.create_task(late(gate))
            await asyncio.sleep(0)
        span = tracer.start_span("b")
        with trace.use_span(span, end_on_exit=True):
            other = asyncio.create_task(late(gate))
            await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(task, other)

    asyncio.run(main())
    names = {span.span_id: span.name for span in seen.spans}
    assert sorted(names[span.parent_id] for span in seen.spans if span.name == "late") == ["a", "b"]


def test_a_generator_keeps_its_span_and_lends_it_to_nobody(seen, tracer):
    def produce():
        with tracer.start_as_current_span("producer"):
            for name in "xy":
                with fl.span(name):
                    pass
                yield

    for number, _ in enumerate(produce()):
        with fl.span(f"consumer {number}"):
            pass
    told = _parents(seen)
    assert (told["x"], told["y"]) == ("producer", "producer")


def test_a_decorator_records_each_call_for_its_whole_length(seen, tracer):
    @tracer.start_as_current_span("sync")
    def add(a, b):
        return a + b

    @tracer.start_as_current_span("async")
    async def wait():
        await asyncio.sleep(0)
        with fl.span("inner"):
            return trace.get_current_span().is_recording()

    assert (add(1, 2), add(3, b=4), asyncio.run(wait())) == (3, 7, True)
    assert (add.__name__, asyncio.iscoroutinefunction(wait)) == ("add", True)
    assert [span.name for span in seen.spans] == ["sync", "sync", "inner", "async"]
    assert _parents(seen)["inner"] == "async"


def test_end_on_exit_leaves_the_span_to_whoever_ends_it(seen, tracer):
    with tracer.start_as_current_span("a", end_on_exit=False) as span:
        pass
    assert span.is_recording()
    assert trace.get_current_span() is trace.INVALID_SPAN
    span.end()
    assert [one.name for one in seen.spans] == ["a"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError])
def test_what_is_no_error_is_none_and_an_interruption_is_cancelled(seen, tracer, error):
    with contextlib.suppress(error), tracer.start_as_current_span("a"):
        raise error
    span = seen.span("a")
    assert (span.status, span.error, span.otel["status"]) == ("cancelled", None, 0)
    assert seen.events == []


def test_what_is_not_sampled_has_ids_and_no_record_and_so_have_its_children(tracer, tmp_path):
    fl.configure(sample=0.0, home=str(tmp_path))
    try:
        with tracer.start_as_current_span("a") as a:
            told = a.get_span_context()
            assert (a.is_recording(), told.is_valid, told.trace_flags & 1) == (False, True, 0)
            assert trace.get_current_span().get_span_context() == told
            b = tracer.start_span("b")
            assert b.get_span_context().trace_id == told.trace_id
            with fl.span("c") as c:
                assert (c.recorded, int(c.trace_id, 16)) == (False, told.trace_id)
            b.set_attribute("k", 1)
            b.end()
        assert trace.get_current_span() is trace.INVALID_SPAN
        kept = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(1))))
        assert tracer.start_span("kept", context=kept).is_recording()
    finally:
        fl.configure(sample=None, home=None)


def test_where_the_level_is_off_the_parent_stands_for_what_is_not_there(tracer, tmp_path):
    fl.configure(level="warn", home=str(tmp_path))
    try:
        with fl.span("a", level="error") as a, tracer.start_as_current_span("b") as b:
            assert not b.is_recording()
            assert f"{b.get_span_context().span_id:016x}" == a.span_id
            assert fl.current() is a
            assert not tracer.start_span("c").is_recording()
    finally:
        fl.configure(level=None, home=None)


def test_a_thread_carries_the_span_that_is_current(seen, tracer):
    def work():
        with tracer.start_as_current_span("b"):
            pass

    with tracer.start_as_current_span("a"):
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
    assert _parents(seen)["b"] == "a"
