"""A pager is used on a terminal, for what is longer than it, and can be left early; a pipe never sees one."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time

import cli_samples
import pytest

ROWS = 24
PATIENCE = 60.0


def on_a_terminal(
    args: list[str], environ: dict[str, str], keys: bytes = b"", rows: int = ROWS
) -> tuple[str, int]:
    """What the command shows on a terminal of 24 lines by 80 columns, and its exit code."""
    command = f"stty rows {rows} columns 80; exec {sys.executable} -m flightlog {' '.join(args)}"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["/bin/sh", "-c", command], stdin=theirs, stdout=theirs, stderr=theirs, env=environ, close_fds=True
    )
    os.close(theirs)
    if keys:
        os.write(ours, keys)
    shown = b""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                some = os.read(ours, 65536)
            except OSError:  # the terminal's other end is closed
                break
            if not some:
                break
            shown += some
        elif process.poll() is not None:
            break
    os.close(ours)
    return shown.decode(), process.wait(PATIENCE)


@pytest.fixture
def environ(recorded, tmp_path):
    """An environment with a pager that says what it was given."""
    pager = tmp_path / "pager.py"
    pager.write_text(
        "import os, sys\n"
        "print('PAGED', os.environ.get('LESS'))\n"
        "print(sum(1 for _ in sys.stdin), 'lines') if len(sys.argv) < 2 else print(sys.stdin.readline())\n"
    )
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LESS", "NO_COLOR"}}
    return {**kept, "TERM": "xterm", "PAGER": f"{sys.executable} {pager}"}


def test_a_terminal_that_does_not_say_how_high_it_is_gets_no_pager(environ):
    shown, code = on_a_terminal(["trace", cli_samples.TRACE, "--all"], environ, rows=0)
    assert code == 0
    assert "PAGED" not in shown
    assert "flightlog" not in shown.splitlines()[0]
    assert len(shown.splitlines()) > ROWS


def test_what_is_longer_than_the_terminal_goes_through_the_pager_with_colours_kept(environ):
    shown, code = on_a_terminal(["trace", cli_samples.TRACE, "--all"], environ)
    assert "PAGED -R" in shown
    assert "lines" in shown
    assert "✗" not in shown
    assert code == 0


def test_the_table_of_spans_goes_through_the_pager_as_the_tree_does(environ):
    shown, code = on_a_terminal(["spans", cli_samples.TRACE], environ)
    assert "PAGED -R" in shown
    assert code == 0
    shown, code = on_a_terminal(["spans", cli_samples.TRACE, "--no-pager"], environ)
    assert "PAGED" not in shown
    assert "fetch page 99" in shown
    assert code == 0


def test_what_fits_is_printed_as_it_is(environ):
    shown, code = on_a_terminal(["list"], environ)
    assert "PAGED" not in shown
    assert cli_samples.TRACE in shown
    assert code == 0


@pytest.mark.parametrize(
    ("args", "more"),
    [
        (["--no-pager"], {}),
        ([], {"PAGER": "cat"}),
        ([], {"PAGER": ""}),
        ([], {"PAGER": "no-such-pager"}),
        ([], {"TERM": "dumb"}),
    ],
)
def test_there_is_no_pager_where_none_is_wanted(environ, args, more):
    shown, code = on_a_terminal(["trace", cli_samples.TRACE, "--all", *args], {**environ, **more})
    assert "PAGED" not in shown
    assert "fetch page 99" in shown
    assert code == 0


def test_a_pager_that_is_left_early_ends_the_drawing_without_a_word(environ):
    environ["PAGER"] += " first-line-only"
    shown, code = on_a_terminal(["trace", cli_samples.TRACE, "--all"], environ)
    assert "PAGED" in shown
    assert "Traceback" not in shown
    assert code == 0


def test_a_pipe_sees_no_pager(environ):
    command = [sys.executable, "-m", "flightlog", "trace", cli_samples.TRACE, "--all"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert "PAGED" not in done.stdout
    assert len(done.stdout.splitlines()) > 112
