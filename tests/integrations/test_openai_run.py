"""`flightlog run` records the model calls of a program that has never heard of Flightlog."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest
from provider_kit import USAGE

from flightlog.configure import load_settings
from flightlog.home import Home

PROGRAM = """
    import sys
    {before}
    from openai import OpenAI

    with OpenAI(base_url=sys.argv[1] + "/v1", api_key="nobody") as client:
        answer = client.chat.completions.create(model="m", messages=[{{"role": "user", "content": "hello"}}])
        print(answer.choices[0].message.content)
        stream = client.chat.completions.create(
            model="m", messages=[{{"role": "user", "content": "hello"}}], stream=True,
            stream_options={{"include_usage": True}},
        )
        for chunk in stream:
            pass
"""


class Run:
    def __init__(self, directory, talk):
        self.home = Home(directory / "home", load_settings({"home": str(directory / "home")}))
        self._directory = directory
        self._talk = talk

    def __call__(self, before="", env=None, command=("-m", "flightlog", "run")):
        program = self._directory / "program.py"
        program.write_text(textwrap.dedent(PROGRAM.format(before=before)))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
        done = subprocess.run(
            [sys.executable, *command, str(program), self._talk.url],
            env={**kept, "FLIGHTLOG_HOME": str(self.home.path), **(env or {})},
            cwd=self._directory,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "Hello! How can I help you today?\n"
        return done

    def spans(self):
        self.home.catch_up(within=60)
        with self.home.reader() as reader:
            return [span for trace in reader.traces(100) for span in reader.spans(trace.trace_id)]


@pytest.fixture
def run(tmp_path, talk):
    return Run(tmp_path, talk)


def test_calls_are_recorded_under_the_run_and_kept_in_the_store(run):
    run()
    root, *calls = sorted(run.spans(), key=lambda span: span.start)
    assert (root.name, root.kind) == ("program.py", "run")
    assert [(call.name, call.kind, call.parent_id) for call in calls] == [("chat m", "llm", root.span_id)] * 2
    for call in calls:
        assert call.attributes["gen_ai.usage.input_tokens"] == USAGE["prompt_tokens"]
        assert call.input == {"messages": [{"role": "user", "content": "hello"}]}
        assert call.output["messages"][0]["content"] == "Hello! How can I help you today?"


@pytest.mark.parametrize(
    ("setting", "calls"), [("none", 0), ("0", 0), ("guardrails,", 0), ("On", 2), ("x,openai", 2)]
)
def test_the_setting_says_which_libraries_are_recorded(run, setting, calls):
    done = run(env={"FLIGHTLOG_INSTRUMENT": setting})
    assert sorted(span.kind for span in run.spans()) == ["llm"] * calls + ["run"]
    told = "setting instrument from FLIGHTLOG_INSTRUMENT: nothing can record" in done.stderr
    assert told == (setting in {"guardrails,", "x,openai"})


def test_a_stream_that_is_open_when_the_program_ends_ends_with_it(run):
    run(
        """from openai import OpenAI
    left = OpenAI(base_url=sys.argv[1] + "/v1", api_key="nobody").chat.completions.create(
        model="left", messages=[{"role": "user", "content": "hello"}], stream=True
    )"""
    )
    (left,) = [span for span in run.spans() if span.name == "chat left"]
    assert (left.status, left.attributes["flightlog.stream.ended"]) == ("ok", "abandoned")
    assert left.input == {"messages": [{"role": "user", "content": "hello"}]}


def test_the_setting_can_be_given_by_the_program(run):
    run("import flightlog\n    flightlog.configure(instrument='none')")
    assert [span.kind for span in run.spans()] == ["run"]


def test_what_a_program_asks_for_by_name_is_recorded_whatever_the_setting_says(run):
    run("import flightlog\n    flightlog.instrument('openai')", env={"FLIGHTLOG_INSTRUMENT": "none"})
    assert sorted(span.kind for span in run.spans()) == ["llm", "llm", "run"]


def test_a_program_can_take_itself_out(run):
    run("import flightlog\n    flightlog.uninstrument()")
    assert [span.kind for span in run.spans()] == ["run"]


def test_a_call_below_the_level_that_is_wanted_leaves_nothing(run):
    run(env={"FLIGHTLOG_LEVEL": "warn"})
    assert run.spans() == []


def test_a_bad_setting_is_told_and_takes_nothing_else_away(run):
    done = run("import flightlog, os\n    os.environ['FLIGHTLOG_SAMPLE'] = 'most'")
    assert done.stderr.count("FLIGHTLOG_SAMPLE") == 1
    assert sorted(span.kind for span in run.spans()) == ["llm", "llm", "run"]


def test_without_flightlog_run_nothing_is_recorded_unless_asked_for(run):
    run(command=())
    assert run.spans() == []


def test_a_program_that_asks_before_the_package_is_imported_is_recorded(run):
    run("import flightlog\n    flightlog.instrument()\n    assert 'openai' not in sys.modules", command=())
    assert [span.kind for span in run.spans()] == ["llm", "llm"]


def test_a_program_that_never_imports_a_library_loads_nothing_for_its_sake(tmp_path):
    code = (
        "import sys, flightlog; flightlog.instrument('openai'); "
        "late = ('openai', 'flightlog.integrations.openai', 'flightlog.integrations.stainless', 'msgspec'); "
        "print([name for name in sys.modules if name.startswith(late)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "[]"


def test_a_library_that_is_not_installed_says_how_to_install_it(tmp_path):
    code = "import flightlog; flightlog.instrument('openai')"
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.modules['openai'] = None\n" + code.replace("; ", "\n")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert 'pip install "flightlog[openai]"' in done.stderr


def test_a_package_that_is_imported_anew_is_recorded_when_asked_for_again(tmp_path):
    code = """
import sys, flightlog as fl
fl.instrument("openai")
import openai
first = openai.OpenAI.request
for name in [name for name in sys.modules if name.partition(".")[0] == "openai"]:
    del sys.modules[name]
old, openai = openai, __import__("openai")
plain = openai.OpenAI.request
fl.instrument("openai")
assert openai.OpenAI.request is not plain
assert old.OpenAI.request is not first
fl.uninstrument("openai")
assert openai.OpenAI.request is plain
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
