"""Bindings that are left in another order than they were entered."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading

from hypothesis import given
from hypothesis import strategies as st

import flightlog as fl
from flightlog.core.bound import bound


def entered(**fields: object) -> fl.bind:
    made = fl.bind(**fields)
    made.__enter__()
    return made


def left(binding: fl.bind) -> None:
    binding.__exit__(None, None, None)


def test_what_an_outer_binding_said_is_gone_when_it_is_left_first(seen):
    a, b = entered(a=1), entered(b=2)
    with fl.span("open"):
        left(a)
        fl.event("within")
    with fl.span("under b"):
        pass
    left(b)
    with fl.span("after"):
        pass
    assert seen.span("open").context == {"a": 1, "b": 2}
    assert seen.events[0].context == {"b": 2}
    assert seen.span("under b").context == {"b": 2}
    assert seen.span("after").context == {}


def test_what_it_had_hidden_comes_back(seen):
    outer = entered(user="outer", a=1)
    middle = entered(user="middle")
    inner = entered(b=2)
    left(middle)
    with fl.span("s"):
        pass
    assert seen.span("s").context == {"user": "outer", "a": 1, "b": 2}
    left(inner)
    left(outer)


@given(st.lists(st.integers(0, 9), max_size=30), st.booleans())
def test_in_any_order_what_holds_is_what_was_entered_and_not_left(steps, muting):
    """Even steps enter, odd ones leave one of those that are open; every other span is under a mute."""

    def run():
        with fl.capture() as seen:
            opened: list[tuple[fl.bind, dict[str, int]]] = []
            expected = []
            for number, step in enumerate(steps):
                if step % 2 == 0 or not opened:
                    fields = {f"k{step % 3}": number}
                    opened.append((entered(**fields), fields))
                else:
                    left(opened.pop(step % len(opened))[0])
                with fl.span(f"s{number}"):
                    pass
                expected.append({key: value for _, fields in opened for key, value in fields.items()})
            silent = fl.mute()
            if muting:
                silent.__enter__()
            for binding, _ in opened:
                left(binding)
            with fl.span("last"):
                fl.narrate("said")
            expected.append({})
            assert [span.context for span in seen.spans if span.end] == expected
            assert len([event for event in seen.events if event.name == "said"]) == (not muting)

    contextvars.copy_context().run(run)


def test_bindings_that_are_always_left_too_early_do_not_pile_up(seen):
    last = entered(n=0)
    for n in range(1, 100):
        following = entered(n=n)
        left(last)
        last = following
    with fl.span("s"):
        pass
    gc.collect()
    depth, one = 0, bound.get()
    while one is not None:
        depth, one = depth + 1, one.outer
    assert seen.span("s").context == {"n": 99}
    assert depth <= 2
    left(last)


def test_a_task_under_a_binding_that_another_context_leaves_loses_what_that_said(seen):
    async def main():
        outer = fl.bind(job="outer")

        async def work(entered_both, go):
            outer.__enter__()
            with fl.bind(turn=1):
                entered_both.set()
                await go.wait()
                with fl.span("s"):
                    pass

        entered_both, go = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(work(entered_both, go))
        await entered_both.wait()
        left(outer)
        go.set()
        await task

    asyncio.run(main())
    assert seen.span("s").context == {"turn": 1}


def test_a_thread_keeps_what_it_was_given(seen, carrying):
    """It holds as long as the span that it came with."""
    go = threading.Event()

    def work():
        own = entered(own=1)
        go.wait(10)
        with fl.span("in the thread"):
            pass
        left(own)

    a = entered(a=1)
    with fl.span("root"):
        b = entered(b=2)
        thread = threading.Thread(target=work)
        thread.start()
        left(a)
        go.set()
        thread.join()
        left(b)
    assert seen.span("in the thread").context == {"a": 1, "b": 2, "own": 1}
