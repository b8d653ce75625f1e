"""Indexing while somebody watches: who does it, who steps back, and what a home that vanishes means."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.indexing import Indexing

DEADLINE = 40.0
PROGRAM = """
import sys
import flightlog as fl

with fl.span("work"):
    sys.stdin.readline()
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FLIGHTLOG_HOME", str(tmp_path / "home"))
    return Home.find(load_settings())


def until(fact: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def names(home: Home) -> list[str]:
    with home.reader() as reader:
        return [trace.name for trace in reader.traces(10)]


def run() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], input=b"\n", check=True, timeout=DEADLINE)


def test_what_is_recorded_is_in_the_store_a_moment_later(home):
    with Indexing(home) as indexing:
        assert not home.path.exists()
        program = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE)
        until(lambda: names(home) == ["work"])
        until(lambda: indexing.is_ours)
        program.communicate(b"\n", timeout=DEADLINE)
    assert not indexing.is_ours


def test_a_recording_program_steps_back(home):
    program = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE)
    try:
        until(lambda: home.exists() and names(home) == ["work"])  # it indexes for itself
        with Indexing(home) as indexing:
            until(lambda: indexing.is_ours)
    finally:
        program.communicate(b"\n", timeout=DEADLINE)


def test_where_another_indexes_we_only_read(home):
    home.create()
    with home.index_lock() as lock:
        assert lock.acquire()
        with Indexing(home) as indexing:
            run()
            assert not indexing.is_ours
            lock.release()
            until(lambda: indexing.is_ours)
            until(lambda: names(home) == ["work"])


def _is_gone(path):
    """Delete a directory, also where somebody is making or deleting files in it."""
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()


def test_a_home_that_is_deleted_and_made_anew_is_indexed(home):
    with Indexing(home) as indexing:
        run()
        until(lambda: names(home) == ["work"] and indexing.is_ours)
        until(lambda: _is_gone(home.path))
        until(lambda: not indexing.is_ours)
        run()
        until(lambda: names(home) == ["work"] and indexing.is_ours)


def test_a_store_that_cannot_be_written_is_said_until_it_can(home):
    home.create()
    home.store_path.write_bytes(b"not a database, " * 1000)
    with Indexing(home) as indexing:
        until(lambda: indexing.trouble)
        assert str(home.store_path) in indexing.trouble
        home.store_path.unlink()
        until(lambda: not indexing.trouble)
