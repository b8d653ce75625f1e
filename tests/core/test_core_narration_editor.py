"""Editorial warnings: while somebody develops, each finding is told once a line, at the line that spoke."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import flightlog as fl
from flightlog.core import editor as editing
from flightlog.core import memo
from flightlog.core.capture import Encoder, Limits
from flightlog.records.editorial import MOST_A_REQUEST
from flightlog.records.errors import EditorialWarning
from flightlog.redaction.gate import DefaultGate

LONG = "Dispatched a job whose name " + "goes on and on " * 8 + "at last."
SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20


@pytest.fixture
def developing(seen):
    """Somebody develops, for this test."""
    editing.use("on", "")
    yield seen
    editing.use("off", "")


def rules(caught):
    return [warning.message.rule for warning in caught if isinstance(warning.message, EditorialWarning)]


def heard(call):
    """The editorial warnings of one call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return caught


def test_a_finding_is_warned_of_at_the_line_that_speaks(developing):
    with pytest.warns(EditorialWarning, match=r"more than 100 at level info.*\(human-length\)") as caught:
        fl.narrate("dispatch", human=LONG)
    (warning,) = caught
    assert warning.filename == __file__
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert lines[warning.lineno - 1].strip() == 'fl.narrate("dispatch", human=LONG)'
    (event,) = developing.events
    assert event.body == LONG


def test_each_finding_is_told_once_a_line(developing):
    def speak():
        fl.narrate("dispatch", human=LONG, cute="no wink")

    assert sorted(rules(heard(speak))) == ["cute-emoji", "human-length"]
    assert heard(speak) == []
    assert rules(heard(lambda: fl.narrate("dispatch", human=LONG))) == ["human-length"]
    assert len(developing.events) == 3


def test_a_good_narration_is_not_warned_of(developing):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fl.narrate(
            "dispatch", "job-1", human="Dispatched job-1.", cute="🐝 off", story='"Go!" said the queue.'
        )
        fl.narrate("dispatch")


def test_a_secret_in_a_target_is_warned_of(developing):
    caught = heard(lambda: fl.narrate("login", SECRET))
    assert rules(caught) == ["secret"]
    assert SECRET not in str(caught[0].message)


def test_a_secret_is_warned_of_and_not_told(developing):
    caught = heard(lambda: fl.narrate("dispatch", human=f"Used {SECRET} for it."))
    assert rules(caught) == ["secret"]
    assert SECRET not in str(caught[0].message)


def test_the_tense_of_what_is_over_is_checked_after_a_call(developing):
    @fl.narrates("Dispatching {job}")
    def dispatch(job):
        pass

    caught = heard(lambda: dispatch(1))
    assert rules(caught) == ["human-tense"]
    assert caught[0].filename == __file__
    assert caught[0].lineno == dispatch.__wrapped__.__code__.co_firstlineno
    assert heard(lambda: fl.narrate("dispatch", human="Dispatching it")) == []


def test_too_many_narrations_are_warned_of_once_a_trace(developing):
    def request():
        with fl.span("request"):
            for _ in range(MOST_A_REQUEST + 10):
                fl.narrate("step")

    for _ in range(2):
        assert rules(heard(request)) == ["too-many"]
    with fl.span("small request"):
        assert heard(lambda: fl.narrate("step")) == []
    assert heard(lambda: [fl.narrate("step") for _ in range(MOST_A_REQUEST + 10)]) == []


def test_what_is_not_recorded_is_not_warned_of(developing):
    def quiet():
        with fl.mute():
            fl.narrate("dispatch", human=LONG)
        fl.narrate("dispatch", human=LONG, level="off")

    assert heard(quiet) == []


def test_a_filter_of_the_program_may_make_it_an_exception_after_it_was_recorded(developing):
    @fl.narrates(LONG)
    def work(fail=None):
        if fail:
            raise fail

    with pytest.raises(EditorialWarning):
        fl.narrate("dispatch", human=LONG)
    with pytest.raises(EditorialWarning):
        work()
    assert len(developing.events) == 2


def test_an_exception_of_the_program_goes_before_a_warning(developing):
    @fl.narrates("x", failed=LONG + " {error}" * 20)
    def work():
        raise ValueError("bad date")

    with pytest.raises(ValueError, match="bad date"):
        work()


