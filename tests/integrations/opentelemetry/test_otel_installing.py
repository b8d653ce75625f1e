"""Installing in real processes: whoever sets a provider, before or after us, each span is recorded once."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence

import pytest

from flightlog.configure import load_settings
from flightlog.home import Home

SDK = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(SimpleSpanProcessor(exporter))
"""


class Ran:
    """A program that ran, with a home of its own."""

    def __init__(self, done, home):
        self.out, self.err, self._home = done.stdout, done.stderr, home

    def spans(self) -> Sequence:
        home = Home(self._home, load_settings({"home": str(self._home)}))
        home.catch_up(within=60)
        with home.reader() as reader:
            return [span for trace in reader.traces(100) for span in reader.spans(trace.trace_id)]


@pytest.fixture
def run(tmp_path):
    def ran(source, *, under_run=False, env=None) -> Ran:
        (tmp_path / "program.py").write_text(textwrap.dedent(source))
        program = [str(tmp_path / "program.py")]
        command = [sys.executable, *(["-m", "flightlog", "run"] if under_run else []), *program]
        home = tmp_path / "home"
        environment = {**os.environ, "FLIGHTLOG_HOME": str(home), **(env or {})}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return Ran(done, home)

    return ran


def _lines(out: str) -> list[str]:
    return [line for line in out.splitlines() if line]


@pytest.mark.parametrize(
    "first", ["opentelemetry._logs", "opentelemetry.trace.span", "opentelemetry.context"]
)
def test_whatever_of_opentelemetry_a_program_imports_first_ours_is_the_provider(run, first):
    ran = run(f"""
        import flightlog as fl
        fl.instrument("opentelemetry")
        import {first}
        from opentelemetry import trace
        from opentelemetry._logs import get_logger_provider
        print(type(trace.get_tracer_provider()).__module__, type(get_logger_provider()).__module__)
        with trace.get_tracer("lib").start_as_current_span("a"):
            pass
    """)
    assert ran.err == ""
    assert ran.out.split() == [
        "flightlog.integrations.opentelemetry.tracer",
        "flightlog.integrations.opentelemetry.logger",
    ]
    assert [span.name for span in ran.spans()] == ["a"]


def test_without_a_provider_ours_is_the_global_one_and_undoing_takes_it_back(run):
    done = run("""
        import sys, logging
        import flightlog as fl
        from opentelemetry import trace, _logs
        before = trace.get_tracer("early")
        with fl.capture() as seen:
            with fl.instrument("opentelemetry") as handle:
                fl.instrument("opentelemetry")
                with before.start_as_current_span("a"), trace.get_tracer("late").start_as_current_span("b"):
                    _logs.get_logger("l").emit(body="line")
                kept = trace.get_tracer("kept")
            with before.start_as_current_span("off"), kept.start_as_current_span("off"):
                pass
            _logs.get_logger("l").emit(body="off")
        print([span.name for span in seen.spans], [event.body for event in seen.events])
        print(type(trace.get_tracer_provider()).__name__, "opentelemetry.sdk" in sys.modules)
        print(handle.choices)
        """)
    assert _lines(done.out) == [
        "['b', 'a'] ['line']",
        "ProxyTracerProvider False",
        "('opentelemetry: flightlog, our own',)",
    ]


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_sdk_s_provider_keeps_its_spans_and_we_record_each_once_with_its_ids(run, when):
    setting = "trace.set_tracer_provider(provider)"
    before, after = (setting, "") if when == "before" else ("", setting)
    done = run(f"""
{SDK}
import flightlog as fl
{before}
early = trace.get_tracer("early")
fl.instrument("opentelemetry")
if {after!r}:
    early = trace.get_tracer("early")
{after}
with fl.capture() as seen:
    with early.start_as_current_span("a", attributes={{"http.method": "GET"}}) as a:
        with fl.span("ours"):
            pass
        with trace.get_tracer("late").start_as_current_span("b"):
            trace.get_current_span().add_event("e", {{"k": 1}})
        a.set_attribute("later", 2)
exported = {{span.name: f"{{span.context.span_id:016x}}" for span in exporter.get_finished_spans()}}
spans = {{span.name: span for span in seen.spans}}
assert len(seen.spans) == 3, seen.outline()
assert exported == {{"a": spans["a"].span_id, "b": spans["b"].span_id}}
assert spans["ours"].parent_id == spans["b"].parent_id == spans["a"].span_id
assert spans["a"].kind == "http" and spans["a"].attributes == {{"http.method": "GET", "later": 2}}
assert spans["a"].otel["scope"]["name"] == "early", spans["a"].otel
assert [(event.name, event.attributes) for event in seen.events] == [("e", {{"k": 1}})]
print("good")
""")
    assert (_lines(done.out), done.err) == (["good"], "")


