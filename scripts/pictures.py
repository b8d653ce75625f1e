"""Draw the pictures of `docs/watch.md`: the explorer on a home that is made up for them.

python scripts/pictures.py            write docs/pictures/*.svg

They are drawn by the explorer itself, without a terminal. Nothing in them is loaded from anywhere: the letters are
those of whoever looks.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from msgspec import UNSET

from flightlog.cli.drawing import Drawn
from flightlog.cli.opening import home, pace
from flightlog.cli.render.terminal import Terminal
from flightlog.codecs.lines import encode
from flightlog.pricelist import price_book
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.span import Fault, Span
from flightlog.store.open import open_writer
from flightlog.store.port import Chunk
from flightlog.tui.app import Explorer
from flightlog.tui.source import Source

PICTURES: Final = Path(__file__).resolve().parents[1] / "docs" / "pictures"
MS: Final = 1_000_000
S: Final = 1000 * MS

QUESTIONS: Final = ("Where is my order 1017?", "Can I return a lamp?", "What is the refund policy?")
ANSWERS: Final = (
    "It left the warehouse and arrives on Monday.",
    "Yes, within 30 days.",
    "Refunds take five days.",
)
SYSTEM: Final = "You answer questions about orders of a shop. Be brief."
FONT: Final = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

_FACE: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_FAMILY: Final = re.compile(r"font-family: ?Fira Code[^;]*;")


class Story:
    """Lines of traces, made up with a fixed seed."""

    def __init__(self, now: int) -> None:
        self.lines: list[Line] = []
        self._random = random.Random(11)
        self._now = now
        self._trace = ""

    def request(self, ago: float, *, fails: bool = False, runs: bool = False) -> None:
        """One request, so many seconds ago."""
        number = self._random.randrange(len(QUESTIONS))
        self._trace = f"{self._random.getrandbits(128):032x}"
        start = self._now - round(ago * S)
        asked = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTIONS[number]}]
        sought = {"role": "assistant", "content": "Let me look that up."}
        found = {"role": "tool", "name": "look_up_order", "content": '{"status": "shipped"}'}
        answer = {"role": "assistant", "content": ANSWERS[number]}
        first, tool, second = (
            self._random.randrange(*reach) for reach in ((300, 900), (40, 160), (400, 1200))
        )
        total = 30 + first + 10 + tool + 10 + second
        fault = Fault(type="TimeoutError", message="the order service did not answer within 2 s")
        took = None if runs else (50 + first + tool if fails else total)
        root = self._span(
            "handle_request",
            "agent",
            start,
            took,
            status="error" if fails else "ok",
            input={"question": QUESTIONS[number]},
            output=ANSWERS[number],
            error=fault if fails else None,
        )
        self._span(
            "search_documents",
            "retrieval",
            start + 2 * MS,
            24,
            root,
            input={"query": QUESTIONS[number]},
            output=["Refunds within 30 days."],
        )
        self._call(start + 30 * MS, first, root, asked, sought)
        self._span(
            "look_up_order",
            "tool",
            start + (40 + first) * MS,
            tool,
            root,
            input={"order": 1017},
            status="error" if fails else "ok",
            output=UNSET if fails else {"status": "shipped"},
            error=fault if fails else None,
        )
        if not fails:
            self._call(
                start + (50 + first + tool) * MS,
                None if runs else second,
                root,
                [*asked, sought, found],
                answer,
            )

    def _call(self, start: int, took: int | None, parent: str, asked: list[Any], answer: Any) -> None:
        usage = {"gen_ai.usage.input_tokens": 410 * len(asked), "gen_ai.usage.output_tokens": 46}
        model = {"gen_ai.request.model": "gpt-4.1-mini", "gen_ai.provider.name": "openai"}
        self._span(
            "chat gpt-4.1-mini",
            "llm",
            start,
            took,
            parent,
            input=asked,
            output=answer,
            attributes=model if took is None else {**model, **usage},
        )

    def _span(
        self, name: str, kind: str, start: int, took: int | None, parent: str = "", **fields: Any
    ) -> str:
        span_id = f"{self._random.getrandbits(64):016x}"
        if took is None:
            fields |= {"output": UNSET, "status": "running"}
        span = Span(
            trace_id=self._trace,
            span_id=span_id,
            parent_id=parent,
            name=name,
            kind=kind,
            start=start,
            end=None if took is None else start + took * MS,
            **{"status": "ok", **fields},
        )
        self.lines.append(Line(encode(span)))
        return span_id


def make_home() -> None:
    """Fill the home that the environment names."""
    now = time.time_ns()
    story = Story(now)
    for place in range(34):
        story.request(3 + 7.3 * place, fails=place % 9 == 4)
    story.request(1.4, runs=True)
    found = home()
    found.create()
    writer = open_writer(found.store_path)
    process = Process(process_id="c" * 32, started=now, service="shop")
    writer.append([Chunk(process, story.lines)])
    writer.close()


async def picture(name: str, size: tuple[int, int], *keys: str) -> None:
    """Draw the screen after these keys."""
    found = home()
    source = Source(found, price_book(found.settings))
    app = Explorer(source, Drawn(Terminal(colour=True), pace(found), source, has_mascot=True), follows=False)
    async with app.run_test(size=size) as pilot:
        for key in ("", *keys):
            if key:
                await pilot.press(key)
            for _ in range(4):
                await pilot.pause()
                await app.workers.wait_for_complete()
        await pilot.pause()
        drawn = _FAMILY.sub(f"font-family: {FONT};", _FACE.sub("", app.export_screenshot(title="flightlog")))
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"{name}.svg").write_text(drawn, encoding="utf-8")


async def pictures() -> None:
    """Draw all of them."""
    await picture("watch", (92, 24))
    await picture("trace", (132, 30), "down", "enter", "down", "down", "enter")
    await picture("messages", (92, 26), "down", "enter", "m")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        os.environ["FLIGHTLOG_HOME"] = directory
        make_home()
        asyncio.run(pictures())
