"""`flightlog run --capture-output`: the program's lines are in its trace, and go where they always went."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import textwrap
import time

import pytest


@pytest.fixture
def environ(tmp_path):
    return {**os.environ, "FLIGHTLOG_HOME": str(tmp_path / "home")}


def _command(tmp_path, program, *options):
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    return [sys.executable, "-m", "flightlog", "run", *options, str(tmp_path / "program.py")]


def _run(tmp_path, environ, program, *options, **more):
    command = _command(tmp_path, program, "--capture-output", *options)
    return subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False, **more)


def _events(environ):
    """What the run's span has of its program's lines."""
    code = """
        import flightlog as fl
        root = fl.load("@latest")
        print(root.attributes)
        for event in root.events:
            print(event.name, event.level, event.attributes.get("stream"), ascii(event.body))
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def test_lines_are_passed_on_and_recorded(tmp_path, environ):
    program = """
        import sys
        print("hello", input())
        sys.stderr.write("trouble\\n")
        sys.stdout.buffer.write(b"\\xff no end")
        sys.exit(5)
        """
    done = _run(tmp_path, environ, program, input=b"you\n")
    assert done.returncode == 5
    assert done.stdout == b"hello you\n\xff no end"
    assert done.stderr.startswith(b"trouble\nflightlog: program.py failed (exit code 5)")
    told = _events(environ)
    assert "output info stdout 'hello you'" in told
    assert "output info stderr 'trouble'" in told
    assert "output info stdout '\\ufffd no end'" in told
    assert "'flightlog.output.lines': 3" in told


def test_without_the_option_nothing_is_recorded_of_the_output(tmp_path, environ):
    command = _command(tmp_path, "print('hello')")
    done = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=True)
    assert done.stdout == b"hello\n"
    assert "output" not in _events(environ)


def test_a_program_that_dies_of_a_signal_takes_the_command_with_it(tmp_path, environ):
    program = """
        import os, signal
        os.write(1, b"last words")
        os.kill(os.getpid(), signal.SIGKILL)
        """
    done = _run(tmp_path, environ, program)
    assert done.returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}
    assert done.stdout == b"last words"
    assert "output info stdout 'last words'" in _events(environ)


def test_an_endless_program_ends_when_nobody_reads_it(tmp_path, environ):
    program = """
        import os, sys
        while True:
            os.write(1, b"y\\n" * 100)
        """
    command = _command(tmp_path, program, "--capture-output")
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdout.readline() == b"y\n"
        running.stdout.close()
        assert running.wait(timeout=60) != 0
    assert "output info stdout 'y'" in _events(environ)


def test_ten_megabytes_arrive_whole(tmp_path, environ):
    program = "import sys; sys.stdout.buffer.write(b'x' * 10_000_000)"
    done = _run(tmp_path, environ, program)
    assert done.stdout == b"x" * 10_000_000


def test_a_process_that_is_left_behind_is_not_waited_for(tmp_path, environ):
    program = """
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(child.pid)
        """
    done = _run(tmp_path, environ, program)
    os.kill(int(done.stdout), signal.SIGKILL)
    assert done.returncode == 0


def test_secrets_are_passed_on_and_not_recorded(tmp_path, environ):
    key = "sk-" + "ant-" + "api03-" + "Ab1" * 20
    done = _run(tmp_path, environ, f"print('key', {key!r})")
    assert key.encode() in done.stdout
    assert key not in _events(environ)


def test_a_program_that_narrates_is_told_once(tmp_path, environ):
    program = """
        import flightlog as fl
        fl.narrate("dispatch", "job-1", human="Sent job-1 to w-3.", actor="queue")
        """
    done = _run(tmp_path, {**environ, "FLIGHTLOG_SINKS": "store,stderr:json"}, program)
    assert b'"dispatch"' in done.stderr
    told = _events(environ)
    assert told.count("dispatch info") == 1
    assert "output info" not in told


def _at_a_terminal(command, environ, answers):
    """Run at a terminal; for each text that appears type something. Gives all that was shown and the exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, environ)
    shown = b""
    waiting = list(answers)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if not ready:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        shown += data
        if waiting and waiting[0][0] in shown:
            os.write(terminal, waiting.pop(0)[1])
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert waiting == []
    return shown, os.waitstatus_to_exitcode(status)


def test_at_a_terminal_the_program_still_has_one_and_a_user(tmp_path, environ):
    program = """
        import os, sys
        print(sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty())
        print("\\x1b[31mname?\\x1b[0m", end=" ", flush=True)
        print("hello", sys.stdin.readline().strip())
        """
    command = _command(tmp_path, program, "--capture-output")
    shown, returncode = _at_a_terminal(command, environ, [(b"name?\x1b[0m ", b"you\n")])
    assert returncode == 0
    assert shown.startswith(b"True True True\r\n\x1b[31mname?\x1b[0m ")
    assert b"hello you\r\n" in shown
    told = _events(environ)
    assert "output info stdout 'True True True'" in told
    assert "output info stdout 'name? hello you'" in told


def test_ctrl_c_at_a_terminal_reaches_the_program_once(tmp_path, environ):
    program = """
        import signal, time
        came = []
        signal.signal(signal.SIGINT, lambda *_: came.append(1))
        print("ready", flush=True)
        while not came:
            time.sleep(0.01)
        time.sleep(0.3)
        print("came", len(came))
        """
    command = _command(tmp_path, program, "--capture-output")
    shown, returncode = _at_a_terminal(command, environ, [(b"ready", b"\x03")])
    assert returncode == 0
    assert b"came 1\r\n" in shown
