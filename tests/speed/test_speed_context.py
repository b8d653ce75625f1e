"""What a context holds after a span is what it held before it, and whatever the program has put there meanwhile."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
import weakref

import pytest
from speed_kit import needs_core

import flightlog as fl
from flightlog.core.context import variable

pytestmark = needs_core

OTHER: contextvars.ContextVar[object] = contextvars.ContextVar("OTHER")


class Kept:
    pass


@pytest.fixture(autouse=True)
def recorded():
    with fl.capture() as seen:
        yield seen


def _fresh(function):
    return contextvars.copy_context().run(function)


def test_a_block_that_writes_nothing_gives_the_context_back_as_it_was():
    def steps():
        OTHER.set("mine")
        before = dict(contextvars.copy_context())
        for _ in range(3):
            with fl.span("outer"), fl.span("inner"):
                assert OTHER.get() == "mine"
            assert dict(contextvars.copy_context()) == before
            assert variable.get() is before[variable]

    _fresh(steps)


def test_what_a_block_writes_into_other_variables_stays():
    def steps():
        OTHER.set("before")
        with fl.span("outer"):
            OTHER.set("outer")
            with fl.span("inner"):
                OTHER.set("inner")
            assert OTHER.get() == "inner"
            with fl.span("inner"):
                token = OTHER.set("for a while")
                OTHER.reset(token)
            assert OTHER.get() == "inner"
        assert OTHER.get() == "inner"
        with fl.span("new"):
            new = contextvars.ContextVar[int]("new")
            new.set(5)
        assert new.get() == 5

    _fresh(steps)


def test_a_variable_that_a_finalizer_writes_while_a_span_begins_stays_written():
    class Writes:
        def __del__(self):
            OTHER.set("by the collector")

    def steps():
        OTHER.set("before")
        thresholds = gc.get_threshold()
        gc.collect()
        gc.freeze()  # what the worker has gathered would be walked over each time
        try:
            for _ in range(200):
                cycle = Writes()
                cycle.itself = cycle
                del cycle
                OTHER.set("before")
                gc.set_threshold(1, 10, 10)
                with fl.span("s"):
                    pass
                gc.set_threshold(*thresholds)
                seen = OTHER.get()
                gc.collect()
                assert seen in ("before", "by the collector")
                assert OTHER.get() == "by the collector"
        finally:
            gc.set_threshold(*thresholds)
            gc.unfreeze()

    was_on = gc.isenabled()
    gc.enable()
    try:
        _fresh(steps)
        assert gc.isenabled()
        gc.disable()
        with fl.span("s"):
            pass
        assert not gc.isenabled()
    finally:
        (gc.enable if was_on else gc.disable)()


def test_a_copy_made_within_a_span_keeps_it_after_the_span_has_ended(recorded):
    def steps():
        with fl.span("outer"):
            copied = contextvars.copy_context()
        assert copied[variable].trace_id == recorded.spans[-1].trace_id
        for _ in range(2):
            copied.run(lambda: fl.span("late").__enter__().__exit__(None, None, None))
        seen = []
        thread = threading.Thread(target=copied.run, args=(lambda: seen.append(variable.get()),))
        thread.start()
        thread.join()
        assert seen[0] is copied[variable]

    _fresh(steps)
    outer, *late = recorded.spans
    assert [span.parent_id for span in late] == [outer.span_id] * 2


def test_a_span_left_within_a_copy_changes_the_copy_and_no_other_context():
    def steps():
        around = variable.get()
        span = fl.span("s").__enter__()
        copied = contextvars.copy_context()
        copied.run(span.__exit__, None, None, None)
        assert copied[variable] is around
        assert variable.get() is span
        with fl.span("next"):
            pass
        assert variable.get() is span

    _fresh(steps)


def test_spans_left_in_another_order_than_they_began_leave_no_one_current():
    def steps():
        around = variable.get()
        first, second = fl.span("first").__enter__(), fl.span("second").__enter__()
        first.__exit__(None, None, None)
        second.__exit__(None, None, None)
        with fl.span("third"):
            pass
        assert fl.current() is not first
        assert fl.current() is not second
        return around

    _fresh(steps)


def test_what_a_context_held_is_let_go_when_the_span_is_left():
    def steps():
        kept = Kept()
        seen = weakref.ref(kept)
        OTHER.set(kept)
        del kept
        for leave in (lambda span: span.__exit__(None, None, None), _failed):
            span = fl.span("s").__enter__()
            OTHER.set(None)
            leave(span)
            gc.collect()
            assert seen() is None
            kept = Kept()
            seen = weakref.ref(kept)
            OTHER.set(kept)
            del kept

    _fresh(steps)


def _failed(span):
    try:
        raise KeyError
    except KeyError:
        span.__exit__(*sys.exc_info())


def test_a_span_in_its_own_thread_and_an_empty_context_begins_a_trace_and_ends_it(recorded):
    around = variable.get()

    def steps():
        variable.set(around)
        for _ in range(3):
            with fl.span("s"):
                pass
        OTHER.set(1)
        assert variable.get() is around

    thread = threading.Thread(target=steps)
    thread.start()
    thread.join()
    assert len(recorded.spans) == 3


def test_tasks_that_take_turns_keep_their_own():
    async def one(number: int) -> None:
        OTHER.set(number)
        with fl.span("outer") as outer:
            await asyncio.sleep(0)
            with fl.span("inner"):
                OTHER.set(-number)
                await asyncio.sleep(0)
            assert variable.get() is outer
            assert OTHER.get() == -number

    async def main() -> None:
        await asyncio.gather(*(one(number) for number in range(1, 20)))

    asyncio.run(main())
