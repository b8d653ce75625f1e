"""`instrument` from within the package's own import: what is half made is waited for."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import flightlog as fl
{before}

class Early:
    \"\"\"Is asked for one of the package's own modules, in the middle of its import.\"\"\"
    def find_spec(self, name, path=None, target=None):
        if name == "openai._client":
            sys.meta_path.remove(self)
            assert not hasattr(sys.modules["openai"], "OpenAI")
            fl.instrument("openai")
            {during}

sys.meta_path.insert(0, Early())
import openai
assert Early not in map(type, sys.meta_path), "nobody asked"
print(hasattr(openai.OpenAI.request, "_flightlog_original"))
"""


@pytest.mark.parametrize(
    ("before", "during", "told"),
    [
        ("", "", "True"),
        ("fl.instrument('openai')", "", "True"),
        ("", "fl.instrument('openai')", "True"),
        ("", "fl.uninstrument('openai')", "False"),
    ],
)
def test_a_package_that_is_instrumented_in_the_middle_of_its_import_is_recorded(
    tmp_path, before, during, told
):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before, during=during)],
        env={"FLIGHTLOG_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == (told, "")


UNTOLD = """
            try:
                fl.instrument(object())
            except ValueError as error:
                print(type(error).__name__)
"""


def test_a_client_cannot_be_told_in_the_middle_of_the_import_and_that_is_said(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before="", during=UNTOLD)],
        env={"FLIGHTLOG_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.stdout.split(), done.stderr) == (["BadQuestion", "True"], "")
