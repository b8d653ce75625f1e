"""A rerun gives the package's callers what was recorded, in every way in which they ask, and makes no request."""

from __future__ import annotations

import sys
import threading

import pytest
from gemini_kit import QUICK, at, chunk, generate, said, served, stream
from google.genai import errors
from provider_kit import each, now
from test_google_genai_functions import chatting, get_weather, streamed, whole

from flightlog.core.content import keep_vectors
from flightlog.core.rerun import Stopped

NOWHERE = {"api_key": "nobody", "http_options": {"base_url": "http://127.0.0.1:9", "api_version": "v1beta"}}
"""A client of which every request fails."""


async def plain(client):
    answer = await generate("hello", temperature=0.5)(client)
    return answer.text, answer.usage_metadata.prompt_token_count, answer.candidates[0].finish_reason


async def called(client):
    answer = await generate("weather")(client)
    return [(call.id, call.name, call.args) for call in answer.function_calls]


async def thought(client):
    answer = await generate("think")(client)
    return [(part.text, part.thought) for part in answer.candidates[0].content.parts]


async def in_pieces(client):
    items = [item async for item in each(await stream("hello")(client))]
    end = items[-1]
    return (
        "".join(item.text or "" for item in items),
        end.candidates[0].finish_reason,
        end.usage_metadata.candidates_token_count,
    )


async def thought_in_pieces(client):
    items = [item async for item in each(await stream("think")(client))]
    parts = [part for item in items for part in item.candidates[0].content.parts or ()]
    return "".join(part.text for part in parts if part.thought), "".join(
        part.text for part in parts if not part.thought
    )


@pytest.mark.parametrize(
    "say",
    [
        plain,
        called,
        thought,
        in_pieces,
        thought_in_pieces,
        whole(get_weather),
        streamed(get_weather),
        chatting(get_weather),
    ],
)
def test_every_way_of_asking_gets_what_was_recorded(way, talk, again, say):
    first = way.talk(at(talk), say)
    again.begin()
    assert way.talk(NOWHERE, say) == first
    assert again.notes("served")
    assert not again.notes("refused")


def test_what_was_asked_in_pieces_is_given_whole_and_the_other_way_round(way, talk, again):
    async def both(client):
        whole = (await generate("hello")(client)).text
        pieces = [item.text or "" async for item in each(await stream("hello")(client))]
        return whole == "".join(pieces)

    assert way.talk(at(talk), both)
    again.begin()
    assert way.talk(NOWHERE, both)


def test_a_refusal_is_the_same_exception(way, talk, again):
    with pytest.raises(errors.ClientError) as first:
        way.talk(at(talk), generate("forbidden"))
    again.begin()
    with pytest.raises(errors.ClientError) as second:
        way.talk(
            {**NOWHERE, "http_options": {**NOWHERE["http_options"], "retry_options": QUICK}},
            generate("forbidden"),
        )
    assert (str(second.value), second.value.status) == (str(first.value), first.value.status)


def test_a_server_that_was_not_there_is_not_there_again(way, wire, again):
    with pytest.raises(sys.modules["httpx2"].ConnectError) as first:
        way.talk(NOWHERE, generate("hello"))
    again.begin()
    with pytest.raises(sys.modules["httpx2"].ConnectError) as second:
        way.talk(at(wire), generate("hello"))
    assert str(second.value) == str(first.value)
    assert wire.requests == []


def test_a_stream_that_broke_breaks_again(way, wire, again):
    async def say(client):
        async for item in each(await stream("x")(client)):
            heard.append(item.text)  # noqa: PERF401 - what came before it breaks

    heard = []
    wire.will_say(chunk({"text": "One"}), None)
    with pytest.raises(sys.modules["httpx2"].RemoteProtocolError):
        way.talk(at(wire), say)
    again.begin()
    with pytest.raises(sys.modules["httpx2"].RemoteProtocolError):
        way.talk(NOWHERE, say)
    assert heard == ["One", "One"]


def test_what_was_read_no_further_is_given_no_further(way, wire, again):
    hold = threading.Event()
    wire.will_say(chunk({"text": "One"}), hold, chunk({"text": "Two"}, reason="STOP"))

    async def early(client):
        items = await stream("x")(client)
        async for item in each(items):
            said_first = item.text
            break
        if way.is_async:
            await items.aclose()
        else:
            items.close()
        return said_first

    async def further(client):
        return [item.text async for item in each(await stream("x")(client))]

    assert way.talk(at(wire), early) == "One"
    hold.set()
    again.begin()
    assert way.talk(NOWHERE, early) == "One"
    again.begin()
    with pytest.raises(Stopped, match="stopped reading"):
        way.talk(NOWHERE, further)


def test_embeddings_come_back_where_their_vectors_are_kept(way, wire, again):
    async def say(client):
        answer = await now(client.models.embed_content(model="embedder", contents=["one", "two"]))
        return [one.values for one in answer.embeddings]

    wire.will_say(
        served({"embeddings": [{"values": [0.5, 0.25]}, {"values": [0.1, 3.0]}]}),
        content_type="application/json",
    )
    keep_vectors(True)
    try:
        first = way.talk(at(wire), say)
    finally:
        keep_vectors(False)
    again.begin()
    assert way.talk(NOWHERE, say) == first == [[0.5, 0.25], [0.1, 3.0]]


def test_a_question_that_was_never_asked_ends_the_rerun(way, talk, again):
    way.talk(at(talk), generate("hello"))
    again.begin()
    with pytest.raises(Stopped):
        way.talk(NOWHERE, generate("something else"))


def test_a_request_that_leaves_no_record_ends_the_rerun(way, talk, again):
    way.talk(at(talk), generate("hello"))
    again.begin()

    async def say(client):
        return await now(client.models.count_tokens(model="gemini-x", contents="x"))

    with pytest.raises(Stopped, match="countTokens of the google-genai package"):
        way.talk(NOWHERE, say)


def test_a_prompt_that_was_refused_is_refused_again(way, wire, again):
    body = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}
    wire.will_say(served(body), content_type="application/json")
    way.talk(at(wire), generate("x"))
    again.begin()
    answer = way.talk(NOWHERE, generate("x"))
    assert answer.prompt_feedback.block_reason == "SAFETY"
    assert answer.candidates is None


def test_a_part_that_has_no_place_in_a_message_comes_back_as_it_was(way, wire, again):
    code = {"executableCode": {"code": "print(1)", "language": "PYTHON"}}
    wire.will_say(served(said(code, {"text": "1"}, reason="STOP")), content_type="application/json")

    async def say(client):
        answer = await generate("x")(client)
        return answer.executable_code, answer.candidates[0].content.parts[-1].text

    first = way.talk(at(wire), say)
    again.begin()
    assert way.talk(NOWHERE, say) == first == ("print(1)", "1")
