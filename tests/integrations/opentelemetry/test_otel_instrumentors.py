"""Instrumentors that others wrote: found, chosen with a reason, used, and taken back."""

from __future__ import annotations

import concurrent.futures
import importlib.metadata
import sqlite3
import sys
import threading
import types
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
from opentelemetry.trace import SpanKind

import flightlog as fl
from flightlog import instrumenting
from flightlog.integrations import instrumentors
from flightlog.integrations.instrumentors import INSTALLS, Candidate, Instrumentors
from flightlog.integrations.opentelemetry import TracerProvider
from flightlog.records.errors import BadQuestion, MissingExtra

pytest.importorskip("opentelemetry.instrumentation.sqlite3")


@pytest.fixture(autouse=True)
def _nobody_listens(_as_before):
    fl.uninstrument()
    yield
    fl.uninstrument()


def test_a_library_of_the_standard_library_is_recorded_by_opentelemetry_s_instrumentor():
    with fl.instrument("sqlite3") as handle, fl.capture() as seen, fl.span("around"):
        assert handle.libraries == ("sqlite3", "opentelemetry")
        database = sqlite3.connect(":memory:")
        cursor = database.cursor()
        cursor.execute("select 1")
        with pytest.raises(sqlite3.OperationalError):
            cursor.execute("select nonsense")
        database.close()
    around = seen.span("around")
    good, bad = [span for span in seen.spans if span.kind == "db"]
    assert (good.parent_id, good.attributes["db.statement"], good.status) == (
        around.span_id,
        "select 1",
        "ok",
    )
    assert (bad.status, bad.error.type) == ("error", "sqlite3.OperationalError")
    assert good.otel["scope"]["name"] == "opentelemetry.instrumentation.sqlite3"
    assert good.otel["kind"] == 3
    assert handle.libraries == ()
    assert "the OpenTelemetry project's own" in handle.choices[0]
    with fl.capture() as seen:
        sqlite3.connect(":memory:").close()
        assert not hasattr(sqlite3.connect, "__wrapped__")


_headers: list[dict[str, str]] = []


class Answer(BaseHTTPRequestHandler):
    """Answers every request, and remembers its headers."""

    def do_GET(self):
        _headers.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_args):
        pass


def test_urllib_s_requests_are_recorded_and_carry_the_trace():
    pytest.importorskip("opentelemetry.instrumentation.urllib")
    server = HTTPServer(("127.0.0.1", 0), Answer)
    worker = threading.Thread(target=server.handle_request)
    worker.start()
    with fl.instrument("urllib"), fl.capture() as seen, fl.span("around"):
        url = f"http://127.0.0.1:{server.server_port}/path"
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == b"ok"
    worker.join()
    server.server_close()
    (request,) = [span for span in seen.spans if span.kind == "http"]
    assert request.parent_id == seen.span("around").span_id
    assert _headers[0]["traceparent"] == f"00-{request.trace_id}-{request.span_id}-03"


def test_threads_that_the_threading_instrumentor_starts_stay_below_their_span():
    pytest.importorskip("opentelemetry.instrumentation.threading")
    with fl.instrument("threading"), fl.capture() as seen:
        with fl.span("a"), concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(_work, "b").result()
        with fl.span("c"):
            worker = threading.Thread(target=_work, args=("d",))
            worker.start()
            worker.join()
    names = {span.span_id: span.name for span in seen.spans}
    assert {span.name: names.get(span.parent_id) for span in seen.spans} == {
        "a": None,
        "b": "a",
        "c": None,
        "d": "c",
    }


def _work(name):
    with fl.span(name):
        pass


def test_openinference_s_spans_of_a_real_client_are_model_calls(provider):
    """Ours goes first; this one is used directly, as a program does that has set it up itself."""
    openai = pytest.importorskip("openai")
    module = pytest.importorskip("openinference.instrumentation.openai")
    wrapper = module.OpenAIInstrumentor()
    with fl.instrument("opentelemetry"), fl.capture() as seen:
        wrapper.instrument()
        try:
            with fl.span("around"), openai.OpenAI(base_url=f"{provider.url}/v1", api_key="nobody") as client:
                client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
        finally:
            wrapper.uninstrument()
    (call,) = [span for span in seen.spans if span.kind == "llm"]
    assert call.parent_id == seen.span("around").span_id
    assert call.attributes["llm.input_messages.0.message.content"] == "hello"
    assert call.attributes["llm.token_count.prompt"] > 0


def test_our_own_goes_before_every_other_and_says_so():
    told = fl.instrument("openai", "sqlite3").choices
    assert told[0].startswith("openai: flightlog, our own goes before every other")
    assert any("openai" in line and "not used: openinference" in line for line in instrumenting.choices())


def test_a_missing_instrumentor_says_what_installs_it():
    with pytest.raises(MissingExtra, match=r"pip install agno openinference-instrumentation-agno$"):
        fl.instrument("agno")
    with pytest.raises(MissingExtra, match="pip install opentelemetry-instrumentation-psycopg2"):
        fl.instrument("psycopg2")
    with pytest.raises(BadQuestion, match="nothing here can record 'nonsense'"):
        fl.instrument("nonsense")


