"""A provider of models that answers as it is told, and notes on the wire what it really served.

It stands before `@copilotkit/aimock`, which answers in the words of each provider's interface, and adds what that
leaves out: tokens that a cache held, and a first try that is refused. What it notes is read from the very bytes that
the client gets.
"""

import json
import os
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CACHE_READ, CACHE_WRITE, THOUGHTS = 64, 16, 8
RUN = os.getpid()
lock = threading.Lock()
served: list[dict] = []
refused: set[str] = set()
upstream = sys.argv[1]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        with lock:
            body = json.dumps(served).encode()
        self._send(200, "application/json", body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        text = body.decode("utf-8", "replace")
        if "refuse the first try" in text and text not in refused:
            refused.add(text)
            error = {
                "error": {"type": "rate_limit_error", "message": "slow down", "code": "rate_limit_exceeded"}
            }
            self._note(429, {}, None)
            self._send(
                429,
                "application/json",
                json.dumps(error).encode(),
                {"retry-after-ms": "5", "retry-after": "0"},
            )
            return
        headers = {"content-type": "application/json", "authorization": "Bearer none", "x-api-key": "none"}
        headers["anthropic-version"] = "2023-06-01"
        request = urllib.request.Request(upstream + self.path, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request) as answer:
                status, kind, data = answer.status, answer.headers["content-type"], answer.read()
        except urllib.error.HTTPError as error:
            status, kind, data = error.code, error.headers["content-type"], error.read()
        if "remember this" in text:
            data = cached(data, "event-stream" in kind)
        self._note(
            status, json.loads(body or b"{}"), used(data, "event-stream" in kind) if status == 200 else None
        )
        self._send(status, kind, data, {"request-id": f"req_{RUN}_{len(served):03}"})

    def _note(self, status, asked, usage):
        with lock:
            served.append({"path": self.path.partition("?")[0], "status": status, "usage": usage})

    def _send(self, status, kind, data, more=()):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        for name, value in dict(more).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def documents(data, is_stream):
    if not is_stream:
        return [json.loads(data)]
    lines = [line[5:].strip() for line in data.decode().splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line and line != "[DONE]"]


def used(data, is_stream):
    """Tokens as the client is told them; None for what it is not told."""
    found = {}
    for document in documents(data, is_stream):
        for inner in (document, document.get("message") or {}, document.get("response") or {}):
            for usage in (inner.get("usage"), inner.get("usageMetadata")):
                if isinstance(usage, dict):
                    found.update({name: value for name, value in usage.items() if value is not None})
    if not found:
        return None
    fresh = found.get("input_tokens", 0) if "cache_read_input_tokens" in found else None
    whole = next(
        (found[n] for n in ("prompt_tokens", "input_tokens", "promptTokenCount") if n in found), None
    )
    if fresh is not None:
        whole = fresh + found["cache_read_input_tokens"] + found["cache_creation_input_tokens"]
    details = found.get("prompt_tokens_details") or found.get("input_tokens_details") or {}
    out = next(
        (found[n] for n in ("completion_tokens", "output_tokens", "candidatesTokenCount") if n in found), None
    )
    read = found.get(
        "cache_read_input_tokens", details.get("cached_tokens", found.get("cachedContentTokenCount"))
    )
    out = (out or 0) + found.get("thoughtsTokenCount", 0)
    return {"input": whole, "output": out, "cache_read": read or 0}


def cached(data, is_stream):
    """The answer with what a cache held: Anthropic counts it beside the input, OpenAI within."""
    text = data.decode()
    anthropic = (
        f'"input_tokens":7,"cache_read_input_tokens":{CACHE_READ},"cache_creation_input_tokens":{CACHE_WRITE}'
    )
    text = text.replace('"input_tokens":107', anthropic).replace('"input_tokens": 107', anthropic)
    details = f'"prompt_tokens":107,"prompt_tokens_details":{{"cached_tokens":{CACHE_READ}}}'
    google = f'"promptTokenCount":107,"cachedContentTokenCount":{CACHE_READ},"thoughtsTokenCount":{THOUGHTS}'
    text = text.replace('"prompt_tokens":107', details)
    return text.replace('"promptTokenCount":107', google).encode()


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
print("ready", flush=True)
server.serve_forever()
