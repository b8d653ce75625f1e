"""The ASGI middleware around real frameworks, on a real server, over real HTTP."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import websockets.exceptions
from fastapi import BackgroundTasks, FastAPI, HTTPException
from middleware_kit import PARENT, PARENT_ID, TRACE_ID, ask, served, spans, wait_for
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from websockets.sync.client import connect

import flightlog as fl
from flightlog.integrations.opentelemetry import TracerProvider
from flightlog.middleware import ASGIMiddleware


@pytest.fixture
def seen():
    with fl.capture() as captured:
        yield captured


def request_span(seen, **wanted):
    return wait_for(lambda: spans(seen, kind="http", **wanted))[0]


async def items(request):
    with fl.span("work"):
        await asyncio.sleep(0)
    return PlainTextResponse("ok", headers={"x-kind": "plain", "set-cookie": "id=1"})


def app(**options):
    inner = Starlette(routes=[Route("/items/{item}", items), Mount("/sub", routes=[Route("/{name}", items)])])
    return ASGIMiddleware(inner, **options)


def test_a_request_is_a_span_with_the_attributes_of_the_conventions(seen):
    with served(app()) as address:
        answer = httpx.get(f"{address}/items/7?q=1", headers={"user-agent": "tester/1"})
    span = request_span(seen)
    port = int(address.rpartition(":")[2])
    assert answer.text == "ok"
    assert (span.name, span.status) == ("GET /items/{item}", "ok")
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/items/{item}",
        "http.response.status_code": 200,
        "http.response.body.size": 2,
        "url.path": "/items/7",
        "url.query": "q=1",
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": port,
        "user_agent.original": "tester/1",
        "network.protocol.version": "1.1",
    }


def test_what_the_application_does_is_recorded_under_the_request(seen):
    with served(app()) as address:
        httpx.get(f"{address}/items/7")
    request = request_span(seen)
    (work,) = spans(seen, name="work")
    assert (work.trace_id, work.parent_id) == (request.trace_id, request.span_id)


def test_a_route_below_a_mount_is_told_whole(seen):
    with served(app()) as address:
        httpx.get(f"{address}/sub/x")
    assert request_span(seen).name == "GET /sub/{name}"


def test_a_path_without_a_route_gives_no_name_of_its_own(seen):
    with served(app()) as address:
        httpx.get(f"{address}/wp-login.php")
    span = request_span(seen)
    assert (span.name, span.status, span.attributes["http.response.status_code"]) == ("GET", "ok", 404)
    assert "http.route" not in span.attributes


def test_the_caller_s_trace_goes_on_and_is_answered(seen):
    with served(app()) as address:
        answer = httpx.get(f"{address}/items/7", headers={"traceparent": PARENT, "x-correlation-id": "job-9"})
    span = request_span(seen)
    (work,) = spans(seen, name="work")
    assert (span.trace_id, span.parent_id) == (TRACE_ID, PARENT_ID)
    assert answer.headers["traceresponse"] == f"00-{TRACE_ID}-{span.span_id}-03"
    assert answer.headers["x-correlation-id"] == "job-9"
    assert span.context == work.context == {"correlation_id": "job-9"}


def test_a_request_that_another_library_tells_of_already_is_a_part_of_what_that_tells(seen):
    with served(OpenTelemetryMiddleware(app(), tracer_provider=TracerProvider())) as address:
        answer = httpx.get(f"{address}/items/7", headers={"traceparent": PARENT})
    request, (work,) = request_span(seen, name="GET /items/{item}"), spans(seen, name="work")
    (outer,) = [one for one in spans(seen, kind="http") if one.parent_id == PARENT_ID]
    assert (outer.trace_id, request.trace_id, work.trace_id) == (TRACE_ID,) * 3
    assert (request.parent_id, work.parent_id) == (outer.span_id, request.span_id)
    assert answer.headers["traceresponse"].split("-")[1:3] == [TRACE_ID, request.span_id]


def test_without_a_correlation_id_one_is_made_that_leads_to_the_trace(seen):
    with served(app()) as address:
        answer = httpx.get(f"{address}/items/7")
    span = request_span(seen)
    made = answer.headers["x-correlation-id"]
    assert made.replace("-", "") == span.trace_id
    assert [len(part) for part in made.split("-")] == [8, 4, 4, 4, 12]
    assert span.context == {"correlation_id": made}


def test_an_answer_s_own_headers_are_left_alone(seen):
    async def plain(_scope, _receive, send):
        headers = [(b"X-Correlation-ID", b"mine"), (b"traceresponse", b"theirs")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    with served(ASGIMiddleware(plain), lifespan="off") as address:
        answer = httpx.get(address)
    assert answer.headers.get_list("x-correlation-id") == ["mine"]
    assert answer.headers.get_list("traceresponse") == ["theirs"]


def test_nothing_is_answered_where_that_is_switched_off(seen):
    with served(app(answers=False)) as address:
        answer = httpx.get(f"{address}/items/7")
    assert {"traceresponse", "x-correlation-id"}.isdisjoint(answer.headers)
    assert request_span(seen).name == "GET /items/{item}"


def test_a_caller_who_is_not_trusted_is_linked(seen):
    with served(app(trust=False)) as address:
        httpx.get(f"{address}/items/7", headers={"traceparent": PARENT})
    span = request_span(seen)
    assert span.trace_id != TRACE_ID
    assert span.parent_id == ""
    assert [(link.trace_id, link.span_id) for link in span.links] == [(TRACE_ID, PARENT_ID)]


def test_excluded_paths_are_left_alone(seen):
    with served(app(exclude=["/items/*", "/health"])) as address:
        answer = httpx.get(f"{address}/items/7")
        httpx.get(f"{address}/sub/x")
    assert "traceresponse" not in answer.headers
    assert [span.name for span in spans(seen, kind="http")] == ["GET /sub/{name}"]


def test_headers_are_told_by_name_only_and_secret_ones_never(seen):
    options = {"request_headers": ["X-Tenant", "Authorization"], "response_headers": ["x-kind", "set-cookie"]}
    with served(app(**options)) as address:
        httpx.get(
            f"{address}/items/7", headers={"x-tenant": "a", "authorization": "Bearer abc", "x-other": "o"}
        )
    told = {key: value for key, value in request_span(seen).attributes.items() if ".header." in key}
    assert told["http.request.header.x-tenant"] == ["a"]
    assert told["http.response.header.x-kind"] == ["plain"]
    assert told.keys() == {
        "http.request.header.x-tenant",
        "http.request.header.authorization",
        "http.response.header.x-kind",
        "http.response.header.set-cookie",
    }
    assert "abc" not in str(told)
    assert "id=1" not in str(told)


def test_a_query_is_told_without_what_is_secret_in_it(seen):
    with served(app()) as address:
        httpx.get(f"{address}/items/7?page=2&api_key=tooth9brush&X-Amz-Signature=abcdef99")
    query = request_span(seen).attributes["url.query"]
    assert query.startswith("page=2&api_key=")
    assert "tooth9brush" not in query
    assert "abcdef99" not in query


def test_a_query_may_be_left_out_and_the_client_told(seen):
    with served(app(query=False, client_address=True)) as address:
        httpx.get(f"{address}/items/7?page=2")
    attributes = request_span(seen).attributes
    assert "url.query" not in attributes
    assert attributes["client.address"] == "127.0.0.1"


def test_an_unknown_method_gives_no_name(seen):
    with served(app()) as address:
        httpx.request("BREW", f"{address}/nowhere")
    span = request_span(seen)
    assert span.name == "HTTP"
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "BREW"


def test_a_streamed_answer_ends_its_span_and_makes_its_pieces_under_it(seen):
    go_on = threading.Event()

    async def pieces():
        for number in range(3):
            with fl.span("piece"):
                yield b"x" * 10
            if number == 0:
                await asyncio.to_thread(go_on.wait)

    async def stream(_request):
        return StreamingResponse(pieces())

    with (
        served(ASGIMiddleware(Starlette(routes=[Route("/stream", stream)]))) as address,
        httpx.stream("GET", f"{address}/stream") as answer,
    ):
        body = answer.iter_bytes()
        assert next(body)
        assert spans(seen, kind="http") == []
        go_on.set()
        assert sum(map(len, body)) == 20
        request = request_span(seen)
    assert request.attributes["http.response.body.size"] == 30
    parts = spans(seen, name="piece")
    assert [part.parent_id for part in parts] == [request.span_id] * 3
    assert request.end >= parts[-1].start


def test_a_client_that_goes_away_ends_it_as_cancelled(seen):
    async def pieces():
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0.005)

    async def stream(_request):
        return StreamingResponse(pieces())

    with served(ASGIMiddleware(Starlette(routes=[Route("/stream", stream)]))) as address:
        connection = ask(address, b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n")
        assert connection.recv(100)
        connection.close()
        span = request_span(seen)
    assert span.status == "cancelled"


def test_work_after_the_answer_is_recorded_under_the_request_that_has_ended(seen):
    fast = FastAPI()
    go_on = threading.Event()

    def later():
        go_on.wait(20)
        with fl.span("later"):
            pass

    @fast.get("/order/{number}")
    async def order(number: int, background: BackgroundTasks):
        background.add_task(later)
        return {"number": number}

    with served(ASGIMiddleware(fast)) as address:
        httpx.get(f"{address}/order/3")
        request = request_span(seen)
        go_on.set()
        (after,) = wait_for(lambda: spans(seen, name="later"))
    assert request.name == "GET /order/{number}"
    assert after.parent_id == request.span_id
    assert after.start > request.end


def test_a_task_that_the_request_leaves_behind_belongs_to_it(seen):
    left = []

    async def work():
        await asyncio.sleep(0.02)
        with fl.span("later"):
            pass

    async def start(_request):
        left.append(asyncio.create_task(work()))
        return PlainTextResponse("started")

    with served(ASGIMiddleware(Starlette(routes=[Route("/", start)]))) as address:
        httpx.get(address, headers={"traceparent": PARENT})
        (after,) = wait_for(lambda: spans(seen, name="later"))
    assert after.parent_id == request_span(seen).span_id


def boom(_request):
    raise ValueError("no such luck")


async def async_boom(_request):
    raise ValueError("no such luck")


@pytest.mark.parametrize("endpoint", [boom, async_boom], ids=["sync", "async"])
@pytest.mark.parametrize("outside", [True, False], ids=["around the framework", "within it"])
def test_an_exception_is_the_request_s_error(seen, endpoint, outside):
    routes = [Route("/boom", endpoint)]
    built = (
        ASGIMiddleware(Starlette(routes=routes))
        if outside
        else Starlette(routes=routes, middleware=[Middleware(ASGIMiddleware)])
    )
    with served(built) as address:
        answer = httpx.get(f"{address}/boom")
    span = request_span(seen)
    assert answer.status_code == 500
    assert (span.status, span.name) == ("error", "GET /boom")
    assert (span.error.type, span.error.message) == ("ValueError", "no such luck")
    assert span.attributes["http.response.status_code"] == 500
    assert span.attributes["error.type"] == "ValueError"


@pytest.mark.parametrize(("status", "outcome"), [(404, "ok"), (503, "error")])
def test_only_a_failure_of_the_server_is_an_error(seen, status, outcome):
    fast = FastAPI()

    @fast.get("/")
    async def root():
        raise HTTPException(status)

    with served(ASGIMiddleware(fast)) as address:
        httpx.get(address)
    span = request_span(seen)
    assert span.status == outcome
    assert span.attributes.get("error.type") == ("503" if outcome == "error" else None)


def test_an_exception_after_the_answer_is_told_of_the_request(seen):
    async def late(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})
        raise RuntimeError("too late")

    with served(ASGIMiddleware(late), lifespan="off") as address:
        assert httpx.get(address).text == "done"
    span = request_span(seen)
    (event,) = wait_for(lambda: [one for one in seen.records if getattr(one, "event_id", "")])
    assert span.status == "ok"
    assert (event.name, event.span_id, event.attributes["exception.message"]) == (
        "exception",
        span.span_id,
        "too late",
    )


def test_a_lifespan_goes_through_untouched(seen):
    heard = []

    async def lifespan(scope, receive, send):
        heard.append(scope["type"])
        assert (await receive())["type"] == "lifespan.startup"
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        await send({"type": "lifespan.shutdown.complete"})
        heard.append("over")

    with served(ASGIMiddleware(lifespan), lifespan="on"):
        pass
    assert heard == ["lifespan", "over"]
    assert seen.records == []


async def echo(websocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        with fl.span("said"):
            await websocket.send_text(text.upper())


async def refuse(websocket):
    await websocket.close(4003)


SOCKETS = [WebSocketRoute("/echo/{room}", echo), WebSocketRoute("/refuse", refuse)]


def test_a_websocket_is_one_span_for_as_long_as_it_is_open(seen):
    with served(ASGIMiddleware(Starlette(routes=SOCKETS))) as address:
        url = address.replace("http", "ws") + "/echo/a"
        with connect(url, additional_headers={"traceparent": PARENT}) as socket:
            assert socket.response.headers["traceresponse"].split("-")[1] == TRACE_ID
            for word in ("one", "two"):
                socket.send(word)
                assert socket.recv() == word.upper()
            assert spans(seen, kind="http") == []
        span = request_span(seen)
    assert (span.trace_id, span.status, span.name) == (TRACE_ID, "ok", "GET /echo/{room}")
    assert [one.parent_id for one in spans(seen, name="said")] == [span.span_id] * 2
    kept = {key: span.attributes[key] for key in span.attributes if "websocket" in key or "size" in key}
    assert kept == {
        "flightlog.websocket.close_code": 1000,
        "flightlog.websocket.received": 2,
        "flightlog.websocket.sent": 2,
        "http.request.body.size": 6,
        "http.response.body.size": 6,
    }
    assert span.attributes["http.response.status_code"] == 101
    assert span.attributes["network.protocol.name"] == "websocket"


def test_a_websocket_whose_connection_breaks_is_cancelled(seen):
    async def listen(_scope, receive, send):
        await send({"type": "websocket.accept"})
        await receive()

    async def broken():
        return {"type": "websocket.disconnect", "code": 1006, "reason": ""}

    async def send(_message):
        return

    asyncio.run(ASGIMiddleware(listen)({"type": "websocket", "path": "/", "headers": []}, broken, send))
    span = request_span(seen)
    assert (span.status, span.attributes["flightlog.websocket.close_code"]) == ("cancelled", 1006)


def test_a_websocket_that_is_refused_says_so(seen):
    with served(ASGIMiddleware(Starlette(routes=SOCKETS))) as address:
        with pytest.raises(websockets.exceptions.InvalidStatus):
            connect(address.replace("http", "ws") + "/refuse")
        span = request_span(seen)
    assert span.attributes["http.response.status_code"] == 403
    assert span.attributes["flightlog.websocket.close_code"] == 4003


def test_many_requests_at_once_keep_to_themselves(seen):
    class Plain(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            with fl.span("between"):
                return await call_next(request)

    async def slow(request):
        with fl.span("outer", number=request.path_params["number"]):
            await asyncio.sleep(0.01)
            with fl.span("inner"):
                await asyncio.sleep(0.01)
        return PlainTextResponse(request.path_params["number"])

    built = Starlette(routes=[Route("/{number}", slow)], middleware=[Middleware(Plain)])
    with served(ASGIMiddleware(built)) as address, ThreadPoolExecutor(16) as pool:
        bodies = list(pool.map(lambda number: httpx.get(f"{address}/{number}").text, range(48)))
        wait_for(lambda: len(spans(seen, kind="http")) == 48)
    assert bodies == list(map(str, range(48)))
    by_id = {span.span_id: span for span in spans(seen)}
    chains = []
    for inner in spans(seen, name="inner"):
        outer = by_id[inner.parent_id]
        between = by_id[outer.parent_id]
        request = by_id[between.parent_id]
        assert len({one.trace_id for one in (inner, outer, between, request)}) == 1
        assert request.parent_id == ""
        assert request.attributes["url.path"] == f"/{outer.attributes['number']}"
        chains.append(request.trace_id)
    assert len(set(chains)) == 48


def test_an_application_that_never_answers_ends_its_span_when_it_returns(seen):
    async def nothing(_scope, _receive, _send):
        return

    asyncio.run(
        ASGIMiddleware(nothing)({"type": "http", "method": "GET", "path": "/", "headers": []}, None, None)
    )
    (span,) = spans(seen, kind="http")
    assert span.status == "ok"
    assert "http.response.status_code" not in span.attributes
    assert fl.current().span_id == ""


def test_a_scope_that_is_none_still_reaches_the_application(seen):
    reached = []

    async def plain(scope, _receive, _send):
        reached.append(scope)

    scope = {"type": "http", "path": "/", "headers": [("not", "a", "pair")]}
    asyncio.run(ASGIMiddleware(plain)(scope, None, None))
    assert reached == [scope]


def test_what_a_level_leaves_out_is_still_passed_on():
    """A request that is not recorded hands its caller's place on to whoever it calls."""
    told = {}

    async def plain(_scope, _receive, send):
        fl.inject(told)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        told.setdefault("sent", message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"traceparent", PARENT.encode())]}
    with fl.capture(level="fatal"):
        asyncio.run(ASGIMiddleware(plain)(scope, None, send))
    assert told["traceparent"] == PARENT
    assert "traceresponse" not in dict(told["sent"]["headers"])
