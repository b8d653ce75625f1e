"""The recorder goes into flujo and comes out of it, for all runners or for one; a failure of ours stays ours."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import textwrap

import pytest
from flujo import Flujo
from flujo.application import runner as runners
from flujo_kit import IS_NEW, Streaming, add, alone, ask, double, last_of, outputs, with_agent

import flightlog as fl
from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.integrations.flujo import recording, told, wrapping
from flightlog.recording import recorder
from flightlog.records.span import Span

EXECUTOR = wrapping._executor()[0]
METHODS = [
    (Flujo, "_run_async_impl" if IS_NEW else "run_async"),
    (Flujo, "resume_async"),
    (EXECUTOR, "execute" if IS_NEW else "execute_step"),
]


@pytest.fixture(autouse=True)
def unrecorded(monkeypatch):
    monkeypatch.setattr(recorder, "_said", set())
    fl.uninstrument()
    yield
    fl.uninstrument()


def names(captured):
    return [span.name for span in captured.spans]


def test_undoing_leaves_the_package_and_its_runners_as_they_were(runner):
    before = [vars(owner)[name] for owner, name in METHODS]
    made = runner(add >> double)
    hooks = list(made.hooks)
    with fl.instrument("flujo"):
        assert [vars(owner)[name] for owner, name in METHODS] != before
        with fl.capture():
            made.run(1)
        assert len(made.hooks) == len(hooks) + 1
    assert [vars(owner)[name] for owner, name in METHODS] == before
    assert made.hooks == hooks
    with fl.capture() as captured:
        made.run(2)
    assert names(captured) == ["inside add"]


def test_twice_is_recorded_once_and_undone_by_once(runner):
    first = fl.instrument("flujo")
    assert fl.instrument("flujo").libraries == ()
    with fl.capture() as captured:
        runner(alone(double)).run(1)
    assert sorted(names(captured)) == ["double", "pipe"]
    first.undo()
    with fl.capture() as captured:
        runner(alone(double)).run(1)
    assert names(captured) == []


def test_a_single_runner_is_recorded_with_what_is_in_it_and_others_are_not(runner):
    other, inner = runner(alone(double), "other"), runner(alone(double), "inner")
    single = runner(add >> inner.as_step("as step"), "single")
    with fl.instrument(single), fl.capture() as captured:
        other.run(1)
        inner.run(1)
        assert captured.spans == []
        single.run(1)
    assert sorted(names(captured)) == sorted(["single", "add", "inside add", "as step", "inner", "double"])
    with fl.capture() as captured:
        single.run(2)
    assert names(captured) == ["inside add"]
    assert wrapping._installation._installed is None


def test_a_single_runner_is_no_more_recorded_while_all_are(runner):
    made = runner(alone(double))
    with fl.instrument("flujo"), fl.instrument(made), fl.capture() as captured:
        made.run(1)
    assert sorted(names(captured)) == ["double", "pipe"]


def test_hooks_of_the_program_hear_what_they_would_hear(runner):
    heard = []

    async def hook(payload):
        heard.append(payload.event_name)

    def told():
        heard.clear()
        result = runner(add >> double, hooks=[hook]).run(1)
        return outputs(result), list(heard)

    plain = told()
    with fl.instrument("flujo"), fl.capture():
        assert told() == plain
    assert plain[1][0] == "pre_run"
    assert "post_step" in plain[1]


def test_a_runner_whose_own_tracing_is_off_is_recorded(runner):
    with fl.instrument("flujo"), fl.capture() as captured:
        result = runner(add >> double, enable_tracing=False).run(1)
    assert result.trace_tree is None
    assert sorted(names(captured)) == ["add", "double", "inside add", "pipe"]


def test_a_stream_gives_what_it_would_give(runner):
    def given():
        async def read():
            return [
                str(getattr(item, "data", item))
                async for item in runner(alone(with_agent("s", Streaming()))).run_async("q")
            ]

        return [piece for piece in asyncio.run(read()) if len(piece) == 1]

    plain = given()
    with fl.instrument("flujo"), fl.capture():
        assert given() == plain == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (told, "name_of"),
        (told, "about_run"),
        (told, "about_step"),
        (told, "of_outcome"),
        (told, "of_result"),
        (recording, "asked_of"),
    ],
)
def test_a_failure_of_ours_does_not_reach_the_program(runner, monkeypatch, capsys, owner, name):
    def fails(*_):
        raise LookupError("ours")

    monkeypatch.setattr(owner, name, fails)
    with fl.instrument("flujo"), fl.capture() as captured:
        result = runner(add >> double).run(3)
        with fl.span("after"):
            pass
    assert outputs(result) == [4, 8]
    assert next(span for span in captured.spans if span.name == "after").parent_id == ""
    begun = {record.span_id for record in captured.records if isinstance(record, Span)}
    assert begun == {span.span_id for span in captured.spans}  # each has ended
    said = capsys.readouterr().err
    assert "could not be recorded (LookupError: ours)" in said


def test_a_failure_of_ours_does_not_keep_a_run_from_going_on(runner, monkeypatch, capsys):
    def fails(*_):
        raise LookupError("ours")

    async def run():
        made = runner(ask() >> alone(with_agent("after", Streaming())))
        return await made.resume_async(await last_of(made.run_async("x")), "yes")

    with fl.instrument("flujo"), fl.capture():
        monkeypatch.setattr(wrapping._installation._installed._recording._waiting, "take", fails)
        assert outputs(asyncio.run(run()))[0] == "yes"
    assert "could not be found (LookupError: ours)" in capsys.readouterr().err


@pytest.mark.parametrize(("owner", "name"), METHODS)
def test_a_package_of_another_shape_is_left_alone_with_one_message(runner, monkeypatch, capsys, owner, name):
    made = runner(alone(double))
    original = vars(owner)[name]
    with monkeypatch.context() as patch:
        patch.delattr(owner, name)
        with fl.instrument("flujo"):
            assert all(not hasattr(vars(one).get(other), "_flightlog_original") for one, other in METHODS)
    assert vars(owner)[name] is original
    said = capsys.readouterr().err
    assert said.count("it is not recorded (Unfit: ") == 1
    with fl.capture():
        assert outputs(made.run(2)) == [4]


def test_a_runner_that_is_not_there_is_told_once(monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.delattr(runners, "Flujo")
        with fl.instrument("flujo"):
            pass
    assert capsys.readouterr().err.count("it has no flujo.application.runner.Flujo") == 1


PROGRAM = """
    import logging
    logging.disable(logging.CRITICAL)
    from flujo import Flujo, Pipeline, step

    @step
    async def double(x: int) -> int:
        return x * 2

    result = Flujo(Pipeline.from_step(double), pipeline_name="program").run(3)
    print(result.step_history[-1].output)
"""


def test_a_program_under_flightlog_run_is_recorded_without_a_change(place, monkeypatch):
    monkeypatch.setenv("FLIGHTLOG_HOME", str(place / "home"))
    program = place / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "flightlog", "run", str(program)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "6"), done.stderr
    home = Home.find(load_settings())
    home.catch_up(20)
    with home.reader() as reader:
        (trace,) = reader.traces(10)
        spans = {span.name: span for span in reader.spans(trace.trace_id)}
    assert spans["program"].kind == "workflow"
    assert spans["double"].parent_id == spans["program"].span_id
    assert spans["program"].parent_id
    with contextlib.suppress(FileNotFoundError):
        (place / "flujo_ops.db").unlink()
