"""A standard error of a test's own."""

from __future__ import annotations

import io


class Screen(io.StringIO):
    """Takes what is written, and claims to be a terminal if it is told to."""

    def __init__(self, *, terminal=False, encoding="utf-8"):
        super().__init__()
        self._terminal = terminal
        self._encoding = encoding

    def isatty(self):
        return self._terminal

    @property
    def encoding(self):
        return self._encoding

    @property
    def lines(self):
        return self.getvalue().splitlines()
