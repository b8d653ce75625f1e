"""Tracers of OpenTelemetry's instrumentors for HTTP clients, where Flightlog tells of the same requests itself.

A program may have set such an instrumentor up, and have Flightlog record its requests as well. Where theirs is around
ours, `integrations/http` leaves the request to it. Where theirs is within ours, as with httpx and aiohttp, a span of
theirs would be the same request again: then what it gets stands for ours, leaves no record, and has ours for its ids.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanKind

from flightlog.core.context import variable
from flightlog.integrations.opentelemetry.autogen import OwnTracer, is_own
from flightlog.integrations.opentelemetry.place import span_of

_WHOSE: Final = "opentelemetry.instrumentation."
CLIENTS: Final = frozenset(_WHOSE + name for name in ("aiohttp_client", "httpx", "requests", "urllib3"))
"""Scopes of these instrumentors."""
_REQUESTS: Final = "flightlog.integrations.http.call"
"""Our module that knows of a request under way; where it is not loaded, we tell of none."""
_PLACE: Final = 1
"""Where the kind of a span stands among the arguments behind its name."""


def listening(name: str, tracer: trace.Tracer, provider: Any) -> trace.Tracer:
    """Give what tells of the spans of a library as `tracer` does, and leaves out what we tell of ourselves.

    Args:
        name: of its scope.
        tracer: begins its spans.
        provider: ours, that gave it.
    """
    if is_own(name):
        return OwnTracer(tracer, provider)
    return ClientTracer(tracer, provider) if name in CLIENTS else tracer


class ClientTracer(trace.Tracer):
    """Begins spans for one of them."""

    def __init__(self, tracer: trace.Tracer, provider: Any) -> None:
        """Prepare.

        Args:
            tracer: begins those of requests that we do not tell of, and all others.
            provider: ours, that gave it; while it is not on, somebody else is told.
        """
        self._tracer = tracer
        self._provider = provider

    def start_span(self, name: str, *args: Any, **kwargs: Any) -> trace.Span:
        """Begin a span, as any tracer; what stands for ours where that tells of the same request."""
        ours = _ours(args, kwargs) if self._provider.is_on else None
        return self._tracer.start_span(name, *args, **kwargs) if ours is None else ours

    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Make a block with a span, as any tracer; as for `start_span`."""
        ours = _ours(args, kwargs) if self._provider.is_on else None
        if ours is None:
            return self._tracer.start_as_current_span(name, *args, **kwargs)
        return trace.use_span(ours, record_exception=False, set_status_on_exception=False)


def _ours(args: tuple[Any, ...], kwargs: dict[str, Any]) -> NonRecordingSpan | None:
    """What stands for the span of the request that is being made here, if we tell of it."""
    kind = args[_PLACE] if len(args) > _PLACE else kwargs.get("kind")
    module: Any = sys.modules.get(_REQUESTS)
    if kind is not SpanKind.CLIENT or module is None:
        return None
    call, here = module.under_way.get(), variable.get()
    if call is None or call.is_over or here is not call.span:
        return None
    return NonRecordingSpan(span_of(here).get_span_context())
