"""`flightlog run` changes nothing about a program and knows afterwards how it ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest

PROGRAM = """
    import json, os, sys
    print(json.dumps({"argv": sys.argv, "path0": sys.path[0], "name": __name__, "cwd": os.getcwd(),
                      "file": __file__, "stdin": sys.stdin.read(), "flags": list(sys.flags)}))
"""


def plain_and_recorded(bench, *args, given="typed"):
    """The same program, without and with us."""
    path = bench.write(PROGRAM)
    answers = []
    for command in ([sys.executable], [sys.executable, "-m", "flightlog", "run"]):
        result = subprocess.run(
            [*command, str(path), *args],
            input=given,
            capture_output=True,
            text=True,
            cwd=bench.directory,
            env=bench.environment(),
            check=True,
        )
        answers.append((json.loads(result.stdout), result.stderr))
    return answers


def test_the_program_sees_the_same_world(bench):
    (plain, plain_errors), (recorded, errors) = plain_and_recorded(bench, "-v", "--flag=1", "--", "x y")
    assert recorded == plain
    assert plain_errors == ""
    assert re.fullmatch(r"flightlog: program\.py ok in .*, trace [0-9a-f]{32}\n", errors)


def test_the_trace_id_on_stderr_is_that_of_the_run_and_its_spans_are_inside(bench):
    path = bench.write("import flightlog as fl\nwith fl.span('inside'):\n    pass\n")
    result = bench.flightlog("run", str(path))
    assert result.returncode == 0, result.stderr
    trace_id = re.search(r"[0-9a-f]{32}", result.stderr)[0]
    named = bench.named()
    assert {span.trace_id for span in named.values()} == {trace_id}
    assert named["inside"].parent_id == named["program.py"].span_id
    assert named["program.py"].kind == "run"
    assert bench.journals_left() == []


def test_a_module_is_run_with_m(bench):
    bench.write("import sys\nprint(__name__, sys.argv[1:])\n", "some_module.py")
    result = bench.flightlog("run", "-m", "some_module", "a", "-m")
    assert result.stdout.strip() == "__main__ ['a', '-m']", result.stderr
    assert [span.name for span in bench.spans()] == ["some_module"]


@pytest.mark.parametrize("code", [1, 3, 77])
def test_the_exit_code_is_the_program_s(bench, code):
    path = bench.write(f"raise SystemExit({code})")
    assert bench.flightlog("run", str(path)).returncode == code
    (span,) = bench.spans()
    assert (span.status, span.error.type) == ("error", f"exit {code}")
    assert span.attributes["process.exit.code"] == code


def test_the_exception_that_ended_the_program_is_the_run_s_error(bench):
    path = bench.write("import json\njson.loads('{')\n")
    result = bench.flightlog("run", str(path))
    assert result.returncode == 1
    assert "Traceback" in result.stderr
    (span,) = bench.spans()
    assert span.error.type == "json.decoder.JSONDecodeError"
    assert any(event.name == "exception" and event.span_id == span.span_id for event in bench.events())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_a_program_that_dies_of_a_signal_takes_the_command_with_it(bench, number):
    path = bench.write(f"import os\nos.kill(os.getpid(), {int(number)})\n")
    result = bench.flightlog("run", str(path))
    assert result.returncode in {-number, 128 + number}
    (span,) = bench.spans()
    assert span.error.type == signal.Signals(number).name


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_sent_to_the_command_reaches_the_program(bench, number):
    path = bench.write(f"""
        import signal, sys
        caught = []
        signal.signal({int(number)}, lambda *_: (print("caught", flush=True), sys.exit(5)))
        print("ready", flush=True)
        signal.pause()
    """)
    with subprocess.Popen(
        [sys.executable, "-m", "flightlog", "run", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=bench.environment(),
        start_new_session=True,
    ) as command:
        assert command.stdout.readline() == "ready\n"
        os.kill(command.pid, number)
        out, _ = command.communicate(timeout=60)
    assert out == "caught\n"
    assert command.returncode == 5


@pytest.mark.parametrize("handler", ["", "signal.signal(signal.SIGINT, lambda *_: sys.exit(130))"])
def test_a_program_that_ctrl_c_stopped_was_cancelled_and_has_not_failed(bench, handler):
    path = bench.write(f"""
        import signal, sys
        {handler}
        print("ready", flush=True)
        signal.pause()
    """)
    with subprocess.Popen(
        [sys.executable, "-m", "flightlog", "run", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=bench.environment(),
        start_new_session=True,
    ) as command:
        assert command.stdout.readline() == "ready\n"
        os.kill(command.pid, signal.SIGINT)
        _, errors = command.communicate(timeout=60)
    assert command.returncode in {-signal.SIGINT, 130}
    assert "cancelled (" in errors
    (span,) = bench.spans()
    assert (span.status, span.error) == ("cancelled", None)
    assert json.loads(bench.flightlog("failures", "--json").stdout) == []


def test_an_exit_with_130_that_nobody_asked_for_is_a_failure(bench):
    bench.flightlog("run", str(bench.write("raise SystemExit(130)")))
    assert [span.status for span in bench.spans()] == ["error"]


def test_signals_that_are_ignored_at_the_start_stay_ignored_in_the_program(bench):
    path = bench.write("""
        import signal
        for name in ("SIGHUP", "SIGINT", "SIGTERM"):
            print(name, signal.getsignal(signal.Signals[name]) is signal.SIG_IGN)
    """)
    command = f"trap '' HUP INT; exec {sys.executable} -m flightlog run {path}"
    result = bench.command(["sh", "-c", command])
    assert result.stdout == "SIGHUP True\nSIGINT True\nSIGTERM False\n", result.stderr


def test_a_signal_that_is_ignored_does_not_end_the_command(bench):
    path = bench.write("""
        import os, signal
        os.kill(os.getppid(), signal.SIGHUP)
        print("lives")
    """)
    result = bench.command(["sh", "-c", f"trap '' HUP; exec {sys.executable} -m flightlog run {path}"])
    assert (result.stdout, result.returncode) == ("lives\n", 0), result.stderr


def test_a_signal_without_a_name_is_told_by_its_number(bench):
    path = bench.write("import os\nos.kill(os.getpid(), 35)\n")
    result = bench.flightlog("run", str(path))
    assert result.returncode in {-35, 128 + 35}
    assert "Traceback" not in result.stderr
    (span,) = bench.spans()
    assert (span.error.type, span.error.message) == ("signal 35", "killed by signal 35")


def test_a_secret_on_the_command_line_reaches_the_program_and_not_the_record(bench):
    path = bench.write("import sys\nprint(sys.argv[1:])\n")
    result = bench.flightlog("run", str(path), "--password", "hunter2", "--api-key=hunter3", "-p", "80")
    assert "'--password', 'hunter2', '--api-key=hunter3'" in result.stdout
    (span,) = bench.spans()
    shown = ["--password", "[REDACTED]", "--api-key=[REDACTED]", "-p", "80"]
    assert span.input == {"command": [str(path), *shown]}


@pytest.mark.parametrize("given", [".", "{}", "{}/", "../{name}", "{}/../{name}/."])
def test_a_directory_is_run_under_its_own_name(bench, given):
    bench.write("print('ran')", "__main__.py")
    name = bench.directory.name
    result = bench.flightlog("run", given.format(bench.directory, name=name))
    assert result.stdout == "ran\n", result.stderr
    assert [span.name for span in bench.spans()] == [name]


@pytest.mark.parametrize("given", [["-"], ["-c", "print(1)"], ["-u", "program.py"], ["--", "-c", "print(1)"]])
def test_what_is_no_script_is_refused_with_what_is_possible(bench, given):
    bench.write("print('ran')")
    result = bench.flightlog("run", *given)
    assert (result.returncode, result.stdout) == (2, "")
    assert "give a script" in result.stderr
    assert "-m and a module" in result.stderr


def test_a_program_runs_although_its_standard_output_is_closed(bench):
    path = bench.write("open('ran', 'w').close()")
    result = bench.command(["sh", "-c", f"exec {sys.executable} -m flightlog run {path} >&-"])
    assert (result.returncode, (bench.directory / "ran").exists()) == (0, True), result.stderr


@pytest.mark.parametrize("home", ["~nosuchuser/x", "relative"])
def test_a_traced_program_runs_although_its_home_cannot_be_named(bench, home):
    result = bench.run(
        """
        import os, sys
        os.mkdir("gone")
        os.chdir("gone")
        os.rmdir(os.getcwd())
        import flightlog as fl
        with fl.span("work"):
            print("ran")
        """,
        env={"FLIGHTLOG_HOME": home},
    )
    assert (result.stdout, result.returncode) == ("ran\n", 0), result.stderr
    assert "Traceback" not in result.stderr


def test_tree_draws_the_trace_on_stderr(bench):
    path = bench.write("import flightlog as fl\nwith fl.span('inside'):\n    print('data')\n")
    result = bench.flightlog("run", "--tree", str(path))
    assert result.stdout == "data\n"
    assert "inside" in result.stderr


def test_a_script_that_does_not_exist_is_a_bad_question(bench):
    result = bench.flightlog("run", "nowhere.py")
    assert result.returncode == 2
    assert "no such script" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_python_child_of_the_program_joins_the_trace(bench):
    bench.write("import flightlog as fl\nwith fl.span('child'):\n    pass\n", "child.py")
    path = bench.write(f"import subprocess\nsubprocess.run([{sys.executable!r}, 'child.py'], check=True)\n")
    assert bench.flightlog("run", str(path)).returncode == 0
    assert bench.parents() == {"program.py": None, "child": "program.py"}


def test_a_sitecustomize_of_the_environment_still_runs(bench):
    site = bench.directory / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import builtins\nbuiltins.customised = 'yes'\n")
    path = bench.write("import sitecustomize\nprint(customised, sitecustomize.__file__)\n")
    result = bench.flightlog("run", str(path), env={"PYTHONPATH": str(site)})
    assert result.stdout.split() == ["yes", str(site / "sitecustomize.py")], result.stderr


def test_a_program_runs_although_nothing_can_be_recorded(bench):
    path = bench.write("print('still')")
    result = bench.flightlog("run", str(path), env={"FLIGHTLOG_HOME": "/proc/nowhere"})
    assert result.stdout == "still\n"
    assert result.returncode == 0
    assert "Traceback" not in result.stderr


def test_a_program_runs_although_recording_is_off(bench):
    path = bench.write("print('still')")
    result = bench.flightlog("run", str(path), env={"FLIGHTLOG_ENABLED": "0"})
    assert (result.stdout, result.returncode) == ("still\n", 0)
    assert "was not recorded" in result.stderr
    assert not bench.home_path.exists()
