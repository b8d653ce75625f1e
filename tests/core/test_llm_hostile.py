"""Whatever a program hands to a model call, in whatever order: nothing is raised, and no nonsense is recorded."""

from __future__ import annotations

import asyncio
import threading

import pytest

import flightlog as fl
from flightlog.core import context, counted, memo
from flightlog.core.capture import Encoder, Limits
from flightlog.records import genai
from flightlog.redaction.gate import DefaultGate


def _refuse(*_):
    raise ValueError("not by me")


MEAN = dict.fromkeys(
    ("__str__", "__repr__", "__bool__", "__hash__", "__eq__", "__lt__", "__le__", "__ge__", "__format__"),
    _refuse,
)
NUMERIC = dict.fromkeys(("__index__", "__int__", "__float__", "__add__", "__radd__", "is_integer"), _refuse)
SIZED = dict.fromkeys(("__len__", "__iter__", "__getitem__", "items", "keys", "strip", "isdigit"), _refuse)

Anything = type(
    "Anything", (), {**MEAN, **NUMERIC, **SIZED, "__getattr__": _refuse, "__class__": property(_refuse)}
)
Text = type("Text", (str,), {**MEAN, **SIZED})
Whole = type("Whole", (int,), {**MEAN, **NUMERIC})
Strict = type("Strict", (int,), NUMERIC)
Broken = type("Broken", (float,), {**MEAN, **NUMERIC})
Mapped = type("Mapped", (dict,), {**MEAN, **SIZED})
Error = type("Error", (Exception,), {**MEAN, "args": property(_refuse), "__traceback__": property(_refuse)})

VALUES = {
    "none": None,
    "anything": Anything(),
    "text": Text("x"),
    "whole": Whole(-5),
    "broken": Broken(3.5),
    "mapped": Mapped(a=1),
    "error": Error("x"),
    "class": Error,
    "bool": True,
    "huge": 10**5000,
    "nan": float("nan"),
    "half": "\ud800",
    "bytes": b"x",
    "list": [[], None],
    "dict": {1: {}},
}


@pytest.fixture(params=list(VALUES))
def value(request):
    return VALUES[request.param]


@pytest.fixture
def uncaptured(seen):
    """Grows by one for each value that was left out."""
    before = memo._encoder
    failures: list[int] = []
    memo.use(Encoder(DefaultGate(b""), Limits(), lambda: failures.append(1)))
    yield failures
    memo.use(before)


def tell(call, value):
    """Hand the value over wherever something can be said of a call."""
    for name in ("input", "output", "cache_read", "cache_write", "reasoning", "total"):
        call.usage(**{name: value})
    call.first_token()
    call.chunk(value)
    call.chunk(1, value)
    call.finish(value)
    call.finish(value, [value], (value,))
    call.response(id=value, model=value, other=value)
    call.server(value, value)
    call.set(a=value)
    call.set_attributes(value)
    call.event("e", value, value, a=value)
    call.link(value, value, a=value)
    call.fail(value)
    call.fail(value, type=value, stack=value)
    call.input = call.output = value


def test_no_value_at_all_makes_a_call_raise_before_within_or_after_its_block(seen, value):
    call = fl.llm(
        value,
        provider=value,
        messages=value,
        tools=value,
        operation=value,
        name=value,
        level=value,
        stop=value,
    )
    tell(call, value)
    with call:
        tell(call, value)
    tell(call, value)
    call.end(value)
    (span,) = seen.spans
    assert (span.kind, span.status) == ("llm", "error")
    assert not [name for name in span.attributes if name.startswith("gen_ai.usage")]
    assert span.attributes["flightlog.stream.characters"] == 1


def test_no_value_at_all_keeps_a_call_from_ending(seen, value):
    call = fl.llm("m").start()
    call.end(value)
    assert call.ended
    assert [span.status for span in seen.spans] == ["ok" if value is None else "error"]


@pytest.mark.parametrize(
    "tokens", [-1, -1.0, 3.5, True, float("nan"), float("inf"), 2**40 + 1, 10**400, "7", Strict(-1), [7]]
)
def test_what_is_no_number_of_tokens_is_left_out_and_counted(seen, uncaptured, tokens):
    with fl.llm("m") as call:
        call.usage(input=tokens, output=4)
    attributes = seen.span("chat m").attributes
    assert genai.INPUT_TOKENS not in attributes
    assert attributes[genai.OUTPUT_TOKENS] == 4
    assert uncaptured == [1]


@pytest.mark.parametrize(
    ("tokens", "recorded"), [(0, 0), (3.0, 3), (2**40, 2**40), (Strict(5), 5), (None, 9)]
)
def test_a_whole_number_of_tokens_is_recorded_as_one_and_none_takes_nothing_back(
    seen, uncaptured, tokens, recorded
):
    with fl.llm("m") as call:
        call.usage(input=9)
        call.usage(input=tokens)
    told = seen.span("chat m").attributes[genai.INPUT_TOKENS]
    assert (type(told), told, uncaptured) == (int, recorded, [])


def test_what_was_not_said_is_not_recorded_as_a_word(seen):
    with fl.llm(None, provider=None, operation=None, name=None) as call:
        call.response(id=None, model=None)
        call.server(None, None)
        call.finish(None)
        call.server("", 70_000)
    (span,) = seen.spans
    assert span.name == "chat"
    assert span.attributes == {"gen_ai.operation.name": "chat"}


