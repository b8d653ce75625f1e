"""Celery: a task runs under the span that sent it, in whatever process its worker is.

Celery's own signals are used: the place goes into the message's headers when it is published, and is read when a task
is about to run, which is a span of kind `step` then. Nothing of Celery is replaced.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import lasting
from flightlog.core.engine import Span, span
from flightlog.core.off import Off
from flightlog.core.redact import shortened
from flightlog.integrations.http.call import Report
from flightlog.propagation.extract import Extracted, extract
from flightlog.propagation.inject import inject

_UID: Final = "flightlog"
"""By this Celery knows that the same receiver is connected again."""
_NAMES: Final = (
    "before_task_publish",
    "task_prerun",
    "task_postrun",
    "task_failure",
    "task_retry",
    "task_revoked",
)
_RUNNING: Final = "_flightlog_running"
"""Attribute of a task's request: what records it."""


class _Running:
    """One run of a task."""

    __slots__ = ("before", "incoming", "span")

    def __init__(self, task: Any, task_id: str, args: Any, kwargs: Any) -> None:
        request = task.request
        self.incoming: Extracted = extract(getattr(request, "__dict__", {}))
        self.incoming.__enter__()
        self.before = lasting.here()
        made = span(task.name, kind="step", input={"args": args, "kwargs": kwargs})
        made.set_attributes(_facts(request, task_id))
        made.__enter__()
        self.span: Span | Off = made

    def end(self, state: str, result: object) -> None:
        """The task is over, in whatever way."""
        self.span.set_attributes({"celery.state": state})
        if state == "SUCCESS":
            self.span.output = result
        lasting.end(self.span)
        lasting.put_back(self.span, self.before)
        self.incoming.__exit__(None, None, None)


class _Receivers:
    """What listens to Celery's signals."""

    def __init__(self, signals: Any, report: Report) -> None:
        self.signals = signals
        self._report = report

    def connect(self) -> None:
        for name in _NAMES:
            getattr(self.signals, name).connect(
                getattr(self, name), weak=False, dispatch_uid=f"{_UID}.{name}"
            )

    def disconnect(self) -> None:
        for name in _NAMES:
            getattr(self.signals, name).disconnect(dispatch_uid=f"{_UID}.{name}")

    def before_task_publish(self, headers: Any = None, **_: Any) -> None:
        if headers is not None:
            self._guarded(inject, headers)

    def task_prerun(
        self, task_id: str = "", task: Any = None, args: Any = (), kwargs: Any = None, **_: Any
    ) -> None:
        self._guarded(self._begin, task, task_id, args, kwargs)

    def task_postrun(self, task: Any = None, state: Any = None, retval: Any = None, **_: Any) -> None:
        running = _running(task.request)
        if running is not None:
            self._guarded(running.end, str(state or ""), retval)

    def task_failure(self, sender: Any = None, exception: Any = None, einfo: Any = None, **_: Any) -> None:
        running = _running(getattr(sender, "request", None))
        if running is not None and isinstance(exception, BaseException):
            stack = str(getattr(einfo, "traceback", "") or "")
            self._guarded(lambda: running.span.fail(exception, stack=stack))

    def task_retry(self, request: Any = None, reason: Any = None, **_: Any) -> None:
        running = _running(request)
        if running is not None:
            self._guarded(
                lambda: running.span.event(
                    "retry",
                    level="warn",
                    attempt=(request.retries or 0) + 1,
                    reason=shortened(str(reason), 200),
                )
            )

    def task_revoked(self, request: Any = None, **_: Any) -> None:
        running = _running(request)
        if running is not None:
            self._guarded(lambda: running.span.event("skip", level="warn", reason="revoked"))

    def _begin(self, task: Any, task_id: str, args: Any, kwargs: Any) -> None:
        setattr(task.request, _RUNNING, _Running(task, task_id, args, kwargs))

    def _guarded(self, step: Any, *args: Any) -> None:
        try:
            step(*args)
        except Exception as failure:  # noqa: BLE001 - the border: the task must run whatever we cannot record
            let_through(failure)
            self._report("a task could not be recorded", failure)


_connected: Final[list[_Receivers]] = []


def wrap(module: ModuleType, report: Report) -> None:  # noqa: ARG001 - the signals are a module of their own
    """Record what is sent and run; twice is harmless."""
    if _connected:
        return
    receivers = _Receivers(import_module("celery.signals"), report)
    receivers.connect()
    _connected.append(receivers)


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - as above
    """Listen no longer."""
    while _connected:
        _connected.pop().disconnect()


def is_client(_module: ModuleType, _value: object) -> bool:
    """Single applications are not recorded by themselves."""
    return False


def _running(request: Any) -> _Running | None:
    found = getattr(request, _RUNNING, None)
    return found if isinstance(found, _Running) else None


def _facts(request: Any, task_id: str) -> dict[str, object]:
    delivery = getattr(request, "delivery_info", None) or {}
    facts: dict[str, object] = {
        "messaging.system": "celery",
        "messaging.message.id": task_id,
        "messaging.operation.type": "process",
        "flightlog.instrumentation": "celery",
    }
    if queue := delivery.get("routing_key"):
        facts["messaging.destination.name"] = str(queue)
    if retries := getattr(request, "retries", 0):
        facts["celery.retries"] = retries
    return facts
