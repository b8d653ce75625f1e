"""What a span and an event cost, beside other tracers: the same small programs on each, in one run.

The peers are installed into a virtual environment of their own, outside of the checkout: `FLIGHTLOG_BENCH_VENV`, or one
in the directory for temporary files that later runs use again. One that cannot be installed, or whose program fails, is
named with the reason. Nothing leaves the machine: what a peer makes is thrown away by an exporter, or goes to a
server on loopback (`peer_subjects.py` says which).

As in the part `hot` every subject runs in a fresh process on one core, after most of a second of other work and a
tenth of one after each rest, and processor time of the recording thread is counted; the loop step is included, and the
first row says what it and an empty block cost. Processes alternate; each row is the median over processes of the median
of seven runs of 10,000 steps, or of 2,000 where one takes longer than 25 µs. Memory is what `tracemalloc` sees of an
open span.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Thread

from floor_parts import built
from peer_subjects import DRIVER, FLOOR, FLOOR_IN_C, OURS, OURS_HOT, OURS_OFF, OURS_STRIPPED, PEERS

Found = dict[str, float]

OUR_SUBJECTS = {
    "flightlog, compiled": (OURS, {"FLIGHTLOG_ENGINE": "compiled"}),
    "flightlog, pure": (OURS, {"FLIGHTLOG_ENGINE": "pure"}),
    "flightlog, compiled, level off": (OURS_OFF, {"FLIGHTLOG_ENGINE": "compiled"}),
    "flightlog, pure, level off": (OURS_OFF, {"FLIGHTLOG_ENGINE": "pure"}),
    "flightlog.hot, compiled": (OURS_HOT, {"FLIGHTLOG_ENGINE": "compiled", "FLIGHTLOG_LEVEL": "trace"}),
    "flightlog.hot, pure": (OURS_HOT, {"FLIGHTLOG_ENGINE": "pure", "FLIGHTLOG_LEVEL": "trace"}),
    "flightlog.hot, compiled, level off": (OURS_HOT, {"FLIGHTLOG_ENGINE": "compiled"}),
    "flightlog.hot, pure, level off": (OURS_HOT, {"FLIGHTLOG_ENGINE": "pure"}),
    "flightlog.hot, stripped": (OURS_STRIPPED, {"FLIGHTLOG_STRIP": "stripped_subject"}),
}
"""Name to program and environment."""

CALLED = {
    "span": ("a span", "ns"),
    "span3": ("a span with 3 attributes", "ns"),
    "call": ("a call of a decorated function", "ns"),
    "event": ("an event", "ns"),
    "memory": ("memory of an open span", "bytes"),
}


class Sink(BaseHTTPRequestHandler):
    """Takes whatever it is sent."""

    def do_POST(self) -> None:
        """Read it, and say that all is well."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_GET = do_POST  # noqa: N815 - the names that the library calls

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def sink() -> Iterator[str]:
    """A server on loopback, while the block runs; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def environment_place() -> Path:
    """Where the peers are installed."""
    named = os.environ.get("FLIGHTLOG_BENCH_VENV")
    return (
        Path(named)
        if named
        else Path(tempfile.gettempdir()) / f"flightlog-peers-{sysconfig.get_python_version()}"
    )


def installed(place: Path) -> tuple[Path, dict[str, str]]:
    """Make the environment if there is none and install what is missing; the interpreter, and why which are missing."""
    python = place / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    reasons: dict[str, str] = {}
    for name, (package, _) in PEERS.items():
        if package and not version_of(python, package):
            command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                reasons[name] = f"not installed: {_last(done.stderr)}"
    return python, reasons


def version_of(python: Path, package: str) -> str:
    """Which version of a package that interpreter has; empty for none."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[-1] if lines else "no reason was given")[:150]


def measured(python: Path, source: str, number: int, address: str, variables: dict[str, str]) -> Found | str:
    """What one program found in a process of its own, or why it found nothing."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("FLIGHTLOG_")}
    with tempfile.TemporaryDirectory(prefix="flightlog-bench-") as home:
        settings = {"FLIGHTLOG_HOME": home, "FLIGHTLOG_JOURNAL_BYTES": "8GiB", "HOME": home}
        code = f"SINK = {address!r}\n{DRIVER}\n{source}\nreport(globals())\n"
        try:
            done = subprocess.run(
                [str(python), "-c", code, str(number)],
                env={**kept, **settings, **variables},
                cwd=home,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "it took longer than 10 minutes"
    for line in done.stdout.splitlines():
        if line.startswith("FOUND "):
            found: Found = json.loads(line[6:])
            return found
    return f"it failed: {_last(done.stderr)}"


def subjects(python: Path, parts: Path) -> dict[str, tuple[Path, str, dict[str, str]]]:
    """Each subject: interpreter, program, environment; the floor in C is built in the directory `parts`."""
    ours = Path(sys.executable)
    found = {"floor: nothing recorded": (ours, FLOOR, dict[str, str]())}
    if built(parts):
        found["floor: nothing recorded, by a C object"] = (ours, FLOOR_IN_C, {"PYTHONPATH": str(parts)})
    found |= {name: (ours, source, variables) for name, (source, variables) in OUR_SUBJECTS.items()}
    for name, (package, source) in PEERS.items():
        version = version_of(python, package) if package else sysconfig.get_python_version()
        found[f"{name} {version}"] = (python, source, {})
    return found


def run(quick: bool) -> list[tuple[str, float, str]]:
    """Measure all in turn; return (name, value, unit) rows, and one of no value for each that is missing."""
    number, rounds = (500, 1) if quick else (10_000, 3)
    python, reasons = installed(environment_place())
    found: dict[str, list[Found]] = {}
    with sink() as address, tempfile.TemporaryDirectory(prefix="flightlog-floor-") as parts:
        all_subjects = subjects(python, Path(parts))
        for _ in range(rounds):
            for name, (interpreter, source, variables) in all_subjects.items():
                if name in reasons or any(name.startswith(f"{peer} ") for peer in reasons):
                    continue
                answer = measured(interpreter, source, number, address, variables)
                if isinstance(answer, str):
                    reasons[name] = answer
                else:
                    found.setdefault(name, []).append(answer)
    rows: list[tuple[str, float, str]] = []
    for what, (called, unit) in CALLED.items():
        for name, runs in found.items():
            if what in runs[0]:
                rows.append((f"{called}: {name}", median(one[what] for one in runs), unit))
    return rows + [(f"{name}: {reason}", 0.0, "") for name, reason in reasons.items()]


if __name__ == "__main__":
    for label, value, unit in run(quick="--quick" in sys.argv):
        print(f"{label:72} {value:12,.0f} {unit}")
