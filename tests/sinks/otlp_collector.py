"""A collector for tests: a real HTTP server that reads with the generated classes and does what it is told."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

Reply = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""

FINE: Reply = (
    200,
    {"Content-Type": "application/x-protobuf"},
    ExportTraceServiceResponse().SerializeToString(),
)


class Collector:
    """Listens on a port of its own until it is stopped."""

    def __init__(self, port: int = 0, tls: Any = None) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        """Path, headers and message of each request that was taken."""
        self.replies: list[Reply | Callable[[], Reply]] = []
        """What is answered to the next requests; when there is nothing left, that all is well."""
        self.tries = 0
        self.connections = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def spans(self) -> list[Any]:
        """Every span that was taken."""
        return [
            span
            for _, _, message in self.requests
            if isinstance(message, ExportTraceServiceRequest)
            for group in message.resource_spans
            for scoped in group.scope_spans
            for span in scoped.spans
        ]

    @property
    def logs(self) -> list[Any]:
        """Every log record that was taken."""
        return [
            log
            for _, _, message in self.requests
            if isinstance(message, ExportLogsServiceRequest)
            for group in message.resource_logs
            for scoped in group.scope_logs
            for log in scoped.log_records
        ]

    def stop(self) -> None:
        """Be gone."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def setup(self) -> None:
                collector.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.tries += 1
                reply = collector.replies.pop(0) if collector.replies else FINE
                status, headers, answer = reply() if callable(reply) else reply
                if status == 200:
                    collector.requests.append(
                        (self.path, dict(self.headers), _read(self.path, self.headers, body))
                    )
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _read(path: str, headers: Any, body: bytes) -> Any:
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    kind: Any = ExportLogsServiceRequest if path.endswith("/logs") else ExportTraceServiceRequest
    if headers["Content-Type"] != "application/json":
        return kind.FromString(body)
    return Parse(_base64_ids(body), kind())


def _base64_ids(body: bytes) -> str:
    """OTLP has hexadecimal ids in JSON, where the generated classes expect base64."""
    import base64
    import json

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(one) for one in value]
        if not isinstance(value, dict):
            return value
        ids = {"traceId", "spanId", "parentSpanId"}
        return {
            name: base64.b64encode(bytes.fromhex(one)).decode()
            if name in ids and isinstance(one, str)
            else walk(one)
            for name, one in value.items()
        }

    return json.dumps(walk(json.loads(body)))
