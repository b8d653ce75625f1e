"""Programs that a recorded program starts: whose children they are, and what is in their environment."""

from __future__ import annotations

import pytest

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
PARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"

STARTS = {
    "run": "subprocess.run([sys.executable, 'child.py'], check=True)",
    "positional": "subprocess.Popen([sys.executable, 'child.py'], -1).wait()",
    "shell": "subprocess.check_call(f'{sys.executable} child.py', shell=True)",
    "copied": "subprocess.run([sys.executable, 'child.py'], env=dict(os.environ), check=True)",
    "asyncio": "asyncio.run(start())",
    "execv": "os.execv(sys.executable, [sys.executable, 'child.py'])",
    "execvp": "os.execvp(sys.executable, [sys.executable, 'child.py'])",
    "execve": "os.execve(sys.executable, [sys.executable, 'child.py'], dict(os.environ))",
}

PROGRAM = """
    import asyncio, os, subprocess, sys
    import flightlog as fl

    async def start():
        child = await asyncio.create_subprocess_exec(sys.executable, "child.py")
        assert await child.wait() == 0

    with fl.span("before"):
        pass
    with fl.span("step"):
        sys.stdout.flush()
        %s
"""

CHILD = """
    import os
    import flightlog as fl
    with fl.span("child"):
        pass
    print(sorted(name for name in os.environ if name in {"TRACEPARENT", "TRACESTATE", "BAGGAGE"}))
"""


@pytest.fixture
def child(bench):
    bench.write(CHILD, "child.py")
    return bench


def test_a_program_that_was_told_nothing_tells_its_children_nothing(child):
    assert child.run(PROGRAM % STARTS["run"]) == "[]\n"
    assert child.spans()["child"][0].parent_id == ""


@pytest.mark.parametrize("way", STARTS)
def test_a_program_whose_environment_names_a_trace_names_the_current_span_to_its_children(child, way):
    out = child.run(PROGRAM % STARTS[way], TRACEPARENT=PARENT, TRACESTATE="a=1")
    assert out == "['TRACEPARENT', 'TRACESTATE']\n"
    spans = child.spans()
    (step,) = spans["step"]
    (found,) = spans["child"]
    assert (step.trace_id, step.parent_id) == (TRACE_ID, PARENT_ID)
    assert (found.trace_id, found.parent_id) == (TRACE_ID, step.span_id)


@pytest.mark.parametrize("way", STARTS)
def test_the_setting_names_it_to_every_child(child, way):
    child.run(PROGRAM % STARTS[way], FLIGHTLOG_PROPAGATE_ENVIRONMENT="true")
    spans = child.spans()
    assert spans["child"][0].parent_id == spans["step"][0].span_id


def test_a_span_that_another_program_replaces_is_recorded_as_interrupted(child):
    child.run(PROGRAM % STARTS["execv"])
    (step,) = child.spans()["step"]
    assert step.status == "interrupted"


def test_under_flightlog_run_a_child_belongs_to_the_step_that_started_it(child):
    child.run(PROGRAM % STARTS["run"], flightlog_run=True)
    spans = child.spans()
    assert spans["child"][0].parent_id == spans["step"][0].span_id
    assert spans["step"][0].trace_id == spans["before"][0].trace_id


def test_what_the_program_gives_its_child_stays(child):
    own = PARENT.replace("0af7", "1af7")
    child.run(
        PROGRAM
        % f"subprocess.run([sys.executable, 'child.py'], env={{**os.environ, 'TRACEPARENT': {own!r}}})",
        TRACEPARENT=PARENT,
        FLIGHTLOG_PROPAGATE_ENVIRONMENT="true",
    )
    assert child.spans()["child"][0].trace_id == own.split("-")[1]


def test_an_environment_of_the_program_s_own_stays_clean(child):
    out = child.run(
        PROGRAM
        % "subprocess.run([sys.executable, 'child.py'], env={'FLIGHTLOG_HOME': os.environ['FLIGHTLOG_HOME']})",
        TRACEPARENT=PARENT,
    )
    assert out == "[]\n"


def test_without_a_span_the_child_belongs_where_the_program_does(child):
    child.run(
        "import subprocess, sys\nimport flightlog as fl\nwith fl.span('other'): pass\n"
        + STARTS["run"]
        + "\n",
        TRACEPARENT=PARENT,
    )
    assert child.spans()["child"][0].parent_id == PARENT_ID


def test_a_program_may_refuse(child):
    child.run(PROGRAM % STARTS["run"], TRACEPARENT=PARENT, FLIGHTLOG_PROPAGATE="false")
    assert child.spans()["child"][0].parent_id == PARENT_ID


def test_a_command_that_does_not_exist_fails_as_it_would_without_us(child):
    out = child.run(
        """
        import inspect, os, subprocess
        import flightlog as fl
        with fl.span("step"):
            for start in (lambda: subprocess.run(["/nowhere/to/be/found"]), lambda: os.execv("/nowhere", ["x"])):
                try:
                    start()
                except FileNotFoundError as error:
                    print(error.filename)
        print("env" in inspect.signature(subprocess.Popen).parameters)
        """,
        FLIGHTLOG_PROPAGATE_ENVIRONMENT="true",
    )
    assert out == "/nowhere/to/be/found\n/nowhere\nTrue\n"


def test_programs_that_run_twice_are_each_under_their_step(child):
    child.run(
        """
        import subprocess, sys
        from concurrent.futures import ThreadPoolExecutor
        import flightlog as fl

        def work(number):
            with fl.span(f"step {number}"):
                subprocess.run([sys.executable, "child.py"], check=True)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, range(2)))
        """,
        FLIGHTLOG_PROPAGATE_ENVIRONMENT="true",
    )
    spans = child.spans()
    steps = {spans[f"step {number}"][0].span_id for number in range(2)}
    assert {span.parent_id for span in spans["child"]} == steps
