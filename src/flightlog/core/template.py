"""Sentences with names in them, spelt as for `str.format`, checked when they are written and filled in later.

`{job_id}`, `{result.worker}`, `{elapsed:.3f}`, `{name!r:>{width}}`, `{job[id]}` (the same as `{job["id"]}`).
Names are checked against those that there will be. Filling in never fails: a value whose own code raises leaves
its field standing as it was written, and is counted; one that belongs to a secret's name is not even looked at.
"""

from __future__ import annotations

from _string import (  # type: ignore[import-not-found]  # built in: what `string.Formatter` is made of
    formatter_field_name_split,
    formatter_parser,
)
from collections.abc import Collection, Mapping
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import memo
from flightlog.core.phrases import MOST, REDACTED, WIDEST, is_secret, is_too_wide, phrase

_CONVERSIONS: Final = frozenset({None, "r", "s", "a"})
_QUOTES: Final = ("'", '"')


class Field:
    """One name in braces, with what stands behind it."""

    __slots__ = ("_conversion", "_path", "_plain", "_spec", "_verbatim", "name")

    def __init__(
        self,
        name: str,
        path: tuple[tuple[bool, str | int], ...],
        conversion: str | None,
        spec: Template,
        verbatim: str,
    ) -> None:
        self.name = name
        self._path = path
        """Steps from the value on: whether it is an attribute (or else an item), and which."""
        self._conversion = conversion
        self._spec = spec
        self._plain = not conversion and spec._constant == ""
        """Whether a short text stands there as it is."""
        self._verbatim = verbatim

    def tried(self, samples: Mapping[str, object], where: str) -> None:
        """Format a sample of its value, where there is one and the specification is all written down.

        Raises:
            ValueError: the specification does not fit.
        """
        if self.name not in samples or self._path or self._spec._constant is None:
            return
        try:
            phrase(samples[self.name], self._conversion, self._spec._constant)
        except ValueError as error:
            raise _Unfit(f"{where} has {self._verbatim}: {error}") from None

    def text(self, values: Mapping[str, Any]) -> str:
        """What stands in its place; never raises on account of a value."""
        if is_secret(self.name) or any(is_secret(key) for _, key in self._path):
            return REDACTED
        try:
            value = values[self.name]
            for is_attribute, key in self._path:
                value = getattr(value, str(key)) if is_attribute else value[key]
            if self._plain and type(value) is str and len(value) <= MOST:
                return value
            return phrase(value, self._conversion, self._spec.filled(values))
        except Exception as failure:  # noqa: BLE001 - the border: reading and writing a value is the program's code
            let_through(failure)
            memo._encoder.failed()
            return self._verbatim


class Template:
    """A text with fields in it."""

    __slots__ = ("_constant", "_parts", "fields", "names")

    def __init__(self, parts: tuple[str | Field, ...]) -> None:
        self._parts = parts
        self.fields = fields = [part for part in parts if isinstance(part, Field)]
        self._constant = None if fields else "".join(map(str, parts))
        self.names: frozenset[str] = frozenset().union(*({one.name, *one._spec.names} for one in fields))
        """The names that it needs."""

    def filled(self, values: Mapping[str, Any]) -> str:
        """The text with the values in place of the names."""
        if self._constant is not None:
            return self._constant
        return "".join([part.text(values) if isinstance(part, Field) else part for part in self._parts])


def template(
    text: object, known: Collection[str], what: str, samples: Mapping[str, object] | None = None
) -> Template:
    """Read a template.

    Args:
        text: as the program wrote it.
        known: the names that it may use.
        what: how the text is called, for the error.
        samples: a value for each name whose type is known beforehand: format specifications are tried on it.

    Raises:
        ValueError: it is no text, cannot be read, uses a name that is not known (it says which there are), or a format
            specification that does not fit.
    """
    if not isinstance(text, str):
        raise ValueError(f"{what} is a text, not {type(text).__name__}")
    where = f"{what} {text!r}"
    read = _read(text, known, where, nested=False)
    for field in read.fields:
        field.tried(samples or {}, where)
    return read


def _read(text: str, known: Collection[str], where: str, *, nested: bool) -> Template:
    parts: list[str | Field] = []
    try:
        for literal, name, spec, conversion in formatter_parser(text):
            if literal:
                parts.append(literal)
            if name is not None:
                parts.append(_field((name, spec or "", conversion), known, where, nested=nested))
    except _Unfit:
        raise
    except ValueError as error:
        raise _Unfit(f"{where} cannot be read: {error}") from None
    return Template(tuple(parts))


class _Unfit(ValueError):
    """A template that can be read and makes no sense; its text is ours."""


def _field(found: tuple[str, str, str | None], known: Collection[str], where: str, *, nested: bool) -> Field:
    """One field, from its name with the path, its format specification and its conversion."""
    whole, spec, conversion = found
    verbatim = "{" + whole + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}"
    name, rest = formatter_field_name_split(whole)
    path = tuple((bool(is_attribute), _key(key)) for is_attribute, key in rest)
    there = ", ".join(known)
    if isinstance(name, int) or not name:
        raise _Unfit(f"{where} has a field without a name, {verbatim}; there are: {there}")
    if name not in known:
        raise _Unfit(f"{where} names {name!r}, which is not there; there are: {there}")
    if conversion not in _CONVERSIONS:
        raise _Unfit(f"{where} has {verbatim} with !{conversion}; there are !r, !s and !a")
    if is_too_wide(spec):
        raise _Unfit(f"{where} has {verbatim}, wider than {WIDEST}")
    if nested and ("{" in spec or "}" in spec):
        raise _Unfit(f"{where} has braces in braces in braces")
    return Field(name, path, conversion, _read(spec, known, where, nested=True), verbatim)


def _key(key: str | int) -> str | int:
    """The key of an item: `[id]`, or as in Python `["id"]`."""
    if isinstance(key, str) and len(key) > 1 and key[0] == key[-1] and key[0] in _QUOTES:
        return key[1:-1]
    return key
