"""The wrappers: where they are, how they come off, whom they leave alone."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import types
import weakref

import httpx2
import openai
import pytest
from openai_kit import Way
from provider_kit import now, user

import flightlog as fl
from flightlog.integrations.openai import wrapping
from flightlog.integrations.stainless.wrapping import Unfit
from flightlog.records.errors import BadQuestion

pytestmark = pytest.mark.usefixtures("nobody_listens")


async def hello(client):
    return await now(client.chat.completions.create(model="m", messages=user("hello")))


def members(kind):
    return {
        name: getattr(kind, name) for name in ("request", "_calculate_retry_timeout", "copy", "with_options")
    }


def test_undoing_leaves_the_package_as_it_was():
    before = [(members(kind), dict(vars(kind))) for kind in (openai.OpenAI, openai.AsyncOpenAI)]
    fl.instrument("openai")
    assert openai.OpenAI.request is not before[0][0]["request"]
    fl.uninstrument("openai")
    assert [(members(kind), dict(vars(kind))) for kind in (openai.OpenAI, openai.AsyncOpenAI)] == before


def test_undoing_leaves_a_client_as_it_was(way, talk):
    async def say(client):
        before = dict(vars(client))
        fl.instrument(client)
        assert vars(client) != before
        fl.uninstrument(client)
        assert vars(client) == before

    way.talk(talk.options(), say)


def test_twice_is_recorded_once_and_undone_by_once(way, talk):
    fl.instrument("openai")
    fl.instrument("openai")
    fl.instrument()

    async def say(client):
        fl.instrument(client)
        fl.instrument(client)
        with fl.capture(level="info") as seen:
            await hello(client)
        assert len(seen.spans) == 1
        fl.uninstrument(client)
        fl.uninstrument()
        with fl.capture() as seen:
            await hello(client)
        assert seen.spans == []

    way.talk(talk.options(), say)


def test_a_handle_takes_back_what_its_call_did_and_no_more():
    plain = openai.OpenAI.request
    first = fl.instrument("openai")
    with fl.instrument("openai", "openai") as second:
        assert repr(second) == "<instrumented: nothing>"
    assert openai.OpenAI.request is not plain
    assert repr(first) == "<instrumented: openai>"
    first.undo()
    first.undo()
    assert openai.OpenAI.request is plain


def test_one_client_is_recorded_and_others_are_left_alone(way, talk):
    async def say(client):
        other = way.kind(**talk.options())
        with fl.instrument(client) as handle, fl.capture() as seen:
            assert repr(handle) == f"<instrumented: one {way.kind.__name__}>"
            await hello(other)
            assert seen.spans == []
            await hello(client)
            assert len(seen.spans) == 1
        assert not {"request", "copy", "with_options"} & set(vars(other))
        assert not hasattr(way.kind.request, "_flightlog_original")
        await now(other.close())

    way.talk(talk.options(), say)


def test_copies_of_a_client_are_recorded_as_it_is(way, talk):
    async def say(client):
        handle = fl.instrument(client)
        with fl.capture() as seen:
            copied = client.with_options(timeout=10).copy(max_retries=0)
            assert (type(copied), copied.timeout, copied.max_retries) == (way.kind, 10, 0)
            await hello(copied)
        assert len(seen.spans) == 1
        handle.undo()
        with fl.capture() as seen:
            await hello(copied)
            await hello(client.with_options(timeout=10))
        assert seen.spans == []

    way.talk(talk.options(), say)


def test_a_shallow_copy_of_a_client_is_a_client_of_its_own_and_left_alone(way, talk, wire):
    wire.will_say(b"{}", content_type="application/json")

    async def say(client):
        fl.instrument(client)
        other = copy.copy(client)
        assert not {"request", "copy", "with_options"} & set(vars(other))
        other.base_url = wire.options()["base_url"]
        with fl.capture() as seen:
            await hello(other)
            assert (len(wire.requests), seen.spans) == (1, [])
            await hello(client)
            assert (len(talk.served()), len(seen.spans)) == (1, 1)
        fl.uninstrument(client)

    way.talk(talk.options(max_retries=0), say)


def test_a_call_that_a_hook_makes_within_another_is_recorded_under_it(talk, wire):
    wire.will_say(b'{"data": [], "usage": {"prompt_tokens": 3}}', content_type="application/json")
    inner = openai.OpenAI(**wire.options())

    def look_up(_request):
        inner.embeddings.create(model="e", input="hello", encoding_format="float")

    with (
        httpx2.Client(event_hooks={"request": [look_up]}) as http,
        openai.OpenAI(**talk.options(http_client=http)) as outer,
        fl.instrument(outer),
        fl.instrument("openai"),
        fl.capture() as seen,
    ):
        asyncio.run(hello(outer))
    inner.close()
    assert len(seen.spans) == 2
    assert seen.span("embeddings e").parent_id == seen.span("chat m").span_id


def test_clients_that_exist_already_are_recorded(way, talk):
    async def say(client):
        await hello(client)
        with fl.instrument("openai"), fl.capture() as seen:
            await hello(client)
        assert len(seen.spans) == 1

    way.talk(talk.options(), say)


def test_the_module_s_own_client_is_recorded(talk, monkeypatch):
    for name, value in talk.options(base_url=f"{talk.url}/v1/").items():
        monkeypatch.setattr(openai, name, value)
    with fl.instrument("openai"), fl.capture() as seen:
        openai.chat.completions.create(model="m", messages=user("hello"))
    openai._client.close()
    monkeypatch.setattr(openai, "_client", None)
    assert len(seen.spans) == 1


def test_azure_is_called_by_its_name(way, talk):
    options = talk.options(azure_endpoint=talk.url, api_version="2024-10-21")
    del options["base_url"]
    with fl.instrument("openai"), fl.capture() as seen:
        answer = way.talk(options, hello, kind=way.azure)
    assert answer.choices[0].message.content == "Hello! How can I help you today?"
    (span,) = seen.spans
    assert span.attributes["gen_ai.provider.name"] == "azure.ai.openai"
    assert span.attributes["gen_ai.request.model"] == "m"
    assert [entry["path"] for entry in talk.served()] == [
        "/openai/deployments/m/chat/completions?api-version=2024-10-21"
    ]


@pytest.mark.parametrize(
    ("url", "name", "port"),
    [
        ("https://api.openai.com/v1", "openai", None),
        ("https://api.groq.com/openai/v1", "groq", None),
        ("https://api.x.ai/v1", "x_ai", None),
        ("https://notx.ai/v1", "openai", None),
        ("https://me.openai.azure.com/openai/v1", "azure.ai.openai", None),
        ("http://[::1]:8000/v1", "openai", 8000),
    ],
)
def test_a_provider_is_known_by_the_address_of_its_server(url, name, port):
    from flightlog.integrations.openai import request
    from flightlog.integrations.stainless import package

    with openai.OpenAI(api_key="nobody", base_url=url) as client:
        host, told = package.server(client)
        assert (request._provider(client, host), told) == (name, port)


def test_signatures_and_kinds_stay_what_they_are():
    before = [inspect.signature(kind.request) for kind in (openai.OpenAI, openai.AsyncOpenAI)]
    with fl.instrument("openai"):
        assert [inspect.signature(kind.request) for kind in (openai.OpenAI, openai.AsyncOpenAI)] == before
        assert inspect.iscoroutinefunction(openai.AsyncOpenAI.request)
        assert not inspect.iscoroutinefunction(openai.OpenAI.request)
        assert openai.OpenAI.request.__doc__ == openai.OpenAI.__mro__[1].request.__doc__


def test_a_single_client_is_freed_when_nobody_needs_it(talk):
    client = openai.OpenAI(**talk.options())
    fl.instrument(client)
    with fl.capture() as seen:
        asyncio.run(hello(client))
    assert len(seen.spans) == 1
    client.close()
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None


def test_what_somebody_else_put_on_top_stays_and_works_when_ours_is_gone(talk):
    way = Way(is_async=False)
    before = dict(vars(openai.OpenAI))
    fl.instrument("openai")
    ours = openai.OpenAI.request
    calls = []

    def theirs(self, *args, **kwargs):
        calls.append(1)
        return ours(self, *args, **kwargs)

    openai.OpenAI.request = theirs
    fl.uninstrument("openai")
    try:
        with fl.capture() as seen:
            way.talk(talk.options(), hello)
            assert (len(calls), seen.spans) == (1, [])
            fl.instrument("openai")
            way.talk(talk.options(), hello)
            assert (len(calls), len(seen.spans)) == (2, 1)
            fl.uninstrument("openai")
        assert openai.OpenAI.request is theirs
    finally:
        del openai.OpenAI.request
    assert set(vars(openai.OpenAI)) == set(before)


def test_a_package_of_another_shape_is_left_alone_with_one_message(capsys, monkeypatch):
    from flightlog.recording import recorder

    def request(self, options, cast_to):
        raise NotImplementedError

    monkeypatch.setattr(recorder, "_said", set())
    monkeypatch.setattr(openai.AsyncOpenAI, "request", request, raising=False)
    plain = openai.OpenAI.request
    fl.instrument("openai")
    fl.instrument("openai")
    fl.uninstrument("openai")
    assert openai.OpenAI.request is plain
    assert openai.AsyncOpenAI.request is request
    assert capsys.readouterr().err.splitlines() == [
        (
            f"flightlog: openai {openai.__version__}: it is not recorded "
            "(Unfit: AsyncOpenAI.request does not take cast_to and options)"
        ),
    ]


def test_a_package_without_its_classes_is_unfit():
    with pytest.raises(Unfit, match="no class OpenAI"):
        wrapping.wrap(types.ModuleType("openai"), print)


@pytest.mark.parametrize("target", ["opanai", "", 7, object(), openai])
def test_what_cannot_be_recorded_is_refused_with_what_can(target):
    for act in (fl.instrument, fl.uninstrument):
        with pytest.raises(BadQuestion, match="openai"):
            act(target)


def test_calls_are_under_the_span_around_them_and_nothing_is_left_current(way, talk):
    async def say(client):
        with fl.span("around") as around:
            await hello(client)
            assert fl.current() is around
        assert not fl.current()

    with fl.instrument("openai"), fl.capture() as seen:
        way.talk(talk.options(), say)
    assert seen.span("chat m").parent_id == seen.span("around").span_id
