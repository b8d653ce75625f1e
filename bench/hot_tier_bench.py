"""What a trace call costs the loop it stands in: recorded, off, behind `if hot.on:`, and stripped.

Every state is a process of its own, with everything on where it records: the gate, the journal, the keeper's thread.
They take turns, two milliseconds each (`slices.py`); the empty loop of the same round is taken off, and from what is
put around a call that call. The same module is loaded in each state: off and recorded by the level, on either engine,
stripped by `FLIGHTLOG_STRIP`. Shares are of a loop body that takes 10 or 100 microseconds by itself. Memory is what
`tracemalloc` sees of a thousand spans that are open at once.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from slices import Row, Side, Values, ns_row, ratio, rounds

SECONDS = 70

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
import tracemalloc
import flightlog
import subjects

def held(count):
    spans = [flightlog.span("held") for _ in range(count)]
    for one in spans:
        one.__enter__()
    taken = tracemalloc.get_traced_memory()[0]
    for one in reversed(spans):
        one.__exit__(None, None, None)
    return taken

def memory():
    held(20)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    return (held(1000) - before) / 1000

NAMES = ["loop", "tiny", "lazy", "entered", "pair", "looped", "sampled", "iteration", "state", "guarded", "plain_call",
    "traced_call", "narrated", "spans", "spanned_call", "captured_call", "by_hand", "foreign", "foreign_both_ways"]
report(memory=memory, **{name: getattr(subjects, name) for name in NAMES})
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

FLOORS = {
    "left": "entered",
    "traced_call": "plain_call",
    "spanned_call": "plain_call",
    "captured_call": "plain_call",
    "by_hand": "plain_call",
    "foreign_both_ways": "foreign",
}
"""Subject to what is taken off; else it is the empty loop."""

BODIES_NS = (10_000, 100_000)
ROUNDS_OF_THE_STORY = 10_000
"""narration-core's own test runs a loop so often."""

Found = dict[str, dict[str, Values]]


def _measured(seconds: float) -> tuple[Found, dict[str, float]]:
    """By state: the slices of each subject, and the bytes of an open span."""
    with tempfile.TemporaryDirectory(prefix="flightlog-bench-") as place, ExitStack() as stack:
        (Path(place) / "subjects.py").write_text(_SUBJECTS)
        path = os.pathsep.join(filter(None, (place, os.environ.get("PYTHONPATH"))))
        sides = {
            state: stack.enter_context(Side(_MEASURE, {"PYTHONPATH": path, **variables}))
            for state, variables in STATES.items()
        }
        found = rounds(sides, seconds)
        memory = {state: side.ask("memory") for state, side in sides.items()}
    for slices in found.values():
        slices["left"] = slices["pair"]
    return found, memory


def _net(slices: dict[str, Values], name: str) -> Values:
    """What a call costs beyond the loop it stands in, or the call that it is put around, round by round."""
    floor = slices[FLOORS.get(name, "loop")]
    return [value - under for value, under in zip(slices[name], floor, strict=True)]


def run(quick: bool) -> list[Row]:
    """Measure every state in turn; return (name, value, unit) rows."""
    found, memory = _measured(4 if quick else SECONDS)
    return [*_of_calls(found), *_of_spans(found, memory), *_of_bodies(found), *_of_the_story(found)]


def _row(found: Found, state: str, name: str, called: str) -> Row:
    slices = found[state]
    return ns_row(f"{state}: {called}", slices[name], floor=slices[FLOORS.get(name, "loop")])


def _of_calls(found: Found) -> list[Row]:
    rows = [ns_row("floor: an empty loop step", found["off"]["loop"])]
    for state in STATES:
        for name, called in CALLS.items():
            if state != "stripped" or name != "narrated":  # which is not of the tier
                rows.append(_row(found, state, name, called))
    guarded = (_row(found, state, "guarded", "tiny behind `if hot.on:`") for state in ("off", "stripped"))
    return [*rows, *guarded]


def _of_spans(found: Found, memory: dict[str, float]) -> list[Row]:
    rows: list[Row] = []
    for state in ("recorded", "recorded, pure"):
        rows += [
            _row(found, state, "spans", "a span"),
            _row(found, state, "spanned_call", "a call of a traced function, nothing captured"),
            _row(found, state, "captured_call", "a call of a traced function, argument and result"),
            _row(found, state, "by_hand", "a span that is given the same by hand"),
            (f"{state}: memory of an open span", memory[state], "bytes"),
        ]
    slices = found["recorded"]
    whole = ratio(_net(slices, "spanned_call"), _net(slices, "spans"))
    same = ratio(_net(slices, "captured_call"), _net(slices, "by_hand"))
    return [
        *rows,
        ("recorded: a call of a traced function, nothing captured, times a span", whole, "x"),
        ("recorded: with argument and result, times a span that is given the same", same, "x"),
    ]


def _of_bodies(found: Found) -> list[Row]:
    rows: list[Row] = []
    for body in BODIES_NS:
        for state, name in (*(("recorded", one) for one in CALLS), ("off", "tiny"), ("off", "guarded")):
            called = CALLS.get(name, "tiny behind `if hot.on:`")
            share = 100 * max(0.0, median(_net(found[state], name))) / body
            rows.append((f"{state}: {called}, of a body of {body // 1000} µs", share, "%"))
    return rows


def _of_the_story(found: Found) -> list[Row]:
    rows = [
        _row(found, state, "foreign_both_ways", "a ctypes call traced both ways, above its own cost")
        for state in ("recorded", "recorded, pure", "off", "off, pure")
    ]
    for name in ("tiny", "iteration", "narrated"):
        called = CALLS[name].split()[0]
        cost = median(_net(found["recorded"], name)) * ROUNDS_OF_THE_STORY / 1e6
        rows.append((f"narration-core's test, 10,000 iterations: {called}", cost, "ms"))
    return rows


if __name__ == "__main__":
    for label, value, unit in run(quick="--quick" in sys.argv):
        print(f"{label:72} {value:12,.2f} {unit}")
