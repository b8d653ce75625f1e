"""What was served and could not become what the program wants is recorded as it was served: it is paid for."""

from __future__ import annotations

import json

import httpx2
import openai
import pydantic
import pytest
from provider_kit import USAGE, now, user

JSON = "application/json"


class Person(pydantic.BaseModel):
    name: str
    age: int


def completion(content, finish="stop", **more):
    message = {"role": "assistant", "content": content}
    choices = [{"index": 0, "finish_reason": finish, "message": message}]
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "served"}
    return json.dumps({**head, "choices": choices, "usage": USAGE, **more}).encode()


async def parse(client):
    return await now(client.chat.completions.parse(model="m", messages=user("who?"), response_format=Person))


async def create(client):
    return await now(client.chat.completions.create(model="m", messages=user("who?")))


@pytest.mark.parametrize(
    ("content", "finish", "kind"),
    [
        ('{"name": "A', "length", openai.LengthFinishReasonError),
        ("", "content_filter", openai.ContentFilterFinishReasonError),
        ('{"name": 3}', "stop", pydantic.ValidationError),
    ],
)
def test_an_answer_that_cannot_be_parsed_keeps_its_text_and_its_tokens(
    way, wire, seen, content, finish, kind
):
    wire.will_say(completion(content, finish), content_type=JSON, x_request_id="req-1")
    with pytest.raises(kind):
        way.talk(wire.options(), parse)
    (span,) = seen.spans
    assert span.status == "error"
    assert span.error.type.rpartition(".")[2] == kind.__name__
    assert span.output["messages"][0]["content"] == content
    attributes = span.attributes
    assert attributes["gen_ai.usage.input_tokens"] == USAGE["prompt_tokens"]
    assert attributes["gen_ai.usage.output_tokens"] == USAGE["completion_tokens"]
    assert attributes["gen_ai.response.finish_reasons"] == [finish]
    assert attributes["flightlog.response.request_id"] == "req-1"
    assert attributes["error.type"].rpartition(".")[2] == kind.__name__


def test_an_answer_that_a_strict_client_refuses_keeps_its_tokens_and_is_no_refusal_of_the_server(
    way, wire, seen
):
    wire.will_say(completion("fine", id=7), content_type=JSON)
    with pytest.raises(openai.APIResponseValidationError):
        way.talk(wire.options(_strict_response_validation=True), create)
    (span,) = seen.spans
    assert span.attributes["error.type"] == "openai.APIResponseValidationError"
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["gen_ai.usage.output_tokens"] == USAGE["completion_tokens"]
    assert span.output["messages"][0]["content"] == "fine"


def test_a_refusal_after_an_answer_says_nothing_of_the_answer(way, wire, seen):
    async def say(client):
        await create(client)
        with pytest.raises(openai.BadRequestError):
            await create(client)

    wire.will_say(completion("fine"), content_type=JSON)
    wire.will_say(b'{"error": {"message": "no", "type": "bad"}}', content_type=JSON, status=400)
    way.talk(wire.options(), say)
    (refused,) = [span for span in seen.spans if span.status == "error"]
    assert not [name for name in refused.attributes if name.startswith("gen_ai.usage")]
    assert refused.attributes["error.type"] == "bad"


def test_a_page_instead_of_an_answer_is_no_trouble_of_ours(way, wire, seen, capsys):
    wire.will_say(b"<html>", content_type="text/html")
    assert way.talk(wire.options(), create) == "<html>"
    (span,) = seen.spans
    assert span.status == "ok"
    assert "messages" not in (span.output or {})
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", [dict, object, str, httpx2.Response])
def test_an_answer_may_be_wanted_as_anything(way, wire, seen, capsys, kind):
    wire.will_say(completion("fine"), content_type=JSON)

    async def say(client):
        body = {"model": "m", "messages": user("who?")}
        return await now(client.post("/chat/completions", body=body, cast_to=kind))

    assert isinstance(way.talk(wire.options(), say), kind)
    (span,) = seen.spans
    assert span.status == "ok"
    assert capsys.readouterr().err == ""
    assert span.attributes["gen_ai.usage.input_tokens"] == USAGE["prompt_tokens"]
