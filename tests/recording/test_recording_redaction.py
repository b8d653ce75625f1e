"""Nothing secret reaches the disk, whichever way it came in; and what a secret's place holds is what settings say."""

from __future__ import annotations

import json
import os

import pytest

SHAPED = "sk-" + "ant-" + "api03-" + "Zq7Wv2Bn" * 8
"""Of no provider: known by its shape."""
EXACT = "plain-Looking-Words-of-the-house"
"""Known because an environment variable has it."""

EVERYWHERE = """
    import asyncio, logging, os, sys, threading
    import flightlog as fl
    from flightlog.integrations.logs import LogHandler
    from flightlog.steps import ExecutionTrace, StepType

    secret = os.environ["SECRET_OF_THE_TEST"]
    logging.getLogger().addHandler(LogHandler())

    def say(text):
        @fl.traced(name=f"traced {text}", tags=[text], attributes={"note": text})
        def work(argument):
            raise ValueError(f"no: {argument}")

        with fl.bind(session=text, user=text, tags=[text, f"x {text} y"], job=text):
            with fl.span(f"name {text}", kind=f"kind {text}", input={"q": [text, {"deep": f"a {text} b"}]}) as s:
                s.set(note=f"n {text}", **{f"key {text}": 1})
                s.set_attributes({"http.url": f"https://a.example/?k={text}"})
                s.output = (text, text.encode(), {text: text})
                fl.event(f"event {text}", body=f"body {text}", more={"x": text})
                fl.narrate("tell", text, human=f"It is {text}.", cute=text, story=f'"{text}", it said.', actor=text)
                fl.prompt_built({"system": text})
                logging.getLogger("app").warning("logged %s", text, extra={"beside": text})
                try:
                    work(text)
                except ValueError:
                    logging.getLogger("app").exception("failed with %s", text)
                with fl.span("failing") as f:
                    f.fail(f"it was {text}", stack=f"Traceback\\n  {text}")
                with fl.llm("m", provider="p", messages=[{"role": "user", "content": text}], tools=[{"d": text}]) as c:
                    c.output = text
                s.pause(f"waits for {text}")
                s.resume(text)
                fl.run_process([sys.executable, "-c", f"print('out {text}')"])
                thread = threading.Thread(target=lambda: fl.event("in thread"), name=f"thread {text}")
                thread.start()
                thread.join()

                async def told():
                    with fl.span("in a task"):
                        pass

                async def main():
                    await asyncio.create_task(told(), name=f"task {text}")

                asyncio.run(main())
        trace = ExecutionTrace()
        trace.start_step_with_data(StepType.RETRIEVAL, f"step {text}", {"query": text})
        trace.end_step_with_data({"found": text})
        trace.save()

    say(secret)
    say(f"[{secret}]")
    print("said", file=sys.stdout)
"""


def _bytes_on_disk(bench):
    found = b"".join(path.read_bytes() for path in bench.home_path.rglob("*") if path.is_file())
    assert found
    return found


@pytest.mark.parametrize("secret", [SHAPED, EXACT], ids=["known by its shape", "known from the environment"])
def test_a_secret_in_every_field_from_every_door_reaches_neither_journal_nor_store(bench, secret):
    env = {
        "SECRET_OF_THE_TEST": secret,
        "FLIGHTLOG_EXIT_DRAIN": "0",
        "FLIGHTLOG_SERVICE": f"service {secret}",
        "FLIGHTLOG_ENVIRONMENT": f"environment {secret}",
        "FLIGHTLOG_VERSION": f"version {secret}",
        "FLIGHTLOG_SINKS": f"store,jsonl:{bench.directory / 'copy.jsonl'}",
    }
    result = bench.run(EVERYWHERE, secret, f"--token={secret}", env=env)
    assert "said" in result.stdout, result.stderr
    needle = secret.encode()
    assert needle not in _bytes_on_disk(bench)
    assert needle not in (bench.directory / "copy.jsonl").read_bytes()
    exported = bench.flightlog("export", "--format", "jsonl", env={"SECRET_OF_THE_TEST": ""})
    assert exported.returncode == 0, exported.stderr
    assert len(exported.stdout.splitlines()) > 30
    assert "[REDACTED]" in exported.stdout
    assert secret not in exported.stdout
    assert needle not in _bytes_on_disk(bench)


