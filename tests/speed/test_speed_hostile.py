"""What a program, its memory or its end do in the middle of a call into C breaks neither the program nor the record."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from speed_kit import needs_core

import flightlog as fl
from flightlog import hot
from flightlog._speed import presence
from flightlog.core import memo

pytestmark = needs_core


def _ran(program: str, *arguments: str, engine: str = "compiled", **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, presence.VARIABLE: engine, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- what is called before there is an engine ---------------------------------------------------------------------

_BEFORE_USE = """
from flightlog._speed import _core
f = lambda *args, **kwargs: 1
site = _core.Site()
for call in (
    lambda: _core.tiny("actor", "action"),
    lambda: _core.correlated("actor", "action", "target", "text", "id"),
    lambda: _core.enter("f"),
    lambda: _core.exit("f"),
    lambda: _core.iteration(1),
    lambda: _core.state("name", 1, 2),
    lambda: _core.said("name", "info", "", {"a": 1}, None),
    lambda: _core.Run(f, None, "name", "step", "info", True, f),
    lambda: list(_core.Rounds(iter([1]), f, site, "", None, "", 2, 1.0)),
    lambda: _core.hot_use(3),
    lambda: _core.hot_use({}),
):
    try:
        print(call())
    except (RuntimeError, TypeError) as refused:
        print(refused)
"""
_NOT_USED = "the compiled engine is not the one that runs here"
_NOT_TOLD = "the hot tier was not told what to work with"


def test_what_is_called_before_there_is_an_engine_says_so():
    assert _ran(_BEFORE_USE, engine="pure").splitlines() == [
        *[_NOT_TOLD] * 6,
        *[_NOT_USED] * 2,
        _NOT_TOLD,
        "the parts of the tier are a dict, not int",
        "the hot tier misses its part tiny",
    ]


def test_names_of_arguments_that_begin_before_the_first_are_refused():
    for skip, positional in ((-1, 0), (0, -1)):
        with pytest.raises(TypeError, match="skipped"):
            presence.CORE.Run(len, (("a",), "rest", skip, positional, None), "n", "step", "info", False, len)


def test_parts_of_the_tier_of_another_type_leave_it_what_it_had():
    names = ("tiny", "correlated", "enter", "exit", "iteration", "state", "site_at", "made")
    kept = dict.fromkeys(names, len)
    with pytest.raises(TypeError, match="part actors is of another type"):
        presence.CORE.hot_use({**kept, "actors": 3, "entered": 3, "tally": 3})
    with fl.capture(level="trace") as seen:
        hot.tiny("actor", "action")
    assert [event.name for event in seen.events] == ["action"]


def test_weights_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="weight"):
        presence.CORE.Scanner(bytes(32), b"\xff" * 2048, (), b"", b"", 1, False, "")


# -- what changes while the gate runs -------------------------------------------------------------------------------


class _Gate:
    """A gate whose look at one text changes what is being captured."""

    def __init__(self, gate, change):
        self.gate = gate
        self.change = change

    def text(self, where, text):
        if text == "trigger":
            self.change()
        return self.gate.text(where, text)

    def __getattr__(self, name):
        return getattr(self.gate, name)


def _attributes(value, change):
    memo.forget()
    with fl.capture() as seen:
        with fl.span("known", x={"first": "w", "inner": {"a": 1}, "list": [1], "password": "p"}):
            pass
        encoder = memo._encoder
        gate, encoder.gate = encoder.gate, _Gate(encoder.gate, change)
        try:
            with fl.span("s", x=value):
                pass
        finally:
            encoder.gate = gate
    return seen.spans[-1].attributes["x"]


def test_a_secret_that_comes_while_the_gate_looks_at_another_text_is_hidden():
    inner = {"a": 1}
    told = _attributes({"first": "trigger", "inner": inner}, lambda: inner.update(password="hunter2xyz"))
    assert inner == {"a": 1, "password": "hunter2xyz"}
    assert "hunter2xyz" not in str(told)


def test_a_secret_that_follows_its_option_in_a_list_that_grows_meanwhile_is_hidden():
    inner = []
    told = _attributes(
        {"first": "trigger", "list": inner},
        lambda: inner.__setitem__(slice(None), ["--password", "hunter2xyz"]),
    )
    assert inner[-1] == "hunter2xyz"
    assert "hunter2xyz" not in str(told)


@pytest.mark.parametrize(
    "change", [dict.clear, lambda it: it.update(list=None, inner=3), lambda it: it.update(n=1)]
)
def test_a_dict_that_changes_while_it_is_written_is_still_written(change):
    value = {"first": "trigger", "inner": {"a": 1}, "list": [1]}
    assert "first" in _attributes(value, lambda: change(value))


# -- how often --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [10**30, -(10**30), 2**63 - 1, 0])
def test_a_number_of_calls_beyond_all_counting_is_no_error(every):
    with fl.capture(level="trace") as seen:
        assert list(hot.loop([1, 2, 3], every=every)) == [1, 2, 3]
        told = hot.traced_fn(every=every)(lambda: 3)
        assert [told(), told()] == [3, 3]
        tiny = len(seen.events)
        hot.tiny("actor", "action", every=every)
    assert tiny == (1 + 2 if every > 1 else 3 + 4)


@pytest.mark.parametrize("per_second", [10**400, float("inf"), float("nan"), True])
def test_a_rate_beyond_all_counting_is_no_error(per_second):
    with fl.capture(level="trace"):
        assert list(hot.loop([1, 2, 3], per_second=per_second)) == [1, 2, 3]
        told = hot.traced_fn(per_second=per_second)(lambda: 3)
        assert [told(), told()] == [3, 3]


# -- where memory is used up -----------------------------------------------------------------------------------------

_NO_MEMORY = """
import asyncio, contextlib, gc, sys
import _testcapi
import flightlog as fl
from flightlog import hot
from flightlog.core import engine
from flightlog.core.context import Captured, variable
from flightlog.core.control import control
from flightlog.core.level import parse
from flightlog.records.kinds import LEVELS
from flightlog.redaction import scanner
from flightlog.redaction.policy import DEFAULT
from flightlog.steps import ExecutionTrace, StepType, wire

