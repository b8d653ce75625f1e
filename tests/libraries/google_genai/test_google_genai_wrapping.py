"""Turning the recorder on and off: for the package, for one client, in a program that has never heard of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from again_kit import Program
from gemini_kit import at, calls, generate
from google import genai
from google.genai import _api_client, _extra_utils, chats, models

import flightlog as fl

WRAPPED = [
    (_api_client.BaseApiClient, "request"),
    (_api_client.BaseApiClient, "request_streamed"),
    (_api_client.BaseApiClient, "async_request"),
    (_api_client.BaseApiClient, "async_request_streamed"),
    (_api_client.BaseApiClient, "_request_once"),
    (models.Models, "generate_content"),
    (models.AsyncModels, "generate_content_stream"),
    (chats.Chat, "send_message"),
    (_extra_utils, "invoke_function_from_dict_args"),
]
PROGRAM = """
    import sys
    from google import genai

    def get_weather(city: str) -> str:
        "Look it up."
        return "rain in " + city

    client = genai.Client(api_key="nobody", http_options={"base_url": sys.argv[1], "api_version": "v1beta"})
    print(client.models.generate_content(model="gemini-x", contents="hello").text)
    for item in client.models.generate_content_stream(model="gemini-x", contents="hello"):
        print(item.text, end="")
    print()
    config = {"tools": [get_weather]}
    print(client.models.generate_content(model="gemini-x", contents="functions", config=config).text)
"""
SAID = "Hello! How can I help you today?\n" * 2 + "It rains.\n"


def found():
    return [vars(owner)[name] for owner, name in WRAPPED]


def test_what_was_there_is_there_again():
    before = found()
    handle = fl.instrument("google_genai")
    fl.instrument("google-genai")
    during = found()
    assert all(one is not other for one, other in zip(before, during, strict=True))
    handle.undo()
    fl.uninstrument("google_genai")
    assert all(one is other for one, other in zip(before, found(), strict=True))


def test_twice_is_once(way, talk):
    with fl.instrument("google_genai"), fl.instrument("google_genai"), fl.capture() as seen:
        way.talk(at(talk), generate("hello"))
    assert len(seen.spans) == 1


def test_one_client_is_recorded_and_others_are_left_alone(talk):
    ours, other = genai.Client(**at(talk)), genai.Client(**at(talk))
    before = found()

    async def say(client):
        await client.aio.models.generate_content(model="gemini-x", contents="hello")

    with fl.instrument(ours), fl.capture() as seen:
        with fl.instrument(ours):
            ours.models.generate_content(model="gemini-x", contents="hello")
        other.models.generate_content(model="gemini-x", contents="hello")
        asyncio.run(say(ours))
        asyncio.run(say(other))
    assert len(seen.spans) == 2
    assert len(talk.served()) == 4
    assert all(one is other for one, other in zip(before, found(), strict=True))
    with fl.capture() as seen:
        ours.models.generate_content(model="gemini-x", contents="hello")
    assert seen.spans == []


def test_the_client_for_tasks_stands_for_its_client(talk):
    client = genai.Client(**at(talk))
    with fl.instrument(client.aio), fl.capture() as seen:
        client.models.generate_content(model="gemini-x", contents="hello")
    assert len(seen.spans) == 1


def test_a_client_stays_recorded_when_the_package_no_longer_is(talk):
    client, other = genai.Client(**at(talk)), genai.Client(**at(talk))
    with fl.instrument(client), fl.capture() as seen:
        with fl.instrument("google_genai"):
            client.models.generate_content(model="gemini-x", contents="hello")
        client.models.generate_content(model="gemini-x", contents="hello")
        other.models.generate_content(model="gemini-x", contents="hello")
    assert len(seen.spans) == 2


def test_a_call_counts_once_where_its_http_client_is_recorded_too(way, talk):
    with fl.instrument("google_genai", "httpx2"), fl.capture() as seen:
        way.talk(at(talk), generate("hello"))
    (call,) = calls(seen)
    assert [span.parent_id for span in calls(seen, "http")] == [call.span_id]
    assert [span.level for span in calls(seen, "http")] == ["trace"]


def test_a_package_of_another_shape_is_left_alone_with_one_message(monkeypatch, talk, capsys):
    def request(self, http_method, address, *more): ...

    monkeypatch.setattr(_api_client.BaseApiClient, "request", request)
    before = found()
    with fl.instrument("google_genai"):
        assert all(one is other for one, other in zip(before, found(), strict=True))
    said = capsys.readouterr().err
    assert said.count("flightlog:") == 1
    assert "google_genai" in said
    assert "BaseApiClient.request does not take" in said
    monkeypatch.undo()
    client = genai.Client(**at(talk))
    with fl.instrument("google_genai"), fl.capture() as seen:
        client.models.generate_content(model="gemini-x", contents="hello")
    assert len(seen.spans) == 1


def test_a_failure_of_ours_never_reaches_the_program(monkeypatch, way, talk, seen, capsys):
    def broken(*_):
        raise ZeroDivisionError(f"ours, {way.is_async}")

    monkeypatch.setattr("flightlog.integrations.google_genai.asked.begin", broken)
    assert way.talk(at(talk), generate("hello")).text.startswith("Hello!")
    assert seen.spans == []
    assert "a request could not be recorded (ZeroDivisionError: ours, " in capsys.readouterr().err


def test_naming_it_imports_nothing_of_it():
    code = "import flightlog as fl, sys; fl.instrument('google_genai'); print('google.genai' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path, PROGRAM)


def test_a_program_is_recorded_as_a_whole_and_each_served_call_counts_once(program, talk):
    assert program.run("run", arguments=[talk.url]) == SAID
    spans = program.spans()
    counted = [span for span in spans if span.kind == "llm"]
    assert len(counted) == 4
    assert sum(span.attributes["gen_ai.usage.input_tokens"] for span in counted) == 480
    assert sum(span.attributes["gen_ai.usage.output_tokens"] for span in counted) == 136
    assert [span.name for span in spans if span.kind == "tool"] == ["get_weather"]
    assert len({span.trace_id for span in spans}) == 1
    spent = json.loads(program.ask("cost", "--json"))["total"]
    assert (spent["calls"], spent["input_tokens"], spent["output_tokens"]) == (4, 480, 136)


def test_a_rerun_of_a_program_gives_what_was_recorded_and_asks_nobody(program, talk):
    assert program.run("run", arguments=[talk.url]) == SAID
    (first,) = {span.trace_id for span in program.spans()}
    assert program.run("rerun", first, arguments=["http://127.0.0.1:9"]) == SAID
    counted = [span for span in program.spans() if span.kind == "llm"]
    assert len(counted) == 8
    assert {span.status for span in counted} == {"ok"}
