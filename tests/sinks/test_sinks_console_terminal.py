"""The console as a person sees it: fixed records, a real terminal of 80 and of 120 columns, whole screens.

`UPDATE_GOLD=1` writes the files in `tests/gold/console` anew, for a reader's eye to approve in the diff.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pyte
import pytest

GOLD = Path(__file__).parents[1] / "gold" / "console"
ROWS = 60

PROGRAM = r"""
import sys
from flightlog.codecs.lines import encode
from flightlog.records.event import Event
from flightlog.records.span import Fault, Span
from flightlog.sinks.console import Console

TRACE, MS = "0af7651916cd43dd8448eb211c80319c", 1_000_000
EVIL = "\x1b[31mred\x1b]0;title\x07 [bold]markup[/bold] \u202egnp.exe \u200b\x9b2J\r\nforged \x00 日本語テキスト"
LATE = "Waiting for the worker to come back from where it went, which takes longer than anybody thought it would"
COLUMN = "no such column: function_count; modules has the columns: name, lines, functions, classes"
USED = {"gen_ai.request.model": "gpt-4.1-mini"}
USED |= {"gen_ai.usage.input_tokens": 812, "gen_ai.usage.output_tokens": 90}
SAID = {"flightlog.event": "narration", "actor": "queue", "target": "job-1"}


def span(number, parent, name, start, took, **more):
    end = None if took is None else (start + took) * MS
    ids = {"trace_id": TRACE, "span_id": f"{number:016x}", "parent_id": f"{parent:016x}" if parent else ""}
    more = {"status": "running" if took is None else "ok", "thread": "MainThread", **more}
    return encode(Span(**ids, name=name, start=start * MS, end=end, **more))


def event(number, on, name, at, **more):
    ids = {"event_id": f"{number:016x}", "trace_id": TRACE, "span_id": f"{on:016x}"}
    return encode(Event(**ids, name=name, time=at * MS, **more))


retry = {"attempt": 1, "reason": "429 Too Many Requests", "delay": 0.15, "http.response.status_code": 429}
missing = {"status": "error", "error": Fault(type="sqlite3.OperationalError", message=COLUMN)}
console = Console(sys.argv[1])
console.append([
    span(1, 0, "answer", 1, None, kind="agent"),
    event(1, 1, "dispatch", 2, level="warn", body=LATE, attributes=SAID),
    event(2, 1, "evil\nname", 3, body=EVIL, attributes={**SAID, "actor": EVIL, "target": EVIL}),
    span(2, 1, "chat gpt-4.1-mini", 4, 50, kind="llm", attributes=USED),
    span(3, 1, "query", 60, 7, kind="db", thread="reader_0", **missing),
    event(3, 1, "retry", 70, attributes=retry),
    span(5, 4, "名前がとても長い道具" * 5, 82, 3, kind="tool"),
    span(4, 1, EVIL, 80, 9, kind="tool", status="error", error=Fault(type="ValueError", message=EVIL)),
    span(1, 0, "answer", 1, 604, kind="agent"),
])
console.close()
"""


def shown(mode: str, columns: int) -> pyte.Screen:
    """What stands on the terminal afterwards."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
    for name in ("NO_COLOR", "TRACEPARENT", "COLUMNS"):
        kept.pop(name, None)
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, mode],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**kept, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"},
    )
    os.close(slave)
    screen = pyte.Screen(columns, ROWS)
    stream = pyte.ByteStream(screen)
    while some := _read(master):
        stream.feed(some)
    os.close(master)
    assert child.wait(60) == 0
    return screen


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # its other end is closed
        return b""


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("mode", ["summary", "tree", "live"])
def test_a_screen_looks_as_it_was_approved(mode, columns):
    screen = shown(mode, columns)
    assert screen.title == ""
    lines = [line.rstrip() for line in screen.display]
    text = "\n".join(lines).rstrip("\n") + "\n"
    path = GOLD / f"{mode}-{columns}.txt"
    if os.environ.get("UPDATE_GOLD"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_no_text_of_a_trace_has_a_colour_that_it_asked_for():
    screen = shown("tree", 120)
    row, line = next((row, line) for row, line in enumerate(screen.display) if "evil" in line)
    start = line.index("[bold]")
    assert {screen.buffer[row][column].fg for column in range(start, start + 6)} == {"default"}
    assert not any(screen.buffer[row][column].bold for column in range(start, start + 12))
