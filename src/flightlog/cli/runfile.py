"""The file of `flightlog run --export`: one run as one JSON object, to keep beside it or to send to somebody.

    {"format": "flightlog-run", "version": 1, "exported_at": …, "command": […], "exit_code": …, "signal": …,
     "duration_ns": …, "versions": {…}, "settings": [{"name", "value", "origin"}], "trace": {…}}

The trace is the document of `flightlog trace --json`, null when nothing was recorded. All of it is redacted:
the trace was before it was written, the rest passes the gate here.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from flightlog.cli.checkup import values
from flightlog.cli.opening import home
from flightlog.core.engine import NAME
from flightlog.export import file, nested
from flightlog.home import Home
from flightlog.loading import load_trace
from flightlog.redacting import gate_of_messages
from flightlog.redaction.arguments import redacted_arguments
from flightlog.running import Outcome


def save(outcome: Outcome, arguments: Sequence[str], path: Path, *, replace: bool) -> None:
    """Write the file; it is there whole or not at all.

    Raises:
        BadQuestion: there is one meanwhile, and `replace` is False.
        OSError: it cannot be written.
    """
    file.save(_pieces(home(), outcome, arguments), path, replace=replace)


def _pieces(found: Home, outcome: Outcome, arguments: Sequence[str]) -> Iterator[bytes]:
    gate = gate_of_messages()
    facts = {
        "format": "flightlog-run",
        "version": 1,
        "exported_at": time.time_ns(),
        "command": [gate.text("", argument) for argument in redacted_arguments(gate, arguments)],
        "exit_code": outcome.returncode if outcome.returncode >= 0 else None,
        "signal": -outcome.returncode if outcome.returncode < 0 else None,
        "duration_ns": outcome.duration_ns,
        "trace_id": outcome.trace_id or None,
        "versions": {
            "flightlog": version("flightlog"),
            "engine": NAME,
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "settings": values(found.settings),
    }
    yield msgspec.json.encode(facts)[:-1] + b',\n"trace":'
    yield from _trace(found, outcome.trace_id)
    yield b"}\n"


def _trace(found: Home, trace_id: str) -> Iterator[bytes]:
    if not trace_id:
        yield b"null"
        return
    with found.reader() as reader:
        row = reader.trace(trace_id)
        if row is None:
            yield b"null"
            return
        yield from nested.pieces(row, load_trace(reader, trace_id))
