"""The engines that the contract suites run on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.store_lines import ENGINES, Engine


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A store that does not exist yet, once per engine."""
    with ENGINES[request.param](tmp_path) as found:
        yield found
