"""Both engines write the same journal, byte for byte, but for what the clock says and for the ids that they make."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from speed_kit import needs_core

PROGRAM = Path(__file__).with_name("recorded_program.py")

_MOMENTS = re.compile(rb'(?<=":)1[0-9]{18}(?=[,}])|(?<="flightlog\.waiting_ns":)[0-9]+')
_HASH = re.compile(rb'"hash":"[0-9a-f]{32}"')
"""Keyed with a secret of the home."""
_ID = re.compile(rb'(?<=")(?:[0-9a-f]{32}|[0-9a-f]{16})(?=")')
"""Each engine makes its own from the same chance; which line names which other is compared."""
_RECORD = re.compile(rb"\x1e([^\0\x1e\n]+)\n")


def _lines(home: Path, engine: str, seed: int) -> list[bytes]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("FLIGHTLOG_")}
    settings = {"FLIGHTLOG_HOME": str(home), "FLIGHTLOG_ENGINE": engine}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(seed), str(home / "journals")],
        env={**kept, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{engine}\n", "")
    segments = sorted(home.glob("**/*.seg"))
    data = b"".join(segment.read_bytes() for segment in segments)
    lines = [line for line in _RECORD.findall(data) if b'"type":"process"' not in line]
    ids: dict[bytes, bytes] = {}
    return [
        _ID.sub(
            lambda found: ids.setdefault(found[0], b"#%d" % len(ids)),
            _HASH.sub(b"", _MOMENTS.sub(b"T", line)),
        )
        for line in lines
    ]


@needs_core
@pytest.mark.parametrize("seed", range(3))
def test_both_engines_write_the_same_lines(tmp_path, seed):
    plain = _lines(tmp_path / "plain", "pure", seed)
    compiled = _lines(tmp_path / "compiled", "compiled", seed)
    assert len(plain) > 300
    different = [(one, other) for one, other in zip(plain, compiled, strict=False) if one != other]
    assert different[:3] == []
    assert len(plain) == len(compiled)
