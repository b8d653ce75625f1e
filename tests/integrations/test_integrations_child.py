"""`run_process`: real programs, also unfriendly ones, under a span that knows what they did."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import flightlog as fl
from flightlog.integrations.child_output import FIRST_LINES, LAST_LINES


@pytest.fixture
def seen():
    with fl.capture() as captured:
        yield captured


class _Odd(str):
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other):
        raise ValueError(other)


@pytest.mark.parametrize(
    "env", [{b"OWN_TOKEN": b"Geheim-12-\xff"}, {"OWN_TOKEN": _Odd("Geheim-123")}], ids=["bytes", "odd"]
)
def test_variables_of_any_kind_that_subprocess_takes_reach_the_child(env, seen):
    code = "import os; print(len(os.environb[b'OWN_TOKEN']))"
    done = fl.run_process([sys.executable, "-c", code], env=env, capture_output=True)
    assert done.stdout == b"%d\n" % len(next(iter(env.values())))


def _python(code):
    return [sys.executable, "-c", textwrap.dedent(code)]


def _told(seen):
    return [(event.attributes.get("stream"), event.body) for event in seen.events]


def _wait_for(fact, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come about"
        threading.Event().wait(0.01)


def test_a_child_is_a_span_with_its_lines(seen, capfdbinary):
    code = "import sys; print('out'); print('err', file=sys.stderr)"
    with fl.span("job") as job:
        done = fl.run_process(_python(code))
    assert (done.returncode, done.stdout, done.stderr) == (0, None, None)
    child = seen.span(Path(sys.executable).name)
    assert (child.kind, child.status, child.parent_id) == ("function", "ok", job.span_id)
    assert child.input == {"command": [sys.executable, "-c", code]}
    assert child.attributes == {
        "flightlog.output.lines": 2,
        "flightlog.output.bytes": 8,
        "process.exit.code": 0,
    }
    assert sorted(_told(seen)) == [("stderr", "err"), ("stdout", "out")]
    assert {event.span_id for event in seen.events} == {child.span_id}
    assert {(event.name, event.level) for event in seen.events} == {("output", "info")}
    assert tuple(capfdbinary.readouterr()) == (b"out\n", b"err\n")


def test_output_is_passed_on_byte_for_byte(seen, capfdbinary):
    data = bytes(range(256)) * 40 + b"\r\n\r10%\r20%\rno end"
    fl.run_process(["cat"], input=data)
    assert capfdbinary.readouterr().out == data


def test_what_we_printed_before_stands_before(tmp_path):
    program = "import flightlog as fl; print('ours'); fl.run_process(['echo', 'theirs'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "FLIGHTLOG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "ours\ntheirs\n"


def test_output_can_be_collected_in_the_place_of_being_passed_on(seen, capfdbinary):
    done = fl.run_process(["cat"], input="text é", capture_output=True)
    assert (done.stdout, done.stderr) == ("text é".encode(), b"")
    assert tuple(capfdbinary.readouterr()) == (b"", b"")
    assert _told(seen) == [("stdout", "text é")]


def test_full_pipes_on_every_side_block_nobody(seen):
    code = """
        import sys
        sys.stderr.buffer.write(b"e" * 3_000_000)
        sys.stdout.buffer.write(b"o" * 3_000_000)
        sys.stdout.buffer.write(sys.stdin.buffer.read())
        """
    done = fl.run_process(_python(code), input=b"i" * 3_000_000, capture_output=True)
    assert done.stdout == b"o" * 3_000_000 + b"i" * 3_000_000
    assert done.stderr == b"e" * 3_000_000


def test_a_child_that_does_not_read_its_input_is_no_trouble(seen):
    assert fl.run_process(["true"], input=b"x" * 3_000_000).returncode == 0


def test_a_failing_child_is_a_failed_span(seen):
    done = fl.run_process(["sh", "-c", "exit 3"])
    assert done.returncode == 3
    span = seen.span("sh")
    assert (span.status, span.error.type, span.error.message) == ("error", "exit 3", "")


def test_a_failing_child_raises_where_that_is_asked_for(seen):
    with pytest.raises(subprocess.CalledProcessError):
        fl.run_process("echo before; exit 3", shell=True, check=True)
    span = seen.span("sh")
    assert (span.status, span.attributes["process.exit.code"]) == ("error", 3)
    assert _told(seen) == [("stdout", "before")]


def test_a_child_that_dies_of_a_signal_says_so(seen):
    done = fl.run_process(["sh", "-c", "printf last; kill -SEGV $$"])
    assert done.returncode == -signal.SIGSEGV
    span = seen.span("sh")
    assert (span.error.type, span.attributes["process.exit.code"]) == ("SIGSEGV", -signal.SIGSEGV)
    assert _told(seen) == [("stdout", "last")]


def test_a_child_that_takes_too_long_is_killed_and_its_lines_are_there(seen):
    with pytest.raises(subprocess.TimeoutExpired):
        fl.run_process(_python("import time; print('begun', flush=True); time.sleep(60)"), timeout=1.0)
    (span,) = seen.spans
    assert (span.status, span.attributes["process.exit.code"]) == ("error", -signal.SIGKILL)
    assert _told(seen) == [("stdout", "begun")]


def test_a_program_that_is_not_there_raises_as_always(seen):
    before = _descriptors()
    with pytest.raises(FileNotFoundError):
        fl.run_process(["/no/such/program"])
    assert seen.span("program").status == "error"
    assert _descriptors() == before


def _descriptors():
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0


def test_ten_megabytes_without_a_line_feed_are_one_short_event(seen):
    code = "import sys; sys.stdout.buffer.write(b'x' * 10_000_000)"
    done = fl.run_process(_python(code), capture_output=True)
    assert len(done.stdout) == 10_000_000
    (event,) = seen.events
    assert len(event.body) == 8192
    assert event.attributes["flightlog.output.cut_bytes"] == 10_000_000 - 8192


def test_binary_garbage_is_recorded_as_far_as_it_is_text(seen):
    data = os.urandom(1_000_000)
    done = fl.run_process(["cat"], input=data, capture_output=True)
    assert done.stdout == data
    assert seen.span("cat").attributes["flightlog.output.bytes"] == 1_000_000


def test_of_many_lines_the_first_and_the_last_are_kept_and_the_rest_is_counted(seen):
    lines = 300_000
    done = fl.run_process(["seq", str(lines)], capture_output=True)
    assert done.stdout.count(b"\n") == lines
    bodies = [int(event.body) for event in seen.events]
    assert bodies[:FIRST_LINES] == list(range(1, FIRST_LINES + 1))
    assert bodies[FIRST_LINES:] == list(range(lines - LAST_LINES + 1, lines + 1))
    attributes = seen.span("seq").attributes
    assert attributes["flightlog.output.lines"] == lines
    assert attributes["flightlog.output.left_out"] == lines - FIRST_LINES - LAST_LINES


def test_a_progress_bar_is_what_it_came_to(seen):
    code = "import sys; [sys.stdout.write(f'{n}%\\r') for n in range(101)]; sys.stdout.write('\\ndone\\n')"
    fl.run_process(_python(code), capture_output=True)
    assert _told(seen) == [("stdout", "100%"), ("stdout", "done")]


def test_secrets_are_redacted_on_the_command_line_and_in_the_output(seen):
    key = "sk-" + "ant-" + "api03-" + "Ab1" * 20
    fl.run_process(["echo", "--password", "hunter2hunter2", key], capture_output=True)
    span = seen.span("echo")
    assert span.input["command"][:3] == ["echo", "--password", "[REDACTED]"]
    assert key not in str(span.input)
    assert key not in str(seen.events)


def test_a_secret_at_the_edge_of_a_long_line_is_not_cut_in_two(seen):
    key = "sk-" + "ant-" + "api03-" + "Ab1" * 20
    fl.run_process(["cat"], input=("x " * 4080 + key + " " + "y" * 20_000), capture_output=True)
    (event,) = seen.events
    assert key[:12] not in event.body


def test_a_grandchild_that_stays_is_not_waited_for(seen, tmp_path):
    told = tmp_path / "pid"
    command = f"sleep 60 & echo $! > {told}; echo done"
    done = fl.run_process(command, shell=True, timeout=30)
    os.kill(int(told.read_text()), signal.SIGKILL)
    assert done.returncode == 0
    assert _told(seen) == [("stdout", "done")]


def test_a_grandchild_that_talks_on_is_passed_on_and_not_kept(tmp_path):
    """It keeps its stream: it does not die because the child is gone."""
    go, said = tmp_path / "go", tmp_path / "said"
    program = f"""
        import flightlog as fl, os, time
        later = "while [ ! -e {go} ]; do sleep 0.05; done; echo later; echo alive > {said}"
        fl.run_process(f"({{later}}) & echo done", shell=True)
        open("{go}", "w").close()
        while not os.path.exists("{said}") or not open("{said}").read():
            time.sleep(0.02)
        time.sleep(0.1)
        fl.flush(10)
        print([event.body for event in fl.load("@latest").events])
        """
    done = subprocess.run(
        _python(program),
        env={**os.environ, "FLIGHTLOG_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "done\nlater\n['done']\n"


def test_a_reader_that_goes_away_ends_the_child_as_it_would_without_us(tmp_path):
    program = "import flightlog as fl, sys; print(fl.run_process(['yes']).returncode, file=sys.stderr)"
    done = subprocess.run(
        f'{sys.executable} -c "{program}" | head -n 2',
        shell=True,
        env={**os.environ, "FLIGHTLOG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "y\ny\n"
    assert done.stderr == f"{-signal.SIGPIPE}\n"


def test_a_slow_reader_gets_everything(tmp_path):
    program = "import flightlog as fl; fl.run_process(['head', '-c', '1000000', '/dev/zero'])"
    done = subprocess.run(
        f'{sys.executable} -c "{program}" | (sleep 1; wc -c)',
        shell=True,
        env={**os.environ, "FLIGHTLOG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "1000000"


def test_ctrl_c_reaches_the_child_and_then_the_program(tmp_path):
    child = """
        import signal, sys, time
        try:
            print("ready", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            print("child interrupted", flush=True)
            sys.exit(7)
        """
    program = f"""
        import flightlog as fl, sys
        try:
            fl.run_process([sys.executable, "-c", {textwrap.dedent(child)!r}])
        except KeyboardInterrupt:
            print("program interrupted", flush=True)
        fl.flush(10)
        root = fl.load("@latest")
        print(root.status, root.attributes["process.exit.code"])
        """
    process = subprocess.Popen(
        _python(program),
        env={**os.environ, "FLIGHTLOG_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "ready\n"
    os.kill(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    assert rest == "child interrupted\nprogram interrupted\ncancelled 7\n"


def test_the_child_gets_its_place_in_the_trace(tmp_path):
    child = "import flightlog as fl\nwith fl.span('inner'): fl.event('hello')"
    program = f"""
        import flightlog as fl, sys
        fl.configure(home={str(tmp_path / "home")!r})
        with fl.span("outer"):
            fl.run_process([sys.executable, "-c", {child!r}], name="child")
        fl.flush(10)
        outer = fl.load("@latest")
        print([(span.name, [below.name for below in span.children]) for span in outer.walk()])
        """
    done = subprocess.run(
        _python(program),
        env={k: v for k, v in os.environ.items() if k != "FLIGHTLOG_HOME"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[('outer', ['child']), ('child', ['inner']), ('inner', [])]\n"


def test_variables_that_are_given_are_the_childs_and_a_place_among_them_is_kept(seen):
    done = fl.run_process(["env"], env={"A": "1", "TRACEPARENT": "mine"}, capture_output=True)
    assert b"A=1" in done.stdout.splitlines()
    assert b"TRACEPARENT=mine" in done.stdout.splitlines()
    assert not any(line.startswith(b"PATH=") and b"venv" in line for line in done.stdout.splitlines())


def test_within_a_capture_the_child_is_told_not_to_record(seen):
    done = fl.run_process(["env"], env={}, capture_output=True)
    (place,) = [line for line in done.stdout.splitlines() if line.startswith(b"TRACEPARENT=")]
    assert place.endswith(b"-02")


def test_log_lines_in_json_are_log_events(seen):
    line = json.dumps({"event": "slow", "level": "warning", "ms": 900})
    fl.run_process(["echo", line], capture_output=True)
    (event,) = seen.events
    assert (event.name, event.level, event.body, event.attributes["ms"]) == ("log", "warn", "slow", 900)


CHILD_THAT_NARRATES = """
    import flightlog as fl
    with fl.span("inner"):
        fl.narrate("dispatch", "job-1", human="Sent job-1 to w-3.", actor="queue")
    """


@pytest.mark.parametrize("sinks", ["store,stderr:json", "stderr:json", "store,stderr", "stderr"])
def test_a_narration_that_a_child_prints_is_there_once_whoever_records_it(tmp_path, sinks):
    program = f"""
        import flightlog as fl, os, sys
        with fl.span("outer"):
            env = {{**os.environ, "FLIGHTLOG_SINKS": {sinks!r}}}
            fl.run_process([sys.executable, "-c", {textwrap.dedent(CHILD_THAT_NARRATES)!r}], env=env, name="child")
        fl.flush(10)
        outer = fl.load("@latest")
        """
    program = textwrap.dedent(program)
    environ = {**os.environ, "FLIGHTLOG_HOME": str(tmp_path)}
    subprocess.run(_python(program), env=environ, capture_output=True, check=True, timeout=60)
    reader = (
        "import flightlog as fl\n"
        "fl.flush(10)\n"
        "print([(e.name, e.body) for s in fl.load('@latest').walk() for e in s.events])"
    )
    told = subprocess.run(
        _python(reader), env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.count("('dispatch', 'Sent job-1 to w-3.')") == 1
    assert ("output" in told.stdout) == (not sinks.endswith("json"))


def test_it_can_run_beside_an_event_loop(seen):
    async def main():
        with fl.span("job") as job:
            done = await asyncio.to_thread(fl.run_process, ["echo", "hello"], capture_output=True)
        return job.span_id, done.stdout

    span_id, out = asyncio.run(main())
    assert out == b"hello\n"
    assert seen.span("echo").parent_id == span_id
    assert _told(seen) == [("stdout", "hello")]


def test_with_recording_off_the_program_runs_all_the_same(tmp_path):
    program = "import flightlog as fl; print(fl.run_process(['echo', 'x'], capture_output=True).stdout)"
    done = subprocess.run(
        _python(program),
        env={**os.environ, "FLIGHTLOG_HOME": str(tmp_path / "home"), "FLIGHTLOG_ENABLED": "false"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("b'x\\n'\n", "")
    assert not (tmp_path / "home").exists()


def test_nothing_is_left_open_behind(seen):
    fl.run_process(["true"])
    before, threads = _descriptors(), threading.active_count()
    for _ in range(5):
        fl.run_process(["echo", "x"], capture_output=True)
    _wait_for(lambda: _descriptors() == before and threading.active_count() <= threads)


@pytest.mark.parametrize("shell", [False, True])
def test_no_command_is_refused_with_what_is_wrong_and_leaves_nothing(seen, shell):
    for command in ([], (), iter([])):
        with pytest.raises(ValueError, match="no command: the first of its words is the program to run"):
            fl.run_process(command, shell=shell)
    assert seen.records == []


def test_words_that_come_one_by_one_are_a_command(seen):
    assert fl.run_process(iter(["echo", "hi"])).args == ["echo", "hi"]
    assert _told(seen) == [("stdout", "hi")]


def test_how_a_child_ended_is_said_once(seen):
    fl.run_process(["sh", "-c", "kill -TERM $$"])
    (span,) = seen.spans
    assert (span.error.type, span.error.message) == ("SIGTERM", "killed by signal 15")
