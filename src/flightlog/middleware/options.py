"""What a middleware is told: which requests it leaves alone, and what it may tell of the others."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


class Options:
    """The options of one middleware, the same for ASGI and WSGI."""

    __slots__ = (
        "answers",
        "client_address",
        "exclude",
        "query",
        "request_headers",
        "response_headers",
        "trust",
    )

    def __init__(
        self,
        *,
        exclude: str | Iterable[str],
        request_headers: str | Iterable[str],
        response_headers: str | Iterable[str],
        query: bool,
        client_address: bool,
        trust: bool,
        answers: bool,
    ) -> None:
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
