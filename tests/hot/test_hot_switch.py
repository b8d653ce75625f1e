"""`hot.on` is a plain name that is true only while somebody records level trace."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import flightlog as fl
from flightlog import hot


@pytest.fixture
def outside(tmp_path):
    """Runs a program in a process of its own, with a home of its own, and gives what it prints."""

    def run(code: str, *arguments: str, **variables: str) -> list[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("FLIGHTLOG_")}
        environment |= {"FLIGHTLOG_HOME": str(tmp_path / "home"), **variables}
        command = [sys.executable, *arguments, "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return run


LOOK = "from flightlog import hot; print(hot.on, 'on' in vars(hot), hot.on)"


def test_it_is_off_by_default_and_a_name_of_the_module_after_the_first_look(outside):
    assert outside(LOOK) == ["False", "True", "False"]


@pytest.mark.parametrize("level", ["trace", "info"])
def test_after_the_first_call_the_interpreter_finds_the_calls_the_fast_way(outside, level):
    code = """
import flightlog as fl
from flightlog import hot
found = []
def look():
    found.extend(["__getattr__" in vars(hot), vars(hot).get("on")])
look()
hot.tiny("queue", "dispatch")
look()
for level in ("error", "trace"):
    fl.configure(level=level)
    look()
print(*found)
"""
    told = outside(code, FLIGHTLOG_LEVEL=level)
    assert told == ["True", "None", "False", str(level == "trace"), "False", "False", "False", "True"]


@pytest.mark.parametrize(
    ("level", "answer"),
    [("trace", "True"), ("info", "False"), ("info,myapp.worker=trace", "True"), ("off", "False")],
)
def test_it_is_on_where_the_environment_asks_for_level_trace_of_any_module(outside, level, answer):
    assert outside(LOOK, FLIGHTLOG_LEVEL=level)[0] == answer


def test_it_is_off_where_nothing_is_recorded_at_all(outside):
    assert outside(LOOK, FLIGHTLOG_LEVEL="trace", FLIGHTLOG_ENABLED="false")[0] == "False"


def test_it_follows_configure(outside):
    code = """
import flightlog as fl
from flightlog import hot
answers = [hot.on]
for level in ("trace", "debug", "info,a=trace", "info"):
    fl.configure(level=level)
    answers.append(hot.on)
fl.event("started")
for level in ("trace", "info"):
    fl.configure(level=level)
    answers.append(hot.on)
print(*answers)
"""
    assert outside(code) == ["False", "True", "False", "True", "False", "True", "False"]


def test_importing_flightlog_does_not_import_it(outside):
    code = "import sys, flightlog; print('flightlog.hot' in sys.modules, 'flightlog.core.hot' in sys.modules)"
    assert outside(code) == ["False", "False"]


def test_importing_it_loads_nothing_heavy_and_records_nothing(outside, tmp_path):
    heavy = {"ast", "asyncio", "inspect", "json", "logging", "msgspec", "sqlite3"}
    loaded = outside("import sys; from flightlog import hot; print(*sys.modules)")
    assert heavy.intersection(loaded) == set()
    assert not (tmp_path / "home").exists()


def test_a_look_at_it_makes_no_file(outside, tmp_path):
    outside(LOOK, FLIGHTLOG_LEVEL="trace")
    assert not (tmp_path / "home").exists()


def test_it_is_on_while_somebody_captures_and_only_then():
    before = hot.on
    with fl.capture():
        assert hot.on
        with fl.capture(level="error"):
            assert hot.on
    assert (hot.on, before) == (False, False)


def test_a_capture_that_takes_no_trace_leaves_it_off():
    with fl.capture(level="info"):
        assert not hot.on


def test_there_is_no_other_name_that_it_makes_up():
    with pytest.raises(AttributeError, match="no attribute 'off'"):
        hot.off  # noqa: B018 - the look is the test


def test_a_call_that_is_off_looks_at_nothing_it_was_given():
    class Telltale:
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

        def __str__(self) -> str:
            raise AssertionError

    it = Telltale()
    hot.tiny(it, it, it, it)  # type: ignore[arg-type]  # nobody looks
    hot.tiny("a", "b", "c", lambda: 1 / 0)
    hot.correlated("a", "b", it, it, it)
    hot.enter(it, it)
    hot.exit(it, it)
    hot.iteration(0, 1, it)
    hot.state("a", it, it)
    items = [1, 2]
    assert type(hot.loop(items)) is type(iter(items))


def test_debug_code_is_gone_under_optimisation(outside):
    code = """
