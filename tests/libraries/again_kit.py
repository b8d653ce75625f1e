"""Recorded calls, given again in the same process, and a program that is run and run again as one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

from flightlog.configure import load_settings
from flightlog.core.rerun import answer_by
from flightlog.home import Home
from flightlog.replay.answering import Replayer
from flightlog.replay.order import Files, Order
from flightlog.replay.tape import tape_of


class Again:
    """Several reruns of one recording, one after the other."""

    def __init__(self, seen, directory) -> None:
        self._seen = seen
        self._directory = directory
        self._count = 0
        self._tape = []
        self.files = None

    def begin(self, **order):
        self._tape = self._tape or tape_of(self._seen.spans)
        self._count += 1
        directory = self._directory / str(self._count)
        directory.mkdir()
        self.files = Files(directory)
        self.files.prepare(Order("0" * 32, **order), self._tape)
        answer_by(Replayer(self.files, sees_to_the_end=False))

    def notes(self, sort):
        return [note for note in self.files.notes() if note.sort == sort]


class Program:
    """A program that has never heard of Flightlog, and the home in which its runs are recorded."""

    def __init__(self, directory, text) -> None:
        self._directory = directory
        self._script = directory / "program.py"
        self._script.write_text(textwrap.dedent(text))
        self.home = directory / "home"

    def run(self, *command, arguments=(), **environ):
        """Give what it printed."""
        return self.ask(*command, str(self._script), *arguments, **environ)

    def ask(self, *command, **environ):
        """Give what a command of Flightlog printed, in the home of its runs."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "flightlog", *command],
            env={**kept, **environ, "FLIGHTLOG_HOME": str(self.home)},
            cwd=self._directory,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def spans(self):
        """Every span of its runs."""
        home = Home(self.home, load_settings({"home": str(self.home)}))
        home.catch_up(within=60)
        with home.reader() as reader:
            return [span for trace in reader.traces(100) for span in reader.spans(trace.trace_id)]
