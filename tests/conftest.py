"""Makes `tests/` importable, so that every room can use the shared `strategies`, and keeps every home in its place.

A test that records outside of a capture, by mistake or on purpose, must not find the home of whoever runs it.
No property fails because the machine is slow, or stood still for a while. Ctrl-C reaches the programs that tests start,
also where the shell that started the tests in its background had it ignored, which programs inherit.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

_HOME = tempfile.mkdtemp(prefix="flightlog-tests-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ["FLIGHTLOG_HOME"] = os.path.join(_HOME, "home")  # noqa: PTH118 - a text for the environment

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,  # as Hypothesis does there by itself: what lands is what was tested
)
settings.load_profile("patient")
