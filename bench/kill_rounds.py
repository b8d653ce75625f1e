"""Kills recording programs at random moments and counts what is missing afterwards.

Each round starts two processes of four threads, whose spans carry from 200 bytes to 200 KB. A thread notes in a
shared mapped file how many of its spans have ended; the page cache keeps that note when the process is killed,
so afterwards each span that had ended must be in the store, once, whole. The rollups are recomputed and
compared as well.

    python bench/kill_rounds.py 50
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flightlog.configure import load_settings
from flightlog.home import Home

PROCESSES = 2
THREADS = 4

_WRITER = """
import mmap, os, random, struct, sys, threading, time
import flightlog as fl

process, seed, notes = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
file = open(notes, "r+b")
counts = mmap.mmap(file.fileno(), 0)

def work(thread):
    chance = random.Random(f"{seed}-{process}-{thread}")
    done = 0
    with fl.span("worker", process=process, thread=thread):
        while True:
            size = int(200 * 1000 ** chance.random())
            with fl.span("item", process=process, thread=thread, n=done, size=size) as s:
                s.output = f"{process}-{thread}-{done}-" + "x" * size
            done += 1
            struct.pack_into("q", counts, 8 * (process * 4 + thread), done)
            if chance.random() < 0.01:
                time.sleep(chance.random() * 0.01)

for thread in range(4):
    threading.Thread(target=work, args=(thread,), daemon=True).start()
while not any(struct.unpack_from("4q", counts, 32 * process)):
    time.sleep(0.001)
print("ready", flush=True)
time.sleep(100)
"""


class Round:
    """One round: what had ended, what was found, what was wrong."""

    def __init__(self) -> None:
        self.ended = 0
        self.lost = 0
        self.doubled = 0
        self.damaged = 0
        self.differences = 0
        self.dropped = 0

    @property
    def is_right(self) -> bool:
        """Whether nothing was lost, doubled, damaged or counted wrong."""
        return not (self.lost or self.doubled or self.damaged or self.differences or self.dropped)


def run_round(directory: Path, seed: int) -> Round:
    """Record, kill, index, compare."""
    chance = random.Random(seed)
    notes = directory / "notes"
    notes.write_bytes(bytes(8 * PROCESSES * THREADS))
    script = directory / "writer.py"
    script.write_text(_WRITER)
    home_path = directory / "home"
    environment = {
        **os.environ,
        "FLIGHTLOG_HOME": str(home_path),
        "FLIGHTLOG_JOURNAL_BYTES": "8GiB",
        "FLIGHTLOG_SEGMENT_BYTES": chance.choice(["256KiB", "1MiB", "8MiB"]),
    }
    writers = [
        subprocess.Popen(
            [sys.executable, str(script), str(process), str(seed), str(notes)],
            env=environment,
            stdout=subprocess.PIPE,
        )
        for process in range(PROCESSES)
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    found = Round()
    for writer in chance.sample(writers, PROCESSES):
        time.sleep(chance.random() * 0.25)
        with contextlib.suppress(ProcessLookupError):
            writer.send_signal(signal.SIGKILL)
    for writer in writers:
        writer.wait()
        assert writer.stdout is not None
        writer.stdout.close()
    _compare(found, notes, Home(home_path, load_settings({"home": str(home_path)})))
    return found


def _compare(found: Round, notes: Path, home: Home) -> None:
    with notes.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as counts:
        ended = [struct.unpack_from("q", counts, 8 * slot)[0] for slot in range(PROCESSES * THREADS)]
    found.ended = sum(ended)
    assert home.catch_up(within=600).bytes == 0
    seen: dict[tuple[int, int, int], int] = {}
    with home.reader() as reader:
        for trace in reader.traces(1_000_000):
            for span in reader.spans(trace.trace_id):
                if span.name != "item" or span.status != "ok":
                    continue
                key = (span.attributes["process"], span.attributes["thread"], span.attributes["n"])
                seen[key] = seen.get(key, 0) + 1
                whole = f"{key[0]}-{key[1]}-{key[2]}-" + "x" * span.attributes["size"]
                found.damaged += span.output != whole
        found.differences = len(reader.verify())
        found.dropped = sum(number for name, number in reader.counters().items() if "dropped" in name)
    found.doubled = sum(times - 1 for times in seen.values())
    found.lost = sum(
        (process, thread, n) not in seen
        for process in range(PROCESSES)
        for thread in range(THREADS)
        for n in range(ended[process * THREADS + thread])
    )


def run(quick: bool) -> list[tuple[str, float, str]]:
    """Run the rounds and return (name, value, unit) rows; a round that is not right ends everything."""
    rounds = 5 if quick else 50
    totals = Round()
    for seed in range(rounds):
        directory = Path(tempfile.mkdtemp(prefix="flightlog-kill-"))
        try:
            found = run_round(directory, seed)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        for name in ("ended", "lost", "doubled", "damaged", "differences", "dropped"):
            setattr(totals, name, getattr(totals, name) + getattr(found, name))
        print(f"\r  round {seed + 1}/{rounds}: {totals.ended:,} spans ended", end="", file=sys.stderr)
    print(file=sys.stderr)
    return [
        ("rounds of kill -9", rounds, "rounds"),
        ("spans that had ended", totals.ended, "spans"),
        ("of these lost", totals.lost, "spans"),
        ("of these doubled", totals.doubled, "spans"),
        ("of these damaged", totals.damaged, "spans"),
        ("rollup differences", totals.differences, "rows"),
    ]


if __name__ == "__main__":
    rows = run(quick=len(sys.argv) > 1 and sys.argv[1] == "5")
    for name, value, unit in rows:
        print(f"{name:30} {value:>12,.0f} {unit}")
