"""Whether golden files are written instead of compared, and which were: asked for on the command line."""

from __future__ import annotations

import os
from hashlib import blake2b
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
        self.settled: dict[str, str] = {}
        """The same as digests by the file's shown name, since somebody took them: to compare with other processes."""

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

    def settle(self, path: str, name: str, text: str) -> str:
        """Say what a file is to hold; gives what it was to hold until now, which is this text where nobody said."""
        first = self.texts.setdefault(path, text)
        self.settled[name] = blake2b(first.encode(), digest_size=16).hexdigest()
        return first

    def take_settled(self) -> dict[str, str]:
        """What files are to hold, of those that somebody spoke of since this was called last."""
        settled, self.settled = self.settled, {}
        return settled

    def take_written(self) -> list[str]:
        """The files written since this was called last."""
        written, self.written = self.written, []
        return written


def _quoted(text: str) -> str:
    return text if not set(text) & set(" []()'\"$`\\!*?;&|<>#~") else "'" + text.replace("'", "'\\''") + "'"


updating: Final = Updating()
"""The one of this process."""