def test_a_display_of_warnings_that_fails_breaks_nothing(developing, monkeypatch):
    def show(*_args, **_kwargs):
        raise OSError("no terminal")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        fl.narrate("dispatch", human=LONG)
    assert len(developing.events) == 1


def test_a_gate_that_fails_costs_the_advice_and_nothing_else(developing, monkeypatch):
    def fail(_text):
        raise RuntimeError("no gate")

    monkeypatch.setattr(memo, "redacted", fail)
    assert heard(lambda: fl.narrate("dispatch", human=LONG)) == []
    assert len(developing.events) == 1


def test_what_was_told_is_forgotten_in_time(developing, monkeypatch):
    monkeypatch.setattr(editing, "_MOST_SAID", 2)
    monkeypatch.setattr(editing, "_MOST_TRACES", 2)
    for line in range(10):
        space = {"__name__": "app", "fl": fl, "LONG": LONG}
        code = compile("\n" * line + "fl.narrate('a', human=LONG)", "app.py", "exec")
        with fl.span("s"):
            assert rules(heard(lambda code=code, space=space: exec(code, space))) == ["human-length"]
    assert len(editing.editor._said) <= 2
    assert len(editing.editor._counts) <= 2


@pytest.mark.parametrize(
    ("choice", "environment", "is_on"),
    [
        ("on", "production", True),
        ("off", "dev", False),
        ("auto", "default", bool(sys.flags.dev_mode)),
        ("auto", "dev", True),
        ("auto", " Development ", True),
        ("auto", "local", True),
        ("auto", "devices", bool(sys.flags.dev_mode)),
    ],
)
def test_the_setting_and_the_environment_decide(choice, environment, is_on):
    editing.use(choice, environment)
    assert editing.editor.is_on is is_on
    editing.use("off", "")


@pytest.mark.parametrize(
    ("options", "environ", "warned"),
    [
        (["-X", "dev"], {}, True),
        ([], {}, False),
        ([], {"FLIGHTLOG_ENVIRONMENT": "development"}, True),
        (["-X", "dev"], {"FLIGHTLOG_EDITORIAL": "off"}, False),
        ([], {"FLIGHTLOG_EDITORIAL": "on"}, True),
    ],
)
def test_a_program_is_warned_where_it_is_developed(tmp_path, options, environ, warned):
    program = tmp_path / "nightly.py"
    program.write_text("import flightlog as fl\n\nfl.narrate('dispatch', human='x ' * 100)\n")
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("FLIGHTLOG_", "PYTHONDEV"))
    }
    done = subprocess.run(
        [sys.executable, *options, str(program)],
        env={**kept, "FLIGHTLOG_HOME": str(tmp_path / "home"), **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("nightly.py:3: EditorialWarning: the plain sentence has" in done.stderr) is warned


def test_a_level_that_there_is_not_is_told_of_once_a_line_also_where_nobody_develops(seen):
    def speak():
        fl.narrate("dispatch", human="Dispatched.", level="nonsense")

    (warning,) = heard(speak)
    assert warning.message.rule == "level"
    assert str(warning.message).startswith(
        "no level 'nonsense': taken as info; there are trace, debug, info,"
    )
    assert warning.filename == __file__
    assert heard(speak) == []
    assert [event.level for event in seen.events] == ["info", "info"]
    assert seen.events[0].attributes["flightlog.capture_error"].startswith("no level 'nonsense'")


@pytest.mark.parametrize("level", [7, None, ["info"], "x" * 5000, SECRET])
def test_a_level_that_there_is_not_raises_nothing_in_production_whatever_the_filters_say(seen, level):
    counted, before = [], memo._encoder
    memo.use(Encoder(DefaultGate(b""), Limits(), lambda: counted.append(1)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fl.narrate("dispatch", human="Dispatched.", level=level)
            fl.narrates("Worked", level=level)(lambda: None)()
    finally:
        memo.use(before)
    assert [event.level for event in seen.events] == ["info", "info"]
    assert counted == [1, 1]
    assert all(
        SECRET not in str(event.attributes) and len(str(event.attributes)) < 600 for event in seen.events
    )


def test_a_decorator_with_a_level_that_there_is_not_is_warned_of_where_it_stands(seen):
    def decorate():
        return fl.narrates("Worked", level="loud")(lambda: None)

    (warning,) = heard(decorate)
    assert (warning.filename, warning.message.rule) == (__file__, "level")
    decorate()()
    assert [event.level for event in seen.events] == ["info"]