LATE = """
    import os, sys
    import flightlog as fl

    with fl.span("before", note="Loaded-Later-From-A-File") as s:
        os.environ["PAYMENT_SECRET"] = "Loaded-Later-From-A-File"
        fl.event("Loaded-Later-From-A-File", body="it is Loaded-Later-From-A-File.")
        os.environ.update(DATABASE_URL="postgres://u:Geheimnis-42@h/db")
        s.output = "the password is Geheimnis-42"
    fl.flush()
"""


def test_a_secret_that_comes_into_the_environment_later_is_looked_for_from_then_on(bench):
    bench.run(LATE)
    text = bench.flightlog("export", "--format", "jsonl").stdout
    assert text.count("Loaded-Later-From-A-File") == 1  # what was said before nobody could know
    assert "it is [REDACTED]." in text
    assert "the password is [REDACTED]" in text


REMEMBERED = """
    import os
    import flightlog as fl

    @fl.traced
    def pay(order, note):
        return note

    def paid(note):
        for _ in range(2):
            pay("o-1", note)
        with fl.span("by hand", input={"order": "o-1", "note": note}):
            pass

    note = "Swordfish-77-Of-May"
    paid(note)
    os.environ["SHOP_SECRET"] = note
    paid(note)
    fl.configure(redact_keys=["order"])
    paid("plain")
"""


def test_a_text_or_a_name_that_was_written_often_is_looked_at_anew_when_it_has_become_secret(bench):
    bench.run(REMEMBERED)
    inputs = [span["input"] for span in sorted(_spans(bench), key=lambda span: span["start"])]
    assert inputs == [
        *[{"order": "o-1", "note": "Swordfish-77-Of-May"}] * 3,
        *[{"order": "o-1", "note": "[REDACTED]"}] * 3,
        *[{"order": "[REDACTED]", "note": "plain"}] * 3,
    ]


REPLACED = """
    import os, sys
    import flightlog as fl

    with fl.span("first"):
        pass
    os.environ["PAYMENT_SECRET"] = "The-Second-Of-Them"
    os.putenv("OTHER_SECRET", "Put-Past-The-Mapping")
    os.environ["PAYMENT_SECRET"] = "The-Third-Of-Them"
    del os.environ["PAYMENT_SECRET"]
    os.environ["MORE_SECRET"] = "Something-Else-Again"
    fl.event("used", body="The-First-Of-Them The-Second-Of-Them The-Third-Of-Them Put-Past-The-Mapping")
    fl.run_process([sys.executable, "-c", "import os; print(os.environ['OWN_TOKEN'])"],
                   env={**os.environ, "OWN_TOKEN": "Of-The-Child-Alone-1"})
"""


def test_a_secret_that_was_replaced_or_given_to_a_child_alone_is_looked_for_as_well(bench):
    bench.run(REPLACED, env={"PAYMENT_SECRET": "The-First-Of-Them"})
    text = bench.flightlog("export", "--format", "jsonl").stdout
    assert '"[REDACTED] [REDACTED] [REDACTED] [REDACTED]"' in text
    assert "Of-The-Child" not in text


def test_a_secret_that_is_no_utf8_does_not_keep_a_program_from_recording(bench):
    bench.run(LATE, env={"SHOP_TOKEN": os.fsdecode(b"\xff\xfegeheim-12-Z")})
    assert bench.spans()


BUSY = """
    import os
    import flightlog as fl

    class Busy(dict):
        def __iter__(self):
            raise RuntimeError("dictionary changed size during iteration")

    with fl.span("work"):
        os.environ["ORDER_TOKEN"] = os.fsdecode(b"\\xff\\xfegeheim-12-Z")
        os.environ._data = Busy(os.environ._data)
        os.environ["PAYMENT_TOKEN"] = "Set-In-A-Hurry-2"
        fl.event("used", body=os.environ["ORDER_TOKEN"] + " Set-In-A-Hurry-2")
        os.environ._data = dict(os.environ._data.items())
"""


def test_no_variable_that_a_program_sets_raises_and_each_is_looked_for(bench):
    bench.run(BUSY)
    assert '"[REDACTED] [REDACTED]"' in bench.flightlog("export", "--format", "jsonl").stdout


