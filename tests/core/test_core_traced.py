"""`traced` records calls and changes nothing about them."""

from __future__ import annotations

import asyncio
import inspect

import pytest

import flightlog as fl


def test_a_call_is_a_span_with_arguments_and_result(seen):
    @fl.traced
    def add(a, b=2, *rest, c=3, **more):
        return a + b

    assert add(1, 5, 6, c=4, d=7) == 6
    span = seen.spans[0]
    assert span.name.endswith("add")
    assert span.kind == "function"
    assert span.input == {"a": 1, "b": 5, "*rest": [6], "c": 4, "d": 7}
    assert span.output == 6


def test_a_coroutine_function_stays_one(seen):
    @fl.traced(name="double", kind="tool")
    async def double(n):
        await asyncio.sleep(0)
        with fl.span("inside"):
            return n * 2

    assert inspect.iscoroutinefunction(double)
    assert asyncio.run(double(4)) == 8
    double_span, inside = seen.span("double"), seen.span("inside")
    assert (double_span.kind, double_span.input, double_span.output) == ("tool", {"n": 4}, 8)
    assert inside.parent_id == double_span.span_id


def test_methods_leave_self_out(seen):
    class Greeter:
        @fl.traced
        def greet(self, name):
            return f"hello {name}"

        @classmethod
        @fl.traced
        def make(cls, size):
            return size

        @staticmethod
        @fl.traced
        def plain(x):
            return x

    assert Greeter().greet("you") == "hello you"
    assert Greeter.make(3) == 3
    assert Greeter.plain(4) == 4
    assert [span.input for span in seen.spans] == [{"name": "you"}, {"size": 3}, {"x": 4}]
    assert seen.spans[0].name.endswith("Greeter.greet")


def test_the_function_keeps_its_face(seen):
    @fl.traced(capture_args=False, capture_result=False)
    def documented(a: int) -> int:
        """Says so."""
        return a

    assert documented.__name__ == "documented"
    assert documented.__doc__ == "Says so."
    assert inspect.signature(documented) == inspect.signature(documented.__wrapped__)
    assert documented(1) == 1
    assert "input" not in str(seen._lines[0])


def test_an_exception_is_recorded_and_raised_on(seen):
    @fl.traced
    def fails():
        raise LookupError("gone")

    with pytest.raises(LookupError):
        fails()
    assert seen.spans[0].error.type == "LookupError"


def test_a_stack_shows_the_program_s_frames_and_none_of_ours(seen):
    @fl.traced
    def fails():
        raise LookupError("gone")

    with pytest.raises(LookupError):
        fails()
    stack = seen.spans[0].error.stack
    assert "in fails" in stack
    assert "tracer.py" not in stack


def test_recursion_nests(seen):
    @fl.traced(name="down")
    def down(n):
        return n if n == 0 else down(n - 1)

    assert down(3) == 0
    assert [span.input["n"] for span in seen.spans] == [0, 1, 2, 3]
    assert seen.spans[0].parent_id == seen.spans[1].span_id
