"""A real HTTP server for the tests of the clients: it tells what it got, redirects, fails and streams."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args):
        """Say nothing."""

    def _answer(self):
        asked = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.partition("?")[0]
        self.server.asked.append((path, list(self.headers.items())))
        if path == "/gone":
            self.close_connection = True
            return
        if path == "/half":
            self.send_response(200)
            self.send_header("content-length", "10")
            self.end_headers()
            self.wfile.write(b"12345")
            self.close_connection = True
            return
        if path == "/stream":
            self._stream()
            return
        if path == "/v1/chat/completions":
            self._chat(is_streamed=json.loads(asked).get("stream", False))
            return
        status = {"/missing": 404, "/redirect": 302, "/broken": 503}.get(path, 200)
        if path == "/again" and len(self.server.asked) < 3:
            status = 503
        body = json.dumps(dict(self.headers.items())).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("location", "/echo")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815 - the names that the standard library wants

    def _chat(self, *, is_streamed):
        told = {"role": "assistant", "content": "Hello."}
        head = {"id": "c-1", "created": 1, "model": "m", "object": "chat.completion"}
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        choice = {"index": 0, "finish_reason": "stop"}
        if is_streamed:
            chunk = {
                **head,
                "object": "chat.completion.chunk",
                "choices": [{**choice, "delta": told}],
                "usage": usage,
            }
            body, kind = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n", "text/event-stream"
        else:
            body = json.dumps({**head, "choices": [{**choice, "message": told}], "usage": usage})
            kind = "application/json"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def _stream(self):
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number in range(3):
            self.wfile.write(b"5\r\n12345\r\n")
            self.wfile.flush()
            if number == 0:
                self.server.go_on.wait(20)
        self.wfile.write(b"0\r\n\r\n")


class Server:
    """The server in a thread of its own."""

    def __init__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # clients hang up, and that is meant
        self.asked = self._server.asked = []
        self.go_on = self._server.go_on = threading.Event()
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def headers(self, number=-1):
        """Headers of a request, by name in lower case."""
        return {name.lower(): value for name, value in self.asked[number][1]}

    def close(self):
        self.go_on.set()
        self._server.shutdown()
        self._thread.join(20)
        self._server.server_close()
