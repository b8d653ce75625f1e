"""A service as the public test suite for W3C trace context wants it, made of our middleware and a recorded client.

Each POST brings a list of addresses with arguments, which it posts to them in turn. Run as a program it prints its
address and serves until its standard input ends. Its argument says of what it is made.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import aiohttp
import httpx
import requests
import urllib3
import uvicorn

import flightlog as fl
from flightlog.middleware import ASGIMiddleware, WSGIMiddleware


def announce(port: int) -> None:
    """Tell where it is."""
    sys.stdout.write(f"http://127.0.0.1:{port}/test\n")
    sys.stdout.flush()


async def post_httpx(url, body):
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        await client.post(url, content=body)


async def post_aiohttp(url, body):
    async with aiohttp.ClientSession() as session, session.post(url, data=body):
        pass


def post_requests(url, body):
    with requests.Session() as session:
        session.trust_env = False
        session.post(url, data=body, timeout=10)


def post_urllib3(url, body):
    with urllib3.PoolManager(timeout=10) as pool:
        pool.request("POST", url, body=body)


POSTS = {"httpx": post_httpx, "aiohttp": post_aiohttp, "requests": post_requests, "urllib3": post_urllib3}


def asgi(post):
    """The service as an ASGI application."""

    async def service(_scope, receive, send):
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        for call in json.loads(body or b"[]"):
            with fl.span("forward"):
                await post(call["url"], json.dumps(call["arguments"]).encode())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return service


async def serve(application) -> None:
    """Serve ASGI on a free port until standard input ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_level="warning"))
    running = asyncio.create_task(server.serve([listening]))
    announce(listening.getsockname()[1])
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await running


def wsgi(post):
    """The service as a WSGI application."""

    def service(environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        for call in json.loads(body or b"[]"):
            with fl.span("forward"):
                post(call["url"], json.dumps(call["arguments"]).encode())
        start_response("200 OK", [])
        return []

    return service


class Silent(WSGIRequestHandler):
    """A handler that logs nothing."""

    def log_message(self, *_args):
        """Say nothing."""


def serve_wsgi(application) -> None:
    """Serve WSGI on a free port until standard input ends."""
    with make_server("127.0.0.1", 0, application, handler_class=Silent) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        announce(server.server_port)
        sys.stdin.read()
        server.shutdown()
        thread.join()


def main(way: str) -> None:
    """Serve in one of the ways."""
    if way == "plain":
        asyncio.run(serve(asgi(post_httpx)))
        return
    gateway, _, library = way.partition("-")
    fl.instrument(library)
    if gateway == "asgi":
        asyncio.run(serve(ASGIMiddleware(asgi(POSTS[library]))))
    else:
        serve_wsgi(WSGIMiddleware(wsgi(POSTS[library])))


if __name__ == "__main__":
    main(sys.argv[1])
