"""A home for each test of the explorer."""

from __future__ import annotations

import pytest


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that commands and explorer find, not made yet."""
    path = tmp_path / "home"
    monkeypatch.setenv("FLIGHTLOG_HOME", str(path))
    monkeypatch.delenv("NO_COLOR", raising=False)
    return path
