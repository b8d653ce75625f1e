"""Secrets behind keys in a text, by what each text is like; `·` stands for what is left of a secret."""

from __future__ import annotations

import pytest

from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.modes import REDACTED

LEFT = """
password=·                                       | password=hunter2
password=· ip=10.0.0.1                           | password=hunter ip=10.0.0.1
login user=ada password=·                        | login user=ada password=hunter
?user=ada&password=·&x=1                         | ?user=ada&password=hunter&x=1
Server=h;Password=·;Encrypt=yes                  | Server=h;Password=hunter;Encrypt=yes
  password: ·                                    | password: hunter
- token: ·                                       | - token: tok12345678
password = ·                                     | password = hunter2
password: ·                                      | password: 12345678
PASSWORD="·"                                     | PASSWORD="hunter"
'password': '·'                                  | 'password': 'hunter'
"passphrase": "·"                                | "passphrase": "correct horse battery"
password = "·"                                   | password = "correct horse"
password = '·'                                   | password = 'hunt er2x9'
db_password: "·"                                 | db_password: "Correct Horse Battery Staple"
passphrase = "·"                                 | passphrase = "correct horse battery staple!"
passphrase: ·                                    | passphrase: correct horse battery staple
config["password"] = "·"                         | config["password"] = "purple monkey dishwasher"
"password": ·,                                   | "password": 12345678,
password="·" and secret='·'                      | password="hunter" and secret='swordfish'
password=·                                       | password=a!b(c)1
(password=·)                                     | (password=hunter2)
Use password=·. It works.                        | Use password=hunter2. It works.
password: "·                                     | password: "never-closed
API key: ·                                       | API key: abc123def456
--api-key=·                                      | --api-key=abc123def456
db.password=·                                    | db.password=hunter2
{\\"password\\": \\"·\\"}                        | {\\"password\\": \\"hunter\\"}
{"a": "{\\"password\\": \\"·\\"}", "b": 1}       | {"a": "{\\"password\\": \\"hun\\\\\\"ter\\"}", "b": 1}
{"password": "·", "b": "hunter"}                 | {"password": "hunter\\\\", "b": "hunter"}
"a": "password=·\\nnext"                         | "a": "password=hunter2\\nnext"
Cookie: ·                                        | Cookie: a="b"; sid=0123456789abcdef
-H "Cookie: ·" -v                                | -H "Cookie: sid=0123456789abcdef" -v
["Authorization: Digest ·", "x"]                 | ["Authorization: Digest response=0123456789abcdef", "x"]
'İ' password="·"                                 | 'İ' password="hunter"
"""


def _rows(text: str) -> list[tuple[str, str]]:
    rows = [line.split(" | ") for line in text.strip().splitlines()]
    return [(left.strip(), secretive) for left, secretive in rows]


@pytest.mark.parametrize(("left", "text"), _rows(LEFT))
def test_only_the_value_is_replaced(left: str, text: str) -> None:
    assert DefaultGate(b"k").text("output", text) == left.replace("·", REDACTED)


IN_COLOUR = """
~[31mpassword~[0m=~[1m·~[0m                                         | hunter2
~[36mapi_key~[0m=~[35m·~[0m ~[36mn~[0m=~[35m1~[0m                   | 0123456789abcdef
~[38;5;31mtoken~[0m: ~[1;35m·~[0m                                   | 0123456789abcdef
{~[32m'password'~[0m: ~[32m'·'~[0m}                                 | hunter
~[94m"password"~[39;49;00m:~[37m ~[39;49;00m~[33m"·"~[39;49;00m     | hunter
~[1mdb_password~[0m~[2m=~[0m~[35m·~[0m                              | hunter2
"""


@pytest.mark.parametrize("escape", ["\x1b", r"\x1b", r"\u001b", r"\\u001b"])
@pytest.mark.parametrize(("text", "secret"), _rows(IN_COLOUR))
def test_the_colours_of_a_terminal_hide_no_key_and_no_value(text: str, secret: str, escape: str) -> None:
    text = text.replace("~", escape)
    assert DefaultGate(b"k").text("body", text.replace("·", secret)) == text.replace("·", REDACTED)


def test_colours_alone_make_no_secret() -> None:
    assert DefaultGate(b"k").text("body", "\x1b[password=hunter2") == f"\x1b[password={REDACTED}"
    text = "\x1b[36mmonkey\x1b[0m=\x1b[35mbanana\x1b[0m \x1b[36mmax_tokens\x1b[0m=\x1b[35m512\x1b[0m"
    assert DefaultGate(b"k").text("body", text) is text


def test_each_value_is_counted_once() -> None:
    gate = DefaultGate(b"k")
    gate.text("output", 'secret_token="hunter12", password = "hunter2" and client_secret: swordfish7')
    assert gate.hits["assignment"] == 3


def test_many_values_on_one_line_are_all_replaced() -> None:
    text = 'password="geheim7" ' * 5_000
    assert DefaultGate(b"k").text("output", text) == f'password="{REDACTED}" ' * 5_000


def test_a_value_is_found_however_long_the_text_before_it_is() -> None:
    clean = "a: b, c = d; " * 2_000
    assert DefaultGate(b"k").text("output", clean) is clean
    assert DefaultGate(b"k").text("output", clean + "password=hunter2") == clean + f"password={REDACTED}"
