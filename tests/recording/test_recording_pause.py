"""A span that waits outlives its process, and goes on wherever the answer comes in."""

from __future__ import annotations

import signal

import pytest

from flightlog.analysis.waiting import waited_ns, worked_ns

ASK = """
    import os, signal, sys
    import flightlog as fl

    with fl.span("root"), fl.bind(session="s-1"):
        with fl.span("job", kind="workflow", input={"order": 7}, x=1) as s:
            with fl.span("before"):
                pass
            print(s.pause("approve?"), flush=True)
            %s
"""

ANSWER = """
    import sys
    import flightlog as fl

    with fl.resume(sys.argv[1], "yes") as s:
        with fl.span("after"):
            pass
        s.output = "done"
"""

LEAVINGS = {
    "the block is left": "pass",
    "an exception leaves": "raise RuntimeError('stop here')",
    "sys.exit": "sys.exit()",
    "os._exit": "os._exit(0)",
    "kill -9": "os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("leaving", LEAVINGS)
def test_a_span_stays_paused_however_its_process_ends_and_goes_on_in_another(bench, leaving):
    asked = bench.run(ASK % LEAVINGS[leaving])
    token = asked.stdout.strip()
    job = bench.named()["job"]
    assert (job.status, job.end, job.attributes["x"]) == ("paused", None, 1)
    answered = bench.run(ANSWER, token)
    assert (answered.returncode, answered.stderr) == (0, "")
    named = bench.named()
    done = named["job"]
    assert (done.status, done.output, done.input, done.kind) == ("ok", "done", {"order": 7}, "workflow")
    assert (done.trace_id, done.span_id, done.parent_id) == (job.trace_id, job.span_id, job.parent_id)
    assert done.start == job.start
    assert done.process_id != job.process_id
    assert waited_ns(done) + worked_ns(done) == done.duration_ns
    assert bench.parents()["after"] == "job"
    assert named["after"].context == {"session": "s-1"}
    assert [(event.name, event.attributes) for event in bench.events()] == [
        ("pause", {"message": "approve?"}),
        ("resume", {"value": "yes"}),
    ]


def test_a_span_goes_on_in_another_process_while_the_first_one_lives(bench):
    first = bench.start("""
        import sys
        import flightlog as fl

        with fl.span("job") as s:
            print(s.pause("approve?"), flush=True)
            sys.stdin.readline()
    """)
    token = first.stdout.readline().strip()
    answered = bench.run(ANSWER, token)
    assert (answered.returncode, answered.stderr) == (0, "")
    assert bench.named()["job"].status == "ok"
    _, talk = first.communicate("go\n", timeout=60)
    assert (first.returncode, talk) == (0, "")
    assert (bench.named()["job"].status, bench.named()["job"].output) == ("ok", "done")


def test_a_second_answer_is_told_that_the_span_has_ended_and_an_unknown_one_that_there_is_none(bench):
    token = bench.run(ASK % "pass").stdout.strip()
    bench.run(ANSWER, token)
    again = bench.run(ANSWER, token)
    assert again.returncode == 1
    assert "NotPaused: 'job'" in again.stderr
    assert "has ended (ok)" in again.stderr
    unknown = bench.run(ANSWER, token[:36] + "f" * 16 + "-03")
    assert unknown.returncode == 1
    assert "UnknownId: no paused span" in unknown.stderr


def test_an_answer_whose_process_was_killed_can_be_given_again(bench):
    token = bench.run(ASK % "pass").stdout.strip()
    killed = bench.run("""
        import os, signal, sys
        import flightlog as fl

        with fl.resume(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
    """, token)  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    assert bench.named()["job"].status == "interrupted"
    answered = bench.run(ANSWER, token)
    assert (answered.returncode, answered.stderr) == (0, "")
    assert bench.named()["job"].status == "ok"


def test_the_span_that_goes_on_stays_in_its_project(bench):
    token = bench.run(ASK % "pass", env={"FLIGHTLOG_PROJECT": "shop"}).stdout.strip()
    bench.run(ANSWER, token, env={"FLIGHTLOG_PROJECT": "approvals"})
    assert {(span.status, span.project) for span in bench.spans() if span.name == "job"} == {("ok", "shop")}


@pytest.mark.parametrize(
    "off", [{"FLIGHTLOG_ENABLED": "0"}, {"FLIGHTLOG_LEVEL": "off"}, {"FLIGHTLOG_LEVEL": "error"}]
)
def test_an_answer_changes_nothing_where_recording_is_off(bench, off):
    token = bench.run(ASK % "pass").stdout.strip()
    answered = bench.run(ANSWER, token, env=off)
    assert (answered.returncode, answered.stderr) == (0, "")
    assert bench.named()["job"].status == "paused"


def test_a_trace_that_is_not_sampled_pauses_goes_on_and_calls_models_in_silence(bench):
    unsampled = {"FLIGHTLOG_SAMPLE": "0"}
    token = bench.run(ASK % "pass", env=unsampled).stdout.strip()
    answered = bench.run("""
        import sys
        import flightlog as fl

        with fl.resume(sys.argv[1], "yes") as s:
            with fl.span("child") as child:
                print(s.recorded, child.recorded, child.trace_id == s.trace_id == sys.argv[1][3:35])
            with fl.llm("m", messages=["hi"]) as call:
                call.chunk(3)
                call.usage(input=1)
                call.fail("x")
                print(call.recorded, call.trace_id == s.trace_id)
            s.pause()
            s.resume()
    """, token)  # fmt: skip
    assert (answered.stdout.split(), answered.stderr) == (["False", "False", "True", "False", "True"], "")
    assert bench.spans() == bench.events() == []


def test_a_store_that_cannot_be_read_does_not_keep_the_program_from_going_on(bench):
    token = bench.run(ASK % "pass").stdout.strip()
    bench.named()
    for suffix in ("-wal", "-shm"):
        bench.home.store_path.with_name(bench.home.store_path.name + suffix).unlink(missing_ok=True)
    bench.home.store_path.write_bytes(b"not a store at all" * 1000)
    answered = bench.run(ANSWER + "    print(s.recorded)", token)
    assert (answered.returncode, answered.stdout) == (0, "False\n")
    assert "a paused span cannot be read" in answered.stderr


def test_a_model_call_is_admitted_by_the_module_that_makes_it(bench):
    """Neither the module that makes the span nor the one that makes the event is asked, but their caller."""
    bench.write("""
        import flightlog as fl

        with fl.llm("m") as call:
            call.chunk(3)
        fl.prompt_built({"system": "be brief"})
    """, "talking.py")  # fmt: skip
    result = bench.run("import talking", env={"FLIGHTLOG_LEVEL": "off,talking=trace"})
    assert (result.returncode, result.stderr) == (0, "")
    assert [span.name for span in bench.spans()] == ["chat m"]
    assert [event.name for event in bench.events()] == ["chunk"]


def test_the_keyed_hash_of_a_prompt_s_part_is_the_same_in_every_process_of_a_home(bench):
    source = """
        import sys
        import flightlog as fl

        with fl.span("s"):
            fl.prompt_built({"system": "be brief", "user": sys.argv[1]})
    """
    for question in ("one?", "two?"):
        bench.run(source, question)
    one, two = [event.attributes["components"] for event in bench.events()]
    assert one["system"] == two["system"]
    assert one["user"] != two["user"]


TWO = """
    import sys
    import flightlog as fl

    span = fl.resume(sys.argv[1], sys.argv[2])
    print("taken", flush=True)
    sys.stdin.readline()
    with span:
        span.output = sys.argv[2]
"""


def test_two_processes_that_take_up_one_pause_are_both_kept_and_told(bench):
    token = bench.run(ASK % "pass").stdout.strip()
    both = [bench.start(TWO, token, answer) for answer in ("yes", "no")]
    for one in both:
        assert one.stdout.readline() == "taken\n"
    for one in both:
        assert one.communicate("go\n", timeout=60) == ("", "")
    assert [event.attributes.get("value") for event in bench.events() if event.name == "resume"] == [
        "yes",
        "no",
    ]
    assert bench.named()["job"].output == "no"
    told = bench.flightlog("trace", "@latest").stdout
    assert "resumed_twice: 1 span, went on in more places than it had been paused" in told


def test_an_answer_after_a_death_is_no_second_one(bench):
    token = bench.run(ASK % "pass").stdout.strip()
    for last in ("os.kill(os.getpid(), signal.SIGKILL)", "pass"):
        bench.run(f"""
            import os, signal, sys
            import flightlog as fl

            with fl.resume(sys.argv[1], "yes"):
                {last}
        """, token)  # fmt: skip
    resumed = [event.attributes for event in bench.events() if event.name == "resume"]
    assert resumed == [{"value": "yes"}, {"value": "yes", "again": True}]
    assert bench.named()["job"].status == "ok"
    assert "resumed_twice" not in bench.flightlog("trace", "@latest").stdout
