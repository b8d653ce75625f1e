"""What cannot be encoded, redacted or written is replaced by the least that can be said, with the same ids."""

from __future__ import annotations

import pytest

import flightlog as fl
from flightlog.core import _pure, memo
from flightlog.core.capture import Encoder, Limits
from flightlog.redaction.gate import DefaultGate

ERROR = "flightlog.capture_error"
SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20


class FailingGate:
    """A gate that breaks its contract: it raises, and with the very text that it should have cleaned."""

    def text(self, path, text):
        if "fragile" in text:
            raise ValueError(text)
        return text

    def beginning(self, path, text, length):
        return self.text(path, text)[:length]

    def arguments(self, arguments):
        return arguments

    def hides(self, key):
        if key == "judged":
            raise ValueError(key)
        return False

    def under(self, key, text):
        return "[REDACTED]"

    def spares(self, key):
        return False

    def digest(self, data):
        return ""


@pytest.fixture
def seen():
    with fl.capture() as captured:
        yield captured


@pytest.fixture
def failing_gate(seen):
    before = memo._encoder
    failures: list[int] = []
    memo.use(Encoder(FailingGate(), Limits(), lambda: failures.append(1)))
    yield failures
    memo.use(before)


def test_a_value_that_cannot_be_encoded_is_replaced_alone_and_counted():
    failures: list[int] = []
    encoder = Encoder(DefaultGate(b""), Limits(), lambda: failures.append(1))
    gone = memoryview(b"x")
    gone.release()
    text, _ = encoder.encode({"a": gone, "b": 1}, "input")
    assert text.startswith(f'{{"a":{{"{ERROR}":"ValueError: ')
    assert text.endswith(',"b":1}')
    assert failures == [1]


def test_the_reason_is_redacted_and_short():
    encoder = Encoder(DefaultGate(b""), Limits(), lambda: None)
    assert SECRET not in encoder.failure(ValueError(SECRET))
    assert len(encoder.failure(ValueError("x" * 1000))) == len(f'{{"{ERROR}":""}}') + 100


def test_what_the_gate_fails_on_does_not_leave_and_what_stands_beside_it_does(seen, failing_gate):
    with fl.span(
        "s", input={"a": "fragile", "b": 1}, note="fragile and longer than a text that is remembered " * 3
    ) as s:
        s.set(judged="value", fine=1)
        s.output = ["fragile"]
    span = seen.span("s")
    assert (span.trace_id, span.span_id, span.status) == (s.trace_id, s.span_id, "ok")
    assert ERROR in span.input["a"]
    assert ERROR in span.output[0]
    assert ERROR in span.attributes["note"]
    assert (span.attributes["judged"], span.attributes["fine"]) == ("[REDACTED]", 1)
    assert "fragile" not in repr(seen.records)
    assert len(failing_gate) == 4


def test_a_name_that_the_gate_fails_on_does_not_leave(seen, failing_gate):
    with fl.span("fragile", fragile=1):
        pass
    (span,) = seen.spans
    assert span.name == "(unreadable)"
    assert span.attributes == {"(unreadable)": 1}


def test_a_line_that_would_be_too_long_keeps_ids_name_and_times(seen, monkeypatch):
    monkeypatch.setattr(_pure, "_most_line", 5_000)
    with fl.span("long", kind="tool", text="x" * 10_000) as s:
        fl.event("e", text="y" * 10_000)
    span = seen.span("long")
    assert (span.trace_id, span.span_id, span.kind, span.status) == (s.trace_id, s.span_id, "tool", "ok")
    assert span.start == s.start
    assert span.end >= span.start
    assert list(span.attributes) == [ERROR]
    (event,) = seen.events
    assert (event.trace_id, event.span_id, event.name) == (s.trace_id, s.span_id, "e")
    assert list(event.attributes) == [ERROR]


def test_an_exhausted_stack_replaces_the_value_and_not_the_program(seen):
    def down(n):
        with fl.span("walk") as s:
            s.output = {"deep": [[[[n]]]]}
            down(n + 1)

    with pytest.raises(RecursionError):
        down(0)
    assert len(seen.spans) > 10
