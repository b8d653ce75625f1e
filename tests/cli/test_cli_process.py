"""What only a real process can show: its exit codes, its imports, and how it bears a pipe that closes."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import sys

import cli_samples
import pytest

COMMAND = [sys.executable, "-c", "from flightlog.cli import main; main()"]


def command(*args: str, **options) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *args], capture_output=True, timeout=60, check=False, **options)


def test_exit_codes_reach_the_shell(recorded):
    assert command("list").returncode == 0
    assert command("show", "0123456789").returncode == 2
    assert command("list", "--nonsense").returncode == 2
    (recorded / "store.db").write_bytes(b"not a database, " * 1000)
    assert command("list").returncode == 1


def test_without_arguments_the_help_is_shown_once():
    result = command()
    assert result.returncode == 2
    assert (result.stdout + result.stderr).count(b"Usage:") == 1


def test_a_usage_error_shows_no_secret():
    secret = "sk-ant-" + "api03-" + "Ab1" * 20
    result = command("list", f"--{secret}")
    assert result.returncode == 2
    assert secret.encode() not in result.stderr


@pytest.mark.parametrize("name", ["version", "--version", "--help"])
def test_what_needs_no_store_imports_neither_store_nor_renderer(name):
    code = (
        "import sys\nfrom flightlog.cli import main\n"
        f"try: main([{name!r}])\nexcept SystemExit: pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=True, text=True
    )
    loaded = set(result.stderr.split())
    heavy = {"rich", "sqlite3", "lark", "zstandard", "platformdirs", "flightlog.store", "flightlog.analysis"}
    assert not loaded & heavy
    assert "flightlog.cli.render" not in loaded


@pytest.mark.parametrize(
    ("args", "needless"),
    [
        (["list"], {"flightlog.analysis.tree", "flightlog.export", "flightlog.redaction.gate", "subprocess"}),
        (
            ["stats"],
            {"flightlog.analysis.tree", "flightlog.export", "flightlog.redaction.gate", "subprocess"},
        ),
        (
            ["failures", "--since", "2025-01-01"],
            {"flightlog.analysis.tree", "flightlog.export", "subprocess"},
        ),
        (["show", "@latest"], {"flightlog.export", "subprocess"}),
        (["export", "--format", "csv"], {"flightlog.cli.render.table", "subprocess"}),
    ],
)
def test_a_command_imports_only_what_it_needs(recorded, args, needless):
    code = (
        "import sys\nfrom flightlog.cli import main\n"
        f"try: main({args!r})\nexcept SystemExit: pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=True, text=True
    )
    assert "flightlog.cli.opening" in result.stderr.split()
    assert not needless.intersection(result.stderr.split())


def test_a_reader_that_goes_away_is_no_error(recorded):
    spans = [cli_samples.span(n, 1, f"step {n}", n, n + 1) for n in range(1000, 9000)]
    cli_samples.store(recorded, spans)
    with subprocess.Popen(
        [*COMMAND, "trace", cli_samples.TRACE, "--all"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize("to", [">/dev/full", ">&-"])
@pytest.mark.parametrize(
    "args", ["list", "list --json", "trace @latest", "show @latest", "export", "schema", "version", "--help"]
)
def test_a_standard_output_that_takes_nothing_is_said_in_one_sentence(recorded, to, args):
    program = " ".join(shlex.quote(word) for word in COMMAND)
    result = subprocess.run(
        ["sh", "-c", f"{program} {args} {to}"], capture_output=True, timeout=60, check=False, text=True
    )
    reason = "No space left on device" if "full" in to else "Bad file descriptor"
    assert result.stderr == f"Error: standard output cannot be written ({reason})\n"
    assert result.returncode == 1


def test_a_closed_standard_output_is_no_trouble_to_what_writes_nothing_there(recorded, tmp_path):
    program = " ".join(shlex.quote(word) for word in COMMAND)
    file = tmp_path / "out.jsonl"
    result = subprocess.run(
        ["sh", "-c", f"{program} export -o {file} >&-"], capture_output=True, timeout=60, check=False
    )
    assert (result.returncode, file.exists()) == (0, True), result.stderr


@pytest.mark.parametrize("name", ["list", "doctor", "demo", "export"])
def test_a_home_relative_to_a_directory_that_is_gone_is_said_to_be_unusable(tmp_path, name):
    gone = tmp_path / "gone"
    gone.mkdir()
    program = " ".join(shlex.quote(word) for word in COMMAND)
    result = subprocess.run(
        ["sh", "-c", f"rmdir {gone} && {program} {name}"],
        cwd=gone,
        env={**os.environ, "FLIGHTLOG_HOME": "some/where"},
        capture_output=True,
        timeout=60,
        check=False,
        text=True,
    )
    assert result.returncode == 1
    assert "home some/where cannot be used" in result.stderr
    assert "working directory is gone" in result.stderr
    assert "Traceback" not in result.stderr


def test_control_c_exits_with_130(tmp_path):
    code = (
        "import sys, signal\nfrom flightlog.cli import main, version\n"
        "version.command.callback = lambda **_: (print('ready', flush=True), signal.pause())\n"
        "main(['version'])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert b"Traceback" not in process.stderr.read()


def on_a_terminal(*args: str, **environment: str) -> str:
    """Run a command with a terminal as its standard output; give what it wrote."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *args],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", **environment},
    ) as process:
        os.close(theirs)
        written = b""
        while chunk := _read(ours):
            written += chunk
        os.close(ours)
        assert process.wait(timeout=60) == 0
    return written.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that the other end of a terminal is closed
        return b""


def test_a_terminal_gets_colour_unless_it_is_refused(recorded):
    assert "\x1b[" in on_a_terminal("list", NO_COLOR="")
    assert "\x1b[" not in on_a_terminal("list", NO_COLOR="1")
    assert "\x1b[" not in on_a_terminal("list", "--no-color", NO_COLOR="")


def test_a_terminal_without_unicode_gets_ascii_signs(recorded):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = command("trace", "@latest", env=environment).stdout
    assert shown.isascii()
    assert b"|- + search_documents" in shown
