"""What `import flightlog` costs a program that may never record anything."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

BUDGET_MS = 40.0
"""Milliseconds of processor time over an interpreter that imports nothing."""

BUDGET_BARE = 4.0
"""The same in starts of such an interpreter, measured in turns: on a busy machine, whose cores do two things at once,
both take longer."""

LATE = (
    "asyncio",
    "click",
    "dataclasses",
    "inspect",
    "json",
    "lark",
    "logging",
    "msgspec",
    "rich",
    "sqlite3",
    "zstandard",
)
"""What is loaded when a feature needs it, and not before."""

RUNS = 7
"""Of either kind, taking turns. The least of each counts, since noise only ever adds."""

ROUNDS = 3
"""A machine that is busy for a moment gets another chance."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment like a user's: bytecode is kept, and nothing of ours is set."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "FLIGHTLOG_"))}
    return {**kept, "PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("bytecode"))}


def _run(code: str, environment: dict[str, str]) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def _processor_ms(code: str, environment: dict[str, str]) -> float:
    """What a run takes of a processor, which other programs on the machine hardly change."""
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return (usage.ru_utime + usage.ru_stime) * 1000


def _cost(environment: dict[str, str]) -> tuple[float, float]:
    """The least run that imports, minus the least that does not, in milliseconds; and in runs that do not."""
    pairs = [
        (_processor_ms("pass", environment), _processor_ms("import flightlog", environment))
        for _ in range(RUNS)
    ]
    bare = min(bare for bare, _ in pairs)
    cost = min(with_us for _, with_us in pairs) - bare
    return cost, cost / bare


def test_importing_costs_at_most_forty_milliseconds(environment):
    _run("import flightlog", environment)
    costs: list[tuple[float, float]] = []
    while len(costs) < ROUNDS and not any(map(_is_within, costs)):
        costs.append(_cost(environment))
    assert _is_within(costs[-1]), (
        f"import flightlog cost {costs} (ms, bare interpreters) over a bare interpreter"
    )


def _is_within(cost: tuple[float, float]) -> bool:
    return cost[0] <= BUDGET_MS or cost[1] <= BUDGET_BARE


def test_importing_loads_nothing_that_a_program_may_never_need(environment):
    code = f"import sys, flightlog; print(*sorted(set(sys.modules) & set({LATE!r})))"
    assert _run(code, environment).split() == []


def test_importing_starts_no_thread_and_makes_no_file(environment, tmp_path):
    code = "import threading, flightlog; print(threading.active_count())"
    home = tmp_path / "home"
    assert _run(code, {**environment, "FLIGHTLOG_HOME": str(home)}).strip() == "1"
    assert not home.exists()
