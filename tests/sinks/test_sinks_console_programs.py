"""The console of whole programs: one card a trace, under `flightlog run` and with workers of every kind."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

WORK = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
import flightlog as fl

def sq(number):
    with fl.span("sq"), fl.llm("m", provider="p", messages=[]) as call:
        call.usage(input=1, output=1)
    return number * number

if __name__ == "__main__":
    for _ in range(2):
        with fl.llm("m", provider="p", messages=[]) as call:
            call.usage(input=10, output=2)
    with fl.span("job"):
        context = multiprocessing.get_context(sys.argv[1])
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            print(sum(pool.map(sq, range(4))))
"""


@pytest.fixture
def run(tmp_path):
    """Runs the program under a console, and gives the lines of its standard error."""

    def start(*command, console):
        (tmp_path / "report.py").write_text(WORK, encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
        kept.pop("TRACEPARENT", None)
        env = {**kept, "FLIGHTLOG_HOME": str(tmp_path / "home"), "FLIGHTLOG_CONSOLE": console}
        env |= {"PYTHONIOENCODING": "utf-8", "FLIGHTLOG_EXIT_DRAIN": "30"}
        done = subprocess.run(
            [sys.executable, *command],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=True,
        )
        assert done.stdout == "14\n"
        return done.stderr.splitlines()

    return start


def cards(lines):
    return [line.strip("─ ") for line in lines if line.startswith("──")]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_recorded_program_has_one_card_whatever_its_workers_do(run, method):
    *card, last = run("-m", "flightlog", "run", "report.py", method, console="summary")
    assert card[:-1] == [
        "── report.py ──",
        "  spans    3",
        "  model    m (2 calls)",
        "  tokens   20 in, 4 out",
    ]
    assert card[-1].split()[1] == last.split()[-1]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_have_no_card_inside_the_trace_of_a_program(run, method):
    shown = run("report.py", method, console="live")
    assert cards(shown) == ["chat m", "chat m", "job"]
    marked = [line for line in shown if re.search(r"\[pid \d+\]$", line)]
    assert [line.split()[1] for line in marked].count("sq") == 4
    assert not any("sq" in line for line in shown if line not in marked)
