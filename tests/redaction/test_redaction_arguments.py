"""The value after an option with a secret's name is not shown."""

from __future__ import annotations

import pytest

from flightlog.redaction.arguments import redacted_arguments
from flightlog.redaction.gate import DefaultGate


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("prog.py --password hunter2 --verbose x", "prog.py --password [REDACTED] --verbose x"),
        ("--api-key abc def", "--api-key [REDACTED] def"),
        ("-token abc", "-token [REDACTED]"),
        ("--password=hunter2 x", "--password=[REDACTED] x"),
        ("--password --api-key abc", "--password --api-key [REDACTED]"),
        ("-password -token abc", "-password [REDACTED] [REDACTED]"),
        ("--password -x abc", "--password -x abc"),
        ("--password -hunter2 abc", "--password [REDACTED] abc"),
        ("--password - abc", "--password [REDACTED] abc"),
        ("--password -- abc", "--password -- abc"),
        ("--password", "--password"),
        ("-p 8080 --max-tokens 12 --password-file /run/x", "-p 8080 --max-tokens 12 --password-file /run/x"),
        ("password hunter2", "password hunter2"),
        ("--name=password hunter2", "--name=password hunter2"),
    ],
)
def test_only_the_value_of_a_secret_option_is_replaced(typed, shown):
    assert redacted_arguments(DefaultGate(b""), typed.split()) == shown.split()


def test_a_value_may_be_any_text():
    assert redacted_arguments(DefaultGate(b""), ["--secret", "", "--secret", "a\nb c"]) == [
        "--secret",
        "[REDACTED]",
        "--secret",
        "[REDACTED]",
    ]


def test_what_was_redacted_stays_as_it_is():
    gate = DefaultGate(b"")
    once = redacted_arguments(gate, ["--password", "-hunter2", "--token=x", "--key", "y"])
    assert redacted_arguments(gate, once) == once


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("mysql -uroot -pGeheim66x db", "mysql -uroot -p[REDACTED] db"),
        ("/usr/bin/mysqldump -h db -pGeheim66x", "/usr/bin/mysqldump -h db -p[REDACTED]"),
        ("curl -s -u ada:Geheim66x http://h", "curl -s -u ada:[REDACTED] http://h"),
        ("redis-cli -h h -a Geheim66x ping", "redis-cli -h h -a [REDACTED] ping"),
        ("docker login -u ada -p Geheim66x", "docker login -u ada -p [REDACTED]"),
        ("docker run -p 8080:80 image", "docker run -p 8080:80 image"),
        ("make -pGeheim66x -u ada:Geheim66x", "make -pGeheim66x -u ada:Geheim66x"),
    ],
)
def test_a_short_option_means_what_it_means_to_its_command(typed, shown):
    assert redacted_arguments(DefaultGate(b""), typed.split()) == shown.split()
