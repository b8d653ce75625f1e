"""`flightlog replay`: lines in a pipe, and in a terminal a screen that obeys its keys."""

from __future__ import annotations

import os
import sys
import time

import cli_samples
import pytest
from click.testing import CliRunner

from flightlog.cli.main import commands
from flightlog.records.event import Event
from flightlog.records.span import Fault, Span

pty = pytest.importorskip("pty")
pyte = pytest.importorskip("pyte")

TRACE = "c" * 32
S = 10**9
LONG_AGO = 1_700_000_000 * S


def _span(number, name, start, end, parent=0, **more):
    return Span(
        trace_id=TRACE,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=name,
        start=LONG_AGO + int(start * S),
        end=LONG_AGO + int(end * S),
        **{"status": "ok", "kind": "step", **more},
    )


@pytest.fixture
def played(home):
    """A home with one trace: a minute long, with a gap, a failure, and texts that a terminal would obey."""
    cli_samples.store(
        home,
        [
            _span(1, "checkout", 0, 60, kind="workflow"),
            _span(2, "ask\x1b[31m the model", 1, 3, 1, kind="llm", output="said\x1b]0;evil\x07 so"),
            _span(3, "pay", 50, 51, 1, status="error", error=Fault("ValueError", "no\nmoney")),
            Event(
                event_id="e" * 16,
                trace_id=TRACE,
                span_id="0" * 15 + "1",
                time=LONG_AGO + 2 * S,
                name="loop",
                attributes={"i": 1, "n": 3},
            ),
        ],
    )
    return home


def replay(*words):
    return CliRunner().invoke(commands, ["replay", TRACE, *words])


def test_in_a_pipe_each_moment_is_a_line_and_nobody_waits(played):
    done = replay()
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "   +0.000s  ● checkout begins (workflow)",
        "   +1.000s    ● ask\\x1b[31m the model begins (llm)",
        "   +2.000s  • loop: i 1, n 3",
        "   +3.000s    ✓ ask\\x1b[31m the model ends after 2.00 s",
        "                said\\x1b]0;evil\\x07 so",
        "  +50.000s    ● pay begins (step)",
        "  +51.000s    ✗ pay fails after 1.00 s",
        "                ValueError: no money",
        "  +60.000s  ✓ checkout ends after 1m 00s",
        "7 moments of 3 spans",
    ]


def test_it_begins_where_it_is_told(played):
    lines = replay("--from", "pay").output.splitlines()
    assert lines[0].split() == ["+50.000s", "●", "pay", "begins", "(step)"]
    assert lines[-1] == "3 moments of 3 spans"


def test_a_speed_keeps_time_in_a_pipe_too_and_says_what_it_skips(played):
    began = time.monotonic()
    done = replay("--speed", "20")
    assert time.monotonic() - began > 2  # 47 seconds in two and the rest in no less than half a second
    assert "            … nothing for 47.0 s" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--from", "nothing"), "no span 'nothing'"), (("--speed", "-1"), "-1"), (("--speed", "fast"), "fast")],
)
def test_nonsense_is_told(played, words, said):
    done = replay(*words)
    assert done.exit_code != 0
    assert said in done.output + str(done.exception)


class Screen:
    """The command in a terminal of its own, and what is to be seen there."""

    def __init__(self, *words, columns=80, rows=14) -> None:
        import fcntl
        import struct
        import termios

        self._child, self._terminal = pty.fork()
        if not self._child:
            # Its own environment: a library may have put the size of another terminal into the process's.
            environ = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
            code = "from flightlog.cli import main; main()"
            command = [sys.executable, "-c", code, "replay", TRACE, *words]
            os.execve(sys.executable, command, {**environ, "TERM": "xterm-256color"})
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def until(self, *words):
        """Wait until all of these are to be seen."""
        import select

        deadline = time.monotonic() + 60
        while not all(word in self.text for word in words):
            assert time.monotonic() < deadline, self.text
            ready, _, _ = select.select([self._terminal], [], [], 0.2)
            if ready and not self._read():
                break
        assert all(word in self.text for word in words), self.text

    def _read(self) -> bool:
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # so Linux tells that a terminal has nobody at its other side
            return False
        self._stream.feed(data)
        return bool(data)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def end(self) -> int:
        """Its exit code."""
        while self._read():
            pass
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_in_a_terminal_spans_open_and_close_and_the_keys_are_obeyed(played, columns):
    screen = Screen("--speed", "0.001", columns=columns)
    screen.until("checkout", "● checkout", "0.001x", "space pause")
    screen.press(" ")
    screen.until("paused")
    screen.press(".")
    screen.until("ask\\x1b[31m", "▸   ●", "1.00 s of")
    screen.press("..")
    screen.until("✓ ask\\x1b[31m", "2.00 s")
    screen.press("\x1b[C\x1b[C.....")
    screen.until("✗ pay", "✓ checkout")
    screen.press("\x1b[D")
    screen.until("● checkout")
    assert all(len(line) <= columns for line in screen.text.splitlines())
    screen.press("q")
    assert screen.end() == 0


def test_a_gap_is_said_while_it_is_hurried_over(played):
    screen = Screen("--from", "ask")
    screen.until("nothing happens for 47.0 s, told in 2 s")
    screen.press("q")
    assert screen.end() == 0


def test_it_plays_to_the_end_and_from_the_beginning_again(played):
    screen = Screen("--speed", "4096")
    screen.until("the end", "✓ checkout", "✗ pay")
    screen.press("-" * 20)
    screen.press(" ")
    screen.until("● checkout")
    screen.press("\x03")
    assert screen.end() == 0


def test_a_terminal_too_low_for_a_screen_gets_lines(played):
    screen = Screen("--speed", "0", rows=4)
    screen.until("7 moments of 3 spans")
    assert screen.end() == 0
