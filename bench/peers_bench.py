"""What a span and an event cost, beside other tracers: the same small programs on each, in one run.

The peers are installed into a virtual environment of their own, outside of the checkout: `FLIGHTLOG_BENCH_VENV`, or one
in the directory for temporary files that later runs use again. One that cannot be installed, or whose program fails, is
named with the reason. Nothing leaves the machine: what a peer makes is thrown away by an exporter, or goes to a
server on loopback (`peer_subjects.py` says which).

Every subject is a process of its own. One peer at a time takes turns with the floors and with ours, two milliseconds
each (`slices.py`), so a ratio compares what ran on the same machine at the same time. The loop step is included, and
the first rows say what it and an empty block cost. Memory is what `tracemalloc` sees of an open span.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from floor_parts import built
from peer_subjects import FLOOR, FLOOR_IN_C, OURS, OURS_HOT, OURS_OFF, OURS_STRIPPED, PEERS, REPORT
from slices import Failed, Row, Side, Values, ns_row, ratio, rounds

SECONDS = 12
"""For each peer."""

Program = tuple[Path, str, dict[str, str]]
"""Interpreter, text and environment of a subject."""

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
    "span": "a span",
    "span3": "a span with 3 attributes",
    "call": "a call of a decorated function",
    "event": "an event",
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


def subjects(parts: Path) -> dict[str, Program]:
    """The floors and ours; the floor in C is built in the directory `parts`."""
    ours = Path(sys.executable)
    found: dict[str, Program] = {"floor: nothing recorded": (ours, FLOOR, {})}
    if built(parts):
        path = os.pathsep.join(filter(None, (str(parts), os.environ.get("PYTHONPATH"))))
        found["floor: nothing recorded, by a C object"] = (ours, FLOOR_IN_C, {"PYTHONPATH": path})
    return found | {name: (ours, source, variables) for name, (source, variables) in OUR_SUBJECTS.items()}


class _Beside:
    """What was found so far: the slices and the memory of each subject, and why a peer is missing."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.slices: dict[str, dict[str, Values]] = {}
        self.memory: dict[str, float] = {}
        self.reasons: dict[str, str] = {}
        self.ratios: list[Row] = []

    def side(self, program: Program) -> Side:
        """Begin a subject."""
        python, source, variables = program
        code = f"SINK = {self.address!r}\n{REPORT}\n{source}\nserve(globals())\n"
        return Side(code, variables, python=python)

    def ours(self, programs: dict[str, Program], seconds: float) -> None:
        """Let the floors and ours take turns."""
        with ExitStack() as stack:
            sides = {name: stack.enter_context(self.side(program)) for name, program in programs.items()}
            self.slices |= rounds(sides, seconds)
            for name, side in sides.items():
                self.memory[name] = side.ask("memory")

    def peer(self, name: str, program: Program, mine: Program, seconds: float) -> None:
        """Let a peer and ours take turns."""
        try:
            with self.side(program) as theirs, self.side(mine) as our:
                found = rounds({"theirs": theirs, "ours": our}, seconds)
                self.memory[name] = theirs.ask("memory")
        except Failed as failure:
            self.reasons[name] = f"it failed: {failure}"
            return
        self.slices[name] = found["theirs"]
        for what, called in CALLED.items():
            if what in found["theirs"] and what in found["ours"]:
                times = ratio(found["theirs"][what], found["ours"][what])
                self.ratios.append((f"times dearer than ours: {called}: {name}", times, "x"))

    def rows(self) -> list[Row]:
        """All of it, by what was measured."""
        rows = [
            ns_row(f"{called}: {name}", found[what])
            for what, called in CALLED.items()
            for name, found in self.slices.items()
            if what in found
        ]
        rows += [
            (f"memory of an open span: {name}", taken, "bytes")
            for name, taken in self.memory.items()
            if taken
        ]
        rows += sorted(self.ratios, key=lambda row: row[0].split(": ")[1])
        return rows + [(f"{name}: {reason}", 0.0, "") for name, reason in self.reasons.items()]


def run(quick: bool) -> list[Row]:
    """Measure all in turn; return (name, value, unit) rows, and one of no value for each that is missing."""
    seconds = 1 if quick else SECONDS
    python, missing = installed(environment_place())
    with sink() as address, tempfile.TemporaryDirectory(prefix="flightlog-floor-") as parts:
        beside = _Beside(address)
        beside.reasons |= missing
        programs = subjects(Path(parts))
        beside.ours(programs, 2 * seconds)
        for name, (package, source) in PEERS.items():
            if name not in missing:
                version = version_of(python, package) if package else sysconfig.get_python_version()
                beside.peer(
                    f"{name} {version}", (python, source, {}), programs["flightlog, compiled"], seconds
                )
    return beside.rows()


if __name__ == "__main__":
    for label, value, unit in run(quick="--quick" in sys.argv):
        print(f"{label:72} {value:12,.0f} {unit}")
