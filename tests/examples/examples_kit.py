"""Real processes with a home of their own: the command line, the example program, and what they left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "answers" / "main.py"
FLIGHTLOG = [sys.executable, "-c", "from flightlog.cli import main; main()"]
TIMEOUT = 100


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment without any setting of Flightlog's, and with this home."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("FLIGHTLOG_") and name not in {"TRACEPARENT", "COLUMNS"}
    }
    return {**kept, "FLIGHTLOG_HOME": str(home), **more}


def run(command: list[str], home: Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment(home, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )


def data(home: Path, *question: str) -> Any:
    """What a command answers with `--json`."""
    answered = run([*FLIGHTLOG, *question, "--json"], home, home)
    assert answered.returncode == 0, answered.stderr
    return json.loads(answered.stdout)
