"""Every way out shows what the gate let in and no more: the console as it happens, and each command afterwards."""

from __future__ import annotations

import json

import pytest

from flightlog._speed import presence

SHAPED = "sk-" + "ant-" + "api03-" + "Zq7Wv2Bn" * 8
EXACT = "plain-Looking-Words-of-the-house"
LATER = "Swordfish of May"
"""Nothing tells that it is a secret until somebody says so."""

PROGRAM = """
    import os, sys
    import flightlog as fl

    secret = os.environ["SECRET_OF_THE_TEST"]

    @fl.traced(name=f"traced {secret}", kind="tool")
    def work(argument):
        raise ValueError(f"no: {argument}")

    with fl.bind(session=f"of {secret}", job=secret):
        with fl.span(f"name {secret}", kind="agent", input={"q": f"to {secret}", "later": "Swordfish of May"}) as s:
            s.set(note=f"n {secret}", **{f"key {secret}": 1})
            fl.event(f"event {secret}", body=f"body {secret}", more=secret)
            said = f'"{secret}", it said.'
            fl.narrate(f"tell {secret}", secret, human=f"It is {secret}.", cute=f"{secret}!", story=said)
            fl.narrate("warn", "it", human=f"Beware of {secret}.", level="warn")
            fl.prompt_built({"system": f"you know {secret}"})
            for _ in range(5):
                try:
                    work(secret)
                except ValueError:
                    pass
            with fl.span("failing") as f:
                f.fail(f"it was {secret}", type=f"Error of {secret}", stack=f"Traceback\\n  {secret}")
            with fl.llm("m", provider="p", messages=[{"role": "user", "content": f"use {secret}"}]) as call:
                call.output = f"used {secret}, Swordfish of May"
            s.pause(f"waits for {secret}")
            s.resume(secret)
            s.output = f"done with {secret}"
    fl.flush()
"""

ENGINES = (
    "pure",
    pytest.param(
        "compiled", marks=pytest.mark.skipif(presence.CORE is None, reason=presence.ABSENCE or "it is there")
    ),
)


def _run(bench, secret, **env):
    result = bench.run(PROGRAM, env={"SECRET_OF_THE_TEST": secret, **env})
    assert result.returncode == 0, result.stderr
    return result


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("mode", "view"), [("live", "human"), ("live", "story"), ("tree", "cute"), ("summary", "human")]
)
def test_the_console_shows_no_secret_in_any_mode_or_voice(bench, mode, view, engine):
    for secret in (SHAPED, EXACT):
        shown = _run(
            bench, secret, FLIGHTLOG_CONSOLE=mode, FLIGHTLOG_VIEW=view, FLIGHTLOG_ENGINE=engine, COLUMNS="400"
        ).stderr
        assert "[REDACTED]" in shown
        assert secret not in shown
        assert secret[:16] not in shown


@pytest.mark.parametrize("sink", ["stderr", "logging", "jsonl:{}", "stderr,jsonl:{}"])
def test_no_other_sink_is_given_a_secret(bench, sink):
    copy = bench.directory / "copy.jsonl"
    result = _run(bench, SHAPED, FLIGHTLOG_SINKS=sink.format(copy))
    told = result.stdout + result.stderr + (copy.read_text() if copy.exists() else "")
    assert SHAPED not in told
    assert SHAPED[:16] not in told


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("share", ["0", "0.5", "1"])
def test_of_a_trace_that_was_not_chosen_nothing_is_shown_or_kept_and_of_others_no_secret(
    bench, share, engine
):
    result = _run(bench, SHAPED, FLIGHTLOG_SAMPLE=share, FLIGHTLOG_CONSOLE="live", FLIGHTLOG_ENGINE=engine)
    kept = b"".join(path.read_bytes() for path in bench.home_path.rglob("*") if path.is_file())
    assert SHAPED.encode() not in kept
    assert SHAPED not in result.stdout + result.stderr
    if share == "0":
        assert "failing" not in result.stderr
        assert b"failing" not in kept
    if share == "1":
        assert "failing" in result.stderr


FORMATS = (
    *("jsonl", "json", "csv", "parquet", "otlp", "otlp-proto", "mermaid", "mermaid-sequence", "dot"),
    *("perfetto", "speedscope", "html", "story"),
)
BEFORE = {"SECRET_OF_THE_TEST": ""}


@pytest.fixture
def recorded(bench):
    """A home with a trace of each secret, twice, so that there is something to compare."""
    for secret in (SHAPED, EXACT):
        for _ in range(2):
            _run(bench, secret)
    return bench


def _said(bench, *words, env=BEFORE):
    result = bench.flightlog(*words, env=env)
    assert result.returncode in (0, 1), result.stderr
    return result.stdout + result.stderr


def test_no_export_brings_a_secret_back(recorded):
    for form in FORMATS:
        target = recorded.directory / f"all.{form}"
        words = ("--format", form, "-o", str(target)) + (("--rows", "spans") if form == "csv" else ())
        result = recorded.flightlog("export", *words, env=BEFORE)
        assert result.returncode == 0, (form, result.stderr)
        found = target.read_bytes()
        assert found, form
        for secret in (SHAPED, EXACT):
            assert secret.encode() not in found, form
            assert json.dumps(secret)[1:-1].encode() not in found, form


COMMANDS = (
    ("list", "--json"),
    ("show", "@latest"),
    ("show", "@latest", "--json"),
    ("trace", "@latest", "--width", "300"),
    ("story", "@latest"),
    ("story", "@latest", "--view", "story"),
    ("spans", "@latest", "--json"),
    ("search", "REDACTED", "--json"),
    ("failures", "--json"),
    ("failures",),
    ("stats", "--json"),
    ("diff", "--all"),
    ("diff", "@latest", "@-3", "--all"),
    ("diff", "--json"),
    ("lint", "@latest"),
    ("lint", "@latest", "--json"),
    ("lint-narration", "@latest"),
    ("sql", "select * from spans"),
    ("doctor", "--json"),
    (
        "golden",
        "save",
        "mine",
        "@latest",
        "--events",
        "--field",
        "input.q",
        "--field",
        "job",
        "--field",
        "output",
    ),
    ("golden", "check", "mine", "@-3", "--events", "--field", "input.q"),
)


def test_no_command_shows_a_secret_or_writes_one_into_a_file(recorded):
    for words in COMMANDS:
        said = _said(recorded, *words)
        assert said, words
        for secret in (SHAPED, EXACT, SHAPED[:16]):
            assert secret not in said, words
    files = [path.read_text() for path in recorded.directory.rglob("golden/*")]
    assert len(files) == 1
    for secret in (SHAPED, EXACT, SHAPED[:16]):
        assert secret not in files[0]


def test_a_value_that_is_named_later_leaves_no_more_where_an_export_is_asked_to_redact(recorded):
    env = {**BEFORE, "FLIGHTLOG_REDACT_VALUES": LATER}
    for form in FORMATS:
        target = recorded.directory / f"later.{form}"
        words = ("export", "--redact", "mask", "--format", form, "-o", str(target))
        result = recorded.flightlog(*words, *(("--rows", "spans") if form == "csv" else ()), env=env)
        assert result.returncode == 0, (form, result.stderr)
        assert LATER.encode() not in target.read_bytes(), form


def test_a_value_that_is_named_later_stays_where_it_was_written_and_in_an_export_that_is_as_recorded(
    recorded,
):
    env = {**BEFORE, "FLIGHTLOG_REDACT_VALUES": LATER}
    assert LATER in _said(recorded, "export", "--format", "jsonl", env=env)
    assert LATER in _said(recorded, "show", "@latest", "--json", env=env)
