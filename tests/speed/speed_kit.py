"""What tests of the compiled core share: the core, and the mark that says loudly where it is missing."""

from __future__ import annotations

import pytest

from flightlog._speed import presence

needs_core = pytest.mark.skipif(
    not presence.is_there(),
    reason=f"{presence.reason()}; install a C compiler (`apt install gcc`, with Python's headers) and run `make test`",
)