def test_a_span_of_ours_between_two_of_an_sdk_s_stands_between_them_here_and_not_in_the_export(run):
    done = run(f"""
{SDK}
import flightlog as fl
trace.set_tracer_provider(provider)
fl.instrument("opentelemetry")
tracer = trace.get_tracer("t")
with fl.capture() as seen:
    with tracer.start_as_current_span("a"):
        with fl.span("ours"):
            with tracer.start_as_current_span("b"):
                pass
spans = {{span.name: span for span in seen.spans}}
assert spans["b"].parent_id == spans["ours"].span_id and spans["ours"].parent_id == spans["a"].span_id
theirs = {{span.name: span for span in exporter.get_finished_spans()}}
assert theirs["b"].parent.span_id == theirs["a"].context.span_id
print("good")
""")
    assert (_lines(done.out), done.err) == (["good"], "")


def test_what_an_sdk_exports_is_not_changed_by_a_span_of_ours_around_it(run):
    done = run(f"""
{SDK}
import flightlog as fl
trace.set_tracer_provider(provider)
fl.instrument("opentelemetry")
with fl.capture() as seen, fl.span("ours") as ours:
    with trace.get_tracer("t").start_as_current_span("theirs"):
        pass
(theirs,) = exporter.get_finished_spans()
assert theirs.parent is None
assert f"{{theirs.context.trace_id:032x}}" != ours.trace_id
assert [(link.trace_id, link.span_id) for link in seen.span("theirs").links] == [(ours.trace_id, ours.span_id)]
print("good")
""")
    assert (_lines(done.out), done.err) == (["good"], "")


def test_failures_of_an_sdk_s_spans_are_ours_too_and_undoing_stops_the_processor(run):
    done = run(f"""
{SDK}
import flightlog as fl
with fl.instrument(provider), fl.capture() as seen:
    tracer = provider.get_tracer("t")
    try:
        with tracer.start_as_current_span("a"):
            raise ValueError("no")
    except ValueError:
        pass
    span = tracer.start_span("b", start_time=10**18)
    span.set_status(trace.StatusCode.OK)
    span.end(10**18 + 5)
a, b = seen.span("a"), seen.span("b")
assert (a.status, a.error.type, a.error.message) == ("error", "ValueError", "no"), a.error
assert "raise ValueError" in a.error.stack
assert (b.start, b.end, "status" in b.otel) == (10**18, 10**18 + 5, False)
with fl.capture() as seen:
    with tracer.start_as_current_span("off"):
        pass
assert seen.spans == [] and len(exporter.get_finished_spans()) == 3
print("good")
""")
    assert (_lines(done.out), done.err) == (["good"], "")


def test_an_exporter_tells_what_the_processor_has_not_told(run):
    done = run(f"""
{SDK}
import flightlog as fl
from flightlog.integrations.opentelemetry import SpanExporter, SpanProcessor
provider.add_span_processor(SimpleSpanProcessor(SpanExporter()))
with fl.capture() as seen:
    with provider.get_tracer("t").start_as_current_span("a"):
        with provider.get_tracer("t").start_as_current_span("b"):
            pass
spans = {{span.name: span for span in seen.spans}}
assert spans["b"].parent_id == spans["a"].span_id and len(seen.spans) == 2
both = TracerProvider(shutdown_on_exit=False)
both.add_span_processor(SpanProcessor())
both.add_span_processor(SimpleSpanProcessor(SpanExporter()))
with fl.capture() as seen:
    with both.get_tracer("t").start_as_current_span("once"):
        pass
assert len(seen.spans) == 1, seen.outline()
print("good")
""")
    assert (_lines(done.out), done.err) == (["good"], "")


