"""The public test suite for W3C trace context, run whole against a service of ours.

It is somebody else's program: `W3C_TRACE_CONTEXT` names a checkout of github.com/w3c/trace-context. Where there is
none these tests are skipped, and what the suite asks for is asked in `test_propagation_trace_context.py`.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

CHECKOUT = os.environ.get("W3C_TRACE_CONTEXT", "")
SUITE = Path(CHECKOUT) / "test" / "test.py"
SERVICE = Path(__file__).with_name("w3c_service.py")

pytestmark = pytest.mark.skipif(
    not CHECKOUT, reason="W3C_TRACE_CONTEXT names no checkout of github.com/w3c/trace-context"
)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def _service(bench, *arguments):
    running = subprocess.Popen(
        [sys.executable, str(SERVICE), *arguments],
        env=bench.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with running:
        try:
            yield running.stdout.readline().strip()
        finally:
            running.stdin.close()
            running.wait(20)


def _verdict(address):
    """How many cases the suite ran at its strictest, and what it says of them."""
    done = subprocess.run(
        [sys.executable, str(SUITE), address],
        cwd=SUITE.parent,
        env={**os.environ, "HARNESS_PORT": str(_free_port()), "STRICT_LEVEL": "2", "SPEC_LEVEL": "2"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    ran = re.search(r"^Ran (\d+) tests", done.stderr, re.MULTILINE)
    return int(ran[1]) if ran else 0, done.returncode, done.stderr


@pytest.mark.parametrize("way", ["asgi-httpx", "asgi-aiohttp", "wsgi-requests", "wsgi-urllib3"])
def test_every_case_of_the_suite_passes_at_level_two_strictly(bench, way):
    with _service(bench, way) as address:
        count, failures, said = _verdict(address)
    assert failures == 0, said
    assert count >= 41
    assert "skipped" not in said


def test_the_suite_sees_a_service_that_hands_on_nothing(bench):
    with _service(bench, "plain") as address:
        count, failures, _ = _verdict(address)
    assert count >= 41
    assert failures > 30