@pytest.mark.parametrize(
    ("missing", "line"), [("openai", 'pip install "flightlog[openai]"'), ("celery", "pip install celery")]
)
def test_a_missing_library_says_what_installs_it(monkeypatch, missing, line):
    monkeypatch.setattr(instrumenting, "has_module", lambda name: name != missing)
    with pytest.raises(MissingExtra) as raised:
        fl.instrument(missing)
    assert str(raised.value).endswith(line)


def test_one_that_is_used_only_by_name_says_that_it_is_used():
    with fl.instrument("threading") as handle:
        assert handle.choices[0].startswith("threading: opentelemetry-instrumentation-threading ")
    assert "only by name" in next(one for one in instrumenting.choices() if one.startswith("threading:"))


def test_of_several_the_most_trusted_family_is_chosen_and_the_others_are_named(monkeypatch):
    def candidates():
        for family, package in (
            (2, "opentelemetry-instrumentation-crewai 0.6"),
            (0, "openinference-crewai 1.1"),
        ):
            yield Candidate("crewai", "crewai", family, package, None)

    monkeypatch.setattr(instrumentors, "_installed", lambda: list(candidates()))
    found = Instrumentors(own=())
    choice = found.choice("crewai")
    assert choice.by == "openinference-crewai 1.1"
    assert choice.passed_over == ("opentelemetry-instrumentation-crewai 0.6",)
    assert choice.sentence() == (
        "crewai: openinference-crewai 1.1, OpenInference's, which keeps the messages and tokens of streams and nested "
        "calls; not used: opentelemetry-instrumentation-crewai 0.6"
    )
    assert found.names() == ()  # there is no such module here


def test_one_for_a_library_of_ours_by_another_name_is_used_only_by_name(monkeypatch):
    entry = Candidate(
        "aiohttp_client", "aiohttp", 1, "opentelemetry-instrumentation-aiohttp-client 0.66", None
    )
    monkeypatch.setattr(instrumentors, "_installed", lambda: [entry])
    found = Instrumentors(own=("aiohttp",))
    assert found.names() == ()
    assert "our own for aiohttp records it; only by name" in found.choice("aiohttp_client").sentence()
    assert found.choice("aiohttp_client", by_name=True).by == entry.package


def test_an_instrumentor_that_the_program_is_importing_is_left_to_the_program(monkeypatch):
    class Entry:
        module = "half_made"

        def load(self):
            pytest.fail("half of it is there")

    half = types.ModuleType("half_made")
    half.__spec__ = types.SimpleNamespace(_initializing=True)
    monkeypatch.setitem(sys.modules, "half_made", half)
    wrapper = instrumentors.Foreign(Candidate("x", "x", 1, "x 1", Entry()))
    wrapper.wrap(half, pytest.fail)
    wrapper.unwrap(half)


def test_a_request_that_opentelemetry_s_own_instrumentor_tells_is_told_once():
    server = HTTPServer(("127.0.0.1", 0), Answer)
    worker = threading.Thread(target=server.handle_request)
    worker.start()
    tracer = TracerProvider().get_tracer("opentelemetry.instrumentation.requests", "0.66")
    attributes = {"http.method": "GET"}
    with (
        fl.instrument("requests", "urllib3"),
        fl.capture() as seen,
        tracer.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes=attributes) as span,
    ):
        headers = {"traceparent": f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-03"}
        requests.get(f"http://127.0.0.1:{server.server_port}/", headers=headers)
    worker.join()
    server.server_close()
    assert [(one.kind, one.otel["scope"]["name"]) for one in seen.spans] == [
        ("http", "opentelemetry.instrumentation.requests")
    ]
    assert _headers[-1]["traceparent"] == headers["traceparent"]


@pytest.mark.parametrize("variable", ["sqlite3,x", "*", " SQLite3 "])
def test_opentelemetry_s_own_variable_leaves_some_out(monkeypatch, variable):
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", variable)
    found = Instrumentors(own=())
    assert "sqlite3" not in found.names()
    assert found.choice("sqlite3").by == ""
    assert "sqlite3" in Instrumentors(own=()).candidates()


def test_every_installed_instrumentor_is_listed_with_its_reason():
    installed = {entry.name for entry in importlib.metadata.entry_points(group="opentelemetry_instrumentor")}
    told = "\n".join(instrumenting.choices())
    assert installed
    for name in installed:
        assert f"{name.replace('-', '_')}:" in told
    assert INSTALLS["langchain"] == "openinference-instrumentation-langchain"


def test_an_instrumentor_that_refuses_is_told_of_once_and_the_program_goes_on(monkeypatch, capsys):
    class Refusing:
        is_instrumented_by_opentelemetry = False

        def instrument(self):
            """Refuse, as they do: with a log line and no exception."""

    class Loaded:
        def load(self):
            return Refusing

    entry = Candidate("colorsys", "colorsys", 1, "some-package 1.0", Loaded())
    monkeypatch.setattr(instrumentors, "_installed", lambda: [entry])
    monkeypatch.setattr(instrumenting, "instrumentors", Instrumentors(instrumenting.LIBRARIES))
    import colorsys

    with fl.instrument("colorsys"):
        pass
    assert "some-package 1.0 does not take the version that is installed" in capsys.readouterr().err
    assert colorsys.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
