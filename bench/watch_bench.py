"""What the explorer costs: whoever looks, and the program that is looked at.

Processor time, so that another load on the machine does not count; what is compared is measured in turns.
"""

from __future__ import annotations

import os
import pty
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from flightlog.codecs.lines import encode
from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.store.open import open_writer
from flightlog.store.port import Chunk

SPANS: Final = 100_000
TRACES: Final = 2_000
LISTED: Final = 500
IDLE_SECONDS: Final = 10.0
START_SECONDS: Final = 5.0
WATCH: Final = [sys.executable, "-c", "from flightlog.cli import main; main()", "watch"]

OPENING: Final = """
import resource, time
from flightlog.cli.opening import home
from flightlog.tui.source import Source, at_full_speed
from flightlog.tui.unfolding import Unfolding
source, unfolding = Source(home(), None), Unfolding()
begun = time.process_time()
with at_full_speed():
    unfolding.show(source.found("{trace_id}").tree)
spent = time.process_time() - begun
source.close()
print(spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
LISTING: Final = """
import statistics, time
from flightlog.cli.drawing import Drawn
from flightlog.cli.opening import home, pace
from flightlog.cli.render.terminal import Terminal
from flightlog.tui.source import Source
found = home()
source = Source(found, None)
drawn = Drawn(Terminal(colour=True), pace(found), source, has_mascot=True)
looks, drawings = [], []
for _ in range(15):
    begun = time.process_time()
    listing = source.listing({listed})
    read = time.process_time()
    drawn.traces(listing.rows, 120, time.time_ns())
    drawn.overview(listing, "ok", 120)
    looks.append(read - begun)
    drawings.append(time.process_time() - read)
source.close()
print(statistics.median(looks), statistics.median(drawings))
"""
RECORDING: Final = """
import time
import flightlog as fl
begun = time.process_time()
for _ in range({traces}):
    with fl.span("request", kind="agent"):
        for number in range(9):
            with fl.span("step", kind="tool", input={{"number": number}}):
                pass
print((time.process_time() - begun) / {traces} / 10)
"""


def run(quick: bool) -> list[tuple[str, float, str]]:
    """Measure."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ["FLIGHTLOG_HOME"] = directory
        trace_id = _make_store()
        spent, peak = zip(
            *(_numbers(OPENING.format(trace_id=trace_id)) for _ in range(1 if quick else 5)), strict=True
        )
        look, drawing = _numbers(LISTING.format(listed=LISTED))
        idle = _idle(2.0 if quick else IDLE_SECONDS)
        alone, watched = _beside(1 if quick else 5, 500 if quick else 6_000)
    return [
        (f"open a trace of {SPANS:,} spans", statistics.median(spent), "s of processor time"),
        ("the most memory while it is opened", max(peak), "MiB"),
        (
            f"read the newest {LISTED} of {TRACES:,} traces with their figures",
            1e3 * look,
            "ms of processor time",
        ),
        ("draw them", 1e3 * drawing, "ms of processor time"),
        ("watch a home in which nothing happens", 100 * idle, "% of a processor"),
        ("record a span while nobody watches", 1e6 * alone, "µs of processor time"),
        ("record a span while somebody watches", 1e6 * watched, "µs of processor time"),
    ]


def _make_store() -> str:
    """A trace of many spans, and many traces of three; the id of the first."""
    home = Home.find(load_settings())
    home.create()
    now = time.time_ns()
    process = Process(process_id="1" * 32, started=now)
    writer = open_writer(home.store_path)
    wide = [_span(0, number, (number - 1) // 10 if number else None, now) for number in range(SPANS)]
    small = [_span(1 + place // 3, place % 3, 0 if place % 3 else None, now) for place in range(3 * TRACES)]
    writer.append([Chunk(process, wide), Chunk(process, small)])
    writer.close()
    return f"{0:032x}"


def _span(trace: int, number: int, parent: int | None, now: int) -> Line:
    parent_id = "" if parent is None else f"{parent + 1:016x}"
    start = now - 10**11 + trace * 10**7 + number
    span = Span(
        trace_id=f"{trace:032x}",
        span_id=f"{number + 1:016x}",
        parent_id=parent_id,
        name=f"step_{number % 50}",
        kind="tool",
        start=start,
        end=start + 10**6,
        status="ok",
    )
    return Line(encode(span))


def _numbers(code: str) -> list[float]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


@contextmanager
def _watching() -> Iterator[subprocess.Popen[bytes]]:
    """Somebody who watches on a terminal of 80 by 24 cells, which takes what is drawn."""
    master, slave = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color"}
    threading.Thread(target=_drain, args=(master,), daemon=True).start()
    with subprocess.Popen(
        WATCH, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
    ) as process:
        try:
            time.sleep(START_SECONDS)
            yield process
        finally:
            process.kill()
            process.wait()
            os.close(slave)  # which ends what is read from the other side


def _drain(master: int) -> None:
    with suppress(OSError):
        while os.read(master, 65536):
            pass
    os.close(master)


def _idle(seconds: float) -> float:
    """The share of a processor that watching takes while nothing happens."""
    with _watching() as process:
        before = _processor_seconds(process.pid)
        time.sleep(seconds)
        return (_processor_seconds(process.pid) - before) / seconds


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _beside(rounds: int, traces: int) -> tuple[float, float]:
    """Seconds of a program's processor time a span: alone, and while somebody watches; in turns."""
    code = RECORDING.format(traces=traces)
    alone, watched = [], []
    for _ in range(rounds):
        alone += _numbers(code)
        with _watching():
            watched += _numbers(code)
    return statistics.median(alone), statistics.median(watched)


if __name__ == "__main__":
    for label, value, unit in run(quick=False):
        print(f"{label:60} {value:14,.2f} {unit}")
