"""What may be told of an HTTP request: methods, addresses without what is secret in them, headers on a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from flightlog.core.engine import current
from flightlog.core.redact import shortened
from flightlog.records import http
from flightlog.records.kinds import Level

MOST_CHARACTERS: Final = 2048
"""Of an address; beyond it the end is left out."""

_BEYOND: Final = 4096
"""Characters behind that which are looked at, so that no half secret stays."""

HIDDEN: Final = "[REDACTED]"

_MODELS: Final = frozenset({"llm", "embedding", "rerank"})
"""Kinds of spans that are one request to somebody's service themselves."""

_SECRET_PARAMETERS: Final = frozenset(
    {
        "awsaccesskeyid",
        "code",
        "sig",
        "signature",
        "ticket",
        "x-amz-credential",
        "x-amz-security-token",
        "x-amz-signature",
        "x-goog-credential",
        "x-goog-signature",
    }
)
"""Beside what the gate knows by itself (`token`, `api_key`, …): what signed and one-time addresses are made of."""

_SECRET_HEADERS: Final = frozenset(
    {
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "www-authenticate",
        "x-amz-security-token",
        "x-api-key",
        "api-key",
        "x-csrf-token",
        "x-forwarded-client-cert",
    }
)
_SECRET_PARTS: Final = ("token", "secret", "password", "session", "api-key", "apikey", "credential")


def method_facts(method: str) -> dict[str, object]:
    """The method, by its name where it is one that is known."""
    known = method.upper()
    if known in http.METHODS:
        return {http.METHOD: known}
    return {http.METHOD: http.OTHER, http.METHOD_ORIGINAL: shortened(method, 64)}


def level_here() -> Level:
    """How important a request is that is made here: within a model's call it is that call's raw form."""
    return "trace" if getattr(current(), "_kind", "") in _MODELS else "info"


def short_name(facts: Mapping[str, object], route: str = "") -> str:
    """The name of a request's span: few distinct ones, whatever clients ask for."""
    method = facts.get(http.METHOD)
    first = "HTTP" if method in {None, http.OTHER} else str(method)
    return f"{first} {route}" if route else first


def shown_query(query: str) -> str:
    """A query without the values that are secret by their names."""
    shown = "&".join(map(_shown_parameter, query[: MOST_CHARACTERS + _BEYOND].split("&")))
    return shortened(shown, MOST_CHARACTERS)


def _shown_parameter(part: str) -> str:
    name, sign, value = part.partition("=")
    return f"{name}={HIDDEN}" if sign and value and name.lower() in _SECRET_PARAMETERS else part


def shown_url(url: str) -> str:
    """An address without user, password and fragment, and with its query as `shown_query` has it."""
    url = url.partition("#")[0]
    front, mark, query = url.partition("?")
    scheme, sign, rest = front.partition("://")
    if sign:
        host, slash, path = rest.partition("/")
        front = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
    return shortened(f"{front}?{shown_query(query)}" if mark else front, MOST_CHARACTERS)


def named_headers(
    headers: Iterable[tuple[str, str]], names: frozenset[str], prefix: str
) -> Iterator[tuple[str, list[str]]]:
    """Those headers that are on the list, as attributes; of a secret one only that it was there.

    Args:
        headers: names in lower case, with their values.
        names: those that may be told, in lower case.
        prefix: of the attributes' names.
    """
    found: dict[str, list[str]] = {}
    for name, value in headers:
        if name in names:
            hidden = is_secret_header(name)
            found.setdefault(name, []).append(HIDDEN if hidden else shortened(value, MOST_CHARACTERS))
    for name, values in found.items():
        yield prefix + name, values


def is_secret_header(name: str) -> bool:
    """Whether a header's value is never told, by its name in lower case."""
    return name in _SECRET_HEADERS or any(part in name for part in _SECRET_PARTS)


def host_and_port(text: str) -> tuple[str, int | None]:
    """The parts of a `Host` header, or of an address's authority."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or (host.startswith("[") and not host.endswith("]")):
        return text.strip("[]"), None
    return host.strip("[]"), int(port) if len(port) <= 5 else None