def test_who_records_nothing_has_an_environment_that_nobody_watches(bench):
    source = """
        import os
        import flightlog as fl

        plain = os.putenv
        with fl.span("s"):
            pass
        print(os.putenv is plain)
        fl.configure(enabled=False)
        with fl.span("s"):
            pass
        print(os.putenv is plain)
    """
    assert bench.run(source).stdout.split() == ["False", "True"]
    assert bench.run(source, env={"FLIGHTLOG_ENABLED": "0"}).stdout.split() == ["True", "True"]
    assert bench.run(source, env={"FLIGHTLOG_REDACT_ENVIRONMENT": "0"}).stdout.split() == ["True", "True"]


STEERED = """
    import flightlog as fl

    key = "gh" + "p_" + "Ab3" * 12
    for _ in range(2):
        with fl.span("s", note=f"uses {key} now", mail="ada@example.org", ssn="078051120", hush="so hush-hush it is"):
            pass
    fl.flush()
"""


@pytest.mark.parametrize(
    ("redact", "note"),
    [
        ("mask", "uses [REDACTED] now"),
        ("last4", "uses [REDACTED …bAb3] now"),
        ("drop", "[REDACTED: dropped]"),
        ("hash,github_token=mask", "uses [REDACTED] now"),
    ],
)
def test_what_stands_in_a_secrets_place_is_what_the_settings_say(bench, redact, note):
    bench.run(STEERED.replace('"Ab3" * 12', '"3Ab" * 11 + "bAb3"'), env={"FLIGHTLOG_REDACT": redact})
    assert {span["attributes"]["note"] for span in _spans(bench)} == {note}


def test_equal_secrets_have_equal_hashes_within_a_home_and_others_elsewhere(bench):
    env = {"FLIGHTLOG_REDACT": "hash"}
    bench.run(STEERED, env=env)
    bench.run(STEERED, env=env)
    notes = {span["attributes"]["note"] for span in _spans(bench)}
    assert len(notes) == 1
    bench.run(STEERED, env={**env, "FLIGHTLOG_HOME": str(bench.directory / "other")})
    other = bench.flightlog(
        "export", "--format", "jsonl", env={"FLIGHTLOG_HOME": str(bench.directory / "other")}
    )
    assert notes.pop() not in other.stdout


def test_a_project_file_names_values_keys_rules_and_what_is_none(bench):
    (bench.directory / "flightlog.toml").write_text("""
        redact = { "*" = "mask", email = "mask" }
        redact_values = ["hush-hush"]
        redact_keys = ["ssn"]
        redact_rules = { staff = 'uses (\\S+) now' }
    """)
    bench.run(STEERED)
    attributes = _spans(bench)[0]["attributes"]
    assert attributes == {
        "note": "uses [REDACTED] now",
        "mail": "[REDACTED]",
        "ssn": "[REDACTED]",
        "hush": "so [REDACTED] it is",
    }


def test_every_hit_is_counted_by_its_rule_and_no_value_is_shown_by_doctor(bench):
    env = {"FLIGHTLOG_REDACT_VALUES": "hush-hush,another-secret-text"}
    bench.run(STEERED, env=env)
    found = json.loads(bench.flightlog("doctor", "--json", env=env).stdout)
    assert found["redactions"]["github_token"] == 2
    assert found["redactions"]["exact_value"] == 2
    assert {"hush-hush", "another-secret-text"}.isdisjoint(json.dumps(found).split('"'))
    assert "hush" not in json.dumps(found)
    shown = bench.flightlog("doctor", env=env).stdout
    assert "github_token" in shown
    assert "2 withheld" in shown


@pytest.mark.parametrize(
    ("env", "complaint"),
    [
        ({"FLIGHTLOG_REDACT": "mask,no_such_rule=hash"}, "no_such_rule"),
        ({"FLIGHTLOG_REDACT": "mask,jason_web_token=off"}, "rules such as json_web_token"),
        ({"FLIGHTLOG_REDACT": "scramble=mix"}, "a mode (mask last4 hash drop)"),
        ({"FLIGHTLOG_REDACT": "off"}, "single rules can be switched off, redaction as a whole cannot"),
    ],
)
def test_a_bad_rule_in_the_environment_is_said_once_and_every_other_rule_holds(bench, env, complaint):
    result = bench.run(STEERED, env=env)
    assert result.returncode == 0
    assert result.stderr.count(complaint) == 1
    assert {span["attributes"]["note"] for span in _spans(bench)} == {"uses [REDACTED] now"}


