"""What the tests of libraries share that have an environment each: the provider's process, and a server.

The server says byte for byte what a test wants. `scripts/libraries.sh` makes the environments and runs the tests.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "integrations"))

from provider_kit import FIXTURES, INSTALL, PACKAGE, Provider, Talk, Wire


@pytest.fixture(scope="session")
def answers():
    """What the provider answers; a library's own `conftest.py` may say something else."""
    return FIXTURES


@pytest.fixture(scope="session")
def provider(tmp_path_factory, answers):
    """The provider's process; where it cannot run the test is skipped, except where everything must run."""
    if shutil.which("node") is None or not PACKAGE.is_dir():
        message = f"the stand-in for a provider is not installed; {INSTALL}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    running = Provider(tmp_path_factory.mktemp("provider"), answers)
    yield running
    running.close()


@pytest.fixture
def talk(provider):
    return Talk(provider)


@pytest.fixture
def wire():
    server = Wire()
    yield server
    server.close()
