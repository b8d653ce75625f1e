"""Requests of real HTTP clients to a real server: spans, headers, and nothing changed for the program."""

from __future__ import annotations

import asyncio

import aiohttp
import httpx
import httpx2
import pytest
import requests
import urllib3
from http_kit import Server

import flightlog as fl


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


@pytest.fixture
def seen():
    """Everything recorded by the test, with all clients instrumented."""
    with (
        fl.instrument("httpx", "httpx2", "requests", "urllib3", "aiohttp"),
        fl.capture(level="info") as captured,
    ):
        yield captured


def _with_httpx(url, **options):
    with httpx.Client(trust_env=False) as client:
        answer = client.get(url, follow_redirects=True, **options)
    return answer.status_code, answer.content


def _with_httpx_async(url, **options):
    async def get():
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(url, follow_redirects=True, **options)

    answer = asyncio.run(get())
    return answer.status_code, answer.content


def _with_httpx2(url, **options):
    with httpx2.Client(trust_env=False) as client:
        answer = client.get(url, follow_redirects=True, **options)
    return answer.status_code, answer.content


def _with_requests(url, **options):
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(url, **options)
    return answer.status_code, answer.content


def _with_urllib3(url, **options):
    with urllib3.PoolManager(retries=urllib3.Retry(3, redirect=3)) as pool:
        answer = pool.request("GET", url, **options)
    return answer.status, answer.data


def _with_aiohttp(url, **options):
    async def get():
        async with aiohttp.ClientSession() as session, session.get(url, **options) as answer:
            return answer.status, await answer.read()

    return asyncio.run(get())


CLIENTS = {
    "httpx": _with_httpx,
    "httpx-async": _with_httpx_async,
    "httpx2": _with_httpx2,
    "requests": _with_requests,
    "urllib3": _with_urllib3,
    "aiohttp": _with_aiohttp,
}
client = pytest.mark.parametrize("name", CLIENTS)


def spans(seen, **wanted):
    found = [one for one in seen.records if getattr(one, "kind", None) and one.status != "running"]
    return [one for one in found if all(getattr(one, key) == value for key, value in wanted.items())]


@client
def test_a_request_is_one_span_whose_place_its_headers_name(server, seen, name):
    with fl.span("outer") as outer:
        status, _ = CLIENTS[name](f"{server.url}/echo?page=1&api_key=tooth9brush")
        assert fl.current() is outer
    (span,) = spans(seen, kind="http")
    headers = server.headers()
    assert status == 200
    assert (span.name, span.status, span.parent_id) == ("GET", "ok", outer.span_id)
    assert headers["traceparent"] == f"00-{span.trace_id}-{span.span_id}-03"
    assert span.attributes["flightlog.instrumentation"] == name.partition("-")[0]
    assert span.attributes["http.request.method"] == "GET"
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["server.address"] == "127.0.0.1"
    assert span.attributes["server.port"] == server.port
    assert span.attributes["url.full"].startswith(f"{server.url}/echo?page=1&api_key=")
    assert "tooth9brush" not in span.attributes["url.full"]


