"""Secrets that are known by their shape: keys of providers, JSON Web Tokens, private keys.

Each pattern begins with the literal that the provider gives its keys, and reads one unbroken run of
characters from there. The runs of one pattern never overlap, so that a hostile text is read a bounded number
of times, however often it repeats the literal. A shape that ordinary words can take (`sk-` begins names of
style sheets, too) is looked at once more by its `proof`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from flightlog.redaction.rule import REDACTED, Family, Rule, matching

_RUNS: Final = re.compile(r"[A-Za-z0-9]{12,}").findall
_DIGIT: Final = re.compile(r"[0-9]").search

_PEM_BEGIN: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_CUT: Final = re.compile(
    r"(?:[A-Za-z0-9+/=]++|[\t\r\n\"',>#|]|\\++[nrt]| {2,}+|[A-Z][A-Za-z-]{2,20}: [A-Za-z0-9,-]++)*+"
)
"""What may follow the head of a block that has no end: lines of base64 and headers, indented or quoted."""
_BASE64_RUN: Final = re.compile(r"[A-Za-z0-9+/=]{16}").search


def _shape(name: str, head: str, tail: str, proof: Callable[[str], object] | None = None) -> Rule:
    r"""Make the rule for `head` + `tail`, where no word runs into the head.

    The head stands first in the pattern, because its literal is what `re` searches for at the speed of
    `memchr`; the look behind it comes after. An escaped line end (`\n` as two characters) and a percent
    escape are no words, although they end in a letter or a digit.
    """
    edge = rf"(?:(?<![A-Za-z0-9]{head})|(?<=\\[nrt]{head})|(?<=%[0-9A-Fa-f]{{2}}{head}))"
    return matching(name, head + edge + tail, proof)


def _has_random_run(text: str) -> bool:
    """Find twelve letters and digits in a row, not letters alone, as no word has them."""
    return any(_DIGIT(run) for run in _RUNS(text))


def _clean_private_keys(text: str) -> tuple[str, int]:
    """Replace whole blocks, and what there is of a block that was cut off.

    A block holds no five dashes, so it ends at the next ones or is cut. One without base64 in it is somebody
    talking about private keys.
    """
    pieces: list[str] = []
    done = 0
    begin = _PEM_BEGIN.search(text)
    while begin:
        stop = _end_of_block(text, begin.end())
        if _BASE64_RUN(text, begin.end(), stop):
            pieces += text[done : begin.start()], REDACTED
            done = stop
        begin = _PEM_BEGIN.search(text, max(stop, begin.end()))
    return ("".join([*pieces, text[done:]]), len(pieces) // 2) if pieces else (text, 0)


def _end_of_block(text: str, start: int) -> int:
    dashes = text.find("-----", start)
    end = _PEM_END.match(text, dashes) if dashes >= 0 else None
    if end:
        return end.end()
    cut = _PEM_CUT.match(text, start, dashes if dashes >= 0 else len(text))
    return cut.end() if cut else start


FAMILIES: Final = (
    Family(
        "-",
        re.compile(r"-(?:(?<=sk-)|(?<=glpat-)|(?<=xox[a-z]-)|(?<=pypi-)|----BEGIN )").search,
        (
            _shape("anthropic key", "sk-", r"ant-[A-Za-z0-9_-]{16,}", _has_random_run),
            _shape("openai key", "sk-", r"[A-Za-z0-9_-]{16,}", _has_random_run),
            _shape("gitlab token", "glpat-", r"[A-Za-z0-9_-]{16,}(?:\.[0-9a-z]{2}\.[0-9a-z]{9})?"),
            _shape("slack token", "xox[a-z]", r"(?:\.xox[a-z])?-[A-Za-z0-9-]{10,}", _DIGIT),
            _shape("pypi token", "pypi-", r"Ag[A-Za-z0-9_-]{32,}"),
            Rule("private key", _clean_private_keys),
        ),
    ),
    Family(
        "_",
        re.compile(
            r"_(?:(?<=gh[oprsu]_)|(?<=github_pat_)|(?<=[rs]k_live_)|(?<=[rs]k_test_)|(?<=hf_)|(?<=npm_))"
        ).search,
        (
            _shape("github token", "gh[oprsu]_", r"[A-Za-z0-9]{30,}"),
            _shape("github token", "github_pat_", r"[A-Za-z0-9_]{22,}"),
            _shape("stripe key", "[rs]k_(?:live|test)_", r"[A-Za-z0-9]{16,}", _DIGIT),
            _shape("hugging face token", "hf_", r"[A-Za-z0-9]{30,}"),
            _shape("npm token", "npm_", r"[A-Za-z0-9]{30,}"),
        ),
    ),
    Family(
        "A",
        re.compile(r"A(?:Iza|KIA|SIA)").search,
        (
            _shape("google key", "AIza", r"[A-Za-z0-9_-]{35,}"),
            _shape("aws key id", "A(?:KIA|SIA)", r"[A-Z2-7]{16}(?![A-Za-z0-9])"),
        ),
    ),
    Family(
        "J",
        re.compile(r"J(?<=eyJ)").search,
        (
            _shape(
                "json web token",
                "eyJ",
                r"(?<![_-]eyJ)[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+",
            ),
        ),
    ),
)
"""Every shape, grouped by a sign that one scan for one character finds."""
