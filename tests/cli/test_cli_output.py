"""Standard output is ours while a command runs, whoever gave it."""

from __future__ import annotations

import gc
import os
import sys

from flightlog.cli import output


def test_the_descriptor_of_what_was_there_before_stays_ours(tmp_path, monkeypatch):
    """Were it closed, the next file that is opened would have its number, and get what was meant for a terminal."""
    monkeypatch.setattr(sys, "stdout", (tmp_path / "told").open("w", encoding="utf-8"))
    output.watch()
    gc.collect()
    with (tmp_path / "other").open("wb"):
        print("words")
        sys.stdout.flush()
    assert (tmp_path / "other").read_bytes() == b""
    assert (tmp_path / "told").read_text(encoding="utf-8") == f"words{os.linesep}"
    former = sys.stdout.buffer.raw.former
    monkeypatch.undo()
    former.close()