@client
def test_what_came_in_goes_on(server, seen, name):
    incoming = {
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "vendor=1",
        "baggage": "tenant=a",
        "x-correlation-id": "job-9",
    }
    with fl.extract(incoming), fl.span("outer"):
        CLIENTS[name](f"{server.url}/echo")
    headers = server.headers()
    assert headers["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert headers["traceparent"].endswith("-01"), "the id was not said to be random"
    assert (headers["tracestate"], headers["baggage"], headers["x-correlation-id"]) == (
        "vendor=1",
        "tenant=a",
        "job-9",
    )


@client
def test_a_header_of_the_program_s_own_stays(server, seen, name):
    own = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    CLIENTS[name](f"{server.url}/echo", headers={"Traceparent": own, "x-own": "kept"})
    assert [value for key, value in server.asked[-1][1] if key.lower() == "traceparent"] == [own]
    assert server.headers()["x-own"] == "kept"
    assert len(spans(seen, kind="http")) == 1


@client
def test_other_headers_of_the_program_s_own_stay_beside_ours(server, seen, name):
    with fl.bind(correlation_id="ours"):
        CLIENTS[name](f"{server.url}/echo", headers={"X-Correlation-ID": "theirs"})
    (span,) = spans(seen, kind="http")
    assert [value for key, value in server.asked[-1][1] if key.lower() == "x-correlation-id"] == ["theirs"]
    assert server.headers()["traceparent"].split("-")[2] == span.span_id


@client
@pytest.mark.parametrize(("path", "status"), [("/missing", 404), ("/broken", 503)])
def test_a_refusal_is_an_error_of_the_request(server, seen, name, path, status):
    assert CLIENTS[name](f"{server.url}{path}")[0] == status
    (span,) = spans(seen, kind="http")
    assert (span.status, span.error.type, span.attributes["error.type"]) == (
        "error",
        str(status),
        str(status),
    )
    assert span.attributes["http.response.status_code"] == status


@client
def test_a_server_that_hangs_up_is_an_error_and_the_program_s_exception(server, seen, name):
    with pytest.raises(Exception) as raised:
        CLIENTS[name](f"{server.url}/gone")
    (span,) = spans(seen, kind="http")
    kind = type(raised.value)
    assert span.status == "error"
    assert span.error.type == f"{kind.__module__}.{kind.__qualname__}"
    assert span.attributes["error.type"] == span.error.type
    assert "http.response.status_code" not in span.attributes


@client
def test_a_redirect_is_part_of_its_request(server, seen, name):
    assert CLIENTS[name](f"{server.url}/redirect")[0] == 200
    assert [path for path, _ in server.asked] == ["/redirect", "/echo"]
    (span,) = spans(seen, kind="http")
    assert span.attributes["flightlog.http.redirects"] == 1
    assert server.headers(0)["traceparent"] == server.headers(1)["traceparent"]


@client
def test_without_us_a_request_is_what_it_was(server, name):
    with fl.capture() as seen:
        before = CLIENTS[name](f"{server.url}/echo")
        with fl.instrument(name.partition("-")[0]):
            pass
        after = CLIENTS[name](f"{server.url}/echo")
    assert before == after
    assert spans(seen, kind="http") == []
    assert "traceparent" not in server.headers()


@client
def test_wrapping_twice_records_once(server, name):
    library = name.partition("-")[0]
    with fl.instrument(library), fl.instrument(library), fl.capture() as seen:
        CLIENTS[name](f"{server.url}/echo")
    assert len(spans(seen, kind="http")) == 1


@client
def test_a_request_of_a_model_s_call_is_its_raw_form(server, seen, name):
    with fl.llm("some-model", provider="somebody") as call:
        CLIENTS[name](f"{server.url}/echo")
    assert spans(seen, kind="http") == []
    assert server.headers()["traceparent"].split("-")[1:3] == [call.trace_id, call.span_id]


def test_a_request_of_a_model_s_call_is_recorded_at_level_trace(server):
    with fl.instrument("httpx"), fl.capture(level="trace") as seen:
        with fl.llm("some-model", provider="somebody") as call:
            _with_httpx(f"{server.url}/echo")
        (span,) = spans(seen, kind="http")
    assert (span.parent_id, span.level) == (call.span_id, "trace")


def test_without_a_span_each_request_is_a_trace_of_its_own(server, seen):
    _with_requests(f"{server.url}/echo")
    _with_requests(f"{server.url}/echo")
    first, second = spans(seen, kind="http")
    assert first.trace_id != second.trace_id
    assert (first.parent_id, second.parent_id) == ("", "")


def test_a_streamed_answer_ends_its_span_when_it_was_read(server, seen):
    with httpx.Client(trust_env=False) as client, client.stream("GET", f"{server.url}/stream") as answer:
        body = answer.iter_raw()
        assert next(body) == b"12345"
        assert fl.current().span_id == ""
        assert spans(seen, kind="http") == []
        server.go_on.set()
        assert b"".join(body) == b"1234512345"
        (span,) = spans(seen, kind="http")
    assert (span.status, span.attributes["http.response.body.size"]) == ("ok", 15)


def test_a_streamed_answer_that_is_closed_early_ends_its_span(server, seen):
    async def read_one():
        async with (
            httpx.AsyncClient(trust_env=False) as client,
            client.stream("GET", f"{server.url}/stream") as answer,
        ):
            return await anext(answer.aiter_raw())

    assert asyncio.run(read_one()) == b"12345"
    (span,) = spans(seen, kind="http")
    assert (span.status, span.attributes["http.response.body.size"]) == ("ok", 5)


@pytest.mark.parametrize("library", ["urllib3", "requests"])
def test_what_a_pool_sends_again_is_a_retry_of_one_request(server, seen, library):
    retry = urllib3.Retry(5, status_forcelist=[503], backoff_factor=0)
    if library == "urllib3":
        with urllib3.PoolManager() as pool:
            assert pool.request("GET", f"{server.url}/again", retries=retry).status == 200
    else:
        with requests.Session() as session:
            session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
            assert session.get(f"{server.url}/again").status_code == 200
    (span,) = spans(seen, kind="http")
    events = [one for one in seen.records if getattr(one, "event_id", "")]
    assert span.attributes["flightlog.instrumentation"] == library
    assert span.attributes["http.request.resend_count"] == 2
    assert [(one.name, one.attributes["attempt"], one.attributes["reason"]) for one in events] == [
        ("retry", 1, "503"),
        ("retry", 2, "503"),
    ]


def test_a_request_that_is_sent_again_by_the_program_gets_new_headers(server, seen):
    with httpx.Client(trust_env=False) as client:
        request = client.build_request("GET", f"{server.url}/echo")
        client.send(request)
        client.send(request)
    prepared = requests.Request("GET", f"{server.url}/echo").prepare()
    with requests.Session() as session:
        session.send(prepared)
        session.send(prepared)
    places = [server.headers(number)["traceparent"] for number in range(4)]
    assert len(set(places)) == 4
    assert "traceparent" not in request.headers
    assert "traceparent" not in prepared.headers


def test_a_host_that_is_not_meant_gets_no_headers(server, seen):
    fl.configure(inject_hosts=["*.internal"])
    try:
        with fl.span("outer"):
            _with_httpx(f"{server.url}/echo")
    finally:
        fl.configure(inject_hosts=None)
    assert "traceparent" not in server.headers()
    assert len(spans(seen, kind="http")) == 1


def test_the_answer_is_of_the_client_s_own_types(server, seen):
    with httpx.Client(trust_env=False) as client:
        whole = client.get(f"{server.url}/echo")
        assert type(whole) is httpx.Response
        assert whole.request.headers.get("traceparent") is None
        assert whole.elapsed.total_seconds() > 0
    with urllib3.PoolManager() as pool:
        given = {"x-own": "1"}
        answer = pool.request("GET", f"{server.url}/echo", headers=given)
    assert type(answer) is urllib3.HTTPResponse
    assert given == {"x-own": "1"}


def test_a_request_that_a_hook_makes_is_one_of_its_own(server, seen):
    def ask_first(_request):
        with httpx.Client(trust_env=False) as other:
            other.get(f"{server.url}/echo?hook")

    with httpx.Client(trust_env=False, event_hooks={"request": [ask_first]}) as client:
        client.get(f"{server.url}/echo?main")
    inner, outer = spans(seen, kind="http")
    assert inner.parent_id == outer.span_id
    places = [server.headers(number)["traceparent"].split("-")[2] for number in (0, 1)]
    assert places == [inner.span_id, outer.span_id]


def test_a_task_that_outlives_its_request_is_recorded_as_any_other(server, seen):
    async def later(go):
        await go.wait()
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(f"{server.url}/echo?later")

    async def main():
        go, tasks = asyncio.Event(), []

        async def start(_request):
            tasks.append(asyncio.create_task(later(go)))

        async with httpx.AsyncClient(trust_env=False, event_hooks={"request": [start]}) as client:
            await client.get(f"{server.url}/echo?main")
        go.set()
        await tasks[0]

    asyncio.run(main())
    first, second = spans(seen, kind="http")
    assert second.parent_id == first.span_id
    assert "traceparent" in server.headers()


def test_a_failure_of_ours_never_reaches_the_program(server, seen, monkeypatch, capsys):
    from flightlog.integrations.http import call

    def broken(*_args):
        raise RuntimeError("ours")

    for name in ("_place", "_added"):
        with monkeypatch.context() as patched:
            patched.setattr(call, name, broken)
            for library in CLIENTS:
                assert CLIENTS[library](f"{server.url}/echo")[0] == 200
    monkeypatch.setattr(call.Call, "answered", broken)
    for library in CLIENTS:
        assert CLIENTS[library](f"{server.url}/echo")[0] == 200
    assert fl.current().span_id == ""
    assert "a request could not be recorded (RuntimeError: ours)" in capsys.readouterr().err
