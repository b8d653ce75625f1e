"""The WSGI middleware on the standard library's server, over real HTTP."""

from __future__ import annotations

import io
import threading
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import flask
import httpx
import pytest
from middleware_kit import PARENT, PARENT_ID, TRACE_ID, ask, spans, wait_for, wsgi_served

import flightlog as fl
from flightlog.middleware import WSGIMiddleware

PLAIN = [("content-type", "text/plain")]


@pytest.fixture
def seen():
    with fl.capture() as captured:
        yield captured


def request_span(seen):
    return wait_for(lambda: spans(seen, kind="http"))[0]


def hello(environ, start_response):
    with fl.span("work"):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"hello"
    start_response("200 OK", PLAIN)
    return [body]


def test_a_request_is_a_span_and_its_caller_s_trace_goes_on(seen):
    with wsgi_served(WSGIMiddleware(validator(hello))) as address:
        headers = {"traceparent": PARENT, "x-correlation-id": "job-9", "user-agent": "tester/1"}
        answer = httpx.post(f"{address}/a?q=1&token=tooth9brush", content=b"12345", headers=headers)
    span = request_span(seen)
    (work,) = spans(seen, name="work")
    assert answer.text == "12345"
    assert (span.trace_id, span.parent_id, work.parent_id) == (TRACE_ID, PARENT_ID, span.span_id)
    assert answer.headers["traceresponse"] == f"00-{TRACE_ID}-{span.span_id}-03"
    assert answer.headers["x-correlation-id"] == "job-9"
    assert span.context == work.context == {"correlation_id": "job-9"}
    assert "tooth9brush" not in str(span.attributes)
    assert span.attributes | {"url.query": ""} == {
        "http.request.method": "POST",
        "http.request.body.size": 5,
        "http.response.status_code": 200,
        "http.response.body.size": 5,
        "url.path": "/a",
        "url.query": "",
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": int(address.rpartition(":")[2]),
        "user_agent.original": "tester/1",
        "network.protocol.version": "1.1",
    }


def test_a_body_of_one_piece_reaches_the_server_as_it_is(seen):
    with wsgi_served(WSGIMiddleware(hello)) as address:
        answer = httpx.get(address)
    assert (answer.text, answer.headers["content-length"]) == ("hello", "5")
    assert len(spans(seen, kind="http")) == 1


def test_a_body_in_pieces_is_made_under_the_request_and_ends_it(seen):
    def pieces(_environ, start_response):
        start_response("200 OK", PLAIN)
        for number in range(3):
            with fl.span("piece", number=number):
                yield b"x" * 10

    with wsgi_served(WSGIMiddleware(validator(pieces))) as address:
        answer = httpx.get(address)
    span = request_span(seen)
    assert len(answer.content) == span.attributes["http.response.body.size"] == 30
    parts = spans(seen, name="piece")
    assert [part.parent_id for part in parts] == [span.span_id] * 3
    assert [part.context for part in parts] == [span.context] * 3
    assert span.end >= parts[-1].start


def test_a_client_that_goes_away_ends_it_as_cancelled(seen):
    gone = threading.Event()

    def endless(_environ, start_response):
        start_response("200 OK", PLAIN)
        yield b"x" * 10
        gone.wait(20)
        while True:
            yield b"x" * 65536

    with wsgi_served(WSGIMiddleware(endless)) as address:
        connection = ask(address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert connection.recv(10)
        connection.close()
        gone.set()
        span = request_span(seen)
    assert span.status == "cancelled"


def test_an_exception_is_the_request_s_error_and_goes_on_its_way(seen):
    def boom(_environ, _start_response):
        raise ValueError("no such luck")

    with pytest.raises(ValueError, match="no such luck"):
        WSGIMiddleware(boom)({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, None)
    span = request_span(seen)
    assert (span.status, span.error.type, span.attributes["http.response.status_code"]) == (
        "error",
        "ValueError",
        500,
    )
    assert fl.current().span_id == ""


def test_an_exception_in_the_body_is_the_request_s_error(seen):
    def broken(_environ, start_response):
        start_response("200 OK", PLAIN)
        yield b"first"
        raise ValueError("in the middle")

    body = WSGIMiddleware(broken)({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda *_: None)
    assert next(body) == b"first"
    assert fl.current().span_id == "", "between two pieces the server is on its own"
    with pytest.raises(ValueError, match="in the middle"):
        next(body)
    body.close()
    assert request_span(seen).error.message == "in the middle"


@pytest.mark.parametrize(("status", "outcome"), [("404 Not Found", "ok"), ("502 Bad Gateway", "error")])
def test_only_a_failure_of_the_server_is_an_error(seen, status, outcome):
    def answer(_environ, start_response):
        start_response(status, PLAIN)
        return [b""]

    with wsgi_served(WSGIMiddleware(answer)) as address:
        httpx.get(address)
    assert request_span(seen).status == outcome


def test_a_file_is_left_to_the_server(seen):
    def file(environ, start_response):
        start_response("200 OK", PLAIN)
        return environ["wsgi.file_wrapper"](io.BytesIO(b"content"))

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.file_wrapper": FileWrapper}
    body = WSGIMiddleware(file)(environ, lambda *_: None)
    assert type(body) is FileWrapper
    assert request_span(seen).status == "ok"


def test_what_is_written_the_old_way_is_counted(seen):
    written = []

    def old(_environ, start_response):
        start_response("200 OK", PLAIN)(b"written")
        return []

    WSGIMiddleware(old)({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda *_: written.append)
    assert written == [b"written"]
    assert request_span(seen).attributes["http.response.body.size"] == 7


def test_excluded_paths_are_left_alone(seen):
    with wsgi_served(WSGIMiddleware(hello, exclude="/health*")) as address:
        answer = httpx.get(f"{address}/healthz")
    assert "traceresponse" not in answer.headers
    assert spans(seen, kind="http") == []


def test_a_route_of_flask_is_told(seen):
    app = flask.Flask("shop")

    @app.get("/users/<name>")
    def user(name):
        with fl.span("work"):
            return name

    @app.get("/boom")
    def boom():
        raise ValueError("no such luck")

    app.logger.disabled = True
    app.wsgi_app = WSGIMiddleware(app.wsgi_app)
    with wsgi_served(app) as address:
        assert httpx.get(f"{address}/users/ann").text == "ann"
        assert httpx.get(f"{address}/boom").status_code == 500
    user_span, boom_span = spans(seen, kind="http")
    assert (user_span.name, user_span.attributes["http.route"]) == ("GET /users/<name>", "/users/<name>")
    assert spans(seen, name="work")[0].parent_id == user_span.span_id
    assert (boom_span.name, boom_span.status, boom_span.error.type) == ("GET /boom", "error", "500")
