"""Spans that speak no dialect and are of a kind all the same: HTTP requests, served or made, and queries of databases.

They are many, and nothing else is read out of them, so no note is made of it: what they are can be seen again at any
time, by the same attributes (`records.kinds.BY_ATTRIBUTE`).
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Final

from flightlog.records.kinds import BY_ATTRIBUTE

_KINDS: Final = {f'"{name}":'.encode(): kind for name, kind in BY_ATTRIBUTE}
_FIRST: Final = BY_ATTRIBUTE[0][1]
"""The kind that counts where several do."""
_OF_FIRST: Final = b'"db.system'
_member: Final = re.compile(rb'"(?:http\.(?:request\.)?method|db\.system(?:\.name)?)":').search


def kind_of(names: Container[str]) -> str:
    """What a span with attributes of these names is; empty where they do not say."""
    return next((kind for name, kind in BY_ATTRIBUTE if name in names), "")


def kind_in(line: bytes) -> str:
    """The same of a line, by its text alone: the price of looking is small where nothing is found."""
    found = _member(line)
    if found is None:
        return ""
    kind = _KINDS[found[0]]
    at = found.end()
    while kind != _FIRST and (at := line.find(_OF_FIRST, at)) >= 0:
        found = _member(line, at)
        if found is None:
            break
        kind, at = _KINDS[found[0]], found.end()
    return kind
