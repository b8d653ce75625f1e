"""Clients of `anthropic` for the provider and the server of `openai_kit`, and the events of its streams."""

from __future__ import annotations

import anthropic
from openai_kit import Way
from provider_kit import event, now

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "served",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
}


class Claude(Way):
    """Sync or async: one test for both."""

    def __init__(self, *, is_async: bool) -> None:
        super().__init__(is_async=is_async)
        self.kind = anthropic.AsyncAnthropic if is_async else anthropic.Anthropic


def at(place, **more):
    """Options of a client of the provider, or of the server that says what a test wants."""
    options = place.options(**more)
    return {**options, "base_url": place.url}


def user(text):
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


def create(text, **more):
    """Ask for one message."""

    async def say(client):
        return await now(
            client.messages.create(**{"model": "claude-x", "max_tokens": 99, "messages": user(text), **more})
        )

    return say


def told(kind, **members):
    """One event of a stream."""
    return event({"type": kind, **members}, name=kind)


def begun(**usage):
    """The first event of a stream."""
    return told(
        "message_start", message={**MESSAGE, "usage": {"input_tokens": 7, "output_tokens": 1, **usage}}
    )


def block(index, start, *deltas):
    """The events of one block."""
    return [
        told("content_block_start", index=index, content_block=start),
        *(told("content_block_delta", index=index, delta=delta) for delta in deltas),
        told("content_block_stop", index=index),
    ]


def ended(reason="end_turn", **usage):
    """The last events of a stream."""
    return [
        told("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=usage),
        told("message_stop"),
    ]
