"""What the tests of the explorer share: homes with real stores, and screens as text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from contracts.store_lines import PROCESS, START, event, span, trace_id
from flightlog.cli.drawing import Drawn
from flightlog.cli.opening import home, pace
from flightlog.cli.render.terminal import Terminal
from flightlog.pricelist import price_book
from flightlog.questions.parsing import parse
from flightlog.records.line import Line
from flightlog.store.open import open_writer
from flightlog.store.port import Chunk
from flightlog.tui.app import Explorer
from flightlog.tui.source import Source

DEADLINE = 40.0
"""Seconds after which something that should have happened has not."""

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is my order?"}]
ANSWER = {"role": "assistant", "content": "On its way."}


def store(*lines: Line) -> None:
    """Put lines into the store of the home that the environment names."""
    found = home()
    found.create()
    writer = open_writer(found.store_path)
    writer.append([Chunk(PROCESS, lines)])
    writer.close()


def sample() -> list[Line]:
    """A trace with a model call, a tool that failed and texts that a terminal would obey; and one that went well."""
    usage = {"gen_ai.usage.input_tokens": 812, "gen_ai.usage.output_tokens": 60}
    model = {"gen_ai.request.model": "gpt-4.1-mini", "gen_ai.provider.name": "openai", **usage}
    fault = {
        "type": "TimeoutError",
        "message": "no answer within 2 s",
        "stack": "Traceback …\nTimeoutError: no answer",
    }
    return [
        span(1, 1, name="answer", kind="agent", took=900, input={"q": "Where?"}, output="On its way."),
        span(
            1,
            2,
            parent=1,
            name="chat",
            kind="llm",
            at=10,
            took=400,
            input=MESSAGES,
            output=ANSWER,
            attributes=model,
        ),
        span(1, 3, parent=1, name="look_up", kind="tool", at=450, took=300, status="error", error=fault),
        span(1, 4, parent=3, name="evil \x1b[31m[red]name[/red]\n\u202e", kind="http", at=460, took=200),
        event(1, at=455, name="retry", span_id="0" * 15 + "3", attributes={"attempt": 1, "reason": "slow"}),
        span(2, 1, name="warm_up", kind="run", at=2000, took=50),
    ]


def explorer(**options: Any) -> Explorer:
    """The explorer on the home that the environment names; `asked` is read."""
    found = home()
    source = Source(found, price_book(found.settings))
    drawing = Drawn(Terminal(colour=True), pace(found), source, has_mascot=options.pop("mascot", True))
    asked = options.get("asked", "")
    options = {"follows": False, "question": parse(asked) if asked else None, **options}
    return Explorer(source, drawing, **options)


def shown(app: App[Any]) -> str:
    """What is on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line).rstrip() for line in strips)


async def until(pilot: Pilot[Any], fact: Callable[[], object]) -> None:
    """Wait until something is so; what is on the screen when it never is."""
    deadline = time.monotonic() + DEADLINE
    while not fact():
        assert time.monotonic() < deadline, shown(pilot.app)
        await pilot.pause(0.02)


async def sees(pilot: Pilot[Any], *texts: str) -> str:
    """Wait until all of these are on the screen; what is."""
    await until(pilot, lambda: all(text in shown(pilot.app) for text in texts))
    return shown(pilot.app)


def with_pilot(
    app: App[Any], does: Callable[[Pilot[Any]], Awaitable[None]], size: tuple[int, int] = (80, 24)
) -> None:
    """Run an application without a terminal, and somebody who presses keys."""

    async def run() -> None:
        async with app.run_test(size=size, notifications=True) as pilot:
            await does(pilot)

    asyncio.run(run())


__all__ = [
    "DEADLINE",
    "START",
    "explorer",
    "sample",
    "sees",
    "shown",
    "store",
    "trace_id",
    "until",
    "with_pilot",
]
