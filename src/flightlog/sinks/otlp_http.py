"""OTLP over HTTP: one kept connection, the standard library's client."""

from __future__ import annotations

import gzip
import ssl
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final

from flightlog.sinks.otlp_answer import (
    RETRIED_STATUSES,
    Answer,
    Later,
    Refused,
    after_of,
    answer_of,
    reason_of,
)
from flightlog.sinks.otlp_target import Target

_MOST_ANSWER: Final = 4 * 1024 * 1024
"""Bytes of an answer that are read (the OTLP specification's limit)."""
_AGENT: Final = "OTel-OTLP-Exporter-Flightlog"
_OWN_HEADERS: Final = frozenset(
    {"content-type", "content-encoding", "content-length", "transfer-encoding", "host"}
)


class HttpSender:
    """Sends the requests of one signal."""

    def __init__(self, target: Target) -> None:
        """Prepare; nothing is connected yet.

        Raises:
            OSError, ssl.SSLError: a certificate file cannot be read.
        """
        self._target = target
        self._context = _context(target) if target.secure else None
        self._connection: HTTPConnection | None = None
        own = {name: value for name, value in target.headers.items() if name.lower() not in _OWN_HEADERS}
        self._headers = {
            "User-Agent": _AGENT,
            **own,
            "Content-Type": "application/json"
            if target.protocol == "http/json"
            else "application/x-protobuf",
        }
        if target.compress:
            self._headers["Content-Encoding"] = "gzip"

    def send(self, data: bytes) -> Answer:
        """Send a request, encoded as the target wants it.

        Raises:
            Later: it may be sent again.
            Refused: it may not.
        """
        body = gzip.compress(data, 6) if self._target.compress else data
        kept = self._connection is not None
        try:
            return self._exchanged(body)
        except (OSError, HTTPException) as error:
            self.close()
            if not kept or isinstance(error, TimeoutError):
                raise Later(_said(error)) from error
        try:  # the kept connection was closed meanwhile, as servers do
            return self._exchanged(body)
        except (OSError, HTTPException) as error:
            self.close()
            raise Later(_said(error)) from error

    def _exchanged(self, body: bytes) -> Answer:
        if self._connection is None:
            self._connection = self._connected()
        self._connection.request("POST", self._target.path, body, self._headers)
        response = self._connection.getresponse()
        found = response.read(_MOST_ANSWER + 1)
        if response.will_close or len(found) > _MOST_ANSWER:
            self.close()
        return _judged(response, found)

    def _connected(self) -> HTTPConnection:
        target = self._target
        if self._context is not None:
            return HTTPSConnection(target.host, target.port, timeout=target.timeout, context=self._context)
        return HTTPConnection(target.host, target.port, timeout=target.timeout)

    def close(self) -> None:
        """Close the connection; the next request opens one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def disown(self) -> None:
        """In a forked child: close this process's end, without a word to the other side."""
        self.close()


def _context(target: Target) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=target.ca or None)
    if target.cert:
        context.load_cert_chain(target.cert, target.key or None)
    if target.unchecked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _judged(response: HTTPResponse, body: bytes) -> Answer:
    """What an answer means."""
    kind = response.headers.get("Content-Type", "")
    if 200 <= response.status < 300:
        return answer_of(body, kind)
    said = reason_of(body, kind)
    reason = f"{response.status} {response.reason}" + (f": {said}" if said else "")
    if response.status in RETRIED_STATUSES:
        raise Later(reason, after_of(response.headers.get("Retry-After")))
    raise Refused(reason, too_large=response.status == 413)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
