"""Every way in which a program hands over a text leads through the gate: a secret that goes in does not come out."""

from __future__ import annotations

import asyncio
import enum
import json
import logging
import threading
from dataclasses import dataclass

import pytest

import flightlog as fl
from flightlog.integrations.logs import LogHandler

SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20
"""A key of a known shape, joined here so that no file holds it."""


class Text(str):
    """A text that is not exactly a `str`."""

    __slots__ = ()


@dataclass
class Request:
    token_or_not: str


class Colour(enum.Enum):
    RED = SECRET


def _span(**options):
    with fl.span("s", **options):
        pass


def _bound():
    with fl.bind(**{SECRET: 1, "note": SECRET}), fl.span("s"):
        pass


def _failing():
    with fl.span("s") as span:
        span.fail(SECRET, type=SECRET)


def _raising():
    with pytest.raises(ValueError, match="sk-"), fl.span("s"):
        raise ValueError(SECRET)


def _raising_a_class():
    made = type(SECRET, (Exception,), {})
    with pytest.raises(made), fl.span("s"):
        raise made


def _setting():
    with fl.span("s") as span:
        span.set(**{SECRET: SECRET})
        span.set_attributes({SECRET: [SECRET]})
        span.input = {"a": (SECRET, {SECRET: SECRET})}
        span.output = SECRET


def _linking():
    with fl.span("s", links=[{"trace_id": SECRET, "span_id": SECRET}]) as span:
        span.link(span, relation=SECRET, note=SECRET)


def _pausing():
    with fl.span("s") as span:
        span.pause(SECRET)
        span.resume({SECRET: SECRET})
        span.exception(ValueError(SECRET), note=SECRET)
        span.event(SECRET, body=SECRET, note=SECRET)


def _resuming_elsewhere():
    with fl.span("s", kind=SECRET, input=SECRET, note=SECRET) as span:
        token = span.pause(SECRET)
    with fl.resume(token, SECRET):
        pass


def _calling_a_model():
    options = {"messages": [SECRET], "tools": SECRET, "operation": SECRET, "provider": SECRET, "name": SECRET}
    with fl.llm(SECRET, **options, stop=SECRET, instructions=SECRET, other=SECRET) as call:
        call.finish(SECRET)
        call.response(id=SECRET, model=SECRET, fact=SECRET)
        call.server(SECRET)
        call.usage(input=SECRET)
        call.chunk(SECRET)
        call.fail(SECRET, type=SECRET)


def _streaming():
    @fl.traced(name=SECRET, tags=[SECRET], attributes={SECRET: SECRET, "note": SECRET})
    def stream(given):
        yield SECRET
        yield [given]
        return SECRET

    list(stream(SECRET))

    def failing(_):
        raise ValueError(SECRET)

    list(fl.traced(attributes=failing, reduce=failing)(stream.__wrapped__)(SECRET))


def _conversing():
    with fl.session(SECRET), fl.turn(SECRET):
        fl.prompt_built({SECRET: SECRET, "part": SECRET}, template=SECRET)


def _in_a_thread():
    def work(context):
        with context, fl.span("s"):
            pass

    lines = fl.capture()
    thread = threading.Thread(target=work, args=(lines,), name=SECRET)
    thread.start()
    thread.join()
    with fl.span("outside"):
        fl.event("thread", names=[span.thread for span in lines.spans])
    return lines


def _in_a_task():
    async def work():
        with fl.span("s"):
            await asyncio.sleep(0)

    async def main():
        await asyncio.create_task(work(), name=f"job {SECRET}")

    asyncio.run(main())


def _calling_recorded():
    @fl.recorded(name=SECRET)
    def call(given):
        return {SECRET: given}

    @fl.recorded
    def pieces(given):
        yield given
        return given

    @fl.recorded
    def fail(given):
        raise ValueError(given)

    call(SECRET)
    list(pieces(SECRET))
    with pytest.raises(ValueError, match="sk-"):
        fail(SECRET)


def _calling():
    @fl.traced
    def function(first, *rest, **named):
        return [first, rest, named]

    function(SECRET, SECRET, x=SECRET)


def _logging():
    logger = logging.Logger(SECRET)  # noqa: LOG001 - of no tree: nothing to undo afterwards
    logger.addHandler(LogHandler())
    logger.error("%s", SECRET, extra={SECRET: SECRET, "note": [SECRET]}, exc_info=ValueError(SECRET))


def _running():
    fl.run_process(["echo", SECRET, f"--key={SECRET}"], name=SECRET, capture_output=True)
    told = {"msg": SECRET, "level": "info", "logger": SECRET, SECRET: SECRET, "list": [SECRET]}
    fl.run_process(["cat"], input=json.dumps(told), capture_output=True)
    said = {"v": 1, "type": "event", "event_id": "a" * 16, "time": 1, "name": SECRET, "body": SECRET}
    fl.run_process(["cat"], input=json.dumps({**said, "attributes": {SECRET: SECRET}}), capture_output=True)


DOORS = {
    "name": lambda: _span_named(SECRET),
    "kind": lambda: _span(kind=SECRET),
    "level": lambda: _span(level=SECRET),
    "input": lambda: _span(input=SECRET),
    "attribute": lambda: _span(note=SECRET),
    "attribute of a subclass of str": lambda: _span(note=Text(SECRET)),
    "long attribute": lambda: _span(note="x " * 10_000 + SECRET),
    "bytes": lambda: _span(note=SECRET.encode()),
    "bytearray": lambda: _span(note=bytearray(SECRET.encode())),
    "set": lambda: _span(note={SECRET}),
    "frozenset in a tuple": lambda: _span(note=(frozenset({SECRET}),)),
    "enum": lambda: _span(note=Colour.RED),
    "dataclass": lambda: _span(note=Request(SECRET)),
    "exception": lambda: _span(note=ValueError(SECRET)),
    "class of an exception": lambda: _span(note=type(SECRET, (Exception,), {})()),
    "class": lambda: _span(note=type(SECRET, (), {})),
    "object": lambda: _span(note=type("Thing", (), {"__repr__": lambda _: SECRET})()),
    "setters": _setting,
    "binding": _bound,
    "pauses": _pausing,
    "traced streams": _streaming,
    "a span that goes on": _resuming_elsewhere,
    "model call": _calling_a_model,
    "conversation and prompt": _conversing,
    "failure in words": _failing,
    "exception that leaves": _raising,
    "class of an exception that leaves": _raising_a_class,
    "links": _linking,
    "name of a thread": _in_a_thread,
    "name of a task": _in_a_task,
    "arguments and result": _calling,
    "arguments, result, pieces and failure of what is recorded to be given again": _calling_recorded,
    "log record": _logging,
    "child process": _running,
    "event": lambda: fl.event(SECRET, level=SECRET, body=SECRET, **{SECRET: SECRET}),
}


def _span_named(name):
    with fl.span(name):
        pass


@pytest.mark.parametrize("door", DOORS)
def test_a_secret_that_goes_in_does_not_come_out(door):
    with fl.capture() as seen:
        inner = DOORS[door]()
    records = [*seen.records, *(inner.records if inner is not None else ())]
    assert records, "something was recorded"
    assert SECRET not in repr(records)
