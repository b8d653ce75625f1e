"""The explorer in a real terminal: what starts, what keys and signals do, and what is left behind."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pyte
import pytest
from tui_kit import DEADLINE, sample, store

COMMAND = "import sys; from flightlog.cli import main; main(sys.argv[1:])"


class Terminal:
    """A terminal of 80 by 24 cells in which a command runs."""

    def __init__(self, *args: str, **environment: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        environ = {
            name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environ, "TERM": "xterm-256color"} | environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no thread runs here
        )
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""

    def pump(self) -> None:
        """Take what was written, if anything was."""
        if select.select([self.master], [], [], 0.05)[0]:
            data = os.read(self.master, 65536)
            self.raw += data
            # pyte knows no private modes with `$p` or `u` behind them, which ask and switch a keyboard protocol
            self.stream.feed(data)

    def sees(self, *texts: str) -> str:
        """Wait until all of these are on the screen."""
        deadline = time.monotonic() + DEADLINE
        while not all(text in "\n".join(self.screen.display) for text in texts):
            assert time.monotonic() < deadline, "\n".join(self.screen.display)
            self.pump()
        return "\n".join(self.screen.display)

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def ends(self) -> int:
        """Wait for its end; its exit code."""
        deadline = time.monotonic() + DEADLINE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "\n".join(self.screen.display)
            self.pump()
        self.pump()
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.slave)
        os.close(self.master)


@pytest.fixture
def terminal(home):
    """Starts commands in terminals, and closes these."""
    opened: list[Terminal] = []

    def start(*args: str, **environment: str) -> Terminal:
        opened.append(Terminal(*args, **environment))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_it_starts_helps_and_leaves_the_terminal_as_it_was(terminal):
    store(*sample())
    seen = terminal("browse")
    seen.sees("warm_up", "╭─┴─╮", "q Quit")
    seen.press("?")
    seen.sees("everywhere", "copy the id of what is chosen")
    seen.press("\x1b")
    seen.sees("warm_up")
    seen.press("q")
    assert seen.ends() == 0
    assert b"\x1b[?1049l" in seen.raw
    assert termios.tcgetattr(seen.slave)[3] == seen.before[3]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_the_terminal_as_it_was(terminal, number, code):
    seen = terminal("watch")
    seen.sees("Nothing is recorded yet")
    seen.process.send_signal(number)
    assert seen.ends() == code
    assert b"\x1b[?1049l" in seen.raw
    assert termios.tcgetattr(seen.slave)[3] == seen.before[3]


def test_ctrl_c_ends_it(terminal):
    store(*sample())
    seen = terminal("browse", "@latest")
    seen.sees("warm_up", "took")
    seen.press("\x03")
    assert seen.ends() == 130


def test_no_color_takes_colours_and_the_mascot_away(terminal):
    store(*sample())
    seen = terminal("browse", NO_COLOR="1")
    assert "╭─┴─╮" not in seen.sees("warm_up", "q Quit")
    seen.press("?")
    seen.sees("this page")
    seen.press("\x1b")
    seen.sees("warm_up")
    seen.press("q")
    assert seen.ends() == 0
    assert colours(seen.raw) <= {39, 49}


def test_watch_can_be_told_to_use_no_colours(terminal):
    store(*sample())
    seen = terminal("watch", "--no-color")
    assert "╭─┴─╮" not in seen.sees("warm_up", "q Quit")
    seen.press("q")
    assert seen.ends() == 0
    assert colours(seen.raw) <= {39, 49}


def test_no_color_holds_for_the_palette_too(terminal):
    store(*sample())
    seen = terminal(NO_COLOR="1")
    seen.sees("replay")
    seen.press("\x1b")
    assert seen.ends() == 0
    assert colours(seen.raw) <= {39, 49}


def colours(raw: bytes) -> set[int]:
    """The colours that were set, 39 and 49 being the terminal's own."""
    codes = re.findall(rb"\x1b\[([0-9;]+)m", raw)
    numbers = {int(number) for code in codes for number in code.split(b";") if number}
    return numbers & {*range(30, 50), *range(90, 108)}


def test_quiet_takes_the_mascot_away(terminal):
    store(*sample())
    assert "╭─┴─╮" not in terminal("browse", "--quiet").sees("warm_up", "q Quit")


def test_alone_it_offers_commands_and_leaves_when_none_is_chosen(terminal):
    store(*sample())
    seen = terminal()
    seen.sees("what do you want to do?", "Record a Python program", "╭─┴─╮")
    seen.press("q")
    assert seen.ends() == 0


def test_a_terminal_that_cannot_draw_gets_the_help(terminal):
    seen = terminal(TERM="dumb")
    assert seen.ends() == 2
    assert b"Usage: flightlog" in seen.raw


def test_the_chosen_command_is_shown_and_run(terminal):
    seen = terminal()
    seen.sees("what do you want to do?")
    seen.press("G\r")
    seen.sees("$ flightlog doctor")
    seen.ends()


@pytest.mark.parametrize(
    ("options", "has_mascot"), [((), True), (("--quiet",), False), (("--no-color",), False)]
)
def test_the_mascot_heads_the_demo_where_it_may(terminal, options, has_mascot):
    seen = terminal("demo", *options)
    assert seen.ends() == 0
    assert ("│o.o│".encode() in seen.raw) is has_mascot
    assert b"How do I wrap long lines of text?" in seen.raw
