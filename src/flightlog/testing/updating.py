"""Whether golden files are written instead of compared, and which were: asked for on the command line."""

from __future__ import annotations

import os
from typing import Final

VARIABLE: Final = "FLIGHTLOG_UPDATE"
"""Set to 1, asks for it outside of pytest."""


class Updating:
    """What was asked for in this process, and what came of it."""

    def __init__(self) -> None:
        self.asked = False
        self.has_option = False
        """Whether pytest runs with our plugin, so that its option can be named."""
        self.written: list[str] = []
        """Files, since somebody took the list."""
        self.texts: dict[str, str] = {}
        """What each file was found or written to hold: two tests that want different things of one never agree."""

    @property
    def is_on(self) -> bool:
        """Whether a file that does not match is written."""
        return self.asked or os.environ.get(VARIABLE, "") not in {"", "0"}

    def line_to_run(self) -> str:
        """The command, or what comes nearest to it, that writes the files of the test that runs."""
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
        if self.has_option and test:
            return f"pytest {_quoted(test)} --flightlog-update"
        return f"{VARIABLE}=1, then the same command again"

    def take_written(self) -> list[str]:
        """The files written since this was called last."""
        written, self.written = self.written, []
        return written


def _quoted(text: str) -> str:
    return text if not set(text) & set(" []()'\"$`\\!*?;&|<>#~") else "'" + text.replace("'", "'\\''") + "'"


updating: Final = Updating()
"""The one of this process."""
