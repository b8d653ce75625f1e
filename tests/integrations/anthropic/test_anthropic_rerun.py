"""A rerun gives the package's callers what was recorded, in every way in which they ask, and makes no request."""

from __future__ import annotations

import anthropic
import pydantic
import pytest
from anthropic_kit import at, begun, block, create, ended, told, user
from provider_kit import each, inside, now
from test_openai_rerun import Again

from flightlog.core.rerun import Stopped, answer_by

NOWHERE = {"base_url": "http://127.0.0.1:9", "api_key": "nobody", "max_retries": 0}
"""A client of which every request fails."""
TEXT = {"type": "text", "text": ""}


@pytest.fixture
def again(seen, tmp_path):
    yield Again(seen, tmp_path)
    answer_by(None)


class Person(pydantic.BaseModel):
    name: str
    age: int


async def whole(client):
    return (await create("hello")(client)).model_dump()


async def parsed(client):
    asked = {"model": "m", "max_tokens": 9, "messages": user("person"), "output_format": Person}
    return (await now(client.messages.parse(**asked))).parsed_output


async def streamed(client):
    items = [item async for item in each(await create("hello", stream=True)(client))]
    deltas = [item.delta.text for item in items if item.type == "content_block_delta"]
    end = items[-2]
    return (
        items[0].message.id,
        "".join(deltas),
        end.delta.stop_reason,
        end.usage.output_tokens,
        items[-1].type,
    )


async def helped(client):
    async with inside(client.messages.stream(model="m", max_tokens=9, messages=user("weather"))) as stream:
        kinds = {item.type async for item in each(stream)}
        final = await now(stream.get_final_message())
    return (
        [(part.name, part.input) for part in final.content],
        "content_block_stop" in kinds,
        final.stop_reason,
    )


async def thought(client):
    answer = await create("think", thinking={"type": "enabled", "budget_tokens": 1024}, stream=True)(client)
    deltas = [item.delta async for item in each(answer) if item.type == "content_block_delta"]
    return "".join(getattr(delta, "thinking", "") for delta in deltas), "".join(
        getattr(delta, "text", "") for delta in deltas
    )


async def raw(client):
    answer = await now(
        client.messages.with_raw_response.create(model="m", max_tokens=9, messages=user("hello"))
    )
    return answer.status_code, (await now(answer.parse())).content[0].text


@pytest.mark.parametrize("say", [whole, parsed, streamed, helped, thought, raw])
def test_every_way_of_asking_gets_what_was_recorded(way, talk, again, say):
    first = way.talk(at(talk), say)
    assert first
    served = len(talk.served())
    again.begin()
    assert way.talk(NOWHERE, say) == first
    assert len(talk.served()) == served
    assert not again.notes("refused")


def test_a_refusal_is_raised_again(way, talk, again):
    async def say(client):
        with pytest.raises(anthropic.PermissionDeniedError) as caught:
            await create("forbidden")(client)
        return str(caught.value), caught.value.type

    first = way.talk(at(talk), say)
    again.begin()
    assert way.talk(NOWHERE, say) == first


def test_an_error_within_a_stream_is_raised_again(way, wire, again):
    wire.will_say(
        begun(),
        *block(0, TEXT, {"type": "text_delta", "text": "So far"})[:2],
        told("error", error={"type": "overloaded_error", "message": "Overloaded"}),
    )

    async def say(client):
        pieces = []
        with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
            async for item in each(await create("x", stream=True)(client)):
                pieces += [item.delta.text] if item.type == "content_block_delta" else []
        return pieces

    assert way.talk(at(wire), say) == ["So far"]
    again.begin()
    assert way.talk(NOWHERE, say) == ["So far"]


def test_citations_and_cached_tokens_are_given_again(way, wire, again):
    cited = {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "it"}}
    wire.will_say(
        begun(cache_read_input_tokens=50),
        *block(0, {**TEXT, "citations": []}, cited, {"type": "text_delta", "text": "As said"}),
        *ended(output_tokens=9),
    )

    async def say(client):
        asked = {"model": "m", "max_tokens": 9, "messages": user("x")}
        async with inside(client.messages.stream(**asked)) as stream:
            final = await now(stream.get_final_message())
        usage = final.usage
        return (
            final.content[0].text,
            final.content[0].citations[0].cited_text,
            usage.input_tokens,
            usage.cache_read_input_tokens,
            usage.output_tokens,
        )

    first = way.talk(at(wire), say)
    assert first == ("As said", "it", 7, 50, 9)
    again.begin()
    assert way.talk(NOWHERE, say) == first


def test_another_service_of_the_package_ends_a_strict_rerun(way, talk, again):
    way.talk(at(talk), whole)
    again.begin(strict=True)

    async def say(client):
        await now(client.messages.count_tokens(model="m", messages=user("x")))

    with pytest.raises(Stopped, match="POST /v1/messages/count_tokens of the anthropic package"):
        way.talk(NOWHERE, say)
