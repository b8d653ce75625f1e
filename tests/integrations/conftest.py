"""What the tests of the integrations share: a provider process for each worker, and the recorder around the client."""

from __future__ import annotations

import os
import shutil

import pytest
from openai_kit import Way
from provider_kit import INSTALL, PACKAGE, Provider, Talk, Wire

import flightlog as fl


@pytest.fixture(scope="session")
def provider(tmp_path_factory):
    """The provider's process; where it cannot run the test is skipped, except where everything must run."""
    if shutil.which("node") is None or not PACKAGE.is_dir():
        message = f"the stand-in for a provider is not installed; {INSTALL}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    running = Provider(tmp_path_factory.mktemp("provider"))
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


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def way(request):
    return Way(is_async=request.param)


@pytest.fixture
def seen():
    """Everything recorded by the test, with the package instrumented."""
    with fl.instrument("openai"), fl.capture() as captured:
        yield captured


@pytest.fixture
def nobody_listens():
    """The package as it is without us, whatever other tests did."""
    fl.uninstrument()
    yield
    fl.uninstrument()
