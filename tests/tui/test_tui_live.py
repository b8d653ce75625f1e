"""The explorer beside a program that records: what happens is seen as it happens, and nobody waits for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import contextmanager

from tui_kit import explorer, sample, sees, shown, store, trace_id, until, with_pilot

from flightlog.tui.trace import TraceScreen

PROGRAM = """
import sys
import flightlog as fl

def wait():
    sys.stdin.readline()

messages = [{"role": "user", "content": "Where is my order?"}]
with fl.span("answer_request", kind="agent"):
    with fl.llm("gpt-4.1-mini", provider="openai", messages=messages) as call:
        wait()
        call.output = {"role": "assistant", "content": "On its way."}
        call.usage(input=812, output=60)
    wait()
wait()
"""


GROWING = """
import sys
import flightlog as fl

with fl.span("growing"):
    for number in range(60):
        with fl.span(f"step_{number}"):
            pass
        if number % 20 == 19:
            sys.stdin.readline()
"""

STREAMED = """
import sys
import flightlog as fl

fl.configure(level="trace")
with fl.llm("gpt-4.1-mini", provider="openai", messages=[{"role": "user", "content": "Where is it?"}]) as call:
    call.set_attributes({"gen_ai.request.stream": True})
    sys.stdin.readline()
    call.chunk(5)
    call.chunk(1001)
    sys.stdin.readline()
    call.output = {"role": "assistant", "content": "On its way."}
"""

DOOMED = """
import os, sys
import flightlog as fl

with fl.span("doomed"):
    fl.event("begun")
    sys.stdin.readline()
    os._exit(1)
"""


def doomed():
    """A program that dies within a span when it is sent a line."""
    return program(DOOMED)


@contextmanager
def program(code=PROGRAM):
    """A program that goes one step on for each line that it is sent."""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, text=True)
    assert process.stdin is not None

    def step() -> None:
        process.stdin.write("\n")
        process.stdin.flush()

    try:
        yield step
    finally:
        process.stdin.close()
        process.wait(60)


def test_a_trace_is_seen_while_it_runs_grows_and_ends(home):
    async def does(pilot):
        await sees(pilot, "Nothing is recorded yet")
        with program() as step:
            await sees(pilot, "● ", "answer_request", "1 open trace", "2 open spans", "o.o")
            await pilot.press("enter")
            await sees(pilot, "● answer_request", "● chat gpt-4.1-mini", "▸")
            first = shown(pilot.app)
            await until(pilot, lambda: shown(pilot.app) != first)  # what is open ticks
            await pilot.press("m")
            await sees(pilot, "Where is my order?")
            assert "On its way." not in shown(pilot.app)
            step()
            await sees(pilot, "On its way.", "✓ chat gpt-4.1-mini", "812→60")
            step()
            await sees(pilot, "✓ answer_request", "agent · ok")
            await pilot.press("escape", "escape")
            await sees(pilot, "0 open traces", "0 open spans", "^_^")

    with_pilot(explorer(follows=True), does, (120, 40))


def test_of_an_answer_that_is_streamed_the_pieces_are_counted_while_they_come_and_its_time_goes_on(home):
    async def does(pilot):
        with program(STREAMED) as step:
            await sees(pilot, "chat gpt-4.1-mini", "1 open span")
            await pilot.press("enter", "m")
            await sees(pilot, "Where is it?", "streaming; with the setting level=trace")
            step()
            await sees(pilot, "2 pieces, 1,006 characters, last ")
            line = told(pilot)
            await until(pilot, lambda: told(pilot) != line)
            await pilot.press("enter")
            await sees(pilot, "after the trace began")
            line = told(pilot, "after the trace began")
            await until(pilot, lambda: told(pilot, "after the trace began") != line)
            await pilot.press("m")
            step()
            after = await sees(pilot, "On its way.")
            assert "pieces" not in after

    with_pilot(explorer(follows=True), does)


def told(pilot, part="gpt-4.1-mini · "):
    """The line beside the tree that says how long what is open has lasted."""
    return next((line for line in shown(pilot.app).splitlines() if part in line), "")


def test_a_program_that_dies_leaves_an_interrupted_trace(home):
    with doomed() as die:

        async def does(pilot):
            await sees(pilot, "● ", "doomed")
            die()
            await sees(pilot, "!  doomed")

        with_pilot(explorer(follows=True), does)


def test_who_stands_at_the_end_of_a_trace_that_grows_goes_on_standing_there(home):
    async def does(pilot):
        with program(GROWING) as step:
            await sees(pilot, "growing")
            await pilot.press("enter")
            await sees(pilot, "step_0")
            await pilot.press("G")
            await sees(pilot, "step_19")
            step()
            await sees(pilot, "step_39")
            await pilot.press("home")
            step()
            await sees(pilot, "step_0", "61 spans")
            step()
            await sees(pilot, "✓ growing")

    with_pilot(explorer(follows=True), does)


def test_while_it_stands_still_nothing_is_read_until_somebody_asks(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        with program() as step:
            step()
            step()
        await pilot.press("down", "up")
        assert "answer_request" not in shown(pilot.app)
        await pilot.press("f")
        await sees(pilot, "following what happens", "answer_request")

    with_pilot(explorer(), does)


def test_a_home_that_is_deleted_and_made_anew_is_followed(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        shutil.rmtree(home)
        await sees(pilot, "Nothing is recorded yet")
        with program() as step:
            await sees(pilot, "answer_request")
            step()
            step()
            await sees(pilot, "0 open traces", "✓")

    with_pilot(explorer(follows=True), does)


def test_a_chosen_trace_stays_chosen_while_others_come(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        await pilot.press("down")
        with program() as step:
            await sees(pilot, "answer_request")
            step()
            step()
        await pilot.press("enter")
        await sees(pilot, "look_up")

    with_pilot(explorer(follows=True), does)


def test_nothing_is_left_behind_and_the_index_is_free_again(home):
    store(*sample())
    app = explorer(follows=True)
    lock = app.source.home.index_lock()

    async def does(pilot):
        app.source.home.journal_root.mkdir(exist_ok=True)
        await sees(pilot, "warm_up")
        await until(pilot, lambda: app._indexing is not None and app._indexing.is_ours)
        assert not lock.acquire()

    with_pilot(app, does)
    assert lock.acquire()
    lock.release()


def test_an_answer_that_comes_before_a_screen_stands_or_after_it_went_disturbs_nobody(home):
    store(*sample())

    async def does(pilot):
        await sees(pilot, "warm_up")
        with pilot.app._context():
            screen = TraceScreen(trace_id(1))
            await screen.renew()
            await pilot.app.push_screen(screen)
            await sees(pilot, "look_up")
            await pilot.app.pop_screen()
            await screen.renew()
        await sees(pilot, "warm_up")

    with_pilot(explorer(), does)
