"""What people wait for: an import, a list, a tree; and what a busy program loses while it indexes itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.settings import MIB
from flightlog.store.open import open_writer
from flightlog.store.port import Chunk
from store_bench import START, lines

_PROCESS = Process(process_id="b" * 32, started=1, service="bench")
_CHUNK = 5_000


def run(quick: bool) -> list[tuple[str, float, str]]:
    """Measure each subject and return (name, value, unit) rows."""
    million, tree, repeats = (20_000, 1_000, 3) if quick else (1_000_000, 10_000, 9)
    rows = _imports(repeats)
    with tempfile.TemporaryDirectory(prefix="flightlog-bench-") as name:
        home = Path(name)
        _fill(home, lines(million))
        rows += [
            (f"`flightlog list` on {million:,} spans", _command(home, repeats, "list"), "ms"),
            (
                f"`flightlog list --json` on {million:,} spans",
                _command(home, repeats, "list", "--json"),
                "ms",
            ),
            (
                f"`flightlog list --status error` (none) on {million:,} spans",
                _command(home, repeats, "list", "--status", "error"),
                "ms",
            ),
            (f"`flightlog stats` on {million:,} spans in one hour", _command(home, repeats, "stats"), "ms"),
            (
                f"`flightlog stats --traces` on {million:,} spans",
                _command(home, repeats, "stats", "--traces"),
                "ms",
            ),
        ]
    rows += _of_a_month(million, repeats)
    with tempfile.TemporaryDirectory(prefix="flightlog-bench-") as name:
        home = Path(name)
        made = lines(tree, spans_a_trace=tree)
        _fill(home, made)
        rows.append(
            (f"`flightlog trace` of {tree:,} spans", _command(home, repeats, "trace", "@latest"), "ms")
        )
        rows.append(
            (
                f"`flightlog trace --all` of {tree:,} spans",
                _command(home, repeats, "trace", "@latest", "--all"),
                "ms",
            ),
        )
    rows += _with_backlog(mebibytes=20 if quick else 150, repeats=1 if quick else 3)
    return rows + _busy(seconds=0.75, windows=3 if quick else 16)


def _of_a_month(spans: int, repeats: int) -> list[tuple[str, float, str]]:
    """Nearly each span of a month is alone in its hour, series and bucket, so rollups are as large as they get."""
    questions: dict[str, tuple[str, ...]] = {
        "list": ("list",),
        "stats": ("stats",),
        "stats --project": ("stats", "--project", "default"),
        "stats --since 30 days before the last": (
            "stats",
            "--since",
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START / 1e9)),
        ),
    }
    with tempfile.TemporaryDirectory(prefix="flightlog-bench-") as name:
        home = Path(name)
        _fill(home, lines(spans, step_ns=30 * 86_400 * 10**9 // spans))
        return [
            (f"`flightlog {question}` on {spans:,} spans of a month", _command(home, repeats, *args), "ms")
            for question, args in questions.items()
        ]


def _imports(repeats: int) -> list[tuple[str, float, str]]:
    bare, ours = [], []
    for _ in range(repeats * 3):
        bare.append(_wall([sys.executable, "-c", "pass"]))
        ours.append(_wall([sys.executable, "-c", "import flightlog"]))
    return [
        ("floor: a bare interpreter", median(bare) * 1e3, "ms"),
        ("`import flightlog` over it", (median(ours) - median(bare)) * 1e3, "ms"),
    ]


def _wall(command: Sequence[str], home: Path | None = None) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if home is not None:
        environment["FLIGHTLOG_HOME"] = str(home)
    begun = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def _command(home: Path, repeats: int, *args: str) -> float:
    command = [sys.executable, "-m", "flightlog", *args]
    _wall(command, home)
    return median(_wall(command, home) for _ in range(repeats)) * 1e3


def _fill(home: Path, made: Sequence[Line]) -> None:
    home.mkdir(exist_ok=True)
    writer = open_writer(home / "store.db")
    for at in range(0, len(made), _CHUNK):
        writer.append([Chunk(_PROCESS, made[at : at + _CHUNK])])
    writer.close()


_BACKLOG = """
import os, sys
import flightlog as fl
for _ in range(int(sys.argv[1]) // 20):
    with fl.span("root"):
        for n in range(19):
            with fl.span(f"step_{n}"):
                pass
os._exit(0)
"""


def _with_backlog(mebibytes: int, repeats: int) -> list[tuple[str, float, str]]:
    """`list` on what programs left behind that nobody has indexed: it answers in time, and says what is missing."""
    took, left = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory(prefix="flightlog-bench-") as name:
            home = Home.find(load_settings({"home": name}))
            with home.index_lock() as lock:
                lock.acquire()  # so that none of the programs indexes meanwhile
                while home.waiting_bytes() < mebibytes * MIB:
                    _wall([sys.executable, "-c", _BACKLOG, "50000"], home.path)
            took.append(_wall([sys.executable, "-m", "flightlog", "list"], home.path))
            left.append(home.waiting_bytes() / MIB)
    said = f"`flightlog list` with {mebibytes} MiB of dead journals"
    return [(said, median(took) * 1e3, "ms"), (f"{said}: what it leaves", median(left), "MiB")]


_LOOP = """
import json, os, sqlite3, sys, time
import flightlog as fl

def busy(seconds, indexing):
    # A step that has begun belongs to this window to its end.
    laps, begun = [], time.perf_counter_ns()
    while True:
        start = time.perf_counter_ns()
        work()
        now = time.perf_counter_ns()
        laps.append(now - start)
        if now - begun > seconds * 1e9 and not indexing():
            return laps, (now - begun) / 1e9

def work():
    x = 0
    for n in range(LOOPS):
        x += n * n

LOOPS = 100
while True:
    start = time.perf_counter_ns()
    for _ in range(50):
        work()
    if (time.perf_counter_ns() - start) / 50 >= 100_000:
        break
    LOOPS = LOOPS * 11 // 10

seconds, windows = float(sys.argv[1]), int(sys.argv[2])
with fl.span("wake"):
    pass
time.sleep(1.5)
from flightlog.recording import recorder
keeper = recorder.keeper
store = sqlite3.connect(recorder.home.store_path)

def indexed():
    return store.execute("SELECT max(id) FROM spans").fetchone()[0]

def alone():
    # The keeper rests a while longer, and has as much rest to come afterwards as it had before.
    left = max(0.0, keeper._rest_until - time.monotonic())
    keeper._rest_until = time.monotonic() + 1e6
    took, lasted = busy(seconds / 2, lambda: False)
    keeper._rest_until = time.monotonic() + left
    return len(took) / lasted

time.sleep(0.5)
before = indexed()
laps, shares, total, last = [], [], 0.0, alone()
for _ in range(windows):
    took, lasted = busy(seconds, keeper._turn.locked)
    laps += took
    total += lasted
    then = alone()
    shares.append(200 * len(took) / lasted / (last + then))
    last = then
rate = (indexed() - before) / total
laps.sort()
print(json.dumps({"shares": shares, "p99": laps[len(laps) * 99 // 100] / 1e6, "spans": rate}))
os._exit(0)
"""


def _busy(seconds: float, windows: int) -> list[tuple[str, float, str]]:
    """A program of 100 us steps whose own keeper indexes a backlog that another process left.

    Windows in which the keeper works alternate with windows in which it rests, so that a machine that changes
    its speed by the second changes both; the median of the ratios of neighbours counts.
    """
    spans = int(20_000 * seconds * windows) + 80_000
    found = []
    for _ in range(3):
        with tempfile.TemporaryDirectory(prefix="flightlog-bench-") as home:
            environment = {**os.environ, "FLIGHTLOG_HOME": home}
            subprocess.run([sys.executable, "-c", _BACKLOG, str(spans)], env=environment, check=True)
            result = subprocess.run(
                [sys.executable, "-c", _LOOP, str(seconds), str(windows)],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            found.append(json.loads(result.stdout))
    shares = sorted(share for one in found for share in one["shares"])
    return [
        ("beside a busy program, its own keeper indexes", median(one["spans"] for one in found), "spans/s"),
        ("the busy program keeps of its rate", median(shares), "%"),
        ("the same, lower quartile of the windows", shares[len(shares) // 4], "%"),
        ("p99 of its 100 us steps", median(one["p99"] for one in found), "ms"),
    ]


if __name__ == "__main__":
    for label, value, unit in run(quick="--quick" in sys.argv):
        print(f"{label:60} {value:12,.1f} {unit}")
