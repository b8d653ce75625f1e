"""Every test of a writer that takes `kind` runs on mapped segments and on written ones."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flightlog.journal import directory


@pytest.fixture(params=["mapped", "written"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """`written` is what a file system that is not known to be safe gets; here it only claims to be one."""
    if request.param == "written":
        monkeypatch.setattr(directory, "is_mappable", lambda _: False)
    return str(request.param)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB of its own, where the system lets us mount one."""
    point = tmp_path / "disk"
    point.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(point)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting is refused here; test_journal_limits does the same with RLIMIT_FSIZE")
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)
