"""How long the end of a run waits for its records to be in the store."""

from __future__ import annotations

import pytest

from flightlog import running
from flightlog.flushed import Flushed


@pytest.mark.parametrize(
    ("found", "waits"),
    [
        (Flushed(delivered=True), 1),
        (Flushed(delivered=False, waiting_bytes=-1, in_memory=3), 1),
        (Flushed(delivered=False, waiting_bytes=100), 2),
    ],
)
def test_a_run_waits_long_only_for_what_can_still_be_delivered(monkeypatch, found, waits):
    limits: list[float] = []

    def flush(limit: float) -> Flushed:
        limits.append(limit)
        return found

    monkeypatch.setattr(running, "flush", flush)
    assert running._settle() == found
    assert len(limits) == waits
    assert limits[1:] == [running.SETTLE_SECONDS] * (waits - 1)
