"""Recording LiteLLM begins and ends without a trace of it left, whatever names its functions are known by."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import litellm
import litellm.main
from litellm import completion
from litellm_kit import FUNCTIONS, at, models, tokens
from provider_kit import user

import flightlog as fl
from flightlog.configure import load_settings
from flightlog.home import Home


def functions():
    found = {name: getattr(litellm, name) for name in FUNCTIONS if name != "router"}
    return {**found, "router": litellm.Router.acompletion}


def test_nothing_is_left_behind(nobody_listens):
    before = functions(), litellm.main.completion, vars(litellm.CustomStreamWrapper).copy()
    with fl.instrument("litellm"), fl.instrument("litellm"):
        assert functions() != before[0]
    assert (functions(), litellm.main.completion, vars(litellm.CustomStreamWrapper).copy()) == before
    assert functions() == FUNCTIONS


def test_streams_leave_nothing_behind(nobody_listens, talk):
    before = vars(litellm.CustomStreamWrapper).copy()
    with fl.instrument("litellm"), fl.capture():
        list(litellm.completion(messages=user("hello"), stream=True, **at(talk)))
        assert vars(litellm.CustomStreamWrapper).copy() != before
    assert vars(litellm.CustomStreamWrapper).copy() == before


def test_a_function_that_a_module_knew_before_is_recorded_too(nobody_listens, talk):
    with fl.instrument("litellm"), fl.capture() as seen:
        completion(messages=user("hello"), **at(talk))
    assert len(models(seen)) == 1
    with fl.capture() as seen:
        completion(messages=user("hello"), **at(talk))
    assert seen.spans == []


def test_doing_it_twice_records_once(nobody_listens, talk):
    with fl.instrument("litellm"), fl.instrument("litellm"), fl.capture() as seen:
        litellm.completion(messages=user("hello"), **at(talk))
    assert len(seen.spans) == 1


def test_without_the_client_below_the_call_counts_all_the_same(nobody_listens, talk):
    with fl.instrument("litellm"), fl.capture() as seen:
        litellm.completion(messages=user("hello"), **at(talk))
    assert [span.kind for span in seen.spans] == ["llm"]
    assert tokens(seen) == talk.tokens() == (120, 34)


PROGRAM = """
    import asyncio, json, sys
    import litellm
    litellm.suppress_debug_info = True
    options = json.loads(sys.argv[1])
    said = [{"role": "user", "content": "hello"}]
    print(litellm.completion(messages=said, **options).choices[0].message.content)
    async def ask():
        answer = await litellm.acompletion(messages=said, **options)
        print(answer.choices[0].message.content)
        stream = await litellm.acompletion(messages=said, stream=True, **options)
        print("".join([piece.choices[0].delta.content or "" async for piece in stream if piece.choices]))
    asyncio.run(ask())
"""
SAID = "Hello! How can I help you today?\n" * 3


def environ(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
    return {**kept, "FLIGHTLOG_HOME": str(tmp_path / "home"), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def flightlog(tmp_path, *command):
    done = subprocess.run(
        [sys.executable, "-m", "flightlog", *command],
        env=environ(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_a_program_is_recorded_and_runs_again_without_the_provider(tmp_path, talk):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    options = at(talk, stream_options={"include_usage": True}, max_retries=0)
    assert flightlog(tmp_path, "run", str(program), json.dumps(options)).stdout == SAID
    assert talk.tokens() == (360, 102)
    cost = json.loads(flightlog(tmp_path, "cost", "--json").stdout)
    assert _sums(cost) == (3, 360, 102), cost
    home = Home(tmp_path / "home", load_settings({"home": str(tmp_path / "home")}))
    home.catch_up(within=60)
    with home.reader() as reader:
        (trace,) = reader.traces(10)
    gone = {**options, "api_base": "http://127.0.0.1:9/v1"}
    again = flightlog(tmp_path, "rerun", trace.trace_id, str(program), json.dumps(gone))
    assert again.stdout == SAID, again.stderr
    assert len(talk.served()) == 3


def _sums(cost):
    names = ("calls", "input_tokens", "output_tokens")
    return tuple(sum(row[name] for row in cost["rows"]) for name in names)


def test_a_package_of_another_shape_is_left_alone_with_one_message(tmp_path):
    other = tmp_path / "litellm"
    other.mkdir()
    (other / "__init__.py").write_text("__version__ = '99.0'\ndef completion():\n    return 'as ever'\n")
    program = tmp_path / "program.py"
    program.write_text("import litellm\nprint(litellm.completion())\n")
    done = flightlog(tmp_path, "run", str(program))
    assert done.stdout == "as ever\n"
    (told,) = [line for line in done.stderr.splitlines() if "litellm" in line]
    assert "litellm 99.0: it is not recorded (Unfit: it has no acompletion)" in told
