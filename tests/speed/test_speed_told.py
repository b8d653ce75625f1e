"""Both engines write the same lines of hot calls, narrations and traced calls, but for clocks and ids."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from speed_kit import needs_core

PROGRAM = Path(__file__).with_name("told_program.py")

_MOMENTS = re.compile(
    rb'(?<=":)1[0-9]{18}(?=[,}])|(?<=elapsed_ns":)[0-9]+|(?<=first_chunk_ns":)[0-9]+|(?<= at )0x[0-9a-f]+'
)
_CHANCE = re.compile(rb"[0-9a-f]{32}|[0-9a-f]{16}")
"""Ids, which each engine makes ahead as many as it likes; and hashes, keyed with a secret of the home."""
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
    data = b"".join(segment.read_bytes() for segment in sorted(home.glob("**/*.seg")))
    lines = [line for line in _RECORD.findall(data) if b'"type":"process"' not in line]
    seen: dict[bytes, bytes] = {}

    def told(found: re.Match[bytes]) -> bytes:
        return seen.setdefault(found[0], b"#%d" % len(seen))

    return [_CHANCE.sub(told, _MOMENTS.sub(b"T", line)) for line in lines]


@needs_core
@pytest.mark.parametrize("seed", range(4))
def test_both_engines_say_the_same(tmp_path, seed):
    plain = _lines(tmp_path / "plain", "pure", seed)
    compiled = _lines(tmp_path / "compiled", "compiled", seed)
    assert len(plain) > 500
    different = [(one, other) for one, other in zip(plain, compiled, strict=False) if one != other]
    assert different[:3] == []
    assert len(plain) == len(compiled)
