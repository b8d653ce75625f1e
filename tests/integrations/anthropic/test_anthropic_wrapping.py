"""The wrappers of `anthropic`: where they are, how they come off, whom they leave alone."""

from __future__ import annotations

import types

import anthropic
import pytest
from anthropic_kit import Claude, at, create
from provider_kit import now

import flightlog as fl
from flightlog.integrations.anthropic import messages, wrapping
from flightlog.integrations.anthropic.request import _provider
from flightlog.integrations.stainless import exchange as exchanges
from flightlog.integrations.stainless.wrapping import Unfit

pytestmark = pytest.mark.usefixtures("nobody_listens")

KINDS = [
    getattr(anthropic, name)
    for name in dir(anthropic)
    if name.startswith(("Anthropic", "AsyncAnthropic")) and hasattr(getattr(anthropic, name), "request")
]
hello = create("hello")


def test_undoing_leaves_the_package_as_it_was():
    before = [dict(vars(kind)) for kind in KINDS]
    plain = [kind.request for kind in KINDS]
    assert len(KINDS) > 2
    with fl.instrument("anthropic"):
        assert all(hasattr(kind.request, "_flightlog_original") for kind in KINDS)
    assert [dict(vars(kind)) for kind in KINDS] == before
    assert [kind.request for kind in KINDS] == plain


def test_undoing_leaves_a_client_as_it_was(way, talk):
    async def say(client):
        before = dict(vars(client))
        fl.instrument(client)
        assert vars(client) != before
        fl.uninstrument(client)
        assert vars(client) == before

    way.talk(at(talk), say)


def test_twice_is_recorded_once_and_undone_by_once(way, talk):
    fl.instrument("anthropic")
    fl.instrument("anthropic")
    fl.instrument()

    async def say(client):
        fl.instrument(client)
        fl.instrument(client)
        with fl.capture(level="info") as seen:
            await hello(client)
        # Its own span of the call, and that of the HTTP client below it, are recorded now as well.
        assert [span.attributes.get("flightlog.instrumentation") for span in seen.spans].count(
            "anthropic"
        ) == 1
        fl.uninstrument(client)
        fl.uninstrument()
        with fl.capture() as seen:
            await hello(client)
        assert seen.spans == []

    way.talk(at(talk), say)


def test_one_client_and_its_copies_are_recorded_and_others_are_left_alone(way, talk):
    async def say(client):
        other = way.kind(**at(talk))
        with fl.instrument(client) as handle, fl.capture() as seen:
            assert repr(handle) == f"<instrumented: one {way.kind.__name__}>"
            await hello(other)
            assert seen.spans == []
            await hello(client)
            await hello(client.with_options(timeout=20).copy(max_retries=0))
            assert len(seen.spans) == 2
        with fl.capture() as seen:
            await hello(client)
        assert seen.spans == []
        await now(other.close())

    way.talk(at(talk), say)


def test_clients_of_both_packages_are_recorded_side_by_side(talk):
    openai = pytest.importorskip("openai")
    with fl.instrument("anthropic", "openai"), fl.capture() as seen:
        Claude(is_async=False).talk(at(talk), hello)
        with openai.OpenAI(**talk.options()) as client:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
    assert [span.attributes["flightlog.instrumentation"] for span in seen.spans] == ["anthropic", "openai"]


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("Anthropic", "anthropic"),
        ("AsyncAnthropic", "anthropic"),
        ("AnthropicBedrock", "aws.bedrock"),
        ("AsyncAnthropicVertex", "gcp.vertex_ai"),
    ],
)
def test_a_provider_is_known_by_the_class_of_its_client(name, provider):
    kind = getattr(anthropic, name)
    assert _provider(kind.__new__(kind)) == provider


def test_vertex_is_recorded_as_what_it_is(talk):
    pytest.importorskip("anthropic.lib.vertex")
    with fl.instrument("anthropic"), fl.capture() as seen:
        client = anthropic.AnthropicVertex(
            region="here", project_id="p", access_token="nobody", base_url=talk.url, max_retries=0
        )
        with client, pytest.raises(anthropic.APIStatusError):
            client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}])
    (span,) = seen.spans
    assert (span.attributes["gen_ai.provider.name"], span.attributes["gen_ai.request.model"]) == (
        "gcp.vertex_ai",
        "m",
    )
    assert span.status == "error"


def test_a_package_of_another_shape_is_left_alone_with_one_message_and_goes_on(capsys, monkeypatch, talk):
    from flightlog.recording import recorder

    def retry_timeout(self, options):
        raise NotImplementedError

    monkeypatch.setattr(recorder, "_said", set())
    monkeypatch.setattr(anthropic.AsyncAnthropic, "_calculate_retry_timeout", retry_timeout, raising=False)
    plain = anthropic.Anthropic.request
    fl.instrument("anthropic")
    fl.instrument("anthropic")
    assert anthropic.Anthropic.request is plain
    with fl.capture() as seen:
        answer = Claude(is_async=False).talk(at(talk), hello)
    assert answer.content[0].text == "Hello! How can I help you today?"
    assert seen.spans == []
    fl.uninstrument("anthropic")
    assert capsys.readouterr().err.splitlines() == [
        (
            f"flightlog: anthropic {anthropic.__version__}: it is not recorded (Unfit: "
            "AsyncAnthropic._calculate_retry_timeout does not take remaining_retries and options)"
        ),
    ]


def test_a_package_without_its_classes_is_unfit():
    with pytest.raises(Unfit, match="no class Anthropic"):
        wrapping.wrap(types.ModuleType("anthropic"), print)


@pytest.mark.parametrize("broken", ["called_from", "tap", "read", "retry"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_of_ours_does_not_reach_the_program(way, talk, monkeypatch, broken, stream):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError

    if broken == "read":
        monkeypatch.setattr(messages, "_usage", fail)
    elif broken == "retry":
        monkeypatch.setattr(exchanges.Exchange, "retry", fail)
    else:
        monkeypatch.setattr(exchanges, broken, fail)

    async def say(client):
        answer = await create("flaky", stream=stream)(client)
        if not stream:
            return answer.content[0].text
        pieces = [item async for item in answer] if way.is_async else list(answer)
        return "".join(getattr(getattr(item, "delta", None), "text", "") for item in pieces)

    with fl.instrument("anthropic"), fl.capture() as seen:
        assert way.talk(at(talk, max_retries=4), say) == "At last."
    assert all(span.status == "ok" for span in seen.spans)
