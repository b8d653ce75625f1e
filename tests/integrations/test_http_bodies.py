"""Bodies that the program reads after its library gave it the answer: the span of the request ends with them."""

from __future__ import annotations

import asyncio
import gc

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
    with fl.instrument("requests", "urllib3", "aiohttp"), fl.capture(level="info") as captured:
        yield captured


def spans(seen):
    return [one for one in seen.spans if one.kind == "http"]


class WithRequests:
    """A streamed answer of requests."""

    def __init__(self, url):
        self._session = requests.Session()
        self._session.trust_env = False
        self.answer = self._session.get(url, stream=True)

    def first(self):
        return self.answer.raw.read(5)

    def rest(self):
        return b"".join(self.answer.iter_content(5))

    def close(self):
        self.answer.close()
        self._session.close()


class WithUrllib3:
    """An answer of urllib3 whose body the pool leaves alone."""

    def __init__(self, url):
        self._pool = urllib3.PoolManager(retries=False)
        self.answer = self._pool.request("GET", url, preload_content=False)

    def first(self):
        self._pieces = self.answer.stream(5)  # which closes the answer when it is dropped
        return next(self._pieces)

    def rest(self):
        return b"".join(self.answer.stream(5))

    def close(self):
        self.answer.close()
        self._pool.clear()


class WithAiohttp:
    """An answer of aiohttp, read step by step."""

    def __init__(self, url):
        self._loop = asyncio.new_event_loop()
        self._session, self.answer = self._loop.run_until_complete(self._get(url))

    async def _get(self, url):
        session = aiohttp.ClientSession()
        try:
            return session, await session.get(url)
        except BaseException:
            await session.close()
            raise

    def first(self):
        return self._loop.run_until_complete(self.answer.content.read(5))

    def rest(self):
        return self._loop.run_until_complete(self.answer.read())

    def close(self):
        self.answer.close()
        self._loop.run_until_complete(self._session.close())
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


WAYS = {"requests": WithRequests, "urllib3": WithUrllib3, "aiohttp": WithAiohttp}
way = pytest.mark.parametrize("library", WAYS)


@pytest.mark.parametrize("library", ["requests", "urllib3"])
@pytest.mark.parametrize("piece", [None, 7, 10**6])
def test_the_size_of_a_streamed_body_is_what_came_and_not_told_where_that_is_unknown(
    server, seen, library, piece
):
    server.go_on.set()
    for path in ("/echo", "/stream"):
        talk = WAYS[library](f"{server.url}{path}")
        raw = talk.answer.raw if library == "requests" else talk.answer
        body = raw.read() if piece is None else b"".join(raw.stream(piece))
        talk.close()
        told = spans(seen)[-1].attributes.get("http.response.body.size")
        assert told == (len(body) if path == "/echo" else None)
    talk = WAYS[library](f"{server.url}/echo")
    talk.first()
    talk.close()
    assert spans(seen)[-1].attributes["http.response.body.size"] == 5


@way
def test_a_body_that_was_read_ends_the_span(server, seen, library):
    with fl.span("around") as around:
        talk = WAYS[library](f"{server.url}/stream")
        assert fl.current() is around
    assert spans(seen) == []
    server.go_on.set()
    assert talk.rest() == b"12345" * 3
    (span,) = spans(seen)
    talk.close()
    assert len(spans(seen)) == 1
    assert (span.status, span.parent_id) == ("ok", seen.span("around").span_id)
    assert span.end >= seen.span("around").end


@way
def test_a_body_that_is_closed_early_ends_the_span(server, seen, library):
    talk = WAYS[library](f"{server.url}/stream")
    assert talk.first() == b"12345"
    assert spans(seen) == []
    talk.close()
    (span,) = spans(seen)
    assert (span.status, span.error) == ("ok", None)
    server.go_on.set()


@way
def test_a_body_that_breaks_off_is_the_error_of_the_span(server, seen, library):
    talk = WAYS[library](f"{server.url}/half")
    with pytest.raises((requests.RequestException, urllib3.exceptions.HTTPError, aiohttp.ClientError)):
        talk.rest()
    (span,) = spans(seen)
    talk.close()
    assert (span.status, span.attributes["http.response.status_code"]) == ("error", 200)
    assert span.error.type in {"urllib3.exceptions.IncompleteRead", "urllib3.exceptions.ProtocolError"} or (
        "ClientPayloadError" in span.error.type
    )


@pytest.mark.parametrize("library", ["requests", "urllib3"])
def test_an_answer_that_is_dropped_ends_the_span(server, seen, library):
    talk = WAYS[library](f"{server.url}/stream")
    assert spans(seen) == []
    talk.answer = None
    gc.collect()
    assert len(spans(seen)) == 1
    server.go_on.set()
    (getattr(talk, "_session", None) or talk._pool.clear() or talk._pool).__exit__(None, None, None)


@pytest.mark.parametrize("package", [httpx, httpx2])
def test_a_stream_that_is_dropped_ends_the_span(server, package):
    with fl.instrument("httpx", "httpx2"), fl.capture(level="info") as seen:
        client = package.Client(trust_env=False)
        answer = client.send(client.build_request("GET", f"{server.url}/stream"), stream=True)
        assert spans(seen) == []
        del answer
        gc.collect()
        assert len(spans(seen)) == 1
        server.go_on.set()
        client.close()


@way
def test_an_answer_without_a_body_ends_the_span_at_once(server, seen, library):
    if library == "aiohttp":

        async def head():
            async with aiohttp.ClientSession() as session:
                await session.head(f"{server.url}/echo")
                return spans(seen)

        assert len(asyncio.run(head())) == 1
    elif library == "requests":
        with requests.Session() as session:
            session.head(f"{server.url}/echo", stream=True)
            assert len(spans(seen)) == 1
    else:
        with urllib3.PoolManager() as pool:
            pool.request("HEAD", f"{server.url}/echo", preload_content=False)
            assert len(spans(seen)) == 1


def test_the_classes_of_answers_are_left_as_they_were():
    kinds = (urllib3.response.HTTPResponse, aiohttp.ClientResponse)
    before = [dict(vars(kind)) for kind in kinds]
    with fl.instrument("requests", "urllib3", "aiohttp"):
        assert [dict(vars(kind)) for kind in kinds] != before
    assert [dict(vars(kind)) for kind in kinds] == before
