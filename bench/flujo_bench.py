"""What recording costs a real flujo pipeline of ten steps: time of a run, memory, disk.

    python bench/run.py flujo

It runs in the environments that `make libraries LIBRARIES=flujo` made, one for each version of flujo. Runs with and
without Flightlog alternate within one process, each pair in the other order than the one before; the figure is the
median of the pairs' differences. The processor's time is that of all threads, with the indexing of what was recorded.
Flujo keeps its own state in memory, which is the least that it costs, and traces itself in both cases, as it does by
default.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any, Final

PLACES: Final = Path(sys.prefix) / "libraries"
STEPS: Final = 10
RUNS: Final = 10
"""So many for memory and disk."""
Row = tuple[str, float, str]


def run(quick: bool) -> list[Row]:
    """Measure each version that is installed; none without its environment."""
    rows: list[Row] = []
    for place in sorted(PLACES.glob("flujo*")):
        python = place / "bin" / "python"
        if python.exists():
            rows += _of_version(python, 6 if quick else 60)
    return rows


def _of_version(python: Path, pairs: int) -> list[Row]:
    told = _child(python, "time", str(pairs))
    name = f"flujo {told['version']} ({told['engine']} core)"
    without, recorded = _child(python, "memory", "without"), _child(python, "memory", "with")
    return [
        (f"{name}: a run of {STEPS} steps without us", told["off"] * 1e3, "ms"),
        (f"{name}: the same, recorded", told["on"] * 1e3, "ms"),
        (f"{name}: longer by, median of {pairs} pairs", told["longer"] * 100, "%"),
        (f"{name}: processor's time of all threads more, a run", told["more_cpu"] * 1e3, "ms"),
        (f"{name}: memory of {RUNS} runs more", (recorded["rss"] - without["rss"]) / 1e6, "MB"),
        (f"{name}: disk of {RUNS} runs", recorded["disk"] / 1e6, "MB"),
    ]


def _child(python: Path, *arguments: str) -> dict[str, Any]:
    """What this file says, run by another interpreter in a directory and a home of its own."""
    with tempfile.TemporaryDirectory() as place:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
        done = subprocess.run(
            [str(python), "-W", "ignore", __file__, *arguments],
            env={**kept, "FLIGHTLOG_HOME": f"{place}/home", "FLUJO_STATE_URI": "memory://"},
            cwd=place,
            capture_output=True,
            text=True,
            check=True,
        )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _pipeline() -> Any:
    import flujo  # of the other environment

    @flujo.step  # type: ignore[untyped-decorator]  # as above
    async def work(given: str) -> str:
        return given[:100] + "."

    steps = [flujo.Step(name=f"step {number}", agent=work.agent) for number in range(STEPS)]
    made = flujo.Pipeline.from_step(steps[0])
    for step in steps[1:]:
        made = made >> step
    return made


def _one_run(pipeline: Any, number: int) -> float:
    """Seconds of one run, of a runner of its own: since 0.6 a runner has a cache."""
    from flujo import Flujo  # as above

    backend = {}
    with suppress(ImportError):
        from flujo.state.backends.memory import InMemoryBackend  # as above

        backend = {"state_backend": InMemoryBackend()}
    runner = Flujo(pipeline, pipeline_name="bench", **backend)
    begun = time.perf_counter()
    runner.run(f"question {number}")
    return time.perf_counter() - begun


def _time(pairs: int) -> dict[str, Any]:
    import flightlog as fl
    from flightlog.core.engine import NAME

    pipeline = _pipeline()

    def once(number: int, *, recorded: bool) -> float:
        if not recorded:
            return _one_run(pipeline, number)
        with fl.instrument("flujo"):
            return _one_run(pipeline, number)

    for number in range(6):
        once(number, recorded=number % 2 == 0)
    off, on = [], []
    for number in range(pairs):
        for recorded in (number % 2 == 0, number % 2 == 1):
            (on if recorded else off).append(once(number, recorded=recorded))
    more = [b - a for a, b in zip(off, on, strict=True)]
    return {
        "version": _version(),
        "engine": NAME,
        "off": median(off),
        "on": median(on),
        "longer": median(more) / median(off),
        "more_cpu": _cpu(once, pairs, recorded=True) - _cpu(once, pairs, recorded=False),
    }


def _cpu(once: Any, runs: int, *, recorded: bool) -> float:
    """Seconds of the processor for a run, until all of it is in the store."""
    import flightlog as fl

    begun = time.process_time()
    for number in range(runs):
        once(number, recorded=recorded)
    fl.flush(20)
    return (time.process_time() - begun) / runs


def _memory(*, recorded: bool) -> dict[str, Any]:
    import flightlog as fl

    pipeline = _pipeline()
    if recorded:
        fl.instrument("flujo")
    for number in range(RUNS):
        _one_run(pipeline, number)
    fl.flush(20)
    home = Path(os.environ["FLIGHTLOG_HOME"])
    files = [file.stat() for file in home.rglob("*") if file.is_file()]
    return {
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "disk": sum(file.st_blocks * 512 for file in files),
    }


def _version() -> str:
    from importlib.metadata import version

    return version("flujo")


if __name__ == "__main__":
    import logging

    logging.disable(logging.CRITICAL)
    kind, argument = sys.argv[1:]
    print(json.dumps(_time(int(argument)) if kind == "time" else _memory(recorded=argument == "with")))
