"""What a middleware is told: which requests it leaves alone, and what it may tell of the others."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any


class Options:
    """An application, and the options of the middleware around it: the same for ASGI and WSGI."""

    def __init__(
        self,
        app: Any,
        *,
        exclude: str | Iterable[str] = (),
        request_headers: str | Iterable[str] = (),
        response_headers: str | Iterable[str] = (),
        query: bool = True,
        client_address: bool = False,
        trust: bool = True,
        answers: bool = True,
    ) -> None:
        """Wrap an application.

        Args:
            app: any ASGI 3 application, or any WSGI application.
            exclude: patterns of paths that are left alone: `/health`, `/static/*`.
            request_headers: names of headers that are recorded; of a secret one only that it was there.
            response_headers: the same for the answer.
            query: whether the query is recorded, redacted.
            client_address: whether the client's address is recorded.
            trust: whether a caller's trace goes on here; else it is linked, and each request is a trace of its own.
            answers: whether `traceresponse` and `X-Correlation-Id` are added to the answer.
        """
        self.app = app
        self.exclude = _words(exclude)
        self.request_headers = frozenset(name.lower() for name in _words(request_headers))
        self.response_headers = frozenset(name.lower() for name in _words(response_headers))
        self.query = query
        self.client_address = client_address
        self.trust = trust
        self.answers = answers

    def excludes(self, path: str) -> bool:
        """Whether requests of this path are left alone."""
        return any(fnmatchcase(path, pattern) for pattern in self.exclude)


def _words(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
