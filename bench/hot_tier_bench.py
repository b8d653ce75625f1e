"""What a trace call costs the loop it stands in: recorded, off, behind `if hot.on:`, and stripped.

Every state runs in a fresh process on one core, with everything on where it records: the gate, the journal, the
keeper's thread. Processor time of the looping thread is counted, the empty loop's taken off; before each run that
records the other threads get a tenth of a second to catch up, and the thread works for another, as in the part `hot`.
Each row is the median over processes of the median of seven runs. The same module is loaded in each state: off and
recorded by the level, on either engine, stripped by `FLIGHTLOG_STRIP`. Shares are of a loop body that takes 10 or 100
microseconds by itself. Memory is what `tracemalloc` sees of a thousand spans that are open at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

_SUBJECTS = """
import ctypes
from flightlog import hot
import flightlog as fl

def loop(n):
    for i in range(n):
        pass

def tiny(n):
    for i in range(n):
        hot.tiny("orchestratord", "dispatch_job", "job-123", "dispatch started")

def lazy(n):
    for i in range(n):
        hot.tiny("orchestratord", "dispatch_job", "job-123", "dispatch {} started", i)

def entered(n):
    for i in range(n):
        hot.enter("dispatch_job", {"job_id": "job-123"})

def pair(n):
    for i in range(n):
        hot.enter("dispatch_job", {"job_id": "job-123"})
        hot.exit("dispatch_job", "worker-gpu0-r1")

def looped(n):
    for i in hot.loop(range(n)):
        pass

def sampled(n):
    for i in hot.loop(range(n), every=100):
        pass

def iteration(n):
    for i in range(n):
        hot.iteration(i, n, "warming up")

def state(n):
    for i in range(n):
        hot.state("queue_depth", 5, 6)

def guarded(n):
    for i in range(n):
        if hot.on:
            hot.tiny("orchestratord", "dispatch_job", "job-123", "dispatch started")

def plain_function(job_id):
    return job_id

@hot.traced_fn
def traced_function(job_id):
    return job_id

def plain_call(n):
    for i in range(n):
        plain_function("job-123")

def traced_call(n):
    for i in range(n):
        traced_function("job-123")

def spans(n):
    with fl.span("root"):
        for i in range(n):
            with fl.span("search"):
                pass

@fl.traced(capture_args=False, capture_result=False)
def spanned_function(job_id):
    return job_id

@fl.traced
def captured_function(job_id):
    return job_id

def spanned_call(n):
    with fl.span("root"):
        for i in range(n):
            spanned_function("job-123")

def captured_call(n):
    with fl.span("root"):
        for i in range(n):
            captured_function("job-123")

def by_hand(n):
    with fl.span("root"):
        for i in range(n):
            with fl.span("captured_function", input={"job_id": "job-123"}) as current:
                current.output = plain_function("job-123")

def narrated(n):
    for i in range(n):
        fl.narrate("dispatch_job", "job-123", human="Dispatched job-123", actor="orchestratord", level="trace")

absolute = ctypes.CDLL(None).abs

def foreign(n):
    for i in range(n):
        absolute(-1)

def foreign_both_ways(n):
    for i in range(n):
        hot.enter("abs", {"number": -1})
        result = absolute(-1)
        hot.exit("abs", result)
"""

_MEASURE = """
import json, os, sys, time, tracemalloc
import flightlog
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
import subjects
N, REPEATS = int(sys.argv[1]), 7
RECORDED = os.environ["FLIGHTLOG_LEVEL"] == "trace" and "FLIGHTLOG_STRIP" not in os.environ
NAMES = ["loop", "tiny", "lazy", "entered", "pair", "looped", "sampled", "iteration", "state", "guarded", "plain_call",
    "traced_call", "narrated", "spans", "spanned_call", "captured_call", "by_hand", "foreign", "foreign_both_ways"]

def work_for(seconds):
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        pass

