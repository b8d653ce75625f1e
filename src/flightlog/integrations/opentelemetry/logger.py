"""Log records of OpenTelemetry's API, also those that are events, recorded as events of ours.

A record stands on the span that its context names, which need not be the current one. Its event name is the event's
name (`log` where it has none), its severity the level, a body that is no text the attribute `body`. A line that
`logging` is handing on and that was recorded already is not recorded again.
"""

from __future__ import annotations

from collections.abc import Mapping
from sys import _getframe
from typing import Any, Final

from opentelemetry import _logs as api
from opentelemetry import trace
from opentelemetry.context.context import Context

from flightlog.core import detached
from flightlog.core.content import METADATA, WITHHELD
from flightlog.core.context import variable
from flightlog.core.control import control
from flightlog.core.engine import lose, parent_at, verdicts, withholds
from flightlog.core.outcome import fault_of, text_of
from flightlog.integrations import logline
from flightlog.integrations.opentelemetry.limits import NO_LIMIT, Limits, from_environment
from flightlog.integrations.opentelemetry.meaning import is_content, is_content_event
from flightlog.integrations.opentelemetry.notes import note
from flightlog.integrations.opentelemetry.place import installation, place, place_of
from flightlog.integrations.opentelemetry.scope import Scope
from flightlog.integrations.opentelemetry.values import cleaned, sayable
from flightlog.records.attributes import EXCEPTION
from flightlog.records.kinds import Level

_LEVELS: Final[tuple[Level, ...]] = ("trace", "debug", "info", "warn", "error", "fatal")
"""Each has four severity numbers, from 1 on."""

FIELDS: Final = (
    "timestamp",
    "observed_timestamp",
    "context",
    "severity_number",
    "severity_text",
    "body",
    "attributes",
    "event_name",
    "exception",
)
"""What a log record has, and `emit` takes by name."""


class LoggerProvider(api.LoggerProvider):
    """Gives loggers that record with Flightlog."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Make one.

        Args:
            limits: how much of a record is kept; None reads OpenTelemetry's environment variables.
        """
        self.limits = limits or from_environment()
        self.is_on = True
        """Whether its loggers record; else they hand on to whoever is the global provider."""
        installation.put()

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,
    ) -> api.Logger:
        """Give a logger for a library."""
        facts = cleaned(attributes, NO_LIMIT, NO_LIMIT).kept
        return Logger(self, Scope(text_of(name), version, schema_url, facts))


class Logger(api.Logger):
    """Records for one library."""

    def __init__(self, provider: LoggerProvider, scope: Scope) -> None:
        super().__init__(scope.name, scope.version, scope.schema_url, scope.attributes)
        self._provider = provider
        self._scope = scope

    def enabled(self, **told: Any) -> bool:
        """Whether a record of this severity is kept, as far as that is known without it."""
        if not self._provider.is_on:
            other = self._other()
            return other is not None and other.enabled(**told)
        return verdicts.get(level_of(told.get("severity_number"))) is not False

    def emit(self, record: api.LogRecord | None = None, **told: Any) -> None:
        """Record one; never raises."""
        if not self._provider.is_on:
            other = self._other()
            if other is not None:
                other.emit(record, **told) if record is not None else other.emit(**told)
            return
        try:
            if record is not None:
                told = {name: getattr(record, name, None) for name in FIELDS}
                ids = (getattr(record, "trace_id", 0), getattr(record, "span_id", 0))
            else:
                ids = (0, 0)
            record_log(told, ids, self._scope, self._provider.limits)
        except Exception as failure:  # noqa: BLE001 - the border: a record must not break its program
            lose(failure)

    def _other(self) -> api.Logger | None:
        provider = api.get_logger_provider()
        if provider is self._provider:
            return None
        return provider.get_logger(self._scope.name, self._scope.version, self._scope.schema_url)


def level_of(severity: object) -> Level:
    """The level of a severity number; what says nothing is info."""
    number = getattr(severity, "value", severity)
    return _LEVELS[(number - 1) // 4] if isinstance(number, int) and 1 <= number <= 24 else "info"


def record_log(told: Mapping[str, Any], ids: tuple[Any, Any], scope: Scope, limits: Limits) -> None:
    """Record what a log record says.

    Args:
        told: its fields, by the names that `emit` has for them.
        ids: trace and span, where the record itself has them.
        scope: whose record it is.
        limits: how much of it is kept.
    """
    level = level_of(told.get("severity_number"))
    body = told.get("body")
    verdict = verdicts.get(level)
    if verdict is False or (isinstance(body, str) and logline.is_handled(body)):
        return
    if verdict is None and not control.decide(
        level, _getframe(1)
    ):  # of the first record that decides whether to begin
        return
    facts, dropped, types = cleaned(told.get("attributes"), limits.attributes, limits.other_value_length)
    name = told.get("event_name") or facts.get("event.name") or "log"
    if body is not None and not isinstance(body, str):
        facts["body"] = sayable(body, limits.other_value_length, "body", types)
    if isinstance(text := told.get("severity_text"), str) and text.lower() not in {level, ""}:
        facts[logline.SEVERITY] = text
    error = told.get("exception")
    if isinstance(error, BaseException):
        facts = {**{EXCEPTION[key]: value for key, value in fault_of(error).items()}, **facts}
    above, where = _stand(told.get("context"), ids)
    words = body if isinstance(body, str) else ""
    if withholds(getattr(above, "_kind", "")) and (is_content_event(name) or any(map(is_content, facts))):
        facts = {key: value for key, value in facts.items() if key != "body" and not is_content(key)}
        facts[WITHHELD] = METADATA
        words = "" if is_content_event(name) else words
    time = told.get("timestamp") or told.get("observed_timestamp")
    detached.tell(
        above,
        text_of(name),
        level,
        words,
        facts,
        time=time if detached.is_moment(time) else None,
        place=where,
        otel=_otel(scope, dropped, types) | _exact(level, told.get("severity_number")),
    )


def _exact(level: Level, severity: object) -> dict[str, Any]:
    """The severity number, where it says more than the level does, which stands for the first of its four."""
    number = getattr(severity, "value", severity)
    if not isinstance(number, int) or not 1 <= number <= 24 or (number - 1) % 4 == 0:
        return {}
    return {"severity": number} if _LEVELS[(number - 1) // 4] == level else {}


def _otel(scope: Scope, dropped: int, types: Mapping[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {"name": scope.name}
    if scope.version:
        said["version"] = scope.version
    if scope.schema_url:
        said["schema_url"] = scope.schema_url
    if scope.attributes:
        said["attributes"] = scope.attributes
    told: dict[str, Any] = {"scope": said}
    if dropped:
        told["dropped"] = dropped
    if types:
        told["types"] = types
    return told


def _stand(context: Context | None, ids: tuple[Any, Any]) -> tuple[Any, tuple[str, str] | None]:
    """The span that a record stands on, and its ids where it is not one of ours."""
    if context is not None and not isinstance(context, Mapping):
        note("the context of a log record is no context; the current one is taken")
        context = None
    here = (
        parent_at(_getframe(2))
        if context is None
        else place_of(trace.get_current_span(context), variable.get())
    )
    trace_id, span_id = ids
    if not (isinstance(trace_id, int) and isinstance(span_id, int) and trace_id):
        return here, None
    named = trace.format_trace_id(trace_id), trace.format_span_id(span_id)
    if here is not None and (getattr(here, "trace_id", ""), getattr(here, "span_id", "")) == named:
        return here, None
    for fed in [*place.fed.values()]:
        if (fed.trace_id, fed.span_id) == named:
            return fed, None
    return here, named
