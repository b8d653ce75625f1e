"""Single clients that are recorded while others of their library are left alone."""

from __future__ import annotations

import asyncio
import copy

import aiohttp
import httpx
import httpx2
import pytest
import requests
from http_kit import Server

import flightlog as fl
from flightlog.records.errors import BadQuestion


@pytest.fixture(autouse=True)
def _nobody_listens():
    fl.uninstrument()
    yield
    fl.uninstrument()


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


class Ours(httpx.Client):
    """A client of the program's own class."""


def _httpx(kind):
    made = kind(trust_env=False)
    return made, lambda url: made.get(url).status_code, made.close


def _requests():
    made = requests.Session()
    made.trust_env = False
    return made, lambda url: made.get(url).status_code, made.close


def _of_a_loop(make, get, close):
    loop = asyncio.new_event_loop()

    async def made():
        return make()

    client = loop.run_until_complete(made())

    def ended():
        loop.run_until_complete(close(client))
        loop.close()

    return client, lambda url: loop.run_until_complete(get(client, url)), ended


async def _httpx_get(client, url):
    return (await client.get(url)).status_code


async def _aiohttp_get(client, url):
    async with client.get(url) as answer:
        await answer.read()
        return answer.status


CLIENTS = {
    "httpx": lambda: _httpx(httpx.Client),
    "httpx, own class": lambda: _httpx(Ours),
    "httpx2": lambda: _httpx(httpx2.Client),
    "httpx, async": lambda: _of_a_loop(
        lambda: httpx.AsyncClient(trust_env=False), _httpx_get, lambda one: one.aclose()
    ),
    "requests": _requests,
    "aiohttp": lambda: _of_a_loop(aiohttp.ClientSession, _aiohttp_get, lambda one: one.close()),
}


@pytest.fixture(params=CLIENTS)
def pair(request):
    """One client to be recorded, and another like it."""
    made = [CLIENTS[request.param]() for _ in range(2)]
    yield made
    for _, _, close in made:
        close()


def test_only_that_client_is_recorded_until_it_is_undone(server, pair):
    (client, get, _), (_, other_get, _) = pair
    before = set(vars(client))
    kind = dict(vars(type(client)))
    with fl.capture() as seen, fl.instrument(client) as handle:
        assert handle.libraries == ()
        with fl.span("around"):
            assert get(f"{server.url}/echo") == 200
        assert "traceparent" in server.headers()
        assert other_get(f"{server.url}/echo") == 200
        assert "traceparent" not in server.headers()
        assert dict(vars(type(client))) == kind
        assert len(fl.instrument(client)._clients) == 0
        handle.undo()
        assert get(f"{server.url}/echo") == 200
        assert "traceparent" not in server.headers()
    (request,) = [span for span in seen.spans if span.kind == "http"]
    assert request.parent_id == seen.span("around").span_id
    assert request.attributes["http.response.status_code"] == 200
    assert set(vars(client)) == before


def test_beside_the_whole_library_a_request_is_one_span(server, pair):
    (client, get, _), (_, other_get, _) = pair
    modules = {kind.__module__.partition(".")[0] for kind in type(client).__mro__}
    (library,) = modules & {"httpx", "httpx2", "requests", "aiohttp"}
    with fl.capture() as seen, fl.instrument(client):
        with fl.instrument(library):
            get(f"{server.url}/echo")
            other_get(f"{server.url}/echo")
        assert len([span for span in seen.spans if span.kind == "http"]) == 2
        get(f"{server.url}/echo")
        other_get(f"{server.url}/echo")
    assert len([span for span in seen.spans if span.kind == "http"]) == 3


def test_a_copy_of_a_client_makes_its_own_requests(server):
    with requests.Session() as session, fl.instrument(session), fl.capture() as seen:
        with copy.copy(session) as other:
            other.headers["x-other"] = "1"
            assert "x-other" in {name.lower() for name in other.get(f"{server.url}/echo").json()}
        assert seen.spans == []


def test_what_is_no_client_is_said_to_be_none():
    with pytest.raises(BadQuestion, match=r"builtins\.dict cannot be recorded; .*httpx"):
        fl.instrument({})
