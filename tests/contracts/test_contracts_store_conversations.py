"""A conversation is stored once, however often it is sent, and comes back as each request that it was."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from contracts.store_lines import Engine, span, trace_id
from flightlog.records.line import Line

TURNS = 50
TURN_BYTES = 2000
ALLOWED = 0.05
"""Share of the bytes of all requests that a store may take for them."""


def _conversation(seed: int = 1) -> list[dict[str, Any]]:
    """Two messages a turn, of words by chance."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 9))) for _ in range(2000)]
    return [
        {"role": role, "content": " ".join(chance.choices(words, k=TURN_BYTES // 13))}
        for _ in range(TURNS)
        for role in ("user", "assistant")
    ]


def _requests(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    tools = [{"type": "function", "function": {"name": f"tool_{number}"}} for number in range(20)]
    return [{"messages": messages[: 2 * turn - 1], "tools": tools} for turn in range(1, TURNS + 1)]


def _lines(requests: list[dict[str, Any]], trace: int = 1) -> list[Line]:
    return [span(trace, at, at=at, kind="llm", input=request) for at, request in enumerate(requests, 1)]


@pytest.mark.parametrize("batch", [1, 7, TURNS])
def test_a_growing_conversation_takes_a_twentieth_of_its_requests(engine: Engine, batch: int) -> None:
    requests = _requests(_conversation())
    lines = _lines(requests)
    engine.append(span(9, 1))
    before = engine.reader().sizes()
    for place in range(0, TURNS, batch):
        engine.append(*lines[place : place + batch])
    after = engine.reader().sizes()
    sent = sum(len(msgspec.json.encode(request)) for request in requests)
    assert sent > TURNS * TURNS / 2 * TURN_BYTES * 0.9
    assert after.payload_bytes - before.payload_bytes < ALLOWED * sent
    assert [found.input for found in engine.reader().spans(trace_id(1))] == requests


def test_its_lines_say_the_same_bytes_as_before(engine: Engine) -> None:
    requests = _requests(_conversation())[:9]
    engine.append(*_lines(requests))
    found = [line for line in engine.reader().lines(trace_id(1)) if b'"span"' in line]
    for line, request in zip(found, requests, strict=True):
        assert msgspec.json.encode(request) in line


def test_a_request_delivered_twice_changes_nothing(engine: Engine) -> None:
    lines = _lines(_requests(_conversation())[:9])
    engine.append(*lines)
    before = engine.reader().sizes()
    assert engine.append(*reversed(lines)).repeated == len(lines)
    after = engine.reader().sizes()
    assert (after.payloads, after.payload_bytes) == (before.payloads, before.payload_bytes)


@pytest.mark.parametrize("loser_first", [True, False])
def test_of_two_requests_of_one_span_the_winner_s_comes_back(engine: Engine, loser_first: bool) -> None:
    requests = _requests(_conversation())
    lines = [span(1, 1, took=None, input=requests[8]), span(1, 1, input=requests[5])]
    for line in lines if loser_first else reversed(lines):
        engine.append(line)
    (found,) = engine.reader().spans(trace_id(1))
    assert found.input == requests[5]
    assert engine.reader().verify() == []


@pytest.mark.parametrize("first", [1, 2])
def test_what_two_conversations_share_goes_with_the_second_of_them(engine: Engine, first: int) -> None:
    requests = _requests(_conversation())
    engine.append(*_lines(requests[:6], 1), *_lines(requests[3:9], 2))
    whole = engine.reader().sizes()
    deleted = engine.writer().delete_trace(trace_id(first))
    kept = engine.reader().sizes()
    assert whole.payloads - kept.payloads == deleted.payloads > 0
    assert engine.reader().verify() == []
    expected = requests[3:9] if first == 1 else requests[:6]
    assert [found.input for found in engine.reader().spans(trace_id(3 - first))] == expected
    engine.writer().delete_trace(trace_id(3 - first))
    gone = engine.reader().sizes()
    assert (gone.payloads, gone.payload_bytes) == (0, 0)
    assert engine.reader().verify() == []


def test_without_payloads_a_request_stays_away(engine: Engine) -> None:
    engine.append(*_lines(_requests(_conversation())[4:6]))
    assert [found.input for found in engine.reader().spans(trace_id(1), payloads=False)] == [
        msgspec.UNSET
    ] * 2
