"""What a collector answers, and what that means for those who sent something."""

from __future__ import annotations

import os
import time
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from flightlog.codecs.otlp.messages import Malformed
from flightlog.codecs.otlp.wire import parts
from flightlog.core.redact import shortened

RETRIED_STATUSES: Final = frozenset({429, 502, 503, 504})
"""HTTP statuses after which the same request is sent again; every other one from 400 on is final (OTLP specification,
"Failures")."""

RETRIED_CODES: Final = frozenset({1, 4, 10, 11, 14, 15})
"""The same for gRPC: CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS. RESOURCE_EXHAUSTED is
sent again only where the collector says when."""

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
MOST_PAUSE: Final = 3600.0
"""Seconds that a collector may ask for at most; a longer wish is cut."""
_TOLD: Final = 300


class Answer(Struct, frozen=True):
    """What became of a request."""

    rejected: int = 0
    """Records that the collector took and will not keep."""
    message: str = ""


class Later(Exception):
    """The request was not taken; the same one may be taken later."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after
        """Seconds that the collector asks for."""


class Refused(Exception):
    """The request will never be taken."""

    def __init__(self, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.too_large = too_large
        """Whether a smaller one might."""


class Pause:
    """When to try again: later after each failure, not all at the same moment, not before the collector says."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE
        self._until = 0.0

    def failed(self, after: float | None) -> None:
        """A try has failed; `after` is what the collector asks for, in seconds."""
        share = int.from_bytes(os.urandom(2)) / 0x10000
        pause = self._next * (0.5 + share / 2)
        self._next = min(self._next * 2, LONGEST_PAUSE)
        if after is not None:
            pause = min(after, MOST_PAUSE)
        self._until = time.monotonic() + pause

    def succeeded(self) -> None:
        """A try has succeeded."""
        self._next, self._until = FIRST_PAUSE, 0.0

    def remaining(self) -> float:
        """Seconds until the next try."""
        return max(0.0, self._until - time.monotonic())


def after_of(header: str | None) -> float | None:
    """The seconds that a `Retry-After` header asks for, which may be a date; None for none that can be read."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def answer_of(body: bytes, content_type: str) -> Answer:
    """Read the answer to a request that was taken; one that cannot be read says that all is well."""
    try:
        return _from_json(body) if "json" in content_type else _from_protobuf(body)
    except (Malformed, msgspec.MsgspecError, ValueError, TypeError, AttributeError):
        return Answer()


def _from_protobuf(body: bytes) -> Answer:
    rejected, message = 0, ""
    for tag, start, stop in parts(body, 0, len(body)):
        if tag == 0x0A:
            for inner, first, last in parts(body, start, stop):
                if inner == 0x08:
                    rejected = first if first < 1 << 63 else 0
                elif inner == 0x12:
                    message = body[first:last].decode("utf-8", "replace")
    return Answer(rejected, shortened(message, _TOLD))


def _from_json(body: bytes) -> Answer:
    found: Any = msgspec.json.decode(body) if body.strip() else {}
    partial = found.get("partialSuccess") or {}
    number = partial.get("rejectedSpans") or partial.get("rejectedLogRecords") or 0
    return Answer(max(0, int(number)), shortened(str(partial.get("errorMessage") or ""), _TOLD))


def reason_of(body: bytes, content_type: str) -> str:
    """What a collector says about a failure (`google.rpc.Status`), shortened; empty where it says nothing."""
    try:
        if "json" in content_type:
            return shortened(str(msgspec.json.decode(body).get("message") or ""), _TOLD)
        if "protobuf" in content_type:
            found = [body[a:b] for tag, a, b in parts(body, 0, len(body)) if tag == 0x12]
            return shortened(found[0].decode("utf-8", "replace"), _TOLD) if found else ""
    except (Malformed, msgspec.MsgspecError, AttributeError):
        return ""
    if not content_type.startswith("text/plain"):
        return ""
    return shortened(body.decode("utf-8", "replace"), _TOLD).strip()


def delay_of(details: bytes) -> float | None:
    """The seconds that a gRPC status asks for (`google.rpc.RetryInfo` among its details), or None."""
    try:
        for tag, start, stop in parts(details, 0, len(details)):
            if tag == 0x1A:
                held = {inner: details[a:b] for inner, a, b in parts(details, start, stop)}
                if held.get(0x0A, b"").endswith(b"google.rpc.RetryInfo"):
                    return _duration(held.get(0x12, b""))
    except Malformed:
        pass
    return None


def _duration(info: bytes) -> float:
    seconds = 0.0
    for tag, start, stop in parts(info, 0, len(info)):
        if tag == 0x0A:
            for inner, first, _ in parts(info, start, stop):
                seconds += first if inner == 0x08 else first / 1e9 if inner == 0x10 else 0
    return seconds
