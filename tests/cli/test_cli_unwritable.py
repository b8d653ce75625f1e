"""Commands over a store that can be read and not written: a full disk, a read-only one."""

from __future__ import annotations

import errno
import json
import os

import pytest
from click.testing import CliRunner

from flightlog.cli.main import commands
from flightlog.store.sqlite import connect


@pytest.fixture
def unwritable(recorded, home, monkeypatch):
    def refuse(*_args):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    (home / "journal").mkdir(exist_ok=True)
    monkeypatch.setattr(connect, "_enter_wal", refuse)
    return home


@pytest.mark.parametrize(
    "words", [("list",), ("trace", "@latest"), ("spans", "@latest"), ("show", "@latest")]
)
def test_what_the_store_holds_is_answered_and_that_it_cannot_be_written_is_said(unwritable, words):
    result = CliRunner().invoke(commands, [*words, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)
    assert "cannot be written (Read-only file system); the newest records may be missing" in result.stderr


def test_a_deletion_fails_with_the_reason(unwritable):
    result = CliRunner().invoke(commands, ["delete", "--yes", "--force", "@latest"])
    assert result.exit_code == 1
    assert "Read-only file system" in result.stderr


def test_the_self_check_of_a_home_says_why_nothing_came_back(unwritable):
    result = CliRunner().invoke(commands, ["doctor", "--json"])
    assert result.exit_code == 1
    (problem,) = json.loads(result.stdout)["problems"]
    assert "could not be written and read back" in problem
    assert "Read-only file system" in problem
