"""Long drawings through a pager, when somebody sits before a terminal and did not ask otherwise.

What fits on the screen is printed as it is. The pager is `PAGER`, else `less`; none of them, an empty one or
`cat` means none. Lines are drawn as the pager asks for them, so leaving it early ends the drawing as well.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice

from flightlog.cli.render.terminal import emit


def page(lines: Iterable[str], *, wanted: bool = True) -> None:
    """Print lines, through a pager where that helps."""
    rest = iter(lines)
    command = _pager() if wanted and _somebody_looks() else []
    if not command:
        emit(rest)
        return
    height = os.get_terminal_size(sys.stdout.fileno()).lines
    if height < 1:  # nobody said how high it is: a recorder of terminals, say, before which nobody sits
        emit(rest)
        return
    screen = list(islice(rest, max(1, height - 1)))
    more = next(rest, None)
    if more is None:
        emit(screen)
    else:
        _through(command, chain(screen, [more], rest))


def _somebody_looks() -> bool:
    return (
        sys.stdout.isatty()
        and sys.stdin is not None
        and sys.stdin.isatty()
        and os.environ.get("TERM") != "dumb"
    )


def _pager() -> list[str]:
    """The command line of the pager; empty for none."""
    import shlex  # these two and those below: for a long drawing on a terminal only
    import shutil

    try:
        command = shlex.split(os.environ.get("PAGER", "less"))
    except ValueError:
        return []
    if not command or command[0] == "cat" or shutil.which(command[0]) is None:
        return []
    return command


def _through(command: list[str], lines: Iterable[str]) -> None:
    import subprocess

    sys.stdout.flush()
    environ = {"LESS": "-R", "LV": "-c", **os.environ}
    with _ctrl_c_is_the_pagers():
        pager = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            env=environ,
            encoding=sys.stdout.encoding,
            errors="backslashreplace",
        )
        assert pager.stdin is not None
        try:
            for line in lines:
                pager.stdin.write(line + "\n")
            pager.stdin.close()
        except BrokenPipeError:
            pass  # the reader has seen enough
        pager.wait()


@contextmanager
def _ctrl_c_is_the_pagers() -> Iterator[None]:
    """A pager takes Ctrl-C as the end of a search; we would leave it alone on the terminal."""
    import signal

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