def test_reasons_may_come_as_a_list_and_the_last_ones_count(seen):
    with fl.llm("m") as call:
        call.finish("length")
        call.finish(["stop", None, "tool_calls"])
        call.finish()
        call.server("host", "8080")
    attributes = seen.span("chat m").attributes
    assert attributes[genai.FINISH_REASONS] == ["stop", "tool_calls"]
    assert attributes[genai.SERVER_PORT] == 8080


def test_pieces_of_no_size_count_as_pieces(seen):
    with fl.llm("m") as call:
        for size in (-3, 2.0, "x", None):
            call.chunk(size)
        call.chunk(1, -7)
    assert [(event.attributes["size"], event.attributes["index"]) for event in seen.events] == [
        (0, 0),
        (2, 1),
        (0, 2),
        (0, 3),
        (1, 4),
    ]
    assert seen.span("chat m").attributes["flightlog.stream.characters"] == 3


def test_pieces_before_the_start_and_after_the_end_are_none(seen):
    call = fl.llm("m")
    call.first_token()
    call.chunk(1)
    with call:
        pass
    call.chunk(1)
    assert not [name for name in seen.span("chat m").attributes if "stream" in name or "chunk" in name]
    assert seen.events == []


def test_what_the_program_measured_itself_stays(seen):
    with fl.llm("m") as call:
        call.chunk(1)
        call.set_attributes({genai.TIME_TO_FIRST_CHUNK: 0.25})
    assert seen.span("chat m").attributes[genai.TIME_TO_FIRST_CHUNK] == 0.25


def test_a_start_within_its_own_block_leaves_the_call_to_the_block(seen):
    with fl.span("agent") as agent:
        with fl.llm("m") as call:
            call.start()
        assert call.ended
        assert fl.current() is agent
    assert [span.name for span in seen.spans] == ["chat m", "agent"]


def test_a_block_that_is_entered_again_within_itself_or_after_it_is_one_call(seen):
    def body():
        call = fl.llm("m")
        with call, call:
            pass
        with call:
            yield fl.current()

    assert next(body()).span_id == ""
    assert len(seen.spans) == 1
    assert not context.held


def test_an_open_call_that_is_made_current_twice_leaves_its_place_as_it_was(seen):
    with fl.span("agent") as agent:
        call = fl.llm("m").start()
        block = call.current()
        with block:
            with block:
                assert fl.current() is call.span
            assert fl.current() is call.span
        assert fl.current() is agent
        call.end()
    assert len(seen.spans) == 2


def test_words_that_end_a_call_are_its_error(seen):
    call = fl.llm("m").start()
    call.end("the line went dead")
    (span,) = seen.spans
    assert (span.status, span.error.message, span.attributes["error.type"]) == (
        "error",
        "the line went dead",
        "error",
    )


def test_an_exception_that_says_nothing_leaves_the_block_as_it_is(seen):
    error = Error("x")
    with pytest.raises(Exception) as raised, fl.llm("m"):
        raise error
    assert raised.value is error
    (span,) = seen.spans
    assert span.status == "error"
    assert span.attributes["error.type"].endswith("Error")


def test_threads_and_tasks_that_tell_of_one_call_at_once_end_it_once(seen):
    call = fl.llm("m").start()
    together = threading.Barrier(8)

    def work():
        together.wait(20)
        for _ in range(50):
            call.usage(input=5)
            call.chunk(1)
        call.end()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def later():
        with call:
            call.usage(input=6)

    asyncio.run(later())
    (span,) = seen.spans
    assert span.attributes[genai.INPUT_TOKENS] == 5


def test_a_call_that_has_ended_is_held_by_nobody(seen):
    with fl.llm("m"):
        assert len(counted._by_hand) == 1
    assert not counted._by_hand
    assert not counted._heard


# -- beside the call ----------------------------------------------------------------------------------------------


def test_no_value_at_all_makes_a_prompt_raise(seen, value):
    fl.prompt_built(value)
    fl.prompt_built({"a": value}, level=value, body=value, components=value, sizes=value, name=value)
    told = [event.attributes for event in seen.events]
    assert told[-1]["components"].keys() == told[-1]["sizes"].keys() == {"a"}
    assert type(told[-1]["sizes"]["a"]) is int


def test_a_prompt_without_end_is_taken_as_far_as_a_value_may_be_large(seen, uncaptured):
    class Endless(dict):
        def items(self):
            number = 0
            while True:
                number += 1
                yield f"part{number}", ""

    memo._encoder.limits.nodes = 10
    fl.prompt_built(Endless())
    (event,) = seen.events
    assert len(event.attributes["sizes"]) == 10


def test_no_value_at_all_makes_a_conversation_raise(seen, value):
    with fl.session(value), fl.turn(value), fl.span("inside"):
        pass
    assert type(seen.span("inside").context.get("session", "")) is str
    assert "turn" not in seen.span("inside").context


def test_a_conversation_that_is_not_known_hides_none_that_is(seen):
    with fl.session("s-1"), fl.turn(2), fl.session(None), fl.turn(None), fl.turn(-1), fl.span("inside"):
        pass
    assert seen.span("inside").context == {"session": "s-1", "turn": 2}
