"""What the tests of the gate share."""

from __future__ import annotations

import fake_secrets
import pytest


@pytest.fixture(autouse=True)
def secrets_of_its_own(request: pytest.FixtureRequest) -> None:
    """The same secrets are drawn for a test whatever ran before it."""
    fake_secrets.begin_anew(request.node.nodeid)
