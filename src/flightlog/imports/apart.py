"""Documents read by a process of its own, beside the one that stores them.

To read and redact a span takes half of what it takes to store it, and both are Python: two threads would only take
turns. So large documents are read by a forked child, which sends on what it read. Where that is not worth it, or not
safe (a program that has other threads may hold a lock at that moment), the same is done without a child.
"""

from __future__ import annotations

import marshal
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Queue
from signal import SIGKILL
from typing import Any, BinaryIO, Final

from flightlog.records.errors import BadDocument

WORTHWHILE_BYTES: Final = 4 * 1024 * 1024
"""Documents that are smaller together are read before a child would have begun to."""
_HEAD: Final = 8
_BUFFER: Final = 1 << 20
_MOST_WAITING: Final = 32
"""Of what was made and not sent yet; a portion is half a megabyte."""


def is_worthwhile(paths: Iterable[str]) -> bool:
    """Whether to read these documents in a process of their own; `-`, standard input, may be of any size."""
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2 or threading.active_count() > 1:
        return False
    size = 0
    for path in paths:
        if path == "-":
            return True
        with suppress(OSError):
            size += Path(path).stat().st_size
    return size >= WORTHWHILE_BYTES


@contextmanager
def read_apart(make: Callable[[], Iterator[Any]]) -> Iterator[Iterator[Any]]:
    """What `make` gives, made by a child that is forked here; it is plain values, such as `marshal` can write.

    The child ends with what it makes, or when nobody reads on.

    Raises:
        BadDocument: while it is read, as `make` raises it, or because the child was ended before it was done.
    """
    to_read, to_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(to_read)
        _be_child(make, to_write)
    os.close(to_write)
    try:
        with open(to_read, "rb", buffering=_BUFFER) as pipe:  # noqa: PTH123 - a descriptor, and no path
            yield _received(pipe)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, SIGKILL)  # it is done, or nobody wants the rest
        os.waitpid(child, 0)


def _received(pipe: BinaryIO) -> Iterator[Any]:
    """What the child sends, to the word that it is done."""
    while len(head := pipe.read(_HEAD)) == _HEAD:
        data = pipe.read(int.from_bytes(head, "little"))
        try:
            kind, value = marshal.loads(data)  # noqa: S302 - our own child wrote it
        except (EOFError, ValueError, TypeError):
            break
        if kind == "done":
            return
        if kind == "bad":
            raise BadDocument(value)
        yield value
    raise BadDocument("the process that read the document is gone; what came before it ended is stored")


def _be_child(make: Callable[[], Iterator[Any]], to_write: int) -> None:
    """Make everything, send it, and end, without what an interpreter does at its end: that is the parent's."""
    try:
        waiting: Queue[bytes] = Queue(_MOST_WAITING)
        sender = threading.Thread(target=_send, args=(waiting, to_write), daemon=True)
        sender.start()
        try:
            for value in make():
                waiting.put(marshal.dumps(("value", value)))
            waiting.put(marshal.dumps(("done", None)))
        except BadDocument as error:
            waiting.put(marshal.dumps(("bad", str(error))))
        waiting.put(b"")
        sender.join()
    except KeyboardInterrupt:
        pass  # the parent knows as well
    except BaseException:  # noqa: BLE001 - nothing may go on in the child as if it were the parent
        traceback.print_exc()
    finally:
        os._exit(0)


def _send(waiting: Queue[bytes], to_write: int) -> None:
    """Send what waits, each with its length before it, while more is made; the child ends when nobody reads on."""
    try:
        while data := waiting.get():
            for piece in (len(data).to_bytes(_HEAD, "little"), data):
                rest = memoryview(piece)
                while rest:
                    rest = rest[os.write(to_write, rest) :]
    except OSError:
        os._exit(0)
