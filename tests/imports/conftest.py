"""A home of its own for each test of an importer."""

from __future__ import annotations

import pytest

from flightlog.configure import load_settings
from flightlog.home import Home


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, and no other one in sight."""
    monkeypatch.setenv("FLIGHTLOG_HOME", str(tmp_path / "home"))
    return Home.find(load_settings({}), strict=True)
