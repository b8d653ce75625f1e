"""Clients of `openai` for the provider and the server of `provider_kit`, and the chunks of its streams."""

from __future__ import annotations

import asyncio

import openai
from provider_kit import event, now


def chunk(delta=None, finish=None, **more):
    """One chunk of a streamed chat completion."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served"}
    return event({**head, "choices": choices, **more})


DONE = event("[DONE]")


class Way:
    """Sync or async: one test for both."""

    def __init__(self, *, is_async: bool) -> None:
        self.is_async = is_async
        self.kind = openai.AsyncOpenAI if is_async else openai.OpenAI
        self.azure = openai.AsyncAzureOpenAI if is_async else openai.AzureOpenAI

    def __repr__(self) -> str:
        return "async" if self.is_async else "sync"

    def talk(self, options, say, kind=None):
        """Open a client, and give what `say` makes of it."""

        async def main():
            client = (kind or self.kind)(**options)
            try:
                return await say(client)
            finally:
                await now(client.close())

        return asyncio.run(main())
