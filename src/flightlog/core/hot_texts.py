"""The text of a hot call, made only where it is recorded: as it is, by a function, or from a template.

A template is spelt as for `str.format` with the arguments by their place: `{}`, `{0}`, `{1.name}`, `{!r}`, `{:.2f}`.
What stands for a value is bounded, and one whose own code raises leaves its field as it was written (`phrases.py`).
"""

from __future__ import annotations

from _string import (  # type: ignore[import-not-found]  # built in: what `string.Formatter` is made of
    formatter_field_name_split,
    formatter_parser,
)
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import memo
from flightlog.core.narrate import worded
from flightlog.core.template import Field, Template

_MOST: Final = 1_024
"""Templates that are remembered, read; a program that makes texts without end pays for each anew."""

_read: Final[dict[str, Template]] = {}


def made(text: object, args: tuple[object, ...]) -> str:
    """The text, whatever the program gave; a function that raises gives nothing, and is counted."""
    if callable(text):
        try:
            text = text(*args)
        except Exception as failure:  # noqa: BLE001 - the border: it is the program's code, called on our account
            let_through(failure)
            memo._encoder.failed()
            return ""
        args = ()
    said = worded(text, "body")
    return _filled(said, args) if args else said


def _filled(text: str, args: tuple[object, ...]) -> str:
    template = _read.get(text)
    if template is None:
        try:
            template = _template(text)
        except ValueError:  # it is told as it was written
            template = Template((text,))
        if len(_read) >= _MOST:
            _read.clear()
        _read[text] = template
    return template.filled({str(place): value for place, value in enumerate(args)})


def _template(text: str) -> Template:
    """Read a template.

    Raises:
        ValueError: it cannot be read.
    """
    parts: list[str | Field] = []
    fields = 0
    for literal, whole, spec, conversion in formatter_parser(text):
        if literal:
            parts.append(literal)
        if whole is None:
            continue
        name, rest = formatter_field_name_split(whole)
        path: tuple[Any, ...] = tuple((bool(is_attribute), key) for is_attribute, key in rest)
        verbatim = "{" + whole + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}"
        place = str(fields if name == "" else name)
        fields += 1
        parts.append(Field(place, path, conversion, Template((spec or "",)), verbatim))
    return Template(tuple(parts))
