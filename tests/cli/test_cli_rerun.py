"""`flightlog rerun` with real programs: what they print again, what the command says of it, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

FLIGHTLOG = [sys.executable, "-c", "from flightlog.cli import main; main()"]

DICE = """
import random, sys
import flightlog as fl

@fl.recorded
def dice(sides):
    return random.randint(1, 10**12)

print([dice(int(word)) for word in sys.argv[1:]])
"""


class Program:
    """A program of one file, in a home of its own."""

    def __init__(self, directory) -> None:
        self.directory = directory
        self.home = directory / "home"

    def write(self, text, name="app.py"):
        (self.directory / name).write_text(text)

    def flightlog(self, *words, stdin="", **more):
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("FLIGHTLOG_") and name not in {"TRACEPARENT", "COLUMNS"}
        }
        return subprocess.run(
            [*FLIGHTLOG, *words],
            cwd=self.directory,
            env={**kept, "FLIGHTLOG_HOME": str(self.home), **more},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def record(self, *words, stdin=""):
        """Run it; gives its trace and what it printed."""
        done = self.flightlog("run", "app.py", *words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stderr.split("trace ")[1].split()[0], done.stdout

    def spans(self, trace_id):
        return json.loads(self.flightlog("spans", trace_id, "--json").stdout)


@pytest.fixture
def program(tmp_path):
    made = Program(tmp_path)
    made.write(DICE)
    return made


def test_a_program_prints_the_same_again_and_its_run_is_linked_to_the_first(program):
    trace_id, printed = program.record("6", "6", "20")
    done = program.flightlog("rerun", trace_id, "--", "python", "app.py", "6", "6", "20")
    assert (done.returncode, done.stdout) == (0, printed)
    assert "3 of 3 recorded answers given" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"compare: flightlog diff {trace_id} ")
    spans = program.spans(last.split()[-1])
    run = next(span for span in spans if span["kind"] == "run")
    assert [(link["trace_id"], link["relation"]) for link in run["links"]] == [(trace_id, "rerun")]
    served = [span["attributes"]["flightlog.rerun.served_from"] for span in spans if span["name"] == "dice"]
    assert served == [span["span_id"] for span in program.spans(trace_id) if span["name"] == "dice"]
    compared = program.flightlog(*last.split()[2:])
    assert compared.returncode == 0
    assert "changed" not in compared.stdout


def test_a_rerun_can_be_run_again(program):
    trace_id, printed = program.record("6")
    done = program.flightlog("rerun", trace_id, "--", "app.py", "6")
    again = done.stderr.split()[-1]
    assert program.flightlog("rerun", again, "--", "app.py", "6").stdout == printed


def test_a_module_runs_again(program):
    done = program.flightlog("run", "-m", "app", "6")
    again = program.flightlog("rerun", "@latest", "--", "python3", "-m", "app", "6")
    assert (again.returncode, again.stdout) == (0, done.stdout)


def test_strict_ends_at_the_first_difference_and_says_where(program):
    trace_id, _ = program.record("6", "20")
    done = program.flightlog("rerun", trace_id, "--", "app.py", "6", "8", "20", COLUMNS="80")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Traceback" not in done.stderr
    lines = [line.rstrip() for line in done.stderr.splitlines()]
    assert "app.py:9: not recorded so, ended here" in lines[0]
    assert lines[1:6] == [
        "  it was asked otherwise when recorded",
        f"  nearest recorded call: {program.spans(trace_id)[2]['span_id']} (dice)",
        "  $.input.sides",
        "    recorded 20",
        "    now      8",
    ]
    assert "1 of 2 recorded answers given" in done.stderr


def test_loose_asks_anew_and_says_so(program):
    trace_id, printed = program.record("6", "20")
    done = program.flightlog("rerun", trace_id, "--loose", "--", "app.py", "6", "8", "20")
    assert done.returncode == 0
    first, last = json.loads(printed)
    assert [json.loads(done.stdout)[at] for at in (0, 2)] == [first, last]
    assert "asking anew" in done.stderr
    assert "2 of 2 recorded answers given · 1 call made anew" in done.stderr


def test_until_ends_the_program_and_live_after_goes_on(program):
    trace_id, printed = program.record("6", "20", "100")
    second = [span["span_id"] for span in program.spans(trace_id) if span["name"] == "dice"][1]
    done = program.flightlog("rerun", trace_id, "--until", second, "--", "app.py", "6", "20", "100")
    assert (done.returncode, done.stdout) == (0, "")
    assert "ended as told" in done.stderr
    assert "2 of 3 recorded answers given" in done.stderr
    done = program.flightlog("rerun", trace_id, "--live-after", second, "--", "app.py", "6", "20", "100", "5")
    assert json.loads(done.stdout)[:2] == json.loads(printed)[:2]
    assert json.loads(done.stdout)[2] != json.loads(printed)[2]
    assert "2 of 3 recorded answers given · 2 calls made anew" in done.stderr


def test_what_is_not_asked_for_this_time_is_named(program):
    trace_id, _ = program.record("6", "20")
    done = program.flightlog("rerun", trace_id, "--", "app.py", "6")
    assert done.returncode == 0
    left = program.spans(trace_id)[2]["span_id"]
    assert f"not asked for this time: dice ({left})" in done.stderr


def test_the_exit_code_is_the_program_s_own(program):
    program.write(DICE + "\nraise SystemExit(7)\n")
    done = program.flightlog("run", "app.py", "6")
    assert done.returncode == 7
    done = program.flightlog("rerun", "@latest", "--", "app.py", "6")
    assert done.returncode == 7
    assert "failed (exit code 7)" in done.stderr


def test_processes_of_one_program_share_the_answers(program):
    program.write(
        DICE.replace("print(", "if len(sys.argv) == 2: print(")
        + """
