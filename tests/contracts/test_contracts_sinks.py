"""Every sink does what `sinks/port.py` says; a sink that breaks one of its rules is found out."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import pytest

from flightlog.sinks.contract import CHECKS, check
from flightlog.sinks.jsonl import JsonLines
from flightlog.sinks.memory import Memory
from flightlog.sinks.port import Forkable
from flightlog.sinks.stderr import Stderr
from flightlog.sinks.tee import Tee


class Bench:
    """A kind of sink, and where its lines come out."""

    def __init__(self, make, read):
        self.make = make
        self.read = read


@pytest.fixture
def stack():
    """What is open until the test is over."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture(params=["jsonl", "jsonl in small files", "stderr", "memory", "tee"])
def bench(request, tmp_path, monkeypatch, stack):
    path = tmp_path / "deep" / "lines.jsonl"

    def file_lines():
        return path.read_bytes().splitlines() if path.exists() else []

    def aside_and_file_lines():
        aside = sorted(path.parent.glob("lines.*.jsonl")) if path.parent.exists() else []
        return [line for file in aside for line in file.read_bytes().splitlines()] + file_lines()

    if request.param == "jsonl":
        return Bench(lambda: JsonLines(path), file_lines)
    if request.param == "jsonl in small files":
        options = {"rotate_bytes": 300, "keep": 1000, "compress": "none"}
        return Bench(lambda: JsonLines(path, **options), aside_and_file_lines)
    if request.param == "stderr":
        file = tmp_path / "stderr"
        stream = stack.enter_context(file.open("w", encoding="utf-8"))

        def make():
            monkeypatch.setattr(sys, "stderr", stream)
            return Stderr("json")

        return Bench(make, lambda: file.read_bytes().splitlines())
    kept = Memory()
    if request.param == "memory":
        return Bench(lambda: kept, lambda: kept.lines)
    return Bench(lambda: Tee(Memory(), kept), lambda: kept.lines)


@pytest.mark.parametrize("rule", CHECKS, ids=lambda rule: rule.__name__)
def test_every_sink_of_ours_keeps(rule, bench):
    if rule.__name__ == "any_text_arrives" and isinstance(bench.make(), Stderr):
        pytest.skip("it writes letters that a terminal obeys as JSON escapes; test_sinks_stderr has them")
    rule(bench.make, bench.read)


def test_every_sink_of_ours_lives_in_forked_children(bench):
    assert isinstance(bench.make(), Forkable)


class Broken:
    """A sink with a fault."""

    def __init__(self, store, fault):
        self.store = store
        self.fault = fault
        self.kept = []
        self.closed = False

    def append(self, batch):
        if self.fault == "ends with close" and self.closed:
            raise ValueError("closed")
        if self.fault == "keeps the batch":
            self.kept.append(batch)
            return
        lines = reversed(batch) if self.fault == "turns round" else batch
        self.kept.append([line.replace(b"\\u", b"?") if self.fault == "mends" else line for line in lines])
        if self.fault == "changes the batch":
            batch.clear()
        if self.fault == "adds an empty line" and not batch:
            self.kept.append([b""])

    def flush(self, timeout):
        self.store += [line for batch in self.kept for line in batch]
        self.kept = []
        return None if self.fault == "does not answer" else True

    def close(self):
        if self.closed and self.fault == "closes once":
            raise ValueError("closed")
        self.closed = True
        if self.fault == "forgets":
            self.kept = []
        self.flush(0)


@pytest.mark.parametrize(
    "fault",
    [
        "keeps the batch",
        "turns round",
        "mends",
        "changes the batch",
        "adds an empty line",
        "closes once",
        "forgets",
        "ends with close",
    ],
)
def test_a_sink_with_a_fault_is_found_out(fault):
    store = []
    with pytest.raises((AssertionError, ValueError)):
        check(lambda: Broken(store, fault), lambda: store)


def test_a_sink_without_a_fault_passes():
    store = []
    check(lambda: Broken(store, ""), lambda: store)
    assert store
