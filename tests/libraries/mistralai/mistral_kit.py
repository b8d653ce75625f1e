"""Clients of `mistralai` for the provider and for the server that says what a test wants, and its answers."""

from __future__ import annotations

import asyncio
import json

import httpx2
from mistralai import client as package
from mistralai.client.utils import BackoffStrategy, RetryConfig
from provider_kit import event, inside, now, user

QUICK = RetryConfig("backoff", BackoffStrategy(1, 2, 1.1, 2000, jitter_ms=1), retry_connection_errors=True)
"""Retries that do not wait."""
BRIEF = RetryConfig("backoff", BackoffStrategy(1, 2, 1.1, 0, jitter_ms=1), retry_connection_errors=True)
"""Retries that are given up at once."""


def at(place, **more):
    """Options of a client of the provider, or of the server that says what a test wants."""
    return {"server_url": place.url, "headers": place.options().get("default_headers", {}), **more}


class Mistral:
    """Sync or async: one test for both."""

    def __init__(self, *, is_async: bool) -> None:
        self.is_async = is_async

    def talk(self, options, say):
        """What somebody says to a client with these options, by way of something that calls its methods."""

        async def main():
            given = dict(options)
            headers = given.pop("headers", {})
            clients = {
                "client": httpx2.Client(headers=headers),
                "async_client": httpx2.AsyncClient(headers=headers),
            }
            client = package.Mistral(api_key="nobody", **clients, **given)
            try:
                return await say(Asking(client, self.is_async))
            finally:
                clients["client"].close()
                await clients["async_client"].aclose()

        return asyncio.run(main())


class Asking:
    """Calls a method of a client, or its twin for tasks."""

    def __init__(self, client, is_async) -> None:
        self.client = client
        self._is_async = is_async

    def __call__(self, path, **asked):
        *way, name = path.split(".")
        owner = self.client
        for step in way:
            owner = getattr(owner, step)
        return now(getattr(owner, f"{name}_async" if self._is_async else name)(**asked))


def complete(text, **more):
    """Ask for one answer."""

    async def say(ask):
        return await ask("chat.complete", **{"model": "mistral-x", "messages": user(text), **more})

    return say


def stream(text, **more):
    """Ask for one answer in pieces; gives them."""

    async def say(ask):
        asked = {"model": "mistral-x", "messages": user(text), **more}
        async with inside(await ask("chat.stream", **asked)) as items:
            return [item.data async for item in _each(items)]

    return say


async def _each(items):
    if hasattr(items, "__aiter__"):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


def answered(message, reason="stop", **more):
    """A whole answer's bytes."""
    body = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "served",
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}],
    }
    return json.dumps({**body, **more}).encode()


def chunk(delta, reason=None, **more):
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return event(
        {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "served",
            "choices": [choice],
            **more,
        }
    )


DONE = event("[DONE]")
THOUGHT = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "Let me think."}]},
    {"type": "text", "text": "Deep."},
]


def calls(seen, kind="llm"):
    return [span for span in seen.spans if span.kind == kind]
