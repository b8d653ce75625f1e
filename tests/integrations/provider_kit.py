"""A real provider process for the tests, a server that says byte for byte what a test wants, and waiting for both."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

PLACE = Path(os.environ.get("FLIGHTLOG_TEST_PROVIDER") or Path(sys.prefix) / "provider")
"""Where `scripts/provider.sh` put it; an environment for one library has none of its own."""
PACKAGE = PLACE / "node_modules" / "@copilotkit" / "aimock"
INSTALL = f"install node 20 or newer and run: sh scripts/provider.sh {PLACE}"

USAGE = {"prompt_tokens": 120, "completion_tokens": 34, "total_tokens": 154}
RESPONSES_USAGE = {"input_tokens": 210, "output_tokens": 55, "total_tokens": 265}

FIXTURES = [
    {
        "match": {"userMessage": "hello"},
        "response": {"content": "Hello! How can I help you today?", "usage": USAGE, "model": "served-model"},
    },
    {
        "match": {"userMessage": "respond"},
        "response": {"content": "A response, in pieces of twenty.", "usage": RESPONSES_USAGE},
    },
    {
        "match": {"userMessage": "weather"},
        "response": {
            "toolCalls": [
                {"name": "get_weather", "arguments": {"city": "Oslo"}, "id": "call_1"},
                {"name": "get_time", "arguments": {"city": "Oslo"}, "id": "call_2"},
            ],
            "usage": USAGE,
        },
    },
    {
        "match": {"userMessage": "think"},
        "response": {"content": "Deep.", "reasoning": "Let me think about it."},
    },
    {
        "match": {"userMessage": "person"},
        "response": {"content": '{"name": "Ada", "age": 36}', "usage": USAGE},
    },
    {
        "match": {"userMessage": "forbidden"},
        "response": {
            "error": {"message": "You shall not pass", "type": "permission_error", "code": "no_pass"},
            "status": 403,
        },
    },
    {
        "match": {"userMessage": "flaky", "sequenceIndex": 0},
        "response": {
            "error": {"message": "Slow down", "type": "rate_limit_error"},
            "status": 429,
            "retryAfter": 0.01,
        },
    },
    {
        "match": {"userMessage": "flaky", "sequenceIndex": 1},
        "response": {"error": {"message": "Oops", "type": "server_error"}, "status": 500, "retryAfter": 0.02},
    },
    {"match": {"userMessage": "flaky"}, "response": {"content": "At last.", "usage": USAGE}},
    {
        "match": {"userMessage": "hopeless"},
        "response": {
            "error": {"message": "Never", "type": "rate_limit_error"},
            "status": 429,
            "retryAfter": 0.01,
        },
    },
    {"match": {"inputText": "vector"}, "response": {"embedding": [0.5, -0.25, 0.125]}},
]
"""What the provider answers; the first that fits counts, and sequences are counted for each test by itself."""

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "Look it up.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
    for name in ("get_weather", "get_time")
]


def user(text):
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


class Provider:
    """The provider's process, on a port of its own choice."""

    def __init__(self, directory: Path, answers: Sequence[dict] = FIXTURES) -> None:
        fixtures = directory / "fixtures.json"
        fixtures.write_text(json.dumps({"fixtures": list(answers)}))
        node = shutil.which("node")
        assert node is not None
        command = [node, str(PACKAGE / "dist" / "cli.js"), "--port", "0", "--fixtures", str(fixtures)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.url = ""
        for line in self._process.stdout:
            if "listening on " in line:
                self.url = line.split("listening on ")[1].strip()
                break
        assert self.url, "the provider did not start"
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def journal(self, talk: str) -> list[dict]:
        """Every request of one test that was served, oldest first."""
        with urllib.request.urlopen(f"{self.url}/__aimock/journal?testId={talk}", timeout=20) as answer:
            return json.load(answer)


class Talk:
    """What one test says to the provider, kept apart from what all others say."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._name = uuid4().hex
        self.url = provider.url

    def options(self, **more):
        return {
            "base_url": f"{self.url}/v1",
            "api_key": "nobody",
            "default_headers": {"X-Test-Id": self._name},
            **more,
        }

    def served(self) -> list[dict]:
        return self._provider.journal(self._name)

    def statuses(self) -> list[int]:
        return [entry["response"]["status"] for entry in self.served()]

    def tokens(self) -> tuple[int, int]:
        """All the tokens that went in and out, as the provider's journal has them."""
        usages = [entry["response"]["fixture"]["response"].get("usage", {}) for entry in self.served()]
        came_in = sum(usage.get("prompt_tokens", 0) + usage.get("input_tokens", 0) for usage in usages)
        came_out = sum(usage.get("completion_tokens", 0) + usage.get("output_tokens", 0) for usage in usages)
        return came_in, came_out


class Wire:
    """A server that says exactly what a test tells it to: status, headers and the pieces of a body, each in turn.

    A piece that is an event is waited for; `None` breaks the connection there.
    """

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], list]] = []
        self.requests: list[dict] = []
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                wire.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                status, headers, pieces = wire.answers.pop(0)
                self.send_response(status)
                for name, value in {"Transfer-Encoding": "chunked", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):  # the client may have gone away, on purpose
                    self._send(pieces)

            def _send(self, pieces):
                for piece in pieces:
                    if piece is None:
                        self.close_connection = True
                        self.connection.shutdown(2)
                        return
                    if isinstance(piece, threading.Event):
                        piece.wait(20)
                        continue
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_):
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def will_say(self, *pieces, status=200, content_type="text/event-stream", **headers) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, {"Content-Type": content_type, **named}, list(pieces)))

    def options(self, **more):
        return {"base_url": f"{self.url}/v1", "api_key": "nobody", "max_retries": 0, **more}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def event(data, name=""):
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


async def now(value):
    """What a call gives, or what awaiting it gives."""
    return await value if inspect.isawaitable(value) else value


async def each(stream):
    """The items of a stream of either way."""
    if hasattr(stream, "__aiter__"):
        async for item in stream:
            yield item
    else:
        for item in stream:
            yield item


@contextlib.asynccontextmanager
async def inside(manager):
    """A block of either way."""
    if hasattr(manager, "__aenter__"):
        async with manager as value:
            yield value
    else:
        with manager as value:
            yield value


def until(fact, what, within=20.0):
    """Wait until something is so."""
    deadline = time.monotonic() + within
    while not fact():
        assert time.monotonic() < deadline, f"never came: {what}"
        threading.Event().wait(0.005)
