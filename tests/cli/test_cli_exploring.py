"""The commands around the explorer: what is printed where there are no screens, and what is drawn on them."""

from __future__ import annotations

import io
import json
import os
import select
import subprocess
import sys
import time

import cli_samples
import pytest
from click.testing import CliRunner
from msgspec import UNSET, structs
from rich.text import Text

from flightlog.analysis.overview import overview
from flightlog.analysis.spending import Spending
from flightlog.cli import exploring
from flightlog.cli.main import COMMANDS, commands
from flightlog.cli.palette import offer
from flightlog.cli.render import happening, mascot, transcript
from flightlog.cli.render import overview as glance
from flightlog.cli.render.cells import width
from flightlog.cli.render.terminal import Terminal
from flightlog.records.errors import MissingExtra
from flightlog.records.span import Fault, Span

COMMAND = [sys.executable, "-c", "import sys; from flightlog.cli import main; main(sys.argv[1:])"]
PLAIN = Terminal(width=80)
COLOURED = Terminal(width=80, colour=True)
NOW = cli_samples.BEGAN + 10**9
DEADLINE = 60.0
PROGRAM = """
import sys
import flightlog as fl

with fl.span("outer", kind="agent"):
    with fl.span("in\\x1bner", kind="tool"):
        pass
    fl.event("seen")
    sys.stdin.readline()
"""


