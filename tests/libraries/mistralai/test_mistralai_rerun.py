"""A rerun gives the package's callers what was recorded, in every way in which they ask, and makes no request."""

from __future__ import annotations

import json
import threading

import httpx2
import pydantic
import pytest
from mistral_kit import DONE, QUICK, THOUGHT, answered, at, chunk, complete, stream
from mistralai.client import errors
from provider_kit import TOOLS, user
from test_mistralai_streams import first_of

from flightlog.core.content import keep_vectors
from flightlog.core.rerun import Stopped

NOWHERE = {"server_url": "http://127.0.0.1:9"}
"""A client of which every request fails."""


class Person(pydantic.BaseModel):
    name: str
    age: int


async def whole(ask):
    answer = await complete("hello", temperature=0.5)(ask)
    return answer.model_dump(exclude={"created"})


async def called(ask):
    answer = await complete("weather", tools=TOOLS)(ask)
    return [
        (call.id, call.function.name, call.function.arguments)
        for call in answer.choices[0].message.tool_calls
    ]


async def parsed(ask):
    answer = await ask("chat.parse", model="m", messages=user("person"), response_format=Person)
    return answer.choices[0].message.parsed


async def in_pieces(ask):
    items = await stream("hello")(ask)
    said = "".join(item.choices[0].delta.content or "" for item in items if item.choices)
    return said, items[-1].choices[0].finish_reason


async def called_in_pieces(ask):
    items = await stream("weather", tools=TOOLS)(ask)
    return [
        (call.function.name, call.function.arguments)
        for item in items
        for call in item.choices[0].delta.tool_calls or ()
        if call.function.name
    ]


@pytest.mark.parametrize("say", [whole, called, parsed, in_pieces])
def test_every_way_of_asking_gets_what_was_recorded(way, talk, again, say):
    first = way.talk(at(talk), say)
    again.begin()
    assert way.talk(NOWHERE, say) == first
    assert again.notes("served")
    assert not again.notes("refused")


def test_tools_that_were_called_in_pieces_are_called_again(way, wire, again):
    call = {"id": "t1", "type": "function", "index": 0, "function": {"name": "f", "arguments": '{"a": 1}'}}
    wire.will_say(chunk({"content": "", "tool_calls": [call]}), chunk({"content": ""}, "tool_calls"), DONE)
    first = way.talk(at(wire), called_in_pieces)
    again.begin()
    assert way.talk(NOWHERE, called_in_pieces) == first == [("f", '{"a": 1}')]


def test_thoughts_come_back_in_the_shape_in_which_they_were_served(way, wire, again):
    async def say(ask):
        content = (await complete("x")(ask)).choices[0].message.content
        return [part.model_dump(exclude={"closed", "signature"}) for part in content]

    wire.will_say(answered({"content": THOUGHT}), content_type="application/json")
    first = way.talk(at(wire), say)
    again.begin()
    assert way.talk(NOWHERE, say) == first


def test_thoughts_in_pieces_come_back_in_pieces(way, wire, again):
    async def say(ask):
        contents = [item.choices[0].delta.content for item in await stream("x")(ask)]
        thoughts = [part.thinking[0].text for one in contents if isinstance(one, list) for part in one]
        return "".join(thoughts), "".join(one for one in contents if isinstance(one, str))

    wire.will_say(
        chunk({"role": "assistant", "content": THOUGHT[:1]}),
        chunk(
            {"content": "Deep."},
            "stop",
            usage={"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
        ),
        DONE,
    )
    assert way.talk(at(wire), say) == ("Let me think.", "Deep.")
    again.begin()
    assert way.talk(NOWHERE, say) == ("Let me think.", "Deep.")


def test_a_refusal_is_the_same_exception_and_is_not_tried_again(way, talk, again):
    with pytest.raises(errors.SDKError) as first:
        way.talk(at(talk), complete("hopeless"))
    again.begin()
    with pytest.raises(errors.SDKError) as second:
        way.talk({**NOWHERE, "retry_config": QUICK}, complete("hopeless"))
    assert (str(second.value), second.value.status_code) == (str(first.value), 429)
    assert len(again.notes("served")) == 1


def test_a_server_that_was_not_there_is_not_there_again(way, wire, again):
    with pytest.raises(httpx2.ConnectError) as first:
        way.talk(NOWHERE, complete("hello"))
    again.begin()
    with pytest.raises(httpx2.ConnectError) as second:
        way.talk(at(wire), complete("hello"))
    assert str(second.value) == str(first.value)
    assert wire.requests == []


def test_a_stream_that_broke_breaks_again(way, wire, again):
    wire.will_say(chunk({"content": "One"}), None)
    with pytest.raises(httpx2.RemoteProtocolError):
        way.talk(at(wire), stream("x"))
    again.begin()
    with pytest.raises(httpx2.RemoteProtocolError):
        way.talk(NOWHERE, stream("x"))


def test_what_was_read_no_further_is_given_no_further(way, wire, again):
    hold = threading.Event()
    wire.will_say(chunk({"content": "One"}), hold, chunk({"content": "Two"}, "stop"), DONE)
    asked = {"model": "m"}
    way.talk(at(wire), first_of("x"))
    hold.set()
    again.begin()
    way.talk(NOWHERE, first_of("x"))
    again.begin()
    with pytest.raises(Stopped, match="stopped reading"):
        way.talk(NOWHERE, stream("x", **asked))


def test_embeddings_come_back_where_their_vectors_are_kept(way, wire, again):
    async def say(ask):
        answer = await ask("embeddings.create", model="mistral-embed", inputs=["one", "two"])
        return [one.embedding for one in answer.data]

    vectors = [{"object": "embedding", "index": n, "embedding": [0.5, 0.1 + n]} for n in range(2)]
    usage = {"prompt_tokens": 6, "total_tokens": 6, "completion_tokens": 0}
    body = {"id": "e1", "object": "list", "model": "mistral-embed", "data": vectors, "usage": usage}
    wire.will_say(json.dumps(body).encode(), content_type="application/json")
    keep_vectors(True)
    try:
        first = way.talk(at(wire), say)
    finally:
        keep_vectors(False)
    again.begin()
    assert way.talk(NOWHERE, say) == first == [[0.5, 0.1], [0.5, 1.1]]


def test_a_question_that_was_never_asked_ends_the_rerun(way, talk, again):
    way.talk(at(talk), complete("hello"))
    again.begin()
    with pytest.raises(Stopped):
        way.talk(NOWHERE, complete("something else"))


def test_a_request_that_leaves_no_record_ends_the_rerun(way, talk, again):
    way.talk(at(talk), complete("hello"))
    again.begin()

    async def say(ask):
        return await ask("models.list")

    with pytest.raises(Stopped, match="GET /v1/models of the mistralai package"):
        way.talk(NOWHERE, say)
