"""However a block is left, its span is over: at the end of the stack, among signals, tasks and loops."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import signal
import subprocess
import sys

import pytest

import flightlog as fl
from flightlog.core import engine


def _deeper(depths):
    with fl.span("deeper"):
        depths.append(len(depths))
        _deeper(depths)


@pytest.mark.parametrize("more", range(0, 28, 3))
def test_a_span_that_is_left_at_the_end_of_the_stack_is_over(taken, more):
    depths, before = [], sys.getrecursionlimit()
    limit = len(_frames()) + 100 + more
    sys.setrecursionlimit(limit)
    try:
        with pytest.raises(RecursionError):
            _deeper(depths)
        assert sys.getrecursionlimit() == limit
    finally:
        sys.setrecursionlimit(before)
    assert len(depths) > 20
    assert [span for span in engine.open_spans if span._name == "deeper"] == []
    assert fl.current()._name == "root"
    ended = [record for record in taken.records if record["name"] == "deeper" and "end" in record]
    assert len(ended) >= len(depths) - 10


THREADS = """
import os, resource, sys, threading
import flightlog as fl

if "FLIGHTLOG_SANITIZED" not in os.environ:  # a sanitizer maps terabytes for its shadow
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

def deeper():
    with fl.span("deeper"):
        deeper()

def exhaust():
    with fl.capture():
        for _ in range(5):
            try:
                deeper()
            except RecursionError:
                pass

sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=exhaust) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sys.getrecursionlimit())
"""


def test_threads_that_exhaust_their_stacks_at_once_leave_the_limit_as_it_was(tmp_path):
    environ = {**os.environ, "FLIGHTLOG_HOME": str(tmp_path / "home"), "FLIGHTLOG_ENGINE": engine.NAME}
    found = subprocess.run(
        [sys.executable, "-c", THREADS], env=environ, capture_output=True, text=True, check=False, timeout=120
    )
    assert found.stdout.split() == ["1000"], found.stderr[-2000:]


def _frames():
    found, frame = [], sys._getframe()
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    return found


def _spans_alive():
    gc.collect()
    return sum(type(found) is fl.Span for found in gc.get_objects())


@pytest.mark.parametrize("fails", [False, True])
def test_steps_that_start_one_another_for_ever_keep_no_span_of_long_ago(taken, fails):
    """Each runs in a copy of the context of the one before it, made inside of that one's span."""
    context = contextvars.copy_context()

    def step():
        nonlocal context
        try:
            with fl.span("step"):
                context = contextvars.copy_context()
                if fails:
                    raise KeyError
        except KeyError:
            pass

    counts = []
    for _ in range(3):
        for _ in range(50):
            context.run(step)
        counts.append(_spans_alive())
    assert max(counts) - min(counts) <= 2


def test_a_loop_that_runs_inside_of_a_task_has_its_own_tasks(taken):
    async def inner():
        with fl.span("inner"):
            pass

    async def outer():
        with fl.span("before"):
            pass
        running = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(loop.create_task(inner(), name="INNER"))
        finally:
            asyncio._set_running_loop(running)
            loop.close()
        with fl.span("after"):
            pass

    async def main():
        await asyncio.create_task(outer(), name="OUTER")

    asyncio.run(main())
    ended = [record for record in taken.records if "end" in record]
    assert [(record["name"], record["task"]) for record in ended] == [
        ("before", "OUTER"),
        ("inner", "INNER"),
        ("after", "OUTER"),
    ]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signal on this system")
@pytest.mark.parametrize("kind", [BaseException, Exception])
def test_what_a_signal_handler_raises_while_a_block_is_left_reaches_the_program(taken, monkeypatch, kind):
    """The task changes within the block, and whoever is asked for it is interrupted."""

    class Alarm(kind):
        pass

    def handler(*_):
        raise Alarm

    def current_task(loop=None):
        nonlocal is_armed
        if is_armed:
            is_armed = False
            signal.raise_signal(signal.SIGUSR1)
        return tasks[-1]

    is_armed, tasks = False, []
    monkeypatch.setattr(asyncio, "current_task", current_task)
    before = signal.signal(signal.SIGUSR1, handler)

    async def main():
        nonlocal is_armed
        first = asyncio.tasks.current_task()
        second = asyncio.create_task(asyncio.sleep(0))
        tasks.append(first)
        with fl.span("first"):
            tasks.append(second)
            asyncio.tasks._leave_task(asyncio.get_running_loop(), first)
            asyncio.tasks._enter_task(asyncio.get_running_loop(), second)
            with fl.span("second"):
                pass
            asyncio.tasks._leave_task(asyncio.get_running_loop(), second)
            asyncio.tasks._enter_task(asyncio.get_running_loop(), first)
            tasks.append(first)
            is_armed = True
        await second

    try:
        with pytest.raises(Alarm):
            asyncio.run(main())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not is_armed


@pytest.mark.parametrize("body", ["said", "a\nb", "", 5, None, ["list"], "x" * 70, "\ud800", "y" * 400_000])
@pytest.mark.parametrize("level", ["info", "warn"])
def test_an_event_with_a_body_is_one_line(taken, body, level):
    fl.event("plain", level, body)
    fl.event("named", body=body, n=1, level=level)
    plain, named = taken.named("plain"), taken.named("named")
    assert plain.get("body") == named.get("body")
    assert plain.get("level", "info") == named.get("level", "info") == level
    assert named["attributes"].pop("n") == 1
    cut = named["attributes"].pop("flightlog.cut", None)
    assert (cut is not None) == (isinstance(body, str) and len(body) > 300_000)
    assert plain.get("attributes", {}) == ({} if cut is None else {"flightlog.cut": cut})
    if body in ("said", "a\nb", 5):
        assert plain["body"] == str(body)
