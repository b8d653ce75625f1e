"""Real programs, recorded in a home of their own, and what a command finds there afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.records.event import Event
from flightlog.records.span import Span


class Bench:
    """A directory with a home, and programs that record into it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home_path = directory / "home"
        self.home = Home(self.home_path, load_settings({"home": str(self.home_path)}))

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name == "FLIGHTLOG_ENGINE" or not name.startswith("FLIGHTLOG_")
        }
        return {**inherited, "FLIGHTLOG_HOME": str(self.home_path), **(extra or {})}

    def write(self, source: str, name: str = "program.py") -> Path:
        path = self.directory / name
        path.write_text(textwrap.dedent(source))
        return path

    def start(self, source: str, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a program; the test reads its output and waits for it."""
        return subprocess.Popen(
            [sys.executable, str(self.write(source)), *args],
            env=self.environment(env),
            cwd=self.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        source: str,
        *args: str,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        return self.command([sys.executable, str(self.write(source)), *args], env=env)

    def flightlog(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return self.command([sys.executable, "-m", "flightlog", *args], env=env)

    def command(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment(env),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def spans(self) -> list[Span]:
        """Every span in the store, once everything that dead processes left is indexed."""
        return [record for record in self._records() if isinstance(record, Span)]

    def events(self) -> list[Event]:
        return [record for record in self._records() if isinstance(record, Event)]

    def _records(self):
        self.home.catch_up(within=60)
        with self.home.reader() as reader:
            assert reader.verify() == []
            return [
                record
                for trace in reader.traces(100_000)
                for record in (*reader.spans(trace.trace_id), *reader.events(trace.trace_id))
            ]

    def named(self) -> dict[str, Span]:
        """Spans by name; a name that occurs twice fails the test."""
        spans = self.spans()
        by_name = {span.name: span for span in spans}
        assert len(by_name) == len(spans), sorted(span.name for span in spans)
        return by_name

    def parents(self) -> dict[str, str | None]:
        """Name of each span to the name of its parent."""
        named = self.named()
        names = {span.span_id: name for name, span in named.items()}
        return {name: names.get(span.parent_id) for name, span in named.items()}

    def journals_left(self) -> list[str]:
        root = self.home.journal_root
        return sorted(entry.name for entry in root.iterdir()) if root.exists() else []


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)