def test_a_rule_of_the_program_that_fails_drops_the_value_and_never_the_rule(bench):
    bench.run("""
        import flightlog as fl

        def fussy(text):
            if "odd" in text:
                raise ValueError(text)
            return text.replace("inner", "outer")

        fl.configure(redact_rules={"fussy": fussy})
        for note in ("an odd one", "an inner one", "a plain one"):
            with fl.span("s", note=note):
                pass
        fl.flush()
    """)
    notes = [span["attributes"]["note"] for span in _spans(bench)]
    assert sorted(notes) == ["[REDACTED: rule failed]", "a plain one", "an outer one"]
    found = json.loads(bench.flightlog("doctor", "--json").stdout)
    assert found["losses"]["gate_errors"] == 1
    assert found["redactions"]["fussy"] == 1


WITHHELD = """
    import flightlog as fl

    with fl.span("asks", kind="agent", input="the question"):
        with fl.llm("m", provider="p", messages=[{"role": "user", "content": "the prompt"}]) as call:
            call.usage(input=3, output=4)
            call.output = "the answer"
    fl.flush()
"""


def test_a_kind_whose_content_is_withheld_keeps_everything_else_and_says_so(bench):
    bench.run(WITHHELD, env={"FLIGHTLOG_CONTENT": "all,llm=metadata"})
    asks, call = sorted(_spans(bench), key=lambda span: span["kind"])
    assert asks["input"] == "the question"
    assert "input" not in call
    assert "output" not in call
    assert call["attributes"]["flightlog.content"] == "metadata"
    assert call["attributes"]["gen_ai.usage.input_tokens"] == 3


def test_with_metadata_only_no_content_reaches_the_disk(bench):
    bench.run(WITHHELD, env={"FLIGHTLOG_CONTENT": "metadata", "FLIGHTLOG_EXIT_DRAIN": "0"})
    bench.flightlog("list")
    found = _bytes_on_disk(bench)
    assert b"asks" in found
    for content in (b"the question", b"the prompt", b"the answer"):
        assert content not in found


def test_with_metadata_only_the_hot_tier_keeps_arguments_and_results_out(bench):
    bench.run(
        """
        import flightlog as fl
        from flightlog import hot

        @hot.traced_fn
        def answer(question):
            return "the answer"

        with fl.span("asks"):
            answer("the question")
            hot.enter("by_hand", {"question": "the question"})
            hot.exit("by_hand", "the answer")
            hot.tiny("actor", "counted", "words", "it goes on")
        fl.flush()
        """,
        env={"FLIGHTLOG_CONTENT": "metadata", "FLIGHTLOG_LEVEL": "trace"},
    )
    lines = [
        json.loads(line)
        for line in bench.flightlog("export", "@latest", "--format", "jsonl").stdout.splitlines()
    ]
    told = [line["attributes"] for line in lines if line["type"] == "event"]
    assert [attributes.get("flightlog.content") for attributes in told] == ["metadata"] * 4 + [None]
    found = _bytes_on_disk(bench)
    assert b"it goes on" in found
    assert b"the question" not in found
    assert b"the answer" not in found


def test_redact_gives_back_what_would_be_recorded_without_recording_anything(bench):
    result = bench.run("""
        import json
        import flightlog as fl

        clean = "nothing secret in here"
        print(fl.redact(clean) is clean)
        print(json.dumps(fl.redact({"password": "x", "rows": [1, None, {"token": " the"}], "s": {"b", "a"}})))
    """)
    assert result.stdout.splitlines() == [
        "True",
        '{"password": "[REDACTED]", "rows": [1, null, {"token": " the"}], "s": ["a", "b"]}',
    ]
    assert not bench.home_path.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_looks_for_the_same_secrets(bench):
    bench.run(
        """
        import os
        import flightlog as fl

        with fl.span("parent"):
            pid = os.fork()
            if not pid:
                os.environ["CHILD_TOKEN"] = "Made-In-The-Child-1"
                with fl.span("child", note="House-Secret-77 and Made-In-The-Child-1"):
                    pass
                os._exit(0)
            os.waitpid(pid, 0)
        """,
        env={"HOUSE_PASSWORD": "House-Secret-77"},
    )
    child = next(span for span in _spans(bench) if span["name"] == "child")
    assert child["attributes"]["note"] == "[REDACTED] and [REDACTED]"


def _spans(bench):
    exported = bench.flightlog("export", "--format", "jsonl")
    assert exported.returncode == 0, exported.stderr
    records = [json.loads(line) for line in exported.stdout.splitlines()]
    return [record for record in records if record["type"] == "span"]
