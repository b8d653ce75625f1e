"""The OTLP sink: spans and log records to any collector that speaks OpenTelemetry.

    FLIGHTLOG_SINKS=store,otlp:http://localhost:4318
    FLIGHTLOG_SINKS=store,otlp                          # where the OTEL_EXPORTER_OTLP_* variables say
    flightlog.configure(sinks=["store", Otlp("https://collector:4318", headers={"x-key": "…"})])

A span goes out when it has ended, with its events in it; an event without a span, or one that comes when its span has
gone, as a log record. Lines of spans that still run are not sent: OTLP has no word for them. Events wait here for their
span, up to a bound, beyond which the oldest go as log records.

While the collector is away, or asks to be left alone for a while, the lines wait as for every sink (`sink_bytes`),
and are sent again: at least once, which collectors expect. What a collector refuses for good, or takes and rejects,
and what OTLP cannot carry is counted (`sink_lines_refused`). What a collector that is away has not taken when the
program ends is left to the next program (`sinks.port.Lasting`).
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from flightlog.codecs.lines import decode, encode
from flightlog.codecs.otlp import writing
from flightlog.codecs.otlp.batch import Requests, requests
from flightlog.records.annotation import Annotation
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.sinks.otlp_answer import Answer, Later, Pause, Refused
from flightlog.sinks.otlp_grpc import GrpcSender
from flightlog.sinks.otlp_http import HttpSender
from flightlog.sinks.otlp_target import Given, Signal, target_of
from flightlog.sinks.port import Batch

MOST_EVENTS: Final = 20_000
"""Events that wait for their spans at most."""
_MOST_ENDED: Final = 10_000
"""Spans that are remembered to have ended."""
_MOST_PROCESSES: Final = 1_000
_OPEN: Final = frozenset({"running", "paused"})

_Key = tuple[str, str]


class _Sender(Protocol):
    def send(self, data: bytes, /) -> Answer: ...
    def close(self) -> None: ...
    def disown(self) -> None: ...


class Otlp:
    """Sends records to a collector."""

    def __init__(
        self,
        endpoint: str = "",
        *,
        protocol: str = "",
        headers: Mapping[str, str] | None = None,
        compression: str = "",
        timeout: float | None = None,
        ca: str = "",
        cert: str = "",
        key: str = "",
        insecure: bool | None = None,
        events: str = "spans",
    ) -> None:
        """Prepare; nothing is connected before the first records come.

        Args:
            endpoint: the collector, e.g. `http://localhost:4318`; the path of a signal (`/v1/traces`) is added.
                Empty: what `OTEL_EXPORTER_OTLP_ENDPOINT` says, else this machine.
            protocol: `http/protobuf`, `http/json` or `grpc`.
            headers: sent with each request, over those of `OTEL_EXPORTER_OTLP_HEADERS`.
            compression: `gzip` or `none`.
            timeout: the longest that one request may take, in seconds.
            ca: a file of certificates to check the collector's against.
            cert: a file with a certificate of our own.
            key: a file with its key.
            insecure: with https, whatever the collector's certificate says is taken.
            events: `spans`: within their spans where that is possible; `logs`: each as a log record, at once.

        Raises:
            ValueError: the endpoint, the protocol or a variable of the environment cannot be used.
        """
        given = Given(endpoint, protocol, headers or {}, compression, timeout, ca, cert, key, insecure)
        self._targets = {signal: target_of(signal, given, os.environ) for signal in _SIGNALS}
        self._senders: dict[Signal, _Sender] = {}
        self._within = events != "logs"
        self._pause = Pause()
        self._processes: OrderedDict[str, Process] = OrderedDict()
        self._waiting: OrderedDict[_Key, dict[str, Event]] = OrderedDict()
        self._waiting_count = 0
        self._left: list[Line] = []
        """After `close`: what a collector that was away did not take."""
        self._overdue: list[Event] = []
        """Events that waited too long: they go with the next batch."""
        self._ended: OrderedDict[_Key, None] = OrderedDict()
        self._sent: tuple[int, frozenset[Signal]] = (0, frozenset())
        self._refused = 0
        self.sent = 0
        """Spans and log records that a collector took."""
        self.refused = 0
        """Records that it did not take and never will."""
        self.last_refusal = ""
        """Why, the last time."""

    # -- the contract -------------------------------------------------------------------------------------------

    def append(self, batch: Batch, /) -> None:
        """Send what can be sent, or raise; the same batch again then sends only what is missing.

        Raises:
            Later: the collector is away or busy. Trying before it wants to be asked again waits until then.
            MissingExtra: gRPC is wanted and not installed.
        """
        self._left = []
        plan = self._planned(batch)
        self._deliver(hash(tuple(batch)), plan.requests)
        self._keep(plan)

    def flush(self, timeout: float, /) -> bool:  # noqa: ARG002 - nothing waits here
        """Nothing waits here but events whose span has not ended; they go with it."""
        return True

    def close(self) -> None:
        """Send the events whose spans are still open as log records, if the collector takes them, and disconnect."""
        left = self._unsent()
        self._forget()
        if left:
            try:
                self._deliver(0, requests([], left, self._processes), last=True)
            except Later:
                self._left = [Line(encode(event)) for event in left]
        for sender in self._senders.values():
            sender.close()
        self._senders.clear()

    @property
    def address(self) -> str:
        """Where it sends to."""
        return " ".join(f"{one.protocol} {one.host}:{one.port}{one.path}" for one in self._targets.values())

    def left(self) -> Sequence[Line]:
        """Events that waited for their spans, and that a collector which is away did not take at the end."""
        return [*self._left, *(Line(encode(event)) for event in self._unsent())]

    def _unsent(self) -> list[Event]:
        """The events that wait for their spans, or have waited too long for them."""
        waiting = [event for known in list(self._waiting.values()) for event in list(known.values())]
        return [*self._overdue, *waiting]

    def forked(self) -> None:
        """Forget connections and what is the parent's to send."""
        for sender in self._senders.values():
            sender.disown()
        self._senders.clear()
        self._forget()
        self._pause = Pause()

    def _forget(self) -> None:
        self._waiting.clear()
        self._waiting_count, self._overdue, self._left = 0, [], []

    def losses(self) -> Mapping[str, int]:
        """What was lost since this was asked last, by the name of its counter."""
        lost, self._refused = self._refused, 0
        return {"sink_lines_refused": lost} if lost else {}

    # -- what to send -------------------------------------------------------------------------------------------

    def _planned(self, batch: Batch) -> _Plan:
        """What of a batch is to be sent now. Nothing here changes but by `_keep`: the batch may come again."""
        plan = _Plan()
        plan.alone += self._overdue
        for line in batch:
            record = _decoded(line)
            if isinstance(record, Process):
                plan.processes[record.process_id] = record
            elif isinstance(record, Span):
                if record.status not in _OPEN:
                    plan.spans[record.trace_id, record.span_id] = record
            elif isinstance(record, Event):
                plan.events.append(record)
            elif isinstance(record, Annotation):
                plan.alone.append(record)
        for event in plan.events:
            key = (event.trace_id, event.span_id)
            if not self._within or writing.is_log(event) or (key in self._ended and key not in plan.spans):
                plan.alone.append(event)
            else:
                plan.waiting.setdefault(key, {})[event.event_id] = event
        told = [(span, plan.of(key, self._waiting)) for key, span in plan.spans.items()]
        plan.requests = requests(told, plan.alone, {**self._processes, **plan.processes})
        return plan

    def _keep(self, plan: _Plan) -> None:
        """Take over what is left of a batch when everything of it was sent."""
        self._processes.update(plan.processes)
        self._overdue = []
        for key in plan.spans:
            self._waiting_count -= len(self._waiting.pop(key, ()))
            self._ended[key] = None
        for key, known in plan.waiting.items():
            if key not in plan.spans:
                before = self._waiting.setdefault(key, {})
                self._waiting_count += len(known.keys() - before.keys())
                before.update(known)
        while self._waiting_count > MOST_EVENTS:
            _, oldest = self._waiting.popitem(last=False)
            self._waiting_count -= len(oldest)
            self._overdue += oldest.values()
        _bound(self._ended, _MOST_ENDED)
        _bound(self._processes, _MOST_PROCESSES)

    # -- sending ------------------------------------------------------------------------------------------------

    def _deliver(self, batch: int, told: Requests, *, last: bool = False) -> None:
        """Send the requests of a batch, but for those that were taken the last time it came."""
        done = self._sent[1] if self._sent[0] == batch and batch else frozenset()
        if (remaining := self._pause.remaining()) and not last:
            time.sleep(remaining)
        for signal in _SIGNALS:
            groups, count = told.of(signal)
            if groups and signal not in done:
                try:
                    self._send(signal, groups, count)
                except Later as later:
                    self._pause.failed(later.after)
                    self._sent = (batch, done)
                    raise
                done |= {signal}
        self._sent = (0, frozenset())
        if told.untold:
            self._refuse(told.untold, "ids or times that OTLP cannot carry")
        self._pause.succeeded()

    def _send(self, signal: Signal, groups: Sequence[Any], count: int) -> None:
        """Send one request; where the collector finds it too large, its halves."""
        target = self._targets[signal]
        as_json = target.protocol == "http/json"
        told = Requests(spans=list(groups)) if signal == "traces" else Requests(logs=list(groups))
        data = told.traces(as_json=as_json) if signal == "traces" else told.log_records(as_json=as_json)
        sender = self._senders.get(signal)
        if sender is None:
            sender = self._senders[signal] = (
                GrpcSender(target, signal) if target.is_grpc else HttpSender(target)
            )
        try:
            answer = sender.send(data)
        except Refused as refusal:
            if refusal.too_large and count > 1:
                for half, number in _halves(groups):
                    self._send(signal, half, number)
                return
            self._refuse(count, str(refusal))
            return
        self.sent += count - min(answer.rejected, count)
        if answer.rejected:
            self._refuse(min(answer.rejected, count), answer.message)

    def _refuse(self, count: int, why: str) -> None:
        self.refused += count
        self._refused += count
        self.last_refusal = why


