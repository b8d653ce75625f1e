"""The agent runs again from its trace: no provider, no network, the same output byte for byte, every time."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from examples_kit import FLIGHTLOG, ROOT, data, run

AGENT = ROOT / "examples" / "agent" / "main.py"
PROVIDER = AGENT.with_name("provider.py")

NO_NETWORK = """
import os, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        with open(os.environ["TRIED"], "a") as tried:
            tried.write(f"{event} {arguments[1:]}\\n")
        raise ConnectionRefusedError(f"no network here: {event}")

sys.addaudithook(refuse)
"""
"""A `sitecustomize` that counts every way to another machine, and closes it."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str, bytes]:
    """A home with a run of the agent, the address of its provider, the trace, and what it printed."""
    home = tmp_path_factory.mktemp("rerun")
    provider = subprocess.Popen(
        [sys.executable, str(PROVIDER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert provider.stdin is not None
    assert provider.stdout is not None
    url = provider.stdout.readline().strip()
    try:
        done = run(
            [*FLIGHTLOG, "run", str(AGENT)], home, home, OPENAI_API_KEY="", OPENAI_BASE_URL=url, NO_PROXY="*"
        )
        assert done.returncode == 0, done.stderr
    finally:
        provider.stdin.close()
        provider.wait(20)
        provider.stdout.close()
    (row,) = data(home, "list")
    return home, url, row["trace_id"], done.stdout.encode()


def rerun(recorded: tuple[Path, str, str, bytes], directory: Path, *options: str):
    """Run the agent again where there is no network; what it said, and what it tried to reach."""
    home, url, trace_id, _ = recorded
    (directory / "sitecustomize.py").write_text(textwrap.dedent(NO_NETWORK))
    tried = directory / "tried"
    tried.touch()
    path = os.pathsep.join(filter(None, (str(directory), os.environ.get("PYTHONPATH"))))
    done = run(
        [*FLIGHTLOG, "rerun", trace_id, *options, "--", "python", str(AGENT)],
        home,
        home,
        OPENAI_API_KEY="",
        OPENAI_BASE_URL=url,
        PYTHONPATH=path,
        TRIED=str(tried),
    )
    return done, tried.read_text()


def test_it_says_the_same_twice_in_a_row_and_connects_to_nobody(recorded, tmp_path) -> None:
    home, _, trace_id, printed = recorded
    assert b"answered by the provider at" in printed
    for _ in range(2):
        done, tried = rerun(recorded, tmp_path)
        assert done.returncode == 0, done.stderr
        assert tried == ""
        assert done.stdout.encode() == printed
        assert "7 of 7 recorded answers given" in done.stderr
    newest = data(home, "list")[0]["trace_id"]
    assert f"compare: flightlog diff {trace_id} {newest}" in done.stderr
    links = [link for span in data(home, "spans", newest) for link in span.get("links", ())]
    assert [link["trace_id"] for link in links if link["relation"] == "rerun"] == [trace_id]


def test_the_network_that_is_closed_would_be_missed(recorded, tmp_path) -> None:
    """What is asked anew is refused: so nothing of the above went out unseen."""
    _, _, _, printed = recorded
    done, tried = rerun(recorded, tmp_path, "--live-after", "write_catalogue")
    assert done.stdout.encode() != printed
    assert "socket." in tried
