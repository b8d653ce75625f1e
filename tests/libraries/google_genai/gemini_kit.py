"""Clients of `google-genai` for the provider and for the server that says what a test wants, and its answers."""

from __future__ import annotations

import asyncio
import json

import provider_kit
from google import genai
from provider_kit import USAGE, event, now

ASKED = {"name": "get_weather", "arguments": {"city": "Oslo"}, "id": "call_1"}
FIXTURES = [
    {
        "match": {"userMessage": "functions", "hasToolResult": False},
        "response": {"toolCalls": [ASKED], "usage": USAGE},
    },
    {
        "match": {"userMessage": "functions", "hasToolResult": True},
        "response": {"content": "It rains.", "usage": USAGE},
    },
    *provider_kit.FIXTURES,
]
"""What the provider answers: as for the other clients, and a model that wants a function called."""
QUICK = {"attempts": 4, "initial_delay": 0.001, "max_delay": 0.002, "jitter": 0}


def at(place, **more):
    """Options of a client of the provider, or of the server that says what a test wants."""
    headers = place.options().get("default_headers", {})
    return {
        "api_key": "nobody",
        "http_options": {"base_url": place.url, "api_version": "v1beta", "headers": headers, **more},
    }


class Gemini:
    """Sync or async: one test for both."""

    def __init__(self, *, is_async: bool) -> None:
        self.is_async = is_async

    def talk(self, options, say):
        """What somebody says to a client with these options."""

        async def main():
            client = genai.Client(**options)
            try:
                return await say(client.aio if self.is_async else client)
            finally:
                await client.aio.aclose()
                client.close()

        return asyncio.run(main())


def generate(text, **config):
    """Ask for one answer."""

    async def say(client):
        return await now(client.models.generate_content(model="gemini-x", contents=text, config=config))

    return say


def stream(text, **config):
    """Ask for one answer in pieces; gives what is to be read."""

    async def say(client):
        return await now(
            client.models.generate_content_stream(model="gemini-x", contents=text, config=config)
        )

    return say


def said(*parts, reason=None, **more):
    """One chunk of an answer, or a whole one."""
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    return {"candidates": [{**candidate, **({"finishReason": reason} if reason else {})}], **more}


def chunk(*parts, **more):
    return event(said(*parts, **more))


def served(body):
    """A whole answer's bytes."""
    return json.dumps(body).encode()


def calls(seen, kind="llm"):
    return [span for span in seen.spans if span.kind == kind]