import dis
from flightlog import hot

def work():
    if __debug__:
        hot.tiny("queue", "dispatch", "job-1", "sent")
    return 1

print("tiny" in [step.argval for step in dis.get_instructions(work)])
"""
    assert outside(code) == ["True"]
    assert outside(code, "-O") == ["False"]


def test_a_filter_that_names_modules_decides_for_each(outside, tmp_path):
    for name in ("worker", "other"):
        (tmp_path / f"{name}.py").write_text(
            "from flightlog import hot\n@hot.traced_fn\ndef work(): pass\ndef say(): hot.tiny('a', __name__); work()\n"
        )
    code = """
import sys, flightlog as fl
from flightlog import hot
import worker, other
worker.say(); other.say()
fl.flush()

print(hot.on, hasattr(worker.work, "__wrapped__"), hasattr(other.work, "__wrapped__"))
"""
    told = outside(
        code,
        PYTHONPATH=str(tmp_path),
        FLIGHTLOG_LEVEL="info,worker=trace",
        FLIGHTLOG_SINKS="store,jsonl:" + str(tmp_path / "out.jsonl"),
    )
    assert told == ["True", "True", "False"]
    assert (tmp_path / "out.jsonl").read_text().count('"type":"event"') == 3
    assert '"name":"other"' not in (tmp_path / "out.jsonl").read_text()


def test_what_call_sites_left_out_has_a_counter(outside):
    code = """
import flightlog as fl
from flightlog import hot
from flightlog.recording import recorder
for i in range(10):
    hot.tiny("queue", "dispatch", every=5)
writer = recorder.writer
recorder.stop()
print(writer.counters.values()["hot_left_out"])
"""
    assert outside(code, FLIGHTLOG_LEVEL="trace") == ["8"]


def test_what_the_parent_left_out_is_not_counted_by_its_child(outside):
    code = """
import os, flightlog as fl
from flightlog import hot
from flightlog.core.hot_sites import tally
for i in range(10):
    hot.tiny("queue", "dispatch", every=5)
if os.fork() == 0:
    print(tally.left_out, flush=True)
    os._exit(0)
os.wait()
"""
    assert outside(code, FLIGHTLOG_LEVEL="trace") == ["0"]


def test_no_text_is_made_for_a_trace_that_is_not_sampled(outside):
    code = """
import flightlog as fl
from flightlog import hot
with fl.span("root"):
    hot.tiny("queue", "dispatch", "job-1", lambda: print("made"))
"""
    assert outside(code, FLIGHTLOG_LEVEL="trace", FLIGHTLOG_SAMPLE="0") == []
    assert outside(code, FLIGHTLOG_LEVEL="trace", FLIGHTLOG_SAMPLE="1") == ["made"]


def test_a_field_that_the_program_calls_secret_is_one_here_too(outside, tmp_path):
    code = """
import flightlog as fl
from flightlog import hot
hot.tiny("queue", "dispatch", "short-7", "sent")
hot.state("pin", 1, 4711)
fl.flush()
"""
    out = tmp_path / "out.jsonl"
    outside(
        code,
        FLIGHTLOG_LEVEL="trace",
        FLIGHTLOG_REDACT_KEYS="target,after",
        FLIGHTLOG_SINKS=f"store,jsonl:{out}",
    )
    told = [line for line in out.read_text().splitlines() if '"type":"event"' in line]
    assert len(told) == 2
    assert "short-7" not in told[0]
    assert "4711" not in told[1]


def test_a_drawn_trace_shows_the_calls_after_what_matters(outside):
    code = """
import subprocess, sys, flightlog as fl
from flightlog import hot
with fl.span("root"):
    for i in range(20):
        hot.tiny("queue", "dispatch", f"job-{i}", "sent")
    fl.event("retry", attempt=1, reason="TimeoutError", delay=0.5)
fl.flush()
command = [sys.executable, "-m", "flightlog", "trace", "@latest", "--width", "120"]
print(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
"""
    drawn = " ".join(outside(code, FLIGHTLOG_LEVEL="trace"))
    assert 'TRACE queue dispatch job-0 "sent"' in drawn
    assert drawn.count("TRACE") == 7
    assert "• retry attempt=1" in drawn
    assert "13 more events" in drawn
