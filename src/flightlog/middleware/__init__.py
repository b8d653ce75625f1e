"""Web applications recorded from outside, one span a request; this room knows only ASGI and WSGI, no framework."""

from flightlog.middleware.asgi import ASGIMiddleware
from flightlog.middleware.wsgi import WSGIMiddleware

__all__ = ["ASGIMiddleware", "WSGIMiddleware"]