NATIVE = """
    from opentelemetry import trace
    tracer = trace.get_tracer("native")
    with tracer.start_as_current_span("outer"):
        with tracer.start_as_current_span("inner", attributes={"k": 1}):
            pass
    print(type(trace.get_tracer_provider()).__name__)
    """


def test_under_run_native_spans_belong_to_the_run_and_reach_the_store(run):
    done = run(NATIVE, under_run=True)
    spans = {record.name: record for record in done.spans()}
    assert set(spans) == {"program.py", "outer", "inner"}
    assert spans["outer"].parent_id == spans["program.py"].span_id
    assert spans["inner"].parent_id == spans["outer"].span_id
    assert spans["inner"].otel["scope"] == {"name": "native"}


SERVER = """
from opentelemetry import propagate, trace

def handle(headers):
    context = propagate.extract(headers) if not trace.get_current_span().get_span_context().is_valid else None
    with tracer.start_as_current_span("request", context=context):
        pass

tracer = trace.get_tracer("native")
headers = {}
with tracer.start_as_current_span("caller"):
    propagate.inject(headers)
handle(headers)
handle({})
"""


def test_under_run_a_server_s_instrumentation_sees_no_span_and_reads_its_headers(run):
    """As OpenTelemetry's own for ASGI and WSGI do: what is current without a request is not the caller."""
    spans = run(SERVER, under_run=True).spans()
    (program,) = [span for span in spans if span.name == "program.py"]
    (caller,) = [span for span in spans if span.name == "caller"]
    requests = [span for span in spans if span.name == "request"]
    assert [span.parent_id for span in requests] == [caller.span_id, program.span_id]
    assert {span.trace_id for span in spans} == {program.trace_id}


@pytest.mark.parametrize(
    "env",
    [
        {"OTEL_SDK_DISABLED": "true"},
        {"FLIGHTLOG_INSTRUMENT": "none"},
        {"FLIGHTLOG_INSTRUMENT_WITHOUT": "opentelemetry"},
        {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "x,opentelemetry"},
    ],
)
def test_it_can_be_left_out(run, env):
    done = run(NATIVE, under_run=True, env=env)
    assert "ProxyTracerProvider" in done.out


def test_a_forked_child_goes_on_under_the_span_that_was_open(run):
    done = run(
        """
    import os
    from opentelemetry import trace
    tracer = trace.get_tracer("t")
    with tracer.start_as_current_span("parent") as span:
        pid = os.fork()
        if pid == 0:
            with tracer.start_as_current_span("child"):
                pass
            assert not span.is_recording()
            span.end()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    """,
        under_run=True,
    )
    spans = done.spans()
    named = {span.name: span for span in spans}
    assert sorted(span.name for span in spans) == ["child", "parent", "program.py"]
    assert named["child"].parent_id == named["parent"].span_id
    assert (named["parent"].status, named["child"].status) == ("ok", "ok")


def test_what_runs_when_a_process_dies_is_interrupted(run):
    done = run(
        """
    import os
    from opentelemetry import trace
    tracer = trace.get_tracer("t")
    with tracer.start_as_current_span("lost"), tracer.start_as_current_span("child"):
        trace.get_current_span().add_event("e")
        pid = os.fork()
        if pid == 0:
            with tracer.start_as_current_span("dying"):
                trace.get_current_span().add_event("last words")
                os.kill(os.getpid(), 9)
        os.waitpid(pid, 0)
    """,
        under_run=True,
    )
    deadline = time.monotonic() + 60
    while "running" in (status := {span.name: span.status for span in done.spans()}).values():
        assert time.monotonic() < deadline, status
    assert status == {"program.py": "ok", "lost": "ok", "child": "ok", "dying": "interrupted"}
