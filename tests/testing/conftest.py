"""What these tests write as golden files is theirs: the report of the whole run does not list it."""

from __future__ import annotations

import pytest

from flightlog.testing.updating import updating


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Forget the files that a test wrote before they are put on its report."""
    try:
        return (yield)
    finally:
        updating.take_written()
        updating.take_settled()
