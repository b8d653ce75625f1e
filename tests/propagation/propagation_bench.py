"""Programs that are run to be recorded into a home of their own, and the spans that they left there."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from flightlog.configure import load_settings
from flightlog.home import Home

_FOREIGN = {"TRACEPARENT", "TRACESTATE", "BAGGAGE", "OTEL_PROPAGATORS"}
_KEPT = {"FLIGHTLOG_ENGINE"}


class Bench:
    """A directory with a home."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self._path = self.directory / "home"

    def environment(self, **variables):
        """Ours without anything that is Flightlog's, but for the engine, the home and what is given."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _KEPT or (not name.startswith("FLIGHTLOG_") and name not in _FOREIGN)
        }
        return {**kept, "FLIGHTLOG_HOME": str(self._path), **variables}

    def write(self, code, name="program.py"):
        path = self.directory / name
        path.write_text(textwrap.dedent(code), encoding="utf-8")
        return str(path)

    def run(self, code, *arguments, flightlog_run=False, **variables):
        """Run code as a program to its end; gives what it wrote."""
        program = self.write(code)
        command = [
            sys.executable,
            *(("-m", "flightlog", "run") if flightlog_run else ()),
            program,
            *arguments,
        ]
        done = subprocess.run(
            command,
            env=self.environment(**variables),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def spans(self):
        """Every span in the home, by name; several of one name in a list."""
        home = Home(self._path, load_settings({"home": str(self._path)}))
        home.catch_up(within=60)
        with home.reader() as reader:
            assert reader.verify() == []
            found = [span for trace in reader.traces(10_000) for span in reader.spans(trace.trace_id)]
        return {name: [one for one in found if one.name == name] for name in {one.name for one in found}}
