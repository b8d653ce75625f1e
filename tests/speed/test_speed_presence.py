"""The compiled core says whether it is there, and is where it has to be."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from speed_kit import needs_core

from flightlog._speed import presence

_ASK = "from flightlog._speed import presence as p; print(p.is_there(), p.reason(), sep='|')"
_IN_A_SECOND_INTERPRETER = """
import sys
if sys.version_info >= (3, 13):
    import _interpreters
    interpreter = _interpreters.create("legacy")
    failure = _interpreters.exec(interpreter, "import flightlog._speed._core")
    print(failure.type.__name__, failure.msg, sep="|")
else:
    import _xxsubinterpreters as _interpreters
    interpreter = _interpreters.create(isolated=False)
    try:
        _interpreters.run_string(interpreter, "import flightlog._speed._core")
    except Exception as failure:
        print("ImportError" if "ImportError" in str(failure) else type(failure).__name__, failure, sep="|")
_interpreters.destroy(interpreter)
"""


def _said(code: str, **variables: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != presence.VARIABLE} | variables
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_it_is_there_or_says_why_not():
    there, reason = _said(_ASK).split("|")
    assert there in ("True", "False")
    assert reason
    assert (there == "True") == (reason == "the compiled core is there")


def test_it_stays_away_where_the_pure_engine_is_asked_for():
    assert _said(_ASK, FLIGHTLOG_ENGINE="pure") == "False|FLIGHTLOG_ENGINE=pure"


def test_without_its_file_the_reason_is_the_importer_s():
    hidden = "import sys; sys.modules['flightlog._speed._core'] = None; " + _ASK
    there, reason = _said(hidden).split("|")
    assert there == "False"
    assert "_core" in reason


_ENGINE = "from flightlog.core import engine; print(engine.NAME, engine.REASON, sep='|')"


@needs_core
def test_it_is_the_engine_unless_the_one_in_plain_python_is_asked_for():
    assert _said(_ENGINE) == "compiled|the compiled core is there"
    assert _said(_ENGINE, FLIGHTLOG_ENGINE=" Compiled ") == "compiled|FLIGHTLOG_ENGINE=compiled"
    assert _said(_ENGINE, FLIGHTLOG_ENGINE="pure") == "pure|FLIGHTLOG_ENGINE=pure"


def test_an_engine_that_nobody_knows_is_said_to_be_none_and_harms_nothing():
    told = (
        "import contextlib, io\n"
        "with contextlib.redirect_stderr(io.StringIO()) as said:\n"
        "    import flightlog.core.engine\n"
    )
    said = _said(f"{told}print(said.getvalue())", FLIGHTLOG_ENGINE="fast")
    assert said.startswith("flightlog: FLIGHTLOG_ENGINE is neither pure nor compiled; the ")
    assert _said(f"{told}print(said.getvalue())", FLIGHTLOG_ENGINE="pure") == ""


@needs_core
def test_one_that_was_built_from_other_sources_is_left_alone():
    stale = "import sys, types; sys.modules['flightlog._speed._core'] = types.ModuleType('_core'); "
    assert (
        _said(stale + _ENGINE)
        == "pure|the compiled core was built from other sources: install flightlog anew"
    )


@pytest.mark.skipif(not os.environ.get("CI"), reason="only the pipeline has to have a compiler")
def test_the_pipeline_has_it():
    assert presence.is_there() or os.environ.get(presence.VARIABLE) == "pure", presence.reason()


@needs_core
def test_another_interpreter_of_the_process_cannot_import_it():
    kind, said = _said(_IN_A_SECOND_INTERPRETER).split("|")
    assert kind == "ImportError"
    assert "interpreter" in said


@needs_core
def test_importing_it_twice_gives_the_same_module():
    assert _said("from flightlog._speed import _core as a, _core as b; print(a is b)") == "True"
