"""Turning the recorder on and off: for the package, for one client, in a program that has never heard of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from again_kit import Program
from mistral_kit import at, calls, complete
from mistralai import client as package
from mistralai.client import agents, basesdk, chat, embeddings, fim
from mistralai.client.utils import retries
from provider_kit import user

import flightlog as fl

WRAPPED = [
    (basesdk.BaseSDK, "do_request"),
    (basesdk.BaseSDK, "do_request_async"),
    (chat.Chat, "complete"),
    (chat.Chat, "stream_async"),
    (agents.Agents, "complete_async"),
    (fim.Fim, "stream"),
    (embeddings.Embeddings, "create"),
    (retries, "_get_sleep_interval"),
]
PROGRAM = """
    import asyncio
    import sys
    from mistralai.client import Mistral

    ask = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}

    async def later(client):
        print((await client.chat.complete_async(**ask)).choices[0].message.content)

    with Mistral(api_key="nobody", server_url=sys.argv[1]) as client:
        print(client.chat.complete(**ask).choices[0].message.content)
        with client.chat.stream(**ask) as items:
            print("".join(item.data.choices[0].delta.content or "" for item in items))
        asyncio.run(later(client))
"""
SAID = "Hello! How can I help you today?\n" * 3


def found():
    return [vars(owner)[name] for owner, name in WRAPPED]


def test_what_was_there_is_there_again():
    before = found()
    handle = fl.instrument("mistralai")
    fl.instrument("mistralai")
    during = found()
    assert all(one is not other for one, other in zip(before, during, strict=True))
    handle.undo()
    fl.uninstrument("mistralai")
    assert all(one is other for one, other in zip(before, found(), strict=True))


def test_twice_is_once(way, talk):
    with fl.instrument("mistralai"), fl.instrument("mistralai"), fl.capture() as seen:
        way.talk(at(talk), complete("hello"))
    assert len(seen.spans) == 1


def test_one_client_is_recorded_and_others_are_left_alone(talk):
    ours, other = (package.Mistral(api_key="nobody", server_url=talk.url) for _ in range(2))
    ask = {"model": "m", "messages": user("hello")}
    before = found()

    async def say(client):
        await client.chat.complete_async(**ask)

    with fl.instrument(ours), fl.capture() as seen:
        with fl.instrument(ours):
            ours.chat.complete(**ask)
        other.chat.complete(**ask)
        asyncio.run(say(ours))
        asyncio.run(say(other))
    assert len(seen.spans) == 2
    assert all(one is other for one, other in zip(before, found(), strict=True))
    with fl.capture() as seen:
        ours.chat.complete(**ask)
    assert seen.spans == []


def test_a_call_counts_once_where_its_http_client_is_recorded_too(way, talk):
    with fl.instrument("mistralai", "httpx2"), fl.capture() as seen:
        way.talk(at(talk), complete("hello"))
    (call,) = calls(seen)
    assert [span.parent_id for span in calls(seen, "http")] == [call.span_id]
    assert [span.level for span in calls(seen, "http")] == ["trace"]


def test_a_package_of_another_shape_is_left_alone_with_one_message(monkeypatch, way, talk, capsys):
    def do_request(self, request): ...

    monkeypatch.setattr(basesdk.BaseSDK, f"do_request{'_async' if way.is_async else ''}", do_request)
    before = found()
    with fl.instrument("mistralai"):
        assert all(one is other for one, other in zip(before, found(), strict=True))
    said = capsys.readouterr().err
    assert said.count("flightlog:") == 1
    assert "mistralai" in said
    assert "does not take hook_ctx, request" in said
    monkeypatch.undo()
    with fl.instrument("mistralai"), fl.capture() as seen:
        way.talk(at(talk), complete("hello"))
    assert len(seen.spans) == 1


def test_a_failure_of_ours_never_reaches_the_program(monkeypatch, way, talk, seen, capsys):
    def broken(*_):
        raise ZeroDivisionError(f"ours, {way.is_async}")

    monkeypatch.setattr("flightlog.integrations.mistralai.asked.begin", broken)
    assert way.talk(at(talk), complete("hello")).choices[0].message.content.startswith("Hello!")
    assert seen.spans == []
    assert "a request could not be recorded (ZeroDivisionError: ours, " in capsys.readouterr().err


def test_naming_it_imports_nothing_of_it():
    code = "import flightlog as fl, sys; fl.instrument('mistralai'); print('mistralai.client' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path, PROGRAM)


@pytest.mark.parametrize("told", ["", "global"])
def test_a_program_is_recorded_as_a_whole_and_each_served_call_counts_once(program, talk, told):
    """The package can tell of its calls itself, through OpenTelemetry's API, below ours."""
    assert program.run("run", arguments=[talk.url], MISTRAL_SDK_TELEMETRY=told) == SAID
    spans = program.spans()
    counted = [span for span in spans if span.kind == "llm"]
    own = [span for span in spans if span.otel.get("scope")]
    assert [span.kind for span in own] == (["http"] * 3 if told else [])
    assert {span.parent_id for span in own} <= {span.span_id for span in counted}
    assert [span.name for span in counted] == ["chat m"] * 3
    assert {span.attributes.get("flightlog.instrumentation") for span in counted} == {"mistralai"}
    spent = json.loads(program.ask("cost", "--json"))["total"]
    assert (spent["calls"], spent["input_tokens"], spent["output_tokens"]) == (3, 240, 68)


def test_a_rerun_of_a_program_gives_what_was_recorded_and_asks_nobody(program, talk):
    assert program.run("run", arguments=[talk.url]) == SAID
    (first,) = {span.trace_id for span in program.spans()}
    assert program.run("rerun", first, arguments=["http://127.0.0.1:9"]) == SAID
    counted = [span for span in program.spans() if span.kind == "llm"]
    assert len(counted) == 6
    assert {span.status for span in counted} == {"ok"}
