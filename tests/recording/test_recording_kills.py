"""Programs that are killed at random moments lose no span that had ended, and double none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

from kill_rounds import run_round


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1006))
def test_nothing_that_had_ended_is_lost_or_doubled(tmp_path, seed):
    found = run_round(tmp_path, seed)
    assert found.ended > 0
    assert found.is_right, vars(found)
