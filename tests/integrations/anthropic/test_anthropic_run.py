"""`flightlog run` and `flightlog rerun` of a program that has never heard of Flightlog."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from flightlog.configure import load_settings
from flightlog.home import Home

PROGRAM = """
    import sys
    import anthropic

    ask = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    with anthropic.Anthropic(base_url=sys.argv[1], api_key="nobody", max_retries=0) as client:
        print(client.messages.create(**ask).content[0].text)
        with client.messages.stream(**ask) as stream:
            print("".join(stream.text_stream))
"""
SAID = "Hello! How can I help you today?\n" * 2


@pytest.fixture
def run(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}

    def run(url, *command):
        done = subprocess.run(
            [sys.executable, "-m", "flightlog", *command, str(program), url],
            env={**kept, "FLIGHTLOG_HOME": str(tmp_path / "home")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def spans(tmp_path):
    def spans():
        home = Home(tmp_path / "home", load_settings({"home": str(tmp_path / "home")}))
        home.catch_up(within=60)
        with home.reader() as reader:
            return [span for trace in reader.traces(100) for span in reader.spans(trace.trace_id)]

    return spans


def test_a_call_that_the_client_tells_as_well_counts_once(run, spans, talk):
    """Its own spans come through OpenTelemetry's API, below ours, with the same tokens."""
    assert run(talk.url, "run") == SAID
    told = spans()
    calls = [span for span in told if span.kind == "llm"]
    own = [
        span for span in told if span.otel and span.otel.get("scope", {}).get("name", "").startswith("com.")
    ]
    assert [call.name for call in calls] == ["chat m"] * 2
    assert sorted(span.parent_id for span in own) == sorted(call.span_id for call in calls)
    assert {span.kind for span in own} == {"http"}
    for end, count in (("input", 240), ("output", 68)):
        assert sum(call.attributes[f"gen_ai.usage.{end}_tokens"] for call in calls) == count


def test_a_rerun_gives_what_was_recorded_and_asks_nobody(run, spans, talk):
    assert run(talk.url, "run") == SAID
    (first,) = {span.trace_id for span in spans()}
    assert run("http://127.0.0.1:9", "rerun", first) == SAID
    calls = [span for span in spans() if span.kind == "llm"]
    assert len(calls) == 4
    said = {"role": "assistant", "content": [{"type": "text", "text": SAID.splitlines()[0]}]}
    assert [call.output for call in calls] == [{"messages": [said]}] * 4
    assert {call.status for call in calls} == {"ok"}
