"""A span of ours with the methods of OpenTelemetry's.

The span behind it (`made`) is the engine's, so what it costs and what it survives is what any span of ours does.
Everything that is said takes effect at once, on whatever line is written next; nothing is collected for the end.
The same class also stands for a span that `fl.span` began, for code that asks OpenTelemetry for the current one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from flightlog.core import detached
from flightlog.core.arrived import arrived_behind
from flightlog.core.content import METADATA, WITHHELD
from flightlog.core.context import OPEN
from flightlog.core.engine import Span as Made
from flightlog.core.engine import happened, lose, verdicts, withholds
from flightlog.core.memo import captured
from flightlog.core.outcome import fault_of, mark_of, status_of
from flightlog.integrations.opentelemetry.limits import NO_LIMIT, Limits
from flightlog.integrations.opentelemetry.links import told_of
from flightlog.integrations.opentelemetry.meaning import SIGNS, is_content, kind_of, without_content
from flightlog.integrations.opentelemetry.notes import note
from flightlog.integrations.opentelemetry.readable import Readable, number_of, trace_state_of
from flightlog.integrations.opentelemetry.scope import INTERNAL, Home
from flightlog.integrations.opentelemetry.values import (
    SIMPLE,
    cleaned,
    forget,
    is_key,
    key_of,
    pairs,
    sayable,
)
from flightlog.propagation import rules
from flightlog.records.attributes import EXCEPTION

ERROR_TYPE: Final = "error.type"
ESCAPED: Final = "exception.escaped"

_RANDOM: Final = TraceFlags(0x03)
_SAMPLED: Final = TraceFlags(0x01)
shown: Final[dict[Made, Span]] = {}
"""What stands for each span of the engine that OpenTelemetry has seen: one object each, as its state is there."""

_MOST_SHOWN: Final = 512
_room = _MOST_SHOWN


class Span(Readable, trace.Span):
    """One span; its methods are those of `opentelemetry.trace.Span` and never raise."""

    __slots__ = ("_home", "made")  # the members that each has; the rest it has where they are not as usual

    attachments = 0
    """How often it was made current by OpenTelemetry's context, and not yet taken back."""
    _kind = INTERNAL
    _status = StatusCode.UNSET
    _dropped_attributes = _dropped_events = _dropped_links = 0
    _events = _links = 0
    _trace_state = _description = ""
    _message: str | None = None
    """The description of its status, where its error says something else."""
    _flags = 0
    _error_type: Any = None
    _told: Mapping[str, Any] | None = None
    """The last exception that was recorded."""
    _signs: dict[str, Any] | None = None
    """Of the attributes those that tell the kind."""
    _types: dict[str, str] | None = None
    """What values were that JSON cannot say, by pointer."""
    _linked: list[dict[str, Any]] | None = None
    """What is known of each link besides its ids and attributes."""
    _context: SpanContext | None = None
    outer: Any = None
    """Of a span that was ended within its block, what was current around it."""
    _seen: tuple[Any, Any] | None = None
    """The context that it was put into last, and what came of it."""
    _records = True
    _fails = True
    """Whether an exception that leaves its own block is recorded, and is its status."""

    def __init__(self, made: Made, home: Home) -> None:
        self.made = made
        """The span behind it."""
        self._home = home

    # -- what is known of it ------------------------------------------------------------------------------------

    def get_span_context(self) -> SpanContext:
        """Its ids, flags and trace state."""
        if self._context is None:
            made = self.made
            arrived = arrived_behind(made, rules.current().origin)
            self._context = SpanContext(
                number_of(made.trace_id),
                number_of(made.span_id),
                is_remote=False,
                trace_flags=_RANDOM if arrived is None or arrived.is_random else _SAMPLED,
                trace_state=trace_state_of(arrived),
            )
        return self._context

    def is_recording(self) -> bool:
        """Whether it has not ended."""
        return self.made._state == OPEN  # noqa: SLF001 - as `ended`, without the call

    # -- attributes ---------------------------------------------------------------------------------------------

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute; None is a value, the empty one."""
        if self._is_over("set_attribute"):
            return
        try:
            if not is_key(key):
                self._dropped(attributes=1)
            else:
                self._put({key: value})
        except Exception as failure:  # noqa: BLE001 - the border: a value may be any object
            lose(failure)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several."""
        if self._is_over("set_attributes"):
            return
        try:
            given = pairs(attributes)
            kept = {key: value for name, value in given if (key := key_of(name))}
            self._dropped(attributes=len(given) - len(kept))
            self._put(kept)
        except Exception as failure:  # noqa: BLE001 - as above
            lose(failure)

    def _put(self, given: dict[str, Any]) -> None:
        most, longest = self._home.limits.attributes, self._home.limits.value_length
        made = self.made
        for key, value in given.items():
            known = made._attributes  # noqa: SLF001 - what it has is what its line will have
            if most == 0 or (known is not None and key not in known and len(known) >= most):
                self._dropped(attributes=1)
                continue
            kept = value
            if self._types:
                forget(self._types, key)
                self.retell()
            if type(value) not in SIMPLE or longest != NO_LIMIT:
                types: dict[str, str] = {}
                kept = sayable(value, longest, key, types)
                if types:
                    self._noted(types)
            if key in SIGNS:
                self._mean(key, kept)
            elif key == ERROR_TYPE:
                self._error_type = kept
                if self._status is StatusCode.ERROR and self._told is None:
                    self._fail(self._description)
            if is_content(key) and withholds(made._kind):  # noqa: SLF001 - as above
                made.set_attributes({WITHHELD: METADATA})
            else:
                made.set_attributes({key: kept})

    def _mean(self, key: str, value: Any) -> None:
        """Learn the kind from an attribute; of a span that `fl.span` began it is known."""
        if self._home.scope is None:
            return
        self._signs = {**(self._signs or {}), key: value}
        made = self.made
        kind = kind_of(self._signs)
        if kind == made._kind:  # noqa: SLF001 - as above
            return
        made._kind = kind  # noqa: SLF001 - it has no other way to change
        known = made._attributes  # noqa: SLF001 - as above
        if known and withholds(kind) and (held := [name for name in known if is_content(name)]):
            for name in held:
                known.pop(name)
            made.set_attributes({WITHHELD: METADATA})

    def _noted(self, types: Mapping[str, str]) -> None:
        self._types = {**(self._types or {}), **types}
        self.retell()

    def _dropped(self, *, attributes: int = 0, events: int = 0, links: int = 0) -> None:
        if attributes or events or links:
            self._dropped_attributes += attributes
            self._dropped_events += events
            self._dropped_links += links
            self.retell()

    # -- events and links ---------------------------------------------------------------------------------------

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Record a point in time; it is written at once."""
        if not self._is_over("add_event"):
            self._happened(name, "info", attributes, timestamp)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Any = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Record an exception as an event; a status of ERROR that says nothing else takes over what it tells."""
        if self._is_over("record_exception"):
            return
        try:
            fault = fault_of(exception)
            self._told = fault
            facts: dict[str, Any] = {EXCEPTION[key]: value for key, value in fault.items()}
            facts[ESCAPED] = str(escaped)
            facts.update(pairs(attributes))
            if self._status is StatusCode.ERROR and not self._description:
                self._fail("")
                self.retell()
            self._happened("exception", "warn", facts, timestamp)
        except Exception as failure:  # noqa: BLE001 - the border: an exception is the program's object
            lose(failure)

    def _happened(
        self, name: str, level: str, attributes: Any, timestamp: int | None, dropped: int = 0
    ) -> None:
        if self._events >= self._home.limits.events:
            self._dropped(events=1)
            return
        self._events += 1
        if verdicts.get(level) is False:
            return
        try:
            facts, beyond, types = cleaned(
                attributes, self._home.limits.event_attributes, self._home.limits.other_value_length
            )
            dropped += beyond
            if withholds(self.made._kind):  # noqa: SLF001 - as above
                facts = without_content(name, facts)
            if timestamp is None and not (dropped or types):
                happened(name, level, "", facts, self.made)
            else:
                time = timestamp if detached.is_moment(timestamp) else None
                otel: dict[str, Any] = {"dropped": dropped} if dropped else {}
                if types:
                    otel["types"] = types
                detached.tell(self.made, name, level, "", facts, time=time, otel=otel)
        except Exception as failure:  # noqa: BLE001 - the border, as above
            lose(failure)

    def add_link(self, context: SpanContext, attributes: Any = None, dropped: int = 0) -> None:
        """Relate it to another span; one that names none and says nothing besides is left out.

        Args:
            context: the other span.
            attributes: what is said of the relation.
            dropped: how many of these were left out already.
        """
        if self._is_over("add_link"):
            return
        try:
            if context is None or not (context.is_valid or attributes or dropped or context.trace_state):  # type: ignore[redundant-expr]  # whatever the program says
                return
            if self._links >= self._home.limits.links:
                self._dropped(links=1)
                return
            index = len(self.made._links or ())  # noqa: SLF001 - those that it began with count
            self._links += 1
            facts, beyond, types = cleaned(
                attributes,
                self._home.limits.link_attributes,
                self._home.limits.other_value_length,
                f"/links/{index}/attributes",
            )
            trace_id, span_id = trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
            detached.add_link(self.made, trace_id, span_id, facts)
            told = told_of(context)
            if dropped + beyond:
                told["dropped"] = dropped + beyond
            known = self._linked or []
            self._linked = [*known, *[{}] * (index - len(known)), told]
            self._noted(types)
        except Exception as failure:  # noqa: BLE001 - the border, as above
            lose(failure)

    def add_links(self, links: Any) -> None:
        """Relate it to several others, as they are given at the start of a span."""
        try:
            for link in links:
                self.add_link(link.context, link.attributes)
        except Exception as failure:  # noqa: BLE001 - the border, as above
            lose(failure)

    # -- name and status ----------------------------------------------------------------------------------------

    def update_name(self, name: str) -> None:
        """Call it otherwise."""
        if not self._is_over("update_name"):
            self.made._name = name  # noqa: SLF001 - it has no other way to change

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Say how it went: OK is final, UNSET changes nothing, of several ERRORs the last counts."""
        if self._is_over("set_status"):
            return
        try:
            code: Any = status
            if isinstance(status, Status):
                if description is not None:
                    note("a description beside a Status is left out: the Status has its own")
                code, description = status.status_code, status.description
            if self._status is StatusCode.OK or code not in {StatusCode.OK, StatusCode.ERROR}:
                return
            self._status = code
            if code is StatusCode.ERROR:
                self._fail(description)
            else:
                self.made._status, self.made._error = "ok", None  # noqa: SLF001 - it has no other way to change
            self.retell()
        except Exception as failure:  # noqa: BLE001 - the border, as above
            lose(failure)

    def _fail(self, description: str | None) -> None:
        """Be an error: with the exception that was recorded, where the description is of it or says nothing."""
        message = self._description = description if isinstance(description, str) else ""
        told = self._told
        if told is not None and (not message or message.endswith(told["message"])):
            fault = {**told}
        else:
            fault = {"type": self._error_type or "error", "message": message}
        self._message = None if fault["message"] == message else message
        self.made.fail(fault["message"], type=str(fault["type"]), stack=fault.get("stack", ""))

    # -- its end ------------------------------------------------------------------------------------------------

    def end(self, end_time: int | None = None) -> None:
        """End it, from any thread. The second time does nothing."""
        if self._is_over("end"):
            return
        made = self.made
        try:
            if self._home.scope is None and end_time is None:
                made.__exit__(None, None, None)  # whoever holds its block finds it over
                return
            self.outer = made._outer  # noqa: SLF001 - for the block that will be left later
            moment = end_time if end_time is not None and detached.is_moment(end_time) else None
            astray = self.attachments > 0 and not detached.is_current(made)
            detached.finish(made, moment, astray=astray)
        except Exception as failure:  # noqa: BLE001 - the border: a record must not break its program
            lose(failure)
        finally:
            shown.pop(made, None)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace_back: TracebackType | None,
    ) -> None:
        """End it; an exception is recorded first."""
        if error is not None and self.is_recording():
            self.left_by(error, records=self._records, fails=self._fails, escaped=True)
        self.end()

    def left_by(self, error: BaseException, *, records: bool, fails: bool, escaped: bool = False) -> None:
        """Learn that an exception leaves its block.

        Args:
            error: the exception. Only an `Exception` is an error, as everywhere in OpenTelemetry; a task that is
                cancelled is `cancelled`, also where somebody has told of that as an error.
            records: whether it becomes an event.
            fails: whether it becomes the status.
            escaped: as for `record_exception`.
        """
        try:
            made = self.made
            if not isinstance(error, Exception):
                is_told = self._told is not None and self._told["type"] == fault_of(error, brief=True)["type"]
                if status_of(error) == "cancelled" and (self._status is StatusCode.UNSET or is_told):
                    made._status, made._error = "cancelled", None  # noqa: SLF001 - it has no other way to change
                return
            if records:
                self.record_exception(error, escaped=escaped)
            told = self._told = (self._told if records else None) or fault_of(error)
            if fails:
                self.set_status(StatusCode.ERROR, f"{type(error).__name__}: {told['message']}")
                if isinstance(made._parent, Made):  # noqa: SLF001 - whose block it leaves next tells it briefly
                    made._parent._told = mark_of(error)  # noqa: SLF001 - as above
        except Exception as failure:  # noqa: BLE001 - the border, as above
            lose(failure)

    # -- what its line says in OpenTelemetry's own terms -----------------------------------------------------------

    def introduce(self, kind: int, flags: int = 0, trace_state: str = "") -> None:
        """Say whose span it is, and of which kind; once, when it has begun."""
        if kind != INTERNAL:
            self._kind = kind
        if flags or trace_state:
            self._flags, self._trace_state = flags, trace_state
        self.retell()

    def retell(self) -> None:
        """Say anew what stands in `otel`; of a span that `fl.span` began there is nothing to say."""
        scope = self._home.scope
        if scope is None:
            return
        told = scope.told(self._kind)
        if self._status is StatusCode.UNSET:
            told += ',"status":0'
        for name, count in (
            ("flags", self._flags),
            ("dropped", self._dropped_attributes),
            ("dropped_events", self._dropped_events),
            ("dropped_links", self._dropped_links),
        ):
            if count:
                told += f',"{name}":{count}'
        if self._message is not None and self._status is StatusCode.ERROR:
            told += f',"status_message":{captured(self._message, "")[0]}'
        if self._types:
            told += f',"types":{captured(self._types, "")[0]}'
        if self._linked and any(self._linked):
            told += f',"links":{captured(self._linked, "")[0]}'
        if self._trace_state:
            told += f',"trace_state":{captured(self._trace_state, "")[0]}'
        self.made._remote = told + "}"  # noqa: SLF001 - where the engine has this field
        self.made._plain = False  # noqa: SLF001 - as above

    def _is_over(self, what: str) -> bool:
        if self.made._state == OPEN:  # noqa: SLF001 - as `ended`, without the call
            return False
        note(f"{what} was called on a span that has ended; it did nothing")
        return True


_LENT: Final = Home(None, Limits())


def show(made: Made) -> Span:
    """What stands for a span of the engine."""
    global _room  # noqa: PLW0603 - a bound for the table above
    found = shown.get(made)
    if found is None:
        found = Span(made, _LENT)
        if made._state == OPEN:  # noqa: SLF001 - as `ended`, without the call
            shown[made] = found
            if len(shown) > _room:  # those that `fl.span` began end without a word to this table
                for one in [one for one in list(shown) if one._state != OPEN]:  # noqa: SLF001 - as above
                    shown.pop(one, None)
                _room = max(_MOST_SHOWN, 2 * len(shown))
    return found
