"""What the tests of propagation share."""

from __future__ import annotations

import pytest
from propagation_bench import Bench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)
