"""A process that records and is ended in some rude way; run by test_journal_processes.

Usage: journal_victim.py ROLE ROOT KIND. What a role acknowledges it writes into a mapped file, which the
page cache keeps for the test as it keeps the journal.
"""

from __future__ import annotations

import mmap
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from journal_kit import line, opened

from flightlog.journal import directory
from flightlog.journal.writer import Writer
from flightlog.settings import KIB

THREADS = 4


def acknowledgements(root: Path) -> memoryview:
    """One number a thread: how many of its lines were acknowledged."""
    with (root.parent / "acknowledged").open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), 4096)).cast("Q")


def size_of(number: int, which: int) -> int:
    """From 200 bytes to 200 KB, most of them small."""
    return random.Random(number * THREADS + which).choice([200] * 40 + [2_000] * 5 + [20_000, 200_000])


def record(writer: Writer, seen: memoryview, which: int) -> None:
    number = 0
    while True:
        writer.write(line(number, size_of(number, which), f"t{which}"))
        number += 1
        seen[which] = number


def tend(writer: Writer) -> None:
    pause = threading.Event()
    while not pause.wait(0.002):
        writer.tend()


def threads(root: Path) -> None:
    """Record with threads until killed."""
    writer = opened(root, segment_bytes=512 * KIB, line_bytes=1 << 20)
    seen = acknowledgements(root)
    threading.Thread(target=tend, args=(writer,), daemon=True).start()
    for which in range(1, THREADS):
        threading.Thread(target=record, args=(writer, seen, which), daemon=True).start()
    record(writer, seen, 0)


def signals(root: Path) -> None:
    """Record while a signal handler records in the middle of it."""
    writer = opened(root, segment_bytes=16 * KIB)
    seen = acknowledgements(root)
    threading.Thread(target=tend, args=(writer,), daemon=True).start()

    moments = random.Random(0)

    def handle(_signal: int, _frame: object) -> None:
        writer.write(line(seen[1], 500, "t1"))
        seen[1] += 1
        # Set anew each time: a steady timer that is faster than its handler leaves nothing for the program.
        signal.setitimer(signal.ITIMER_REAL, moments.uniform(0.00001, 0.0004))

    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0002)
    for number in range(8_000):
        writer.write(line(number, 300, "t0"))
        seen[0] = number + 1
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    writer.close()


def sudden_exit(root: Path) -> None:
    """Record, then leave without any cleaning up."""
    writer = opened(root)
    for number in range(1000):
        writer.write(line(number, 300, "t0"))
    os._exit(3)


def forks(root: Path) -> None:
    """Fork five times while threads record; each child abandons the journal and records into its own."""
    writer = opened(root)
    seen = acknowledgements(root)
    stop = threading.Event()

    def keep_recording(which: int) -> None:
        number = 0
        while not stop.is_set():
            writer.write(line(number, 300, f"t{which}"))
            number += 1
            seen[which] = number

    workers = [threading.Thread(target=keep_recording, args=(which,)) for which in range(2)]
    for worker in workers:
        worker.start()
    for child in range(5):
        if not (pid := os.fork()):
            writer.abandon()
            writer.write(line(0, 0, "stray"))
            assert not writer.tend()
            own = opened(root, f"{child}" * 32)
            for number in range(500):
                own.write(line(number, 300, "child"))
            own.close()
            writer.close()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    stop.set()
    for worker in workers:
        worker.join()
    assert writer.counters.values()["lines_dropped_closed"] == 0, "the child counts for itself"
    print("forked", flush=True)
    sys.stdin.read()
    for number in range(100):
        writer.write(line(number, 300, "late"))
    writer.close()


def leave_children(root: Path) -> None:
    """Start a program and fork a child that both live on, then wait for death."""
    writer = opened(root)
    writer.write(line(0))
    # Both end when the test closes the pipe that they have for standard input.
    subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdout=subprocess.DEVNULL)
    if not os.fork():
        writer.abandon()
        print("ready", flush=True)
        os.close(1)
        sys.stdin.read()
        os._exit(0)
    signal.pause()


ROLES: dict[str, Callable[[Path], None]] = {
    role.__name__: role for role in (threads, signals, sudden_exit, forks, leave_children)
}

if __name__ == "__main__":
    if sys.argv[3] == "written":
        directory.is_mappable = lambda _: False
    ROLES[sys.argv[1]](Path(sys.argv[2]))