import subprocess
if len(sys.argv) == 3:
    for _ in range(3):
        subprocess.run([sys.executable, __file__, "6"], check=True)
"""
    )
    trace_id, printed = program.record("6", "6")
    assert len(set(printed.split())) == 3
    done = program.flightlog("rerun", trace_id, "--", "app.py", "6", "6")
    assert (done.returncode, done.stdout) == (0, printed), done.stderr


def test_a_program_that_waits_for_a_thread_is_ended_all_the_same(program):
    program.write(
        """
import queue, sys, threading
import flightlog as fl

@fl.recorded
def ask(word):
    return word

answers = queue.Queue()
threading.Thread(target=lambda: answers.put(ask(sys.argv[1]))).start()
print(answers.get())
"""
    )
    trace_id, _ = program.record("one")
    done = program.flightlog("rerun", trace_id, "--", "app.py", "two")
    assert done.returncode == 3
    assert "$.input.word" in done.stderr


def test_an_agent_that_catches_every_exception_does_not_go_on_without_an_answer(program):
    program.write(
        """
import sys
import flightlog as fl

@fl.recorded
def ask(word):
    return word

for attempt in range(5):
    try:
        print(ask(sys.argv[1]))
        break
    except Exception as error:
        print("trying again")
"""
    )
    trace_id, _ = program.record("one")
    done = program.flightlog("rerun", trace_id, "--", "app.py", "two")
    assert (done.returncode, done.stdout) == (3, "")


HUMAN = """
import flightlog as fl
for price in (20, 30):
    with fl.span("refund", kind="tool") as span:
        span.pause(f"refund {price}?")
        answer = input("refund? ")
        span.resume(answer)
    print(answer)
