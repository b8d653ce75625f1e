"""Tables: what stands in a secret's column goes, in every row, and what stands beside it stays."""

from __future__ import annotations

import pytest

from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.modes import REDACTED

SECRETS = ("k7Qw2Zr9Lm4X", "Zp3vT8nB1yKd")

TABLES = {
    "commas": "id,user,password\n1,ada,{0}\n2,bob,{1}\n",
    "commas and quotes": '"id","api_key","user"\n"1","{0}","ada, b"\n"2","{1}","bob"\n',
    "commas and line ends of Windows": "user,password\r\nada,{0}\r\nbob,{1}\r\n",
    "semicolons": "user;password;mail\nada;{0};a@b.example\nbob;{1};\n",
    "tabs": "user\taccess_token\nada\t{0}\nbob\t{1}",
    "bars of a database": " id | password\n----+--------------\n  1 | {0}\n  2 | {1}\n(2 rows)\n",
    "bars of markdown": "| user | api_key |\n|---|---|\n| ada | {0} |\n| bob | {1} |\n",
    "blanks": "NAME    API_KEY        AGE\nfirst   {0}   3d\nsecond  {1}   4d\n",
    "blanks and a gap": "name    api_key        note\nfirst   {0}\nsecond  {1}   x\n",
    "a table in a sentence": "It said:\n\nuser,password\nada,{0}\nbob,{1}\n\nand stopped.",
    "columns of a statement": "INSERT INTO t (a, password) VALUES ('x', '{0}'), (NOW(), '{1}');",
    "names in quotes of a statement": 'INSERT INTO `t` (`password`, `n`) VALUES ("{0}", 1), ("{1}", 2)',
}

LEFT_ALONE = [
    "id,user,password_hint\n1,ada,k7Qw2Zr9Lm4X\n",
    "id,user,password\n\n1,ada,k7Qw2Zr9Lm4X\n",
    "id,user,password\n1,ada\nx,y,k7Qw2Zr9Lm4X\n",
    "connect(user, password)\nsend(1, k7Qw2Zr9Lm4X)\n",
    "api_key      the key of the service\nand this line k7Qw2Zr9Lm4X is prose\n",
    "word,token\nhello,hello1234\n",
    "INSERT INTO t (a, password) VALUES (?, ?), ('k7Qw2Zr9Lm4X', NULL);",
]


@pytest.mark.parametrize("kind", TABLES)
def test_what_stands_in_the_column_of_a_secret_goes_from_every_row(kind: str) -> None:
    text = TABLES[kind].format(*SECRETS)
    assert DefaultGate(b"k").text("output", text) == TABLES[kind].format(REDACTED, REDACTED)


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_is_no_table_or_no_secrets_column_stays(text: str) -> None:
    assert DefaultGate(b"k").text("output", text) is text


def test_a_long_table_is_read_to_its_end() -> None:
    rows = "".join(f"{number},ada,{SECRETS[0]}\n" for number in range(2_000))
    redacted = DefaultGate(b"k").text("output", "id,user,password\n" + rows)
    assert SECRETS[0] not in redacted
    assert redacted.count(REDACTED) == 2_000
