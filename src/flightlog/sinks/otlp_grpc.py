"""OTLP over gRPC, where grpcio is installed. The requests are encoded already, so no generated classes are needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from flightlog.records.errors import MissingExtra
from flightlog.sinks.otlp_answer import RETRIED_CODES, Answer, Later, Refused, answer_of, delay_of
from flightlog.sinks.otlp_target import Signal, Target

_METHODS: Final = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_RESOURCE_EXHAUSTED: Final = 8
_OUT_OF_RANGE: Final = 11
_TOO_LARGE: Final = ("too large", "larger than", "exceeds maximum size")
"""What servers say of a message that is longer than they read: grpc itself under the one code, tonic under the other.
The same message is too long for ever, whatever the code says."""
_DETAILS: Final = "grpc-status-details-bin"

_carried_over: Final[list[Any]] = []
"""Channels of a parent process: a forked child must neither use nor close them."""


class GrpcSender:
    """Sends the requests of one signal."""

    def __init__(self, target: Target, signal: Signal) -> None:
        """Prepare; nothing is connected yet.

        Raises:
            MissingExtra: grpcio is not installed.
        """
        try:
            # 60 ms, and only for those who send by gRPC
            import grpc  # type: ignore[import-untyped]  # grpcio brings no types
        except ImportError as error:
            raise MissingExtra("otlp", "OTLP over gRPC") from error
        self._grpc: Any = grpc
        self._target = target
        self._method = _METHODS[signal]
        self._metadata = [(name.lower(), value) for name, value in target.headers.items()]
        self._channel: Any = None
        self._call: Any = None

    def send(self, data: bytes) -> Answer:
        """Send a request.

        Raises:
            Later: it may be sent again.
            Refused: it may not.
        """
        if self._call is None:
            self._channel = self._connected()
            self._call = self._channel.unary_unary(self._method)
        try:
            body = self._call(data, timeout=self._target.timeout, metadata=self._metadata)
        except self._grpc.RpcError as error:
            raise _judged(error) from error
        return answer_of(body, "application/x-protobuf")

    def _connected(self) -> Any:
        target, grpc = self._target, self._grpc
        host = f"[{target.host}]" if ":" in target.host else target.host
        compression = grpc.Compression.Gzip if target.compress else None
        if not target.secure:
            return grpc.insecure_channel(f"{host}:{target.port}", compression=compression)
        credentials = grpc.ssl_channel_credentials(_read(target.ca), _read(target.key), _read(target.cert))
        return grpc.secure_channel(f"{host}:{target.port}", credentials, compression=compression)

    def close(self) -> None:
        """Close the channel; the next request opens one."""
        channel, self._channel, self._call = self._channel, None, None
        if channel is not None:
            channel.close()

    def disown(self) -> None:
        """In a forked child: forget the channel, which is the parent's."""
        _carried_over.append(self._channel)
        self._channel = self._call = None


def _judged(error: Any) -> Later | Refused:
    code, said = error.code(), error.details() or ""
    reason = f"gRPC {code.name}: {said[:300]}"
    trailing = dict(error.trailing_metadata() or ())
    after = delay_of(trailing[_DETAILS]) if _DETAILS in trailing else None
    number = code.value[0]
    if number in (_RESOURCE_EXHAUSTED, _OUT_OF_RANGE) and any(words in said for words in _TOO_LARGE):
        return Refused(reason, too_large=True)
    if number in RETRIED_CODES or (number == _RESOURCE_EXHAUSTED and after is not None):
        return Later(reason, after)
    return Refused(reason)


def _read(path: str) -> bytes | None:
    return Path(path).read_bytes() if path else None
