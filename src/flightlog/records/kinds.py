"""Kinds, statuses and levels: the closed and the open vocabularies of a record.

`kind` is an open string with well-known values; `status` and `level` are closed. A failure is a status and
never a kind, so a failed tool call is still a tool call.
"""

from __future__ import annotations

from typing import Final, Literal

Status = Literal["running", "ok", "error", "cancelled", "interrupted", "paused"]
"""Where a span stands. "Slow" and "retried" are meanings computed when asked, never statuses."""

Level = Literal["trace", "debug", "info", "warn", "error", "fatal"]
"""How important a record is; decides whether it is recorded at all."""

KINDS: Final = (
    "run",
    "agent",
    "workflow",
    "step",
    "llm",
    "embedding",
    "retrieval",
    "rerank",
    "tool",
    "guardrail",
    "evaluation",
    "prompt",
    "audio_capture",
    "voice_activity",
    "speech_to_text",
    "text_to_speech",
    "audio_playback",
    "function",
    "http",
    "db",
)
"""The well-known kinds. Any other string is allowed and kept."""

BY_ATTRIBUTE: Final[tuple[tuple[str, str], ...]] = (
    ("db.system.name", "db"),
    ("db.system", "db"),
    ("http.request.method", "http"),
    ("http.method", "http"),
)
"""Attributes of OpenTelemetry's that say by being there what a span is, clients and servers alike; the first counts."""

STATUSES: Final = ("running", "ok", "error", "cancelled", "interrupted", "paused")
"""Every status, in the order a reader would meet them."""

RANKS: Final[dict[str, int]] = {
    "running": 0,
    "paused": 0,
    "interrupted": 2,
    "ok": 3,
    "error": 3,
    "cancelled": 3,
}
"""Of the lines of one span the greatest (rank, revision, end, line hash) wins, in any order of arrival. Whether a
span runs or is paused is for the revision to say, which grows with each pause and each resumption."""

LEVELS: Final[dict[str, int]] = {
    "trace": 10,
    "debug": 20,
    "info": 30,
    "warn": 40,
    "error": 50,
    "fatal": 60,
}
"""Levels by increasing importance; the numbers only order them."""

LEVEL_OFF: Final = 100
"""The threshold that no level reaches: `off` in a filter."""
