"""What a child process writes into while we listen: a pipe, or a terminal of its own where ours is a terminal.

A program asks whether it writes to a terminal: for its colours, its progress bars, and for writing each line at once.
With a terminal of its own it goes on as before. That terminal changes no byte of the output, and has the size of ours
at the start. Input stays with the real one, so a program that draws on the whole screen (an editor, a pager) sets the
wrong one of the two, and is not to be listened to.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

try:
    import fcntl
    import pty
    import termios
except ImportError:  # a system without terminals like these
    HAS_TERMINALS = False
else:
    HAS_TERMINALS = True


def open_stream(number: int, *, is_passed_on: bool) -> tuple[int, int]:
    """Open what a child is to have as its stream of this number.

    Args:
        number: 1 or 2.
        is_passed_on: its output goes on to our own stream of the same number.

    Returns:
        The end to read from and the end to write to; neither is inherited by itself.
    """
    if is_passed_on and HAS_TERMINALS and os.isatty(number):
        with suppress(OSError, termios.error):
            return _terminal(number)
    return os.pipe()


def pending(descriptor: int) -> int:
    """How many bytes can be read at once; 0 where that is not known, or the descriptor is closed."""
    if not HAS_TERMINALS:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)
    except OSError:
        return 0


def _terminal(number: int) -> tuple[int, int]:
    ours, theirs = pty.openpty()
    try:
        attributes = termios.tcgetattr(theirs)
        attributes[1] &= ~termios.OPOST  # ours does to the output what is to be done
        termios.tcsetattr(theirs, termios.TCSANOW, attributes)
        size = fcntl.ioctl(number, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    except BaseException:
        os.close(ours)
        os.close(theirs)
        raise
    return ours, theirs
