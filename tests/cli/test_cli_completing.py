"""What a shell offers, as a real Bash asks for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import cli_samples
import pytest
from click.testing import CliRunner

from flightlog.cli.main import COMMANDS, commands

ASK = """
flightlog() {{ {python} -m flightlog "$@"; }}
env() {{ ( while [[ $1 == *=* ]]; do export "$1"; shift; done; "$@" ) }}
eval "$(flightlog completion bash)" 2>/dev/null
while IFS= read -r line; do
  COMP_LINE="$line"; COMP_POINT=${{#line}}; COMPREPLY=()
  _flightlog_completion flightlog 2>/dev/null
  printf '%s\\t' "${{COMPREPLY[@]}}"; printf '\\n'
done
"""


def offered(*lines: str) -> list[list[str]]:
    """What Bash puts in the place of the last word of each line."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    done = subprocess.run(
        ["bash", "-c", ASK.format(python=sys.executable)],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
        env=dict(os.environ),
    )
    return [row.split("\t")[:-1] if row.strip() else [] for row in done.stdout.splitlines()]


def test_bash_completes_commands_fields_values_and_traces(recorded):
    found = offered(
        "flightlog sp",
        "flightlog list mod",
        "flightlog list kind:l",
        "flightlog list 'kind:llm stat",
        "flightlog spans 'kind:llm status:e",
        "flightlog list dur",
        "flightlog show @l",
        "flightlog show " + cli_samples.TRACE[:-1],
        "flightlog list --kind l",
        "flightlog list --sess",
        'flightlog search --where name:"warm',
        "flightlog spans name:warm",
    )
    assert found == [
        ["spans"],
        ["model:"],
        ["llm"],
        ["kind:llm status:"],
        ["kind:llm status:error"],
        ["duration\\>"],
        ["@latest"],
        [cli_samples.TRACE, cli_samples.OTHER],
        ["llm"],
        ["--session"],
        ['\\"warm up\\"'],
        ['\\"warm\\ up\\"'],
    ]


def test_what_fish_is_told_of_a_trace_is_not_cut_at_a_comma(recorded, tmp_path):
    script = CliRunner().invoke(commands, ["completion", "fish"]).stdout
    assert 'string split --max 1 "," $completion' in script
    if shutil.which("fish") is None:
        pytest.skip("there is no fish; install it with: apt install fish")
    (tmp_path / "comp.fish").write_text(script)
    (tmp_path / "flightlog").write_text(f'#!/bin/sh\nexec {sys.executable} -m flightlog "$@"\n')
    (tmp_path / "flightlog").chmod(0o700)
    done = subprocess.run(
        ["fish", "--no-config", "-c", "source comp.fish; complete -C 'flightlog show @l'"],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)},
    )
    assert done.stdout.startswith("@latest\tanswer_question, error, "), done.stderr


def test_a_home_without_a_store_offers_what_needs_none(home):
    assert offered("flightlog show ", "flightlog list kind:ll") == [[], ["llm"]]
    assert not home.exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_asks_us(shell):
    result = CliRunner().invoke(commands, ["completion", shell])
    assert result.exit_code == 0
    assert "_FLIGHTLOG_COMPLETE" in result.stdout
    assert "flightlog" in result.stdout


def test_a_shell_that_is_not_known_is_refused():
    assert CliRunner().invoke(commands, ["completion", "tcsh"]).exit_code == 2


def test_commands_are_offered_with_what_they_are_for():
    context = commands.make_context("flightlog", ["list"], resilient_parsing=True)
    found = {item.value: item.help for item in commands.shell_complete(context, "")}
    assert {name: found[name] for name in COMMANDS} == dict(COMMANDS)