class Watch:
    """`flightlog watch` in a pipe, and what it printed so far."""

    def __init__(self, *args: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "watch", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.printed = b""
        assert self.process.stderr is not None
        assert self.process.stderr.readline().startswith(b"watching ")

    def until(self, text: str) -> str:
        """Wait until this was printed."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + DEADLINE
        while text.encode() not in self.printed:
            assert time.monotonic() < deadline, self.printed
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                self.printed += os.read(self.process.stdout.fileno(), 65536)
        return self.printed.decode()

    def end(self) -> int:
        """Wait for its end."""
        self.printed += self.process.communicate(timeout=DEADLINE)[0]
        return self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def watch():
    """Starts to watch; what is recorded afterwards is seen."""
    started: list[Watch] = []

    def start(*args: str) -> Watch:
        started.append(Watch(*args))
        return started[-1]

    yield start
    for one in started:
        one.close()


def record(watching: Watch, known: str) -> None:
    """Run the program until what it does is seen, then let it end."""
    program = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE)
    watching.until(known)
    program.communicate(b"\n", timeout=DEADLINE)


def test_in_a_pipe_each_span_has_a_line_as_it_begins_and_as_it_ends(home, watch):
    watching = watch()
    record(watching, "● outer  agent  running")
    printed = watching.until("✓ outer  agent")
    assert r"✓ in\x1bner  tool" in printed
    assert "\x1b" not in printed
    assert printed.rstrip().endswith("root")


def test_with_a_question_only_what_fits_is_printed(home, watch):
    watching = watch("kind:tool", "-n", "1")
    record(watching, r"in\x1bner")
    assert watching.end() == 0
    assert "outer" not in watching.printed.decode()


def test_as_json_each_line_is_a_record(home, watch):
    watching = watch("--json", "-n", "3")
    record(watching, '"outer"')
    assert watching.end() == 0
    records = [json.loads(line) for line in watching.printed.splitlines()]
    assert {(each["name"], each["status"]) for each in records} == {
        ("outer", "running"),
        ("in\x1bner", "ok"),
        ("outer", "ok"),
    }


def test_a_question_that_is_none_ends_it_at_once(home):
    result = CliRunner().invoke(commands, ["watch", "status:erorr"])
    assert result.exit_code == 2
    assert "did you mean error?" in result.output


def test_a_reader_that_goes_away_is_no_error(home, watch):
    watching = watch()
    record(watching, "● outer")
    assert watching.process.stdout is not None
    watching.process.stdout.close()
    program = subprocess.run([sys.executable, "-c", PROGRAM], input=b"\n", check=True, timeout=DEADLINE)
    assert program.returncode == 0
    assert watching.process.wait(DEADLINE) == 0
    assert watching.process.stderr is not None
    assert watching.process.stderr.read() == b""
    watching.process.stderr.close()


def test_browsing_needs_a_terminal(recorded):
    result = CliRunner().invoke(commands, ["browse"])
    assert result.exit_code == 2
    assert "browse needs a terminal" in result.output


def test_without_the_extra_the_line_that_installs_it_is_printed(recorded, monkeypatch):
    monkeypatch.setitem(sys.modules, "textual", None)
    monkeypatch.setattr(exploring, "is_interactive", lambda: True)
    for command in ("browse", "watch"):
        result = CliRunner().invoke(commands, [command])
        assert result.exit_code == 1
        assert 'pip install "flightlog[tui]"' in result.output
    with pytest.raises(MissingExtra):
        exploring.explore((), follows=False, quiet=False)


def test_without_the_extra_the_palette_gives_way_to_the_help(home, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "textual", None)
    monkeypatch.setattr("flightlog.cli.palette.is_interactive", lambda: True)
    assert offer(COMMANDS) is None
    assert 'pip install "flightlog[tui]"' in capsys.readouterr().err


def test_without_a_terminal_nothing_is_offered(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert offer(COMMANDS) is None


def test_an_unknown_trace_is_said_before_any_screen(recorded, monkeypatch):
    monkeypatch.setattr(exploring, "is_interactive", lambda: True)
    for given in (["nosuch"], ["@latest", "@-2"]):
        result = CliRunner().invoke(commands, ["browse", *given])
        assert result.exit_code == 2, result.output


@pytest.mark.parametrize("terminal", [COLOURED, structs.replace(COLOURED, unicode=False)])
def test_the_mascot_has_four_moods_of_one_size(terminal):
    drawn = [[Text.from_ansi(line).plain for line in mascot.lines(mood, terminal)] for mood in mascot.MOODS]
    assert len({tuple(lines) for lines in drawn}) == 4
    assert {len(lines) for lines in drawn} == {mascot.LINES}
    assert {width(line) for lines in drawn for line in lines} == {mascot.CELLS}
    assert all(line.isascii() for lines in drawn for line in lines) is not terminal.unicode


def test_without_colour_there_is_no_mascot():
    assert mascot.beside("ok", ["a", "b"], PLAIN) == ["a", "b", ""]
    assert mascot.lines("ok", PLAIN) == [""] * mascot.LINES


@pytest.mark.parametrize("cells", [20, 40, 60, 80, 120])
def test_the_overview_fits_whatever_the_width(cells):
    traces = [structs.replace(cli_samples.row(), input_tokens=10**9, output_tokens=10**9)] * 50
    spent = Spending()
    drawn = glance.lines(
        overview(traces, NOW), spent, 10_000, structs.replace(PLAIN, width=cells), mood="ok", now_ns=NOW
    )
    assert len(drawn) == 3
    assert max(map(width, drawn)) <= cells


def call(number: int, asked: list[dict[str, str]], answer: str, **changes: object) -> Span:
    made = Span(
        trace_id="a" * 32,
        span_id=f"{number:016x}",
        name="chat",
        kind="llm",
        start=NOW,
        end=NOW + 5_000_000,
        status="ok",
        input=asked,
        output={"role": "assistant", "content": answer},
        attributes={"gen_ai.request.model": "m-1"},
    )
    return structs.replace(made, **changes)


def said(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def test_a_conversation_is_told_once_and_a_new_one_from_its_beginning():
    first = [said("system", "be brief"), said("user", "hello")]
    second = [*first, said("assistant", "hi"), said("user", "bye")]
    drawn = list(transcript.lines([call(1, first, "hi"), call(2, second, "ciao")], PLAIN, NOW))
    assert [line.strip() for line in drawn if line.strip() in {"be brief", "hello", "hi", "bye", "ciao"}] == [
        "be brief",
        "hello",
        "hi",
        "bye",
        "ciao",
    ]
    assert "  … 3 messages as before" in drawn


def test_the_same_words_at_another_place_are_told_again():
    calls = [call(1, [said("user", "yes")], "a"), call(2, [said("user", "no"), said("user", "yes")], "b")]
    drawn = [line.strip() for line in transcript.lines(calls, PLAIN, NOW)]
    assert drawn.count("yes") == 2


def test_an_open_call_waits_for_its_answer_and_a_failed_one_says_why():
    running = call(1, [said("user", "q")], "", end=None, status="running", output=UNSET)
    failed = call(
        2, [said("user", "\x1b[31mq")], "", status="error", error=Fault(type="Timeout", message="slow")
    )
    drawn = "\n".join(transcript.lines([running, failed], PLAIN, NOW + 10**9))
    assert "1.00 s…" in drawn
    assert "Timeout: slow" in drawn
    assert r"\x1b[31mq" in drawn


def test_what_happens_is_one_line_whatever_a_span_is_called():
    odd = call(1, [], "", name="a\nb\x1b[2J", parent_id="b" * 16)
    line = happening.line(odd, PLAIN)
    assert line.count("\n") == 0
    assert r"a\nb\x1b[2J" in line
    assert f"trace={'a' * 32} span={odd.span_id}" in line
    failed = happening.line(structs.replace(odd, status="error", error=Fault(message="x" * 500)), PLAIN)
    assert len(failed) < 350
    assert "interrupted" in happening.line(structs.replace(odd, status="interrupted"), PLAIN)