_SIGNALS: Final[tuple[Signal, ...]] = ("traces", "logs")


class _Plan:
    """What a batch means."""

    def __init__(self) -> None:
        self.processes: dict[str, Process] = {}
        self.spans: dict[_Key, Span] = {}
        self.events: list[Event] = []
        self.alone: list[Event | Annotation] = []
        self.waiting: dict[_Key, dict[str, Event]] = {}
        self.requests = Requests()

    def of(self, key: _Key, waiting: Mapping[_Key, Mapping[str, Event]]) -> list[Event]:
        """The events of a span: those of this batch, and those that waited for it."""
        return list({**waiting.get(key, {}), **self.waiting.get(key, {})}.values())


def _bound(known: OrderedDict[Any, Any], most: int) -> None:
    while len(known) > most:
        known.popitem(last=False)


def _decoded(line: Line) -> object:
    try:
        return decode(line)
    except BadRecord:
        return None


def _halves(groups: Sequence[Any]) -> list[tuple[list[Any], int]]:
    """The groups with half of the records each, and how many that are."""
    total = sum(len(group.records) for group in groups)
    first: list[Any] = []
    second: list[Any] = []
    room = total // 2
    for group in groups:
        here = group.records[:room] if room > 0 else []
        there = group.records[len(here) :]
        room -= len(here)
        for records, into in ((here, first), (there, second)):
            if records:
                into.append(type(group)(group.resource, group.scope, records))
    return [(half, sum(len(group.records) for group in half)) for half in (first, second)]
