"""`extract` and `inject` as a program uses them: shapes of headers, blocks, contexts, other threads and processes."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import UserDict
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flightlog as fl
from flightlog.propagation import rules

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
PARENT = f"00-{TRACE_ID}-{PARENT_ID}-03"


@pytest.fixture(autouse=True)
def seen():
    with fl.capture() as captured:
        yield captured


class Broken:
    """A mapping that is none."""

    def items(self):
        raise RuntimeError("no headers")

    def __setitem__(self, key, value):
        raise RuntimeError("no headers")


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": PARENT},
        {"TRACEPARENT": PARENT},
        {"HTTP_TRACEPARENT": PARENT},
        {b"traceparent": PARENT.encode()},
        {"traceparent": [PARENT]},
        UserDict(traceparent=PARENT),
        [("traceparent", PARENT)],
        [(b"traceparent", PARENT.encode())],
        (("traceparent", PARENT),),
        httpx.Headers({"traceparent": PARENT}),
        iter([("traceparent", PARENT)]),
    ],
)
def test_headers_of_any_shape_are_read(headers):
    found = fl.extract(headers)
    assert (found.trace_id, found.span_id, found.sampled, bool(found)) == (TRACE_ID, PARENT_ID, True, True)


@pytest.mark.parametrize(
    "headers",
    [{}, [], None, 7, "traceparent", Broken(), [("a", "b", "c")], [1, 2], {"traceparent": 7}, {1: 2}],
)
def test_what_is_no_header_says_nothing_and_harms_nothing(seen, headers):
    with fl.span("outer") as outer, fl.extract(headers), fl.span("inner"):
        pass
    assert not fl.extract(headers)
    (inner,) = (span for span in seen.spans if span.name == "inner")
    assert inner.parent_id == outer.span_id


@pytest.mark.parametrize(
    ("headers", "written"),
    [
        ({"Traceparent": "old", "own": "1"}, {"own": "1"}),
        ([("Traceparent", "old"), ("own", "1")], [("own", "1")]),
        ([(b"Traceparent", b"old"), (b"own", b"1")], [(b"own", b"1")]),
        ({b"TRACEPARENT": b"old"}, {}),
        ([], []),
    ],
)
def test_headers_of_any_shape_are_written_once(headers, written):
    with fl.span("any") as span:
        assert fl.inject(headers) is headers
    value = f"00-{span.trace_id}-{span.span_id}-03"
    if isinstance(headers, dict):
        assert headers == {**written, "traceparent": value}
    else:
        is_bytes = bool(written) and isinstance(written[0][0], bytes)
        ours = (b"traceparent", value.encode()) if is_bytes else ("traceparent", value)
        assert headers == [*written, ours]


@pytest.mark.parametrize("headers", [None, (), 7, Broken(), "traceparent"])
def test_what_cannot_be_written_to_is_left_as_it_is_and_counted(headers):
    told = []
    held = rules.current()
    rules.use(held._replace(lose=told.append))
    try:
        with fl.span("any"):
            assert fl.inject(headers) is headers
    finally:
        rules.use(held)
    assert told == ["internal_errors"]


def test_a_client_s_own_headers_are_written():
    headers = httpx.Headers({"TRACEPARENT": "old"})
    with fl.span("any"):
        fl.inject(headers)
    assert headers.get_list("traceparent") != ["old"]
    assert len(headers.get_list("traceparent")) == 1


def test_without_a_span_nothing_is_written():
    assert fl.inject({"own": "1"}) == {"own": "1"}


def test_a_block_is_over_when_it_is_left():
    with fl.span("outer") as outer:
        with fl.extract({"traceparent": PARENT, "x-correlation-id": "c"}):
            assert fl.inject({})["traceparent"] == PARENT
            assert fl.current().span_id == "", "a remote span is a parent, and not a span to be changed"
        assert fl.inject({}) == {"traceparent": f"00-{outer.trace_id}-{outer.span_id}-03"}


def test_it_may_be_entered_again_and_within_itself(seen):
    found = fl.extract({"traceparent": PARENT})
    for _ in range(2):
        with found, found, fl.span("any"):
            pass
    assert [span.parent_id for span in seen.records] == [PARENT_ID] * 2
    assert fl.inject({}) == {}


def test_messages_of_a_batch_can_be_linked(seen):
    others = [f"00-{number:032x}-{number:016x}-01" for number in range(1, 4)]
    with fl.span("batch", links=[fl.extract({"traceparent": other}) for other in others]):
        pass
    assert [(link.trace_id, link.span_id) for link in seen.records[0].links] == [
        tuple(other.split("-")[1:3]) for other in others
    ]


def test_tasks_and_threads_begin_in_the_same_place(seen):
    async def work():
        with fl.span("task"):
            await asyncio.sleep(0)

    async def both():
        with fl.extract({"traceparent": PARENT, "baggage": "a=1"}):
            task = asyncio.create_task(work())
            with ThreadPoolExecutor(1) as pool:
                sent = pool.submit(fl.inject, {}).result()
            await asyncio.to_thread(lambda: fl.span("thread").__enter__().__exit__(None, None, None))
        await task
        return sent

    assert asyncio.run(both()) == {"traceparent": PARENT, "baggage": "a=1"}
    assert {span.name: span.parent_id for span in seen.records} == {"task": PARENT_ID, "thread": PARENT_ID}


def test_a_block_that_is_left_elsewhere_leaves_nothing_behind(seen):
    """A generator that is closed in another context than it ran in."""

    def consume():
        with fl.extract({"traceparent": PARENT, "x-correlation-id": "c"}):
            yield

    def begin():
        running = consume()
        next(running)
        return running

    context = contextvars.copy_context()
    running = context.run(begin)
    contextvars.copy_context().run(running.close)

    def after():
        with fl.span("after"):
            pass

    context.run(after)
    assert (seen.records[-1].parent_id, seen.records[-1].context) == ("", {})


def test_events_without_a_span_belong_to_the_remote_one(seen):
    with fl.extract({"traceparent": PARENT}):
        fl.event("arrived")
    assert (seen.records[0].trace_id, seen.records[0].span_id) == (TRACE_ID, PARENT_ID)


def test_a_thread_that_outlives_the_block_begins_anew(seen):
    go_on = threading.Event()

    def work():
        go_on.wait(20)
        with fl.span("late"):
            pass

    with fl.extract({"traceparent": PARENT}):
        thread = threading.Thread(target=work)
        thread.start()
    go_on.set()
    thread.join()
    assert seen.records[0].parent_id == PARENT_ID, "a remote span has no end that is known here"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["traceparent", "tracestate", "baggage", "b3", "x-trace-id", "x-span-id", "x-b3-traceid"]
            ),
            st.one_of(st.text(max_size=70), st.binary(max_size=70), st.just(PARENT)),
        ),
        max_size=8,
    )
)
def test_whatever_is_sent_what_is_handed_on_is_valid(headers):
    with fl.capture(), fl.extract(headers), fl.span("any"):
        sent = fl.inject({})
    with fl.capture(), fl.extract(sent), fl.span("any"):
        again = fl.inject({})
    assert sent["traceparent"][:35] == again["traceparent"][:35]
    assert sent.get("tracestate") == again.get("tracestate")
    assert sent.get("baggage") == again.get("baggage")
    assert all(value.isprintable() and value.isascii() for value in sent.values())


# -- settings ----------------------------------------------------------------------------------------------------


def test_the_standard_variable_names_the_formats(bench):
    code = f"""
        import flightlog as fl
        print(bool(fl.extract({{"traceparent": "{PARENT}"}})), bool(fl.extract({{"b3": "{TRACE_ID}-{PARENT_ID}-1"}})))
        with fl.span("any"):
            print(sorted(fl.inject({{}})))
        """
    assert bench.run(code) == "True True\n['traceparent']\n"
    assert bench.run(code, OTEL_PROPAGATORS="b3,xray") == "False True\n['b3']\n"
    assert bench.run(code, OTEL_PROPAGATORS="b3", FLIGHTLOG_PROPAGATORS="tracecontext") == (
        "True False\n['traceparent']\n"
    )
    assert bench.run(code, FLIGHTLOG_PROPAGATORS="none") == "False False\n[]\n"


def test_a_program_that_records_nothing_still_hands_on(bench):
    out = bench.run(
        f"""
        import flightlog as fl
        with fl.extract({{"traceparent": "{PARENT}", "tracestate": "a=1"}}), fl.span("any"):
            print(fl.inject({{}}))
        """,
        FLIGHTLOG_ENABLED="false",
    )
    assert out == f"{{'traceparent': '{PARENT}', 'tracestate': 'a=1'}}\n"


def test_the_share_of_recorded_traces_counts_where_a_caller_left_it_open(bench):
    out = bench.run(
        f"""
        import flightlog as fl
        print(fl.extract({{"b3": "{TRACE_ID}-{PARENT_ID}"}}).sampled, fl.extract({{"x-trace-id": "a"}}).sampled)
        print(fl.extract({{"baggage": "a=1"}}).sampled, fl.extract({{"traceparent": "{PARENT}"}}).sampled)
        """,
        FLIGHTLOG_SAMPLE="0",
    )
    assert out == "False False\nFalse True\n"


def test_the_environment_of_a_program_is_handed_on(bench):
    out = bench.run(
        "import flightlog as fl\nwith fl.span('any') as s: print(fl.inject({}), s.span_id)\n",
        TRACEPARENT=PARENT,
        TRACESTATE="a=1",
        BAGGAGE="b=2",
    )
    sent, span_id = out.rsplit(" ", 1)
    assert f"00-{TRACE_ID}-{span_id.strip()}-03" in sent
    assert "'tracestate': 'a=1', 'baggage': 'b=2'" in sent
    (span,) = bench.spans()["any"]
    assert (span.trace_id, span.parent_id) == (TRACE_ID, PARENT_ID)


@pytest.mark.parametrize("engine", ["pure", "compiled"])
def test_what_other_tracers_said_is_recorded_where_the_trace_arrives_and_passes_the_gate(bench, engine):
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    bench.run(
        f"""
        import flightlog as fl

        with fl.extract({{"traceparent": "{PARENT}", "tracestate": "a=1,b={secret}"}}):
            with fl.span("arrives"), fl.span("inner"):
                pass
        with fl.extract({{"traceparent": "{PARENT}"}}), fl.span("says nothing"):
            pass
        """,
        FLIGHTLOG_ENGINE=engine,
    )
    spans = bench.spans()
    (arrives,), (inner,), (silent,) = spans["arrives"], spans["inner"], spans["says nothing"]
    assert arrives.otel == {"flags": 769, "trace_state": "a=1,b=[REDACTED]"}
    assert inner.otel == {}
    assert silent.otel == {"flags": 769}


def test_a_process_pool_s_work_hands_on_what_came_in(bench):
    out = bench.run(
        """
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor

        import flightlog as fl

        def work():
            with fl.span("in the pool"):
                return fl.inject({})

        if __name__ == "__main__":
            headers = {"traceparent": sys.argv[1], "tracestate": "a=1", "baggage": "b=2", "x-correlation-id": "c"}
            for method in ("spawn", "fork"):
                with (
                    fl.extract(headers),
                    fl.span("outer"),
                    ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool,
                ):
                    sent = pool.submit(work).result()
                print(sent["tracestate"], sent["baggage"], sent["X-Correlation-Id"], sent["traceparent"][:35])
        """,
        PARENT,
    )
    assert out == f"a=1 b=2 c 00-{TRACE_ID}\n" * 2


def test_rules_without_settings_are_the_defaults():
    assert rules.Rules().formats == ("tracecontext", "baggage", "b3", "b3multi", "correlation")