"""


def test_what_people_answered_is_given_again_and_nobody_is_asked(program):
    program.write(HUMAN)
    trace_id, printed = program.record(stdin="yes\nno, never\n")
    done = program.flightlog("rerun", trace_id, "--", "app.py")
    assert (done.returncode, done.stdout) == (0, printed), done.stderr
    assert "2 of 2 recorded answers given" in done.stderr


def test_an_answer_of_people_that_was_masked_is_refused(program):
    secret = "sk-" + "ant-" + "api03-" + "Ab1" * 20
    program.write(HUMAN)
    trace_id, _ = program.record(stdin=f"{secret}\nno\n")
    done = program.flightlog("rerun", trace_id, "--", "app.py")
    assert done.returncode == 3
    assert "the recorded answer was masked" in done.stderr
    assert secret not in done.stdout + done.stderr


NONSENSE = [
    (("deadbeef", "--", "app.py"), 2, "no trace 'deadbeef'"),
    (("app.py", "--", "app.py"), 1, "app.py: it is text, but of none of the formats"),
    (("@latest", "--", "nowhere.py"), 2, "no such script: nowhere.py"),
    (("@latest", "--", "python"), 2, "name the program"),
    (("@latest", "--", "/nowhere/python3", "app.py"), 2, "another interpreter"),
    (("@latest",), 2, "Missing argument"),
    (("@latest", "--until", "nothing", "--", "app.py"), 2, "no span 'nothing'"),
    (("@latest", "--until", "dice", "--live-after", "dice", "--", "app.py"), 2, "exclude each other"),
]


def test_nonsense_is_told_and_nothing_runs(program):
    program.record("6")
    for words, code, said in NONSENSE:
        done = program.flightlog("rerun", *words)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert said in done.stderr


def test_a_trace_without_anything_to_answer_says_so(program):
    program.write("import flightlog as fl\nwith fl.span('s'):\n    pass\n")
    program.record()
    done = program.flightlog("rerun", "@latest", "--", "app.py")
    assert done.returncode == 2
    assert "no call that a rerun could answer" in done.stderr


def test_the_report_is_a_document_for_programs(program):
    trace_id, _ = program.record("6", "20")
    words = ("rerun", trace_id, "--report", "report.json")
    done = program.flightlog(*words, "--", "app.py", "6", "8")
    assert done.returncode == 3
    told = json.loads((program.directory / "report.json").read_text())
    assert told["trace_id"] == done.stderr.split()[-1]
    kept = ("rerun_of", "returncode", "strict", "recorded", "given", "anew")
    assert [told[name] for name in kept] == [trace_id, 3, True, 2, 1, 0]
    (lack,) = told["lacks"]
    assert (lack["sort"], lack["what"], lack["number"]) == ("diverged", "function dice", 1)
    assert lack["changes"] == [{"path": "$.input.sides", "recorded": "20", "now": "8"}]
    assert told["left"] == [program.spans(trace_id)[2]["span_id"]]
    again = program.flightlog(*words, "--", "app.py", "6", "20")
    assert (again.returncode, again.stdout) == (2, "")
    assert program.flightlog(*words, "--force", "--", "app.py", "6", "20").returncode == 0
    assert json.loads((program.directory / "report.json").read_text())["lacks"] == []


def test_the_secrets_of_a_question_are_not_told(program):
    secret = "sk-" + "ant-" + "api03-" + "Ab1" * 20
    program.write(DICE.replace("dice(int(word))", "dice(word)"))
    trace_id, _ = program.record("six")
    done = program.flightlog("rerun", trace_id, "--", "app.py", f"six {secret}")
    assert done.returncode == 3
    assert secret not in done.stderr
    assert "[REDACTED" in done.stderr


def test_a_span_that_waited_goes_on_again_in_another_process_and_the_recorded_one_stays(program):
    program.write(
        "import flightlog as fl\n"
        "with fl.span('approve', kind='workflow', input={'order': 7}) as span:\n"
        "    print(span.pause('may I?'))\n"
    )
    trace_id, token = program.record()
    program.write(
        "import random, sys\n"
        "import flightlog as fl\n"
        "@fl.recorded\n"
        "def dice(sides):\n"
        "    return random.randint(1, 10**12)\n"
        "with fl.resume(sys.argv[1], 'yes') as span:\n"
        "    print(span.input, dice(6))\n",
        "resume.py",
    )
    done = program.flightlog("run", "resume.py", token.strip())
    assert done.returncode == 0, done.stderr
    before = program.spans(trace_id)
    again = program.flightlog("rerun", trace_id, "--", "resume.py", token.strip())
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr
    assert "2 of 2 recorded answers given" in again.stderr
    assert program.spans(trace_id) == before
    made = program.spans(again.stderr.splitlines()[-1].split()[-1])
    (anew,) = [span for span in made if span["name"] == "approve"]
    assert anew["links"][0]["trace_id"] == trace_id


def test_a_model_call_by_hand_is_answered_where_it_asks_and_refused_where_it_did_not(program):
    asks = (
        "import random, sys\n"
        "import flightlog as fl\n"
        "with fl.llm('small-1', messages=['Hello']) as call:\n"
        "    if 'plain' in sys.argv or not call.given():\n"
        "        print('asking')\n"
        "        call.output = random.randint(1, 10**12)\n"
        "print(call.output)\n"
    )
    program.write(asks)
    trace_id, printed = program.record()
    done = program.flightlog("rerun", trace_id, "--", "app.py")
    assert (done.returncode, f"asking\n{done.stdout}") == (0, printed), done.stderr
    plain, _ = program.record("plain")
    nothing = program.flightlog("rerun", plain, "--", "app.py", "plain")
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert "answered where its block asks `given()`" in nothing.stderr


def test_a_trace_in_a_file_is_run_again_without_being_stored(program):
    trace_id, printed = program.record("6", "20")
    exported = program.flightlog("export", trace_id, "-o", "run.jsonl")
    assert exported.returncode == 0, exported.stderr
    elsewhere = str(program.directory / "elsewhere")
    done = program.flightlog("rerun", "run.jsonl", "--", "app.py", "6", "20", FLIGHTLOG_HOME=elsewhere)
    assert (done.returncode, done.stdout) == (0, printed), done.stderr
    assert "2 of 2 recorded answers given" in done.stderr
    compare = done.stderr.splitlines()[-1].removeprefix("compare: flightlog ").split()
    assert compare[:2] == ["diff", "run.jsonl"]
    assert program.flightlog(*compare, FLIGHTLOG_HOME=elsewhere).returncode == 0
    listed = json.loads(program.flightlog("list", "--json", FLIGHTLOG_HOME=elsewhere).stdout)
    assert [trace["trace_id"] for trace in listed] == compare[2:]
