"""Exceptions of the program that answer no question, or answer it by raising, wherever its own code fails us."""

from __future__ import annotations

import asyncio

import pytest

import flightlog as fl
from flightlog.border import is_interruption, let_through
from flightlog.core import memo
from flightlog.core.capture import Encoder, Limits
from flightlog.redaction.gate import DefaultGate

ERROR = "flightlog.capture_error"
SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20


class Mute(Exception):
    """Its text raises."""

    def __str__(self):
        raise RuntimeError("mute")


class Mean(Exception):
    """Whatever it is asked raises another of its sort."""

    def __getattribute__(self, name):
        raise Mean


class FailingGate(DefaultGate):
    """Refuses to judge a text that it should have cleaned."""

    def text(self, path, text):
        if "fragile" in text:
            raise ValueError(text)
        return text


@pytest.mark.parametrize(
    ("kind", "told"), [(Mute, "Mute: <Mute, its str raised RuntimeError>"), (Mean, "Mean: ")]
)
def test_code_of_the_program_that_fails_with_it_breaks_neither_the_call_nor_the_stream(seen, kind, told):
    def fail(*_):
        raise kind

    @fl.traced(name="call", attributes=fail)
    def call(number):
        return number

    @fl.traced(name="stream", reduce=fail)
    def stream():
        yield from "ab"

    @fl.traced(name="flow", reduce=fail)
    async def flow():
        yield 1

    async def consume():
        return [item async for item in flow()]

    assert asyncio.run(consume()) == [1]
    assert call(3) == 3
    assert list(stream()) == ["a", "b"]
    assert {span.status for span in seen.spans} == {"ok"}
    assert [seen.span(name).attributes[ERROR] for name in ("call", "stream", "flow")] == [told] * 3
    assert seen.span("call").output == 3


def test_what_it_says_is_redacted_before_it_is_cut(seen):
    def fail(_items):
        raise ValueError("x" * 70 + f" api_key={SECRET}")

    @fl.traced(name="stream", reduce=fail)
    def stream():
        yield 1

    assert list(stream()) == [1]
    told = seen.span("stream").attributes[ERROR]
    assert told.startswith("ValueError: xxx")
    assert len(told) <= 100
    assert "sk-" not in told


def test_a_gate_that_fails_on_what_it_says_breaks_nothing_and_lets_nothing_out(seen):
    def fail(_items):
        raise ValueError("fragile")

    @fl.traced(name="stream", reduce=fail)
    def stream():
        yield 1

    before, failures = memo._encoder, list[int]()
    memo.use(Encoder(FailingGate(b""), Limits(), lambda: failures.append(1)))
    try:
        assert list(stream()) == [1]
    finally:
        memo.use(before)
    assert seen.span("stream").attributes[ERROR] == "the reason could not be redacted"
    assert failures == [1]


def test_the_border_does_not_ask_the_exception_where_it_came_from():
    def fail():
        raise Mean

    caught: list[BaseException] = []
    try:
        fail()
    except Mean as failure:
        caught.append(failure)
    assert not is_interruption(caught[0])
    let_through(caught[0])


def test_a_model_call_ends_with_it(seen):
    call = fl.llm("gpt-4.1", name="call").start()
    call.end(Mean())
    assert seen.span("call").status == "error"
    assert seen.span("call").attributes["error.type"].endswith("Mean")


def endless(*_):
    while True:
        pass


class EndlessNotes(Exception):
    __notes__ = property(endless)


class EndlessLooks(Exception):
    def __getattr__(self, name):
        endless()


class Outspoken(Exception):
    def __str__(self):
        return "v"


class EndlessClass(Exception):
    __class__ = property(endless)


class EndlessCause(Exception):
    __cause__ = property(endless)


class EndlessMembers(ExceptionGroup):
    exceptions = property(endless)


class EndlessCode(SystemExit):
    code = property(endless)


class EndlessText:
    __str__ = __repr__ = endless


class EndlessList(list):
    __iter__ = endless


def noted(notes):
    error = ValueError("v")
    error.__notes__ = notes
    return error


@pytest.mark.parametrize(
    "make",  # and not the exception itself, at which pytest would look
    [
        lambda: EndlessNotes("v"),
        lambda: EndlessLooks("v"),
        lambda: EndlessClass("v"),
        lambda: EndlessCause("v"),
        lambda: EndlessMembers("v", [ValueError()]),
        lambda: EndlessCode("v"),
        lambda: noted([EndlessText()]),
        lambda: noted(EndlessList("a")),
    ],
)
def test_a_stack_is_told_without_what_would_never_end(seen, make):
    try:
        with fl.span("s"):
            raise make()
    except BaseException:
        span = seen.span("s")
    assert span.status == "error"
    assert span.error.message.startswith("v")
    assert "in test_a_stack_is_told_without_what_would_never_end" in span.error.stack


def test_notes_are_told_beside_an_exception_that_is_told_with_care(seen):
    try:
        with fl.span("s"):
            error = Outspoken("v")
            error.add_note("remember the milk")
            raise error
    except Outspoken:
        pass
    assert seen.span("s").error.stack.endswith("Outspoken: v\nremember the milk")


@pytest.mark.parametrize(
    ("code", "status"), [(None, "ok"), (0, "ok"), (False, "ok"), (0.0, "ok"), (1, "error"), ("0", "error")]
)
def test_an_exit_is_judged_by_its_code(seen, code, status):
    with pytest.raises(SystemExit), fl.span("s"):
        raise SystemExit(code)
    assert seen.span("s").status == status
