"""A request that Flightlog tells of is not told again by an instrumentor of OpenTelemetry's within it."""

from __future__ import annotations

import httpx
import pytest
from opentelemetry.propagate import inject
from opentelemetry.trace import SpanKind, get_current_span

import flightlog as fl
from flightlog.integrations.opentelemetry import TracerProvider

SCOPE = "opentelemetry.instrumentation.httpx"


class Instrumented(httpx.BaseTransport):
    """What OpenTelemetry's instrumentor makes of a transport."""

    def __init__(self, tracer, *, is_block):
        self._tracer, self._is_block = tracer, is_block
        self.headers = []

    def handle_request(self, request):
        facts = {"http.request.method": request.method, "url.full": str(request.url)}
        if not self._is_block:
            span = self._tracer.start_span("GET", kind=SpanKind.CLIENT, attributes=facts)
            answer = self._answer(request)
            span.end()
            return answer
        with self._tracer.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes=facts) as span:
            inject(request.headers)
            span.set_attribute("http.response.status_code", 200)
            return self._answer(request)

    def _answer(self, request):
        self.headers.append(request.headers.get("traceparent", ""))
        with self._tracer.start_as_current_span("resolve"):
            assert get_current_span().is_recording()
        if request.url.path == "/old":
            return httpx.Response(302, headers={"location": "/new"}, request=request)
        return httpx.Response(200, content=b"ok", request=request)


def _fetch(is_block, scope=SCOPE, path="/old"):
    transport = Instrumented(TracerProvider().get_tracer(scope), is_block=is_block)
    with fl.span("top"), httpx.Client(transport=transport, follow_redirects=True) as client:
        assert client.get(f"http://somewhere.test{path}").content == b"ok"
    return transport.headers


@pytest.mark.parametrize("is_block", [True, False])
def test_a_request_is_told_once_and_its_headers_name_the_span_that_tells_it(seen, is_block):
    with fl.instrument("httpx"):
        headers = _fetch(is_block)
    (told,) = [span for span in seen.spans if span.kind == "http"]
    assert told.attributes["flightlog.http.redirects"] == 1
    assert [header.split("-")[1:3] for header in headers] == [[told.trace_id, told.span_id]] * 2
    within = [span for span in seen.spans if span.name == "resolve"]
    assert {span.parent_id for span in within} == {told.span_id}


@pytest.mark.parametrize("is_block", [True, False])
def test_an_instrumentor_alone_tells_each_of_its_requests(seen, is_block):
    _fetch(is_block)
    assert len([span for span in seen.spans if span.kind == "http"]) == 2


def test_a_request_that_some_other_library_tells_of_within_ours_is_told_by_both(seen):
    with fl.instrument("httpx"):
        _fetch(is_block=True, scope="my.own.transport", path="/new")
    assert len([span for span in seen.spans if span.kind == "http"]) == 2


def test_after_the_request_an_instrumentor_tells_again(seen):
    tracer = TracerProvider().get_tracer(SCOPE)
    with fl.instrument("httpx"):
        _fetch(is_block=True)
        with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT) as span:
            assert span.is_recording()
    assert [span.name for span in seen.spans if span.parent_id == "" and span.name != "top"] == ["GET"]