control._start = control._prepare = None
control.configure(parse("trace"), enabled=True)
with fl.capture():
    pass
engine.verdicts.update(dict.fromkeys(LEVELS, True))
lines = []
variable.set(Captured(lines.append))
root = fl.span("root").__enter__()
count = 0

def spans():
    with fl.span("outer", kind="tool", level="warn"), fl.span("in", k=5, t=f"t{count}", o=(1, 2)) as span:
        span.set(found=3)
        span.output = ["a", None]

def fails():
    with contextlib.suppress(KeyError), fl.span("failing", input={"q": 1}):
        raise KeyError

def events():
    fl.event("e", key=1, text=f"t{count}", o=[1, {"a": 2}])
    fl.event("e", "warn", f"a body {count}", n=1)
    fl.event("b", body="x" * 90)

def work(job, *rest, fails=False):
    if fails:
        raise KeyError
    return {"job": job, "rest": rest}

traced, told = fl.traced(work), hot.traced_fn(work)

def calls():
    for call in traced, told:
        call(f"job{count}", 1, 2)
        with contextlib.suppress(KeyError):
            call({"id": 1}, fails=True)

def tier():
    hot.tiny("queue", f"dispatch{count}", "job", "sent")
    hot.tiny("queue", "dispatch", "job", "sent {}", 1, every=2)
    hot.enter("work", {"job": "j"})
    hot.exit("work", [1, 2.5, None])
    hot.state("depth", 5, 6, per_second=1e6)
    for _ in hot.loop((1, 2), every=2):
        hot.iteration(1, 2, "warming up")

def narration():
    fl.narrate("dispatch", "job-1", human="sent job-1", pool="default")

look = scanner.scanner(DEFAULT, ("one secret",))

def scans():
    look("\\u044f" * 5000)
    look("a text")

trace = ExecutionTrace("t")
trace.start_step_with_data(StepType.RETRIEVAL, "n\\u00e4me", {"n": [1, 0.5, None], "b": b"x"})
trace.end_step_with_data({"t": (True, 2**80)})
steps = trace.steps()

def writes():
    wire._write("t", None, 3, {"about": "it"}, steps, True)

subject = globals()[sys.argv[1]]
for count in range(3):
    subject()
gc.disable()
left = set()
for start in range(int(sys.argv[2])):
    count += 1
    _testcapi.set_nomemory(start + 1, start + 2)
    try:
        subject()
    except BaseException:
        pass
    finally:
        _testcapi.remove_mem_hooks()
    if variable.get() is not root:
        left.add(variable.get()._name)
        variable.set(root)
lines.clear()
with fl.span("check", a=1):
    fl.event("inside")
control.configure(parse("off"), enabled=False)
print(sorted(left), sum(b'"check"' in line or b'"inside"' in line for line in lines))
import os
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.skipif(
    os.environ.get("FLIGHTLOG_SANITIZED") == "1", reason="the sanitizers have an allocator of their own"
)
@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="the interpreter itself does not outlive that, whichever engine runs"
)
@pytest.mark.parametrize(
    "subject", ["spans", "fails", "events", "calls", "tier", "narration", "scans", "writes"]
)
def test_an_allocation_that_fails_anywhere_breaks_nothing_that_comes_later(subject):
    pytest.importorskip("_testcapi", reason="this interpreter was installed without its own tests")
    assert _ran(_NO_MEMORY, subject, "250") == "[] 2\n"


# -- where the interpreter ends ---------------------------------------------------------------------------------------

_LATE = """
import builtins, sys, threading
import flightlog as fl
from flightlog import hot

span, event, tiny, loop = fl.span, fl.event, hot.tiny, hot.loop
traced, told = fl.traced(lambda a: {"a": a}), hot.traced_fn(lambda a: [a])

class Late:
    def __init__(self, number):
        self.number = number

    def __del__(self, catch=BaseException):
        for what in (
            lambda: span("late", x=1, t="new %d" % self.number).__enter__().__exit__(None, None, None),
            lambda: event("e", body="b" * 2000, k="z" * 3000),
            lambda: event("short", n=1),
            lambda: tiny("a", "b", "c", "text {}", 3),
            lambda: [*loop([1, 2])],
            lambda: traced(3),
            lambda: told(3),
            lambda: span("open").__enter__(),
        ):
            try:
                what()
            except catch as failure:
                if type(failure) is SystemError:
                    import os
                    os._exit(7)

fl.span("first").__enter__()
one, sys.late, sys.modules["late"], builtins.late, threading.late = (Late(number) for number in range(5))
cycle = [Late(5)]
cycle.append(cycle)
with fl.span("s"):
    hot.tiny("a", "b")
"""


def test_what_records_while_the_interpreter_ends_does_no_harm(tmp_path):
    _ran(_LATE, FLIGHTLOG_HOME=str(tmp_path), FLIGHTLOG_LEVEL="trace")
