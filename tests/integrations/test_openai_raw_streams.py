"""A program that takes the bytes as they come over the wire has read its answer all the same."""

from __future__ import annotations

import gzip

import pytest
from openai_kit import DONE, chunk
from provider_kit import each, inside, user

ENDED = "flightlog.stream.ended"
SAID = [chunk({"content": "hel"}), chunk({"content": "lo"}, "stop"), DONE]


async def raw(client, most=None):
    """The pieces that come over the wire, all of them or the first few."""
    pieces = []
    make = client.chat.completions.with_streaming_response.create
    async with inside(make(model="m", messages=user("hello"), stream=True)) as response:
        served = response.http_response
        source = served.aiter_raw() if _is_async(client) else served.iter_raw()
        async for piece in each(source):
            pieces.append(piece)
            if len(pieces) == most:
                break
    return b"".join(pieces)


def _is_async(client):
    return type(client).__name__.startswith("Async")


def test_raw_bytes_of_a_plain_answer_are_read_as_the_answer(way, wire, seen):
    wire.will_say(*SAID)
    assert way.talk(wire.options(), raw) == b"".join(SAID)
    (span,) = seen.spans
    assert span.status == "ok"
    assert span.attributes[ENDED] == "complete"
    assert span.output == {"messages": [{"role": "assistant", "content": "hello"}]}
    assert span.attributes["gen_ai.response.finish_reasons"] == ["stop"]


def test_raw_bytes_of_a_compressed_answer_end_its_call_without_a_text(way, wire, seen, capsys):
    packed = gzip.compress(b"".join(SAID))
    wire.will_say(packed, Content_Encoding="gzip")
    assert way.talk(wire.options(), raw) == packed
    (span,) = seen.spans
    assert span.status == "ok"
    assert span.attributes[ENDED] == "complete"
    assert not span.output
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_raw_bytes_that_are_left_early_end_the_call_early(way, wire, seen, coding):
    pieces = SAID if coding == "identity" else [gzip.compress(piece) for piece in SAID]
    wire.will_say(*pieces, Content_Encoding=coding)

    async def say(client):
        return await raw(client, most=1)

    assert way.talk(wire.options(), say) == pieces[0]
    (span,) = seen.spans
    assert span.attributes[ENDED] == "early"
    assert bool(span.output) is (coding == "identity")


def test_raw_bytes_of_a_connection_that_breaks_are_the_call_s_error(way, wire, seen):
    wire.will_say(SAID[0], None)
    with pytest.raises(Exception, match=r"closed|incomplete|peer"):
        way.talk(wire.options(), raw)
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("error", "broken")


def test_a_whole_answer_that_is_read_raw_is_recorded(way, wire, seen):
    wire.will_say(b'{"id": "1", "usage": {"prompt_tokens": 3}}', content_type="application/json")
    assert way.talk(wire.options(), raw).startswith(b'{"id"')
    (span,) = seen.spans
    assert span.attributes["gen_ai.usage.input_tokens"] == 3


def test_the_raw_bytes_that_the_client_itself_asks_for_are_counted_once(way, wire, seen):
    wire.will_say(gzip.compress(b"".join(SAID)), Content_Encoding="gzip")

    async def say(client):
        make = client.chat.completions.with_streaming_response.create
        async with inside(make(model="m", messages=user("hello"), stream=True)) as response:
            return [line async for line in each(response.iter_lines())]

    assert "data: [DONE]" in way.talk(wire.options(), say)
    (span,) = seen.spans
    assert span.output == {"messages": [{"role": "assistant", "content": "hello"}]}
    assert span.attributes["flightlog.stream.chunks"] == 2
