"""A small model provider on loopback, for those who have no key: it speaks Chat Completions and follows rules.

    python examples/agent/provider.py        prints its address, and serves until its input ends

It is no model and does not pretend to be one: `planner.py` decides by rules. But everything around that is what a
real provider does: answers are streamed as server-sent events, tools are called in parallel, tokens are counted and
the start of a conversation that it has seen before is counted as cached, and once it is too busy and says so with
a 429. It answers from what the tools sent back, and from nothing else.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Final

from planner import Call, plan

BUSY_AT: Final = 2
"""Which request is turned away."""
PIECE: Final = 12
"""Characters in a piece of a streamed answer."""


class Provider(ThreadingHTTPServer):
    """Serves on a port that the system chooses."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = count(1)
        self.seen: set[str] = set()
        """Beginnings of conversations that were sent before."""
        self.lock = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no trouble; anything else is told."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # handed on as it came


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Provider

    def do_POST(self) -> None:
        """Answer a chat completion."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self.path.endswith("/chat/completions"):
            self._refuse(404, f"no such path: {self.path}")
        elif next(self.server.requests) == BUSY_AT:
            self._refuse(429, "too many requests, try again")
        else:
            self._answer(body)

    def _answer(self, body: dict[str, Any]) -> None:
        answer = plan(body["messages"])
        usage = self._usage(body["messages"], answer)
        pieces = _pieces(answer, body, usage) if body.get("stream") else [_whole(answer, body, usage)]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if body.get("stream") else "application/json")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            data = json.dumps(piece)
            self._send(f"data: {data}\n\n" if body.get("stream") else data)
        if body.get("stream"):
            self._send("data: [DONE]\n\n")
        self._send("")

    def _send(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _refuse(self, status: int, message: str) -> None:
        data = json.dumps({"error": {"message": message, "type": "refused", "code": status}}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.send_header("retry-after-ms", "150")
        self.end_headers()
        self.wfile.write(data)

    def _usage(self, messages: list[dict[str, Any]], answer: str | list[Call]) -> dict[str, Any]:
        """Four characters are a token; what was sent before, from the beginning on, is cached."""
        whole, cached, known = "", 0, True
        with self.server.lock:
            for message in messages:
                whole += json.dumps(message, sort_keys=True)
                known = known and whole in self.server.seen
                cached = len(whole) // 4 if known else cached
                self.server.seen.add(whole)
        sent = len(whole) // 4
        said = len(answer if isinstance(answer, str) else json.dumps(answer)) // 4
        return {
            "prompt_tokens": sent,
            "completion_tokens": said,
            "total_tokens": sent + said,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }

    def log_message(self, *_: object) -> None:
        """Say nothing: the program's output is the program's."""


def _pieces(
    answer: str | list[Call], body: dict[str, Any], usage: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The answer as a stream: a role, then content or calls piece by piece, a reason, and the usage."""
    deltas: list[dict[str, Any]] = [{"role": "assistant"}]
    if isinstance(answer, str):
        deltas += [{"content": answer[at : at + PIECE]} for at in range(0, len(answer), PIECE)]
    else:
        deltas += [{"tool_calls": [{"index": place, **_call(call)}]} for place, call in enumerate(answer)]
    reason = "stop" if isinstance(answer, str) else "tool_calls"
    for delta in deltas:
        yield _envelope(body, choices=[{"index": 0, "delta": delta, "finish_reason": None}])
    yield _envelope(body, choices=[{"index": 0, "delta": {}, "finish_reason": reason}])
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _envelope(body, choices=[], usage=usage)


def _whole(answer: str | list[Call], body: dict[str, Any], usage: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if isinstance(answer, str):
        message["content"] = answer
    else:
        message["tool_calls"] = [_call(call) for call in answer]
    reason = "stop" if isinstance(answer, str) else "tool_calls"
    choices = [{"index": 0, "message": message, "finish_reason": reason}]
    return {**_envelope(body, choices=choices, usage=usage), "object": "chat.completion"}


def _call(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
    }


def _envelope(body: dict[str, Any], **fields: Any) -> dict[str, Any]:
    head = {"id": "chatcmpl-rules", "object": "chat.completion.chunk", "created": 0}
    return {**head, "model": body["model"], **fields}


if __name__ == "__main__":
    provider = Provider()
    print(f"http://127.0.0.1:{provider.server_port}/v1", flush=True)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    sys.stdin.read()
