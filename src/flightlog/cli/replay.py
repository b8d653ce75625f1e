"""`flightlog replay`: a trace, played in the terminal as it happened."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from typing import Final

import click

from flightlog.analysis.tree import Node, Tree, walk
from flightlog.cli import keyboard
from flightlog.cli.doors import doors
from flightlog.cli.looks import drawn
from flightlog.cli.naming import find_span
from flightlog.cli.options import EXIT_CODES, trace_or_file
from flightlog.cli.render import playing
from flightlog.cli.render.terminal import Terminal, emit, of
from flightlog.loading import load_trace
from flightlog.records.errors import BadQuestion
from flightlog.replay.score import LONGEST_GAP, Moment, Playhead, moments

_FRAME: Final = 0.05
"""Seconds between two drawings of the screen."""
_SLOWEST, _FASTEST = 1 / 64, 4096.0
_ENTER: Final = "\x1b[?1049h\x1b[?25l"
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
"""The terminal's second screen without a cursor, and back."""


@click.command("replay", epilog=EXIT_CODES)
@trace_or_file
@click.option(
    "--speed",
    metavar="N",
    type=click.FloatRange(0.0, _FASTEST),
    default=None,
    help="Seconds of the trace a second; 0 prints all of it at once, as lines.  [default: 1; 0 without a terminal]",
)
@click.option("--from", "start", metavar="SPAN", help="Begin where this span began.")
@drawn
def command(*, trace: str, speed: float | None, start: str | None, look: Terminal) -> None:
    """Play a trace in the terminal as it happened.

    Spans open and close at their recorded times. A gap in which nothing happens takes no more than two seconds,
    and is said.

    Keys: space pauses and goes on, . steps to the next moment, the arrows left and right seek, + and - change the
    speed, q quits. Without a terminal, and with --speed 0, each moment is a line. SPAN is an id, the beginning of one,
    or a name.
    """
    with doors() as door:
        tree = load_trace(*door.trace(trace))
    nodes = list(walk(tree))
    if not nodes:
        raise BadQuestion("this trace has no spans")
    begin = nodes[0].start if start is None else find_span([node.record for node in nodes], start).start
    row = moments(tree)
    is_screen = sys.stdout.isatty() and keyboard.is_there() and speed != 0
    if is_screen and shutil.get_terminal_size().lines >= playing.LEAST_HEIGHT:
        _play(nodes, row, look, speed or 1.0, begin)
    else:
        _print(tree, row, look, speed or 0.0, begin)


def _print(tree: Tree, row: list[Moment], look: Terminal, speed: float, begin: int) -> None:
    """Write each moment as a line, at its time or all of them at once."""
    first = row[0].time
    wanted = [moment for moment in row if moment.time >= begin]
    if not speed:
        emit(_lines(wanted, first, look, speed))
    else:
        for line in _lines(wanted, first, look, speed):
            emit([line])
    emit([playing.summed_up(len(wanted), tree.span_count, look)])


def _lines(row: list[Moment], first: int, look: Terminal, speed: float) -> Iterator[str]:
    before = row[0].time if row else first
    for moment in row:
        seconds = (moment.time - before) / 1e9 / speed if speed else 0.0
        if seconds > LONGEST_GAP:
            yield playing.skipped(moment.time - before, look)
        if seconds > 0:
            time.sleep(min(seconds, LONGEST_GAP))
        before = moment.time
        yield from playing.plain(moment, first, look)


def _play(nodes: list[Node], row: list[Moment], look: Terminal, speed: float, begin: int) -> None:
    """Draw the screen until somebody quits."""
    head = Playhead(row, speed)
    head.begin_at(begin)
    _write(_ENTER)
    try:
        with keyboard.pressed() as keys:
            _until_quit(nodes, head, look, keys)
    except KeyboardInterrupt:
        pass
    finally:
        _write(_LEAVE)
    emit(
        playing.frame(
            nodes, head, look, min(len(nodes) + 4, shutil.get_terminal_size().lines), nodes[0].name
        )[:-2]
    )


def _until_quit(nodes: list[Node], head: Playhead, look: Terminal, keys: keyboard.Keys) -> None:
    then = time.monotonic()
    while True:
        size = shutil.get_terminal_size()
        lines = playing.frame(
            nodes, head, look.narrower(_width(look, size)), max(1, size.lines), nodes[0].name
        )
        _write("\x1b[H" + "\n".join(f"{line}\x1b[K" for line in lines))
        is_still = head.paused or head.is_over
        key = keys.next(1.0 if is_still else _FRAME)
        now = time.monotonic()
        if not is_still:
            head.advance(now - then)
        then = now
        if key == "q":
            return
        _obey(key, head)


def _width(look: Terminal, size: os.terminal_size) -> int:
    """The terminal may be made wider or narrower while it plays, unless the width was asked for."""
    return size.columns if look.width == of(sys.stdout).width else look.width


def _obey(key: str, head: Playhead) -> None:
    if key == "space":
        if head.is_over:
            head.jump(-1_000_000)
            head.paused = False
        else:
            head.paused = not head.paused
    elif key == ".":
        head.step()
    elif key in ("left", "right"):
        head.jump(1 if key == "right" else -1)
    elif key in ("+", "-"):
        head.speed = min(max(_SLOWEST, head.speed * (2.0 if key == "+" else 0.5)), _FASTEST)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
