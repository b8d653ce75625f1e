"""`flightlog demo` with a model: a real client against the rules on loopback of the example."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "How do I copy a whole folder?"


@pytest.fixture
def provider() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / "agent" / "provider.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def flightlog(home: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("FLIGHTLOG_", "OPENAI_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "flightlog", *args],
        env={**kept, "FLIGHTLOG_HOME": str(home), "NO_PROXY": "*", **env},
        cwd=home.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_prompt_goes_to_the_model_that_is_named(tmp_path: Path, provider: str) -> None:
    home = tmp_path / "home"
    done = flightlog(home, "demo", "Hello", "--model", "m-1", OPENAI_BASE_URL=provider)
    assert done.returncode == 0, done.stderr
    assert "What would you like to know" in done.stderr
    assert "chat m-1" in done.stdout
    (row,) = json.loads(flightlog(home, "list", "--json").stdout)
    assert (row["name"], row["llm_calls"], row["unknown_usage_calls"], row["model"]) == ("demo", 1, 0, "m-1")


def test_a_model_that_cannot_be_reached_is_said_and_recorded(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = flightlog(home, "demo", "Hello", "--model", "m-1", OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    assert done.returncode == 1
    assert "m-1 did not answer" in done.stderr
    assert "Traceback" not in done.stderr
    (row,) = json.loads(flightlog(home, "list", "--json").stdout)
    assert (row["name"], row["status"]) == ("demo", "error")


def test_a_model_without_a_provider_is_refused(tmp_path: Path) -> None:
    done = flightlog(tmp_path / "home", "demo", QUESTION, "--model", "m-1")
    assert done.returncode == 2
    assert "OPENAI_API_KEY or OPENAI_BASE_URL" in done.stderr
    assert flightlog(tmp_path / "home", "list", "--json").stdout.strip() == "[]"


def test_without_a_provider_a_prompt_is_answered_from_the_documentation(tmp_path: Path) -> None:
    done = flightlog(tmp_path / "home", "demo", "How do I wrap text?")
    assert done.returncode == 0, done.stderr
    assert "textwrap" in done.stderr
