"""JSON to standard output: UTF-8 whatever the terminal speaks, written as it is made.

Characters that a terminal would obey are written as JSON escapes: what a program reads is the same.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import msgspec

from flightlog.cli.render.safe import clean_json


def print_pieces(pieces: Iterable[bytes]) -> None:
    """Write pieces of one document, and a line feed after the last."""
    sys.stdout.flush()
    stream = sys.stdout.buffer
    stream.writelines(map(clean_json, pieces))
    stream.write(b"\n")
    stream.flush()


def print_document(value: object) -> None:
    """Write one value, indented for reading."""
    print_pieces([msgspec.json.format(msgspec.json.encode(value), indent=2)])


def print_array(items: Iterable[Any]) -> None:
    """Write an array with one item a line; `bytes` are taken as finished JSON."""
    print_pieces(_array(items))


def _array(items: Iterable[Any]) -> Iterable[bytes]:
    yield b"["
    separator = b"\n"
    for item in items:
        yield separator + (item if isinstance(item, bytes) else msgspec.json.encode(item))
        separator = b",\n"
    yield b"]" if separator == b"\n" else b"\n]"
