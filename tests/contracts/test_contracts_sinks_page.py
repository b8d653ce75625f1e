"""The contract's example, as the page about sinks has it, with the two kinds of sinks that people write."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from flightlog.sinks import contract

PAGE = Path(__file__).parents[2] / "docs" / "sinks.md"


def example():
    """The page's last Python block."""
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[-1]


class Eager:
    """A sink that opens its file when it is made."""

    def __init__(self, path):
        self.path = path
        self.file = path.open("ab")

    def append(self, batch):
        if self.file.closed:
            self.file = self.path.open("ab")
        self.file.write(b"".join(line + b"\n" for line in batch))

    def flush(self, timeout):
        self.file.flush()
        return True

    def close(self):
        self.file.close()


class Lazy:
    """A sink that opens its file when the first line comes."""

    def __init__(self, path):
        self.path = path

    def append(self, batch):
        if batch:
            with self.path.open("ab") as file:
                file.write(b"".join(line + b"\n" for line in batch))

    def flush(self, timeout):
        return True

    def close(self):
        pass


class Silent(Lazy):
    """A sink that takes lines nowhere."""

    def append(self, batch):
        pass


def run(sink, tmp_path):
    names = {"MySink": sink}
    exec(example(), names)
    names["test_my_sink"](tmp_path)


@pytest.mark.parametrize("sink", [Eager, Lazy])
def test_the_example_of_the_page_passes_for_a_sink_that_keeps_the_contract(sink, tmp_path):
    run(sink, tmp_path)
    assert (tmp_path / "out").read_bytes().count(b"\n") > len(contract.CHECKS)


def test_the_example_of_the_page_fails_for_a_sink_that_writes_nothing(tmp_path):
    with pytest.raises(AssertionError, match="of 5 lines 0 arrived"):
        run(Silent, tmp_path)


@pytest.mark.parametrize("rule", contract.CHECKS, ids=lambda rule: rule.__name__)
def test_nothing_is_read_before_a_sink_was_made(rule, tmp_path):
    made = []

    def make():
        made.append(Eager(tmp_path / "out"))
        return made[-1]

    def read():
        assert made
        return (tmp_path / "out").read_bytes().splitlines()

    rule(make, read)


def test_the_module_shows_the_same_example_as_the_page():
    assert textwrap.indent(example().strip(), "    ") in str(contract.__doc__)
