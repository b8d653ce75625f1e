"""The words of OTLP that both directions need: enumerations, and the names under which our own fields travel.

A record that Flightlog recorded says so by `flightlog.v`, the version of its line; what stands under a name of ours
beside it is a field and no attribute. An attribute of the program's own that has such a name travels under
`flightlog.attribute.<name>`, so nothing is mistaken for something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flightlog.records.kinds import Level

KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
"""Span kinds by their numbers."""

KIND_NAMES: Final = {f"SPAN_KIND_{name.upper()}": number for number, name in enumerate(KINDS)}
STATUS_NAMES: Final = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
UNSET_CODE, OK_CODE, ERROR_CODE = 0, 1, 2

SEVERITIES: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
"""Each has four numbers, from 1 on."""

SEVERITY_NAMES: Final = {
    "SEVERITY_NUMBER_UNSPECIFIED": 0,
    **{
        f"SEVERITY_NUMBER_{name}{step + 1 if step else ''}": 4 * index + step + 1
        for index, name in enumerate(SEVERITIES)
        for step in range(4)
    },
}
LEVELS: Final[tuple[Level, ...]] = ("trace", "debug", "info", "warn", "error", "fatal")


def level_of(severity: int) -> Level:
    """Our level for a severity number; what says nothing is info."""
    return LEVELS[(severity - 1) // 4] if 1 <= severity <= 24 else "info"


def severity_of(level: Level) -> int:
    """The severity number of a level, the first of its four."""
    return LEVELS.index(level) * 4 + 1


VERSION: Final = "flightlog.v"
PREFIX: Final = "flightlog."
ESCAPED: Final = "flightlog.attribute."
CONTEXT: Final = "flightlog.context."
FAULT: Final = "flightlog.error"
"""On the event `exception` that stands for the error of its span."""

EXCEPTION: Final = "exception"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACK: Final = "exception.stacktrace"
ERROR_TYPE: Final = "error.type"

OF_SPANS: Final[Mapping[str, str]] = {
    "thread": "thread.name",
    "context.session": "session.id",
    "context.user": "user.id",
    "error.type": ERROR_TYPE,
}
"""Fields of ours for which OpenTelemetry has a name."""

OF_ANNOTATIONS: Final[Mapping[str, str]] = {
    "name": "gen_ai.evaluation.name",
    "value": "gen_ai.evaluation.score.value",
    "label": "gen_ai.evaluation.score.label",
    "note": "gen_ai.evaluation.explanation",
}
EVALUATION: Final = "gen_ai.evaluation.result"
"""The event that an annotation is in OpenTelemetry's generative AI conventions."""

CLIENT_KINDS: Final = frozenset(
    {"llm", "embedding", "rerank", "http", "db", "speech_to_text", "text_to_speech"}
)
"""Kinds of ours that are calls of something else; a span of another kind is internal, where it does not say."""


def span_kind_of(kind: str) -> int:
    """The span kind of a record of ours that names none."""
    return 3 if kind in CLIENT_KINDS else 1
