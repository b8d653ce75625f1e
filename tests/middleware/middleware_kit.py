"""Real servers for the tests, each on a free port of the loopback and in a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import uvicorn

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_ID, PARENT_ID = PARENT.split("-")[1:3]
SECONDS = 20
"""Longest that a test waits for a fact."""


def wait_for(fact):
    """What the function gives, as soon as it gives something."""
    deadline = time.monotonic() + SECONDS
    while not (found := fact()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.005)
    return found


@contextmanager
def served(app, **options):
    """Serve an ASGI application; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(SECONDS)


class _Silent(WSGIRequestHandler):
    def log_message(self, *_args):
        """Say nothing."""


@contextmanager
def wsgi_served(app):
    """Serve a WSGI application with the standard library's server; gives its address."""
    server = WSGIServer(("127.0.0.1", 0), _Silent)
    server.set_app(app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(SECONDS)
        server.server_close()


def ask(address, request):
    """Send these very bytes; gives the open socket."""
    host, port = address.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), SECONDS)
    connection.sendall(request)
    return connection


def spans(seen, **wanted):
    """The finished spans with these fields, in the order in which they ended."""
    found = [one for one in seen.records if getattr(one, "kind", None) and one.status != "running"]
    return [one for one in found if all(getattr(one, key) == value for key, value in wanted.items())]
