"""What a wrapper must know of one package: its classes, and which of its requests are calls of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from msgspec import Struct

from flightlog.core.llm import ModelCall
from flightlog.integrations.stainless.answer import Answer, Stream
from flightlog.records.span import Span

INSTRUMENTATION: Final = "flightlog.instrumentation"
"""Attribute that names the library whose wrapper made the span, so that a call which somebody else recorded as
well can be told from a second call."""

OURS: Final = ("provider", "operation", "name", "level", "model")
"""Parameters of `llm`; a request that has one of these names keeps it under `flightlog.request.*`."""


class Maker(Protocol):
    """Makes of a record what was served; a module is one."""

    def whole(self, record: Span, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as one object."""

    def events(
        self, answer: Mapping[str, Any], body: Mapping[str, Any], pieces: int, *, complete: bool
    ) -> Iterator[bytes]:
        """The answer as server-sent events."""


class Api(Struct, frozen=True):
    """One kind of model call of a package."""

    operation: str
    """OpenTelemetry's word for it."""
    type: str
    """OpenTelemetry's `openai.api.type`; empty where it has no word."""
    read: Callable[[Mapping[str, Any]], Answer]
    stream: Callable[[], Stream] | None
    maker: Any
    """A `Maker`, for reruns."""
    error_event: str = ""
    """Name of the event by which a failure is told within a stream; empty where it has none."""


class Package(Struct, frozen=True):
    """One package."""

    name: str
    classes: tuple[str, ...]
    """Of its clients, which it must have."""
    more: tuple[str, ...]
    """Of clients that it may have besides."""
    request_id: str
    """Header with the server's own name for an exchange."""
    api_of: Callable[[Any], Api | None]
    """The API that a request's options are for; None when it calls no model."""
    begin: Callable[[Any, Api, Any], ModelCall]
    """Makes the span of a request of a client, not started yet."""


def server(client: Any) -> tuple[str, int | None]:
    """Host and port of the client's base URL; the port is None where the scheme's own is meant."""
    url = client.base_url
    return str(url.host), url.port