def measure(subject):
    runs = []
    subject(N // 10)
    for _ in range(REPEATS):
        if RECORDED:
            time.sleep(0.1)
            work_for(0.1)
        begun = time.thread_time_ns()
        subject(N)
        runs.append((time.thread_time_ns() - begun) / N)
    return sorted(runs)[REPEATS // 2]

def memory(count):
    held = [flightlog.span("held") for _ in range(count)]
    for one in held:
        one.__enter__()
    taken = tracemalloc.get_traced_memory()[0]
    for one in reversed(held):
        one.__exit__(None, None, None)
    return taken

work_for(0.7)
found = {name: measure(getattr(subjects, name)) for name in NAMES}
memory(20)
tracemalloc.start()
before = tracemalloc.get_traced_memory()[0]
found["memory"] = (memory(1000) - before) / 1000
print(json.dumps(found))
"""

STATES = {
    "recorded": {"FLIGHTLOG_LEVEL": "trace", "FLIGHTLOG_ENGINE": "compiled"},
    "recorded, pure": {"FLIGHTLOG_LEVEL": "trace", "FLIGHTLOG_ENGINE": "pure"},
    "off": {"FLIGHTLOG_LEVEL": "info", "FLIGHTLOG_ENGINE": "compiled"},
    "off, pure": {"FLIGHTLOG_LEVEL": "info", "FLIGHTLOG_ENGINE": "pure"},
    "stripped": {"FLIGHTLOG_LEVEL": "trace", "FLIGHTLOG_ENGINE": "compiled", "FLIGHTLOG_STRIP": "subjects"},
}
"""Name of a state to the environment that brings it about."""

CALLS = {
    "tiny": "tiny",
    "lazy": "tiny with a template",
    "entered": "enter",
    "left": "exit",
    "looped": "loop, a round",
    "sampled": "loop(every=100), a round",
    "iteration": "iteration",
    "state": "state",
    "traced_call": "a call of a traced_fn",
    "narrated": "narrate at level trace",
}
"""Subject to how its row is called."""

BODIES_NS = (10_000, 100_000)
ROUNDS_OF_THE_STORY = 10_000
"""narration-core's own test runs a loop so often."""

Found = dict[str, float]


def _measured(number: int, state: dict[str, str]) -> Found:
    """Each subject's nanoseconds a round, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="flightlog-bench-") as place:
        (Path(place) / "subjects.py").write_text(_SUBJECTS)
        environment = {
            **os.environ,
            "FLIGHTLOG_HOME": str(Path(place) / "home"),
            "FLIGHTLOG_JOURNAL_BYTES": "8GiB",
            "PYTHONPATH": os.pathsep.join(filter(None, (place, os.environ.get("PYTHONPATH")))),
            **state,
        }
        command = [sys.executable, "-c", _MEASURE, str(number)]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: Found = json.loads(result.stdout)
    return found


def _without_floor(found: Found) -> Found:
    """What each call costs beyond the loop it stands in, or the call that it is put around."""
    floors = dict.fromkeys(("traced_call", "spanned_call", "captured_call", "by_hand"), "plain_call")
    floors |= {"foreign_both_ways": "foreign"}
    net = {name: value - found[floors.get(name, "loop")] for name, value in found.items() if name != "memory"}
    return {**net, "left": net["pair"] - net["entered"], "memory": found["memory"]}


def run(quick: bool) -> list[tuple[str, float, str]]:
    """Measure every state in turn; return (name, value, unit) rows."""
    number, rounds = (2_000, 1) if quick else (10_000, 3)
    runs: dict[str, list[Found]] = {state: [] for state in STATES}
    for _ in range(rounds):
        for state, variables in STATES.items():
            runs[state].append(_without_floor(_measured(number, variables)))
    middle = {
        state: {name: median(one[name] for one in found) for name in found[0]}
        for state, found in runs.items()
    }
    rows: list[tuple[str, float, str]] = []
    for state in STATES:
        for name, called in CALLS.items():
            if state != "stripped" or name != "narrated":  # which is not of the tier
                rows.append((f"{state}: {called}", max(0.0, middle[state][name]), "ns"))
    for state in ("recorded", "recorded, pure"):
        rows += [
            (f"{state}: a span", middle[state]["spans"], "ns"),
            (f"{state}: a call of a traced function, nothing captured", middle[state]["spanned_call"], "ns"),
            (
                f"{state}: a call of a traced function, argument and result",
                middle[state]["captured_call"],
                "ns",
            ),
            (f"{state}: a span that is given the same by hand", middle[state]["by_hand"], "ns"),
            (f"{state}: memory of an open span", middle[state]["memory"], "bytes"),
        ]
    whole = [one["spanned_call"] / one["spans"] for one in runs["recorded"]]
    rows.append(("recorded: a call of a traced function, nothing captured, times a span", median(whole), "x"))
    same = [one["captured_call"] / one["by_hand"] for one in runs["recorded"]]
    rows.append(
        ("recorded: with argument and result, times a span that is given the same", median(same), "x")
    )
    rows.append(("off: tiny behind `if hot.on:`", max(0.0, middle["off"]["guarded"]), "ns"))
    rows.append(("stripped: tiny behind `if hot.on:`", max(0.0, middle["stripped"]["guarded"]), "ns"))
    for body in BODIES_NS:
        for state, name in (*(("recorded", one) for one in CALLS), ("off", "tiny"), ("off", "guarded")):
            called = CALLS.get(name, "tiny behind `if hot.on:`")
            share = 100 * max(0.0, middle[state][name]) / body
            rows.append((f"{state}: {called}, of a body of {body // 1000} µs", share, "%"))
    recorded = middle["recorded"]
    millions = ROUNDS_OF_THE_STORY / 1e6
    for state in ("recorded", "recorded, pure", "off", "off, pure"):
        cost = middle[state]["foreign_both_ways"]
        rows.append((f"{state}: a ctypes call traced both ways, above its own cost", cost, "ns"))
    rows += [
        ("narration-core's test, 10,000 iterations: tiny", recorded["tiny"] * millions, "ms"),
        ("narration-core's test, 10,000 iterations: iteration", recorded["iteration"] * millions, "ms"),
        ("narration-core's test, 10,000 iterations: narrate", recorded["narrated"] * millions, "ms"),
    ]
    return rows


if __name__ == "__main__":
    for label, value, unit in run(quick="--quick" in sys.argv):
        print(f"{label:72} {value:12,.2f} {unit}")
