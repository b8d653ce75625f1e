"""Where OTLP goes and how: what the program says, else the standard environment variables, else the defaults.

The variables are those of the OpenTelemetry specification ("OpenTelemetry Protocol Exporter"):
`OTEL_EXPORTER_OTLP_ENDPOINT`, `_PROTOCOL`, `_HEADERS`, `_COMPRESSION`, `_TIMEOUT` (milliseconds), `_CERTIFICATE`,
`_CLIENT_CERTIFICATE`, `_CLIENT_KEY` and `_INSECURE`, each also with `TRACES_` or `LOGS_` before its last part,
which then counts for that signal alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct

Signal = Literal["traces", "logs"]
Protocol = Literal["http/protobuf", "http/json", "grpc"]
PROTOCOLS: Final[tuple[Protocol, ...]] = ("http/protobuf", "http/json", "grpc")
COMPRESSIONS: Final = ("gzip", "none")
TIMEOUT: Final = 10.0
"""Seconds that one request may take (OpenTelemetry's default)."""

_PORTS: Final = {"grpc": 4317}
_HTTP_PORT: Final = 4318
_SCHEMES: Final = ("http", "https", "grpc", "grpcs")


class Given(Struct, frozen=True):
    """What the program says; what is empty or None is the environment's to say."""

    endpoint: str = ""
    protocol: str = ""
    headers: Mapping[str, str] = {}
    compression: str = ""
    timeout: float | None = None
    ca: str = ""
    """A file of certificates, in PEM, that the collector's is checked against."""
    cert: str = ""
    """A file with the client's own certificate, in PEM."""
    key: str = ""
    insecure: bool | None = None
    """With https: do not check the certificate. With gRPC and no scheme in the endpoint: no TLS."""


class Target(Struct, frozen=True):
    """Where one signal goes."""

    host: str
    port: int
    path: str
    secure: bool
    protocol: Protocol
    headers: Mapping[str, str]
    compress: bool
    timeout: float
    ca: str
    cert: str
    key: str
    unchecked: bool

    @property
    def is_grpc(self) -> bool:
        """Whether it goes by gRPC."""
        return self.protocol == "grpc"


def target_of(signal: Signal, given: Given, environ: Mapping[str, str]) -> Target:
    """Put together where a signal goes.

    Raises:
        ValueError: an endpoint, a protocol or a number that cannot be used; the text says which.
    """
    said = _Environment(signal, environ)
    endpoint = given.endpoint or said.value("ENDPOINT")
    own_endpoint = not given.endpoint and said.is_own("ENDPOINT")
    protocol = _protocol(given.protocol or said.value("PROTOCOL"), endpoint)
    scheme, host, port, path = _parts(endpoint, protocol)
    insecure = given.insecure
    if insecure is None:
        insecure = said.value("INSECURE").strip().lower() == "true"
    secure = scheme in ("https", "grpcs") or (
        protocol == "grpc" and not scheme and bool(endpoint) and not insecure
    )
    timeout = given.timeout
    if timeout is None:
        timeout = _milliseconds(said.value("TIMEOUT"))
    return Target(
        host=host,
        port=port,
        path=path or "/" if own_endpoint else f"{path.rstrip('/')}/v1/{signal}",
        secure=secure,
        protocol=protocol,
        headers={**_headers(said.value("HEADERS")), **given.headers},
        compress=(given.compression or said.value("COMPRESSION")) == "gzip",
        timeout=timeout,
        ca=given.ca or said.value("CERTIFICATE"),
        cert=given.cert or said.value("CLIENT_CERTIFICATE"),
        key=given.key or said.value("CLIENT_KEY"),
        unchecked=insecure and secure,
    )


class _Environment:
    """The variables of one signal."""

    def __init__(self, signal: Signal, environ: Mapping[str, str]) -> None:
        self._signal = signal.upper()
        self._environ = environ

    def value(self, name: str) -> str:
        """What is said for this signal, else for all of them; an empty variable says nothing."""
        own = self._environ.get(f"OTEL_EXPORTER_OTLP_{self._signal}_{name}", "")
        return own or self._environ.get(f"OTEL_EXPORTER_OTLP_{name}", "")

    def is_own(self, name: str) -> bool:
        """Whether something is said for this signal alone."""
        return bool(self._environ.get(f"OTEL_EXPORTER_OTLP_{self._signal}_{name}"))


def _protocol(word: str, endpoint: str) -> Protocol:
    if not word:
        return "grpc" if endpoint.startswith("grpc") else "http/protobuf"
    for known in PROTOCOLS:
        if word == known:
            return known
    raise ValueError(f"the OTLP protocol {word!r}; expected one of {', '.join(PROTOCOLS)}")


def _parts(endpoint: str, protocol: Protocol) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of an endpoint."""
    default = _PORTS.get(protocol, _HTTP_PORT)
    if not endpoint:
        return "http", "localhost", default, ""
    scheme, mark, rest = endpoint.partition("://")
    if not mark:
        scheme, rest = "", endpoint
    found = urlsplit(f"//{rest}")
    try:
        port = found.port
    except ValueError as error:
        raise ValueError(f"the OTLP endpoint has no usable port: {error}") from None
    if (scheme and scheme not in _SCHEMES) or not found.hostname or found.username or found.password:
        raise ValueError("an OTLP endpoint such as http://localhost:4318; credentials go into headers")
    if not scheme and protocol != "grpc":
        scheme = "http"
    standard = {"http": 80, "https": 443}.get(scheme, default) if protocol != "grpc" else default
    return scheme, found.hostname, port or standard, found.path


def _milliseconds(text: str) -> float:
    if not text:
        return TIMEOUT
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < 1e9:
        raise ValueError(f"the OTLP timeout {text!r}; expected a number of milliseconds")
    return number / 1000


def _headers(text: str) -> dict[str, str]:
    """Headers as the variable has them: `name=value,name=value`, percent-encoded (W3C Baggage)."""
    found = {}
    for part in text.split(","):
        name, mark, value = part.partition("=")
        if mark and name.strip():
            found[unquote(name.strip())] = unquote(value.strip())
    return found
