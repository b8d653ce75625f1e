"""The global providers of OpenTelemetry's API: ours where a program has set none, else its own with an ear in it.

A program that sets an SDK's provider later may do so: ours stands in the place without having taken it for good, hands
its tracers over, and the SDK's provider gets a processor. So a span is recorded once, whoever came first, and what the
program exports elsewhere stays what it was.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from flightlog.integrations.on_import import when_imported
from flightlog.integrations.opentelemetry.feeding import LogRecordProcessor, SpanProcessor
from flightlog.integrations.opentelemetry.logger import LoggerProvider
from flightlog.integrations.opentelemetry.notes import note
from flightlog.integrations.opentelemetry.place import installation, place
from flightlog.integrations.opentelemetry.tracer import TracerProvider

Report = Callable[[str, Exception], object]

_SPANS: Final = "add_span_processor"
_LOGS: Final = "add_log_record_processor"
"""What an SDK's providers have, and nothing else."""

_fed: Final[weakref.WeakKeyDictionary[Any, Any]] = weakref.WeakKeyDictionary()
"""Providers of SDKs and their processors of ours."""


class Seat:
    """The place of one global provider: of tracers, or of loggers."""

    def __init__(self, variable: str, setter: str, choice: str, make: Callable[[], Any]) -> None:
        self._variable = variable
        """The module's global that holds the provider."""
        self._setter = setter
        """The module's function that sets it, once."""
        self._choice = choice
        """The environment variable by which somebody else may be chosen."""
        self._make = make
        self._ours: Any = None
        self._original: Any = None

    def take(self, module: Any) -> None:
        """Sit down where nobody sits, and notice who comes; twice is harmless."""
        if self._original is None:
            original = self._original = getattr(module, self._setter)

            def seen(provider: Any, log: bool) -> None:
                original(provider, log)
                if self._original is not None:
                    self._meet(getattr(module, self._variable))

            setattr(module, self._setter, seen)
        sitting = getattr(module, self._variable)
        if sitting is None and self._choice not in os.environ:
            self._ours = self._ours or self._make()
            self._ours.is_on = True
            setattr(module, self._variable, self._ours)
        else:
            self._meet(sitting)

    def leave(self, module: Any) -> None:
        """Stand up; whoever came stays."""
        if self._original is None:
            return
        setattr(module, self._setter, self._original)
        self._original = None
        if self._ours is not None:
            self._ours.is_on = False
            if getattr(module, self._variable) is self._ours:
                setattr(module, self._variable, None)

    def _meet(self, provider: Any) -> None:
        """Have somebody else's provider tell us what it tells."""
        if provider is None or provider is self._ours:
            return
        if self._ours is not None:
            self._ours.is_on = False
        feed(provider)


_tracers: Final = Seat(
    "_TRACER_PROVIDER", "_set_tracer_provider", "OTEL_PYTHON_TRACER_PROVIDER", TracerProvider
)
_loggers: Final = Seat(
    "_LOGGER_PROVIDER", "_set_logger_provider", "OTEL_PYTHON_LOGGER_PROVIDER", LoggerProvider
)
_is_wrapped = False


def wrap(module: ModuleType, report: Report) -> None:  # noqa: ARG001 - as for each library
    """Be the provider, or listen to the one there is; nothing where OTEL_SDK_DISABLED says so."""
    global _is_wrapped  # noqa: PLW0603 - the providers are as global as this
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return
    _is_wrapped = True
    installation.put()
    _tracers.take(module)
    when_imported("opentelemetry._logs._internal", _take_logs)


def _take_logs(module: ModuleType) -> None:
    if _is_wrapped:
        _loggers.take(module)


def unwrap(module: ModuleType) -> None:
    """Leave the providers as they were, and listen no longer."""
    global _is_wrapped  # noqa: PLW0603 - as above
    _is_wrapped = False
    _tracers.leave(module)
    logs = sys.modules.get("opentelemetry._logs._internal")
    if logs is not None:
        _loggers.leave(logs)
    for processor in _fed.values():
        processor.is_on = False
    place.shows = True
    installation.take_back()


def is_client(module: ModuleType, value: object) -> bool:  # noqa: ARG001 - as for each library
    """Whether this is a provider of an SDK."""
    return hasattr(value, _SPANS) or hasattr(value, _LOGS)


def wrap_client(client: Any, report: Report) -> bool:  # noqa: ARG001 - as for each library
    """Listen to one provider of an SDK; False if that is so already."""
    known = _fed.get(client)
    if known is not None and known.is_on:
        return False
    return feed(client)


def unwrap_client(client: Any) -> None:
    """Listen no longer; a processor cannot be taken out, it does nothing more."""
    known = _fed.get(client)
    if known is not None:
        known.is_on = False


def feed(provider: Any) -> bool:
    """Give a provider of an SDK a processor of ours, once; whether it takes one."""
    known = _fed.get(provider)
    if known is not None:
        known.is_on = True
        return True
    processor: Any
    if hasattr(provider, _SPANS):
        processor = SpanProcessor()
        provider.add_span_processor(processor)
        place.shows = False
    elif hasattr(provider, _LOGS):
        processor = LogRecordProcessor()
        provider.add_log_record_processor(processor)
    else:
        kind = type(provider)
        note(
            f"{kind.__module__}.{kind.__qualname__} takes no processor; what goes through it is not recorded"
        )
        return False
    _fed[provider] = processor
    return True
