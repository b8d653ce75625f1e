"""A home for each test of the command line, with a real store in it."""

from __future__ import annotations

import cli_samples
import pytest

from flightlog.records.span import Span


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that the commands find, not made yet; no colour and no terminal size from outside."""
    path = tmp_path / "home"
    monkeypatch.setenv("FLIGHTLOG_HOME", str(path))
    monkeypatch.setenv("COLUMNS", "120")
    return path


@pytest.fixture
def recorded(home):
    """A home with the sample trace, and one that began earlier."""
    earlier = Span(
        trace_id=cli_samples.OTHER,
        span_id="b" * 16,
        name="warm up",
        start=cli_samples.BEGAN - 10**9,
        end=cli_samples.BEGAN - 10**8,
        status="ok",
    )
    cli_samples.store(home, [*cli_samples.spans(), *cli_samples.events(), earlier])
    return home
