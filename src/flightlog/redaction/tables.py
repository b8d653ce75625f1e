"""Secrets whose key is in another line: the columns of a table, as files, databases and command lines write them.

`id,user,password` and `1,ada,…` beneath it; the same between blanks, tabs and bars; `INSERT INTO users (name,
password) VALUES ('ada', '…')`. A heading is a line of names and nothing else, so lines of a program are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from flightlog.redaction.evidence import is_drawn, is_placeholder, is_secretive, is_weak
from flightlog.redaction.keys import is_secret
from flightlog.redaction.pairs import is_told
from flightlog.redaction.rule import Family, finding

Span = tuple[int, int]

_COLUMN_ENDS: Final = r"s?[\"']?(?:[ \t]*[,;|\t\r\n]| {2})"
_COLUMN: Final = tuple(
    re.compile(name + _COLUMN_ENDS)
    for name in ("ey(?<=[Kk]ey)", "ken", "assw(?:or)?d", "_secret", "KEY", "PASSWORD")
)
"""The end of a column's name; one pattern each, as those that begin with letters are found several times faster."""
_NAME: Final = re.compile(r"[A-Za-z_#][\w.#-]{0,40}(?: [\w.#-]{1,20}){0,2}")
_LONGEST_LINE: Final = 2_000
_MOST_CELLS: Final = 100
_RULE: Final = re.compile(r"[-+|=: \t]+")
"""A line between the heading and the rows."""
_SEPARATED: Final = {
    sign: re.compile(
        rf"""[ ]*(?:"([^"\r\n]*+)"|'([^'\r\n]*+)'|([^"'\r\n{sign}][^\r\n{sign}]*+)?)[ ]*(?:{sign}|$)"""
    )
    for sign in (",", ";", "\t", r"\|")
}
_APART: Final = re.compile(r"\S++(?: \S++)*+")


def in_columns(text: str) -> Iterator[Span]:
    """Find what stands in a secret's column."""
    done = 0
    for place in sorted(column.start() for columns in _COLUMN for column in columns.finditer(text)):
        if place < done:
            continue
        start, end = _line_around(text, place)
        done = end
        if start < 0:
            continue
        yield from _beside(text, start, end)
        names = _names(text[start:end].rstrip("\r"))
        if names:
            for row, spans in _rows(text, end, names):
                done = row
                yield from spans


def _beside(text: str, start: int, end: int) -> Iterator[Span]:
    """`token      …`: two cells with blanks between, a name and what looks drawn at random."""
    cells = _cells(text[start:end], None)
    if len(cells) == 2 and _is_secret_column(text[start + cells[0][0] : start + cells[0][1]]):
        first, last = start + cells[1][0], start + cells[1][1]
        if (
            is_drawn(text[first:last])
            and " " not in text[first:last]
            and not is_placeholder(text[first:last])
        ):
            yield first, last


def _line_around(text: str, place: int) -> Span:
    """Where a line begins and ends; one that is too long for a heading begins at -1, and ends there or later."""
    start = text.rfind("\n", max(0, place - _LONGEST_LINE), place) + 1
    end = text.find("\n", place, place + _LONGEST_LINE)
    if end < 0:
        end = min(place + _LONGEST_LINE, len(text))
    is_long = end - start > _LONGEST_LINE or (not start and place > _LONGEST_LINE)
    return (-1, end) if is_long else (start, end)


def _names(line: str) -> tuple[str | None, list[str], list[int]] | None:
    """What a heading separates its names by (None: blanks), the names, and where each begins; None if it is none."""
    for sign in _SEPARATED:
        if sign[-1] in line:
            cells = _cells(line, sign)
            break
    else:
        sign, cells = None, _cells(line, None)
    names = [line[start:end] for start, end in cells]
    is_heading = len(names) > 1 and all(_NAME.fullmatch(name) or not name for name in names)
    if not is_heading or not any(map(_is_secret_column, names)):
        return None
    return sign, names, [start for start, _ in cells]


def _is_secret_column(name: str) -> bool:
    return bool(name) and is_secret(name)


def _cells(line: str, sign: str | None) -> list[Span]:
    if sign is None:
        return [cell.span() for cell in _APART.finditer(line.replace("\t", " "))][:_MOST_CELLS]
    spans: list[Span] = []
    place = 0
    while len(spans) < _MOST_CELLS:
        cell = _SEPARATED[sign].match(line, place)
        if cell is None:
            break
        start, end = cell.span(cell.lastindex or 0)
        spans.append((start, start + len(line[start:end].rstrip()) if cell.lastindex else start))
        if cell[0][-1:] != sign[-1]:
            break  # the last one
        place = cell.end()
    return spans


def _rows(
    text: str, place: int, heading: tuple[str | None, list[str], list[int]]
) -> Iterator[tuple[int, list[Span]]]:
    """The rows beneath a heading: where each ends, and what is secret in it."""
    sign, names, starts = heading
    while 0 <= place < len(text) - 1:
        start = place + 1
        place = text.find("\n", start, start + _LONGEST_LINE)
        end = place if place >= 0 else len(text)
        if end - start > _LONGEST_LINE:
            return
        line = text[start:end].rstrip("\r")
        if _RULE.fullmatch(line):
            continue
        cells = _cells(line, sign)
        if len(cells) != len(names) and sign is not None:
            return
        cells = cells if len(cells) == len(names) else _beneath(cells, starts)
        if not cells:
            return
        yield (
            end,
            [
                (start + first, start + last)
                for name, (first, last) in zip(names, cells, strict=True)
                if first < last and _is_secret_column(name) and _is_told(name, line[first:last])
            ],
        )


def _beneath(cells: Sequence[Span], starts: list[int]) -> list[Span]:
    """The cells of a row with gaps, each beneath its name; an empty list if some are beneath none."""
    by_start = dict(cells)
    if len(by_start) < 2 or not by_start.keys() <= set(starts):
        return []
    return [(start, by_start.get(start, start)) for start in starts]


def _is_told(name: str, value: str) -> bool:
    looks = is_drawn if is_weak(name) else is_secretive
    return is_told(name, value) and looks(value) and "(" not in value and " " not in value


_INSERT: Final = re.compile(r"\(([^()\r\n]{3,1000})\)\s{0,40}VALUES\s{0,40}(?=\()")
_TUPLE: Final = re.compile(r"\s{0,40},?\s{0,40}\(")
_ITEM: Final = re.compile(
    r"""\s{0,40}(?:N?'((?:[^'\\]|''|\\.){0,4096}+)'|"([^"]{0,4096}+)"|([^'"(),]{1,256}+(?:\([^()'"]{0,256}\))?))"""
    r"""\s{0,40}([,)])"""
)
_MOST_TUPLES: Final = 1_000


def in_statements(text: str) -> Iterator[Span]:
    """`INSERT INTO users (name, password) VALUES ('ada', '…')`."""
    for insert in _INSERT.finditer(text):
        names = [name.strip(" `\"'[]\t") for name in insert[1].split(",")]
        if any(map(_is_secret_column, names)):
            yield from _in_tuples(text, insert.end(), names)


def _in_tuples(text: str, place: int, names: list[str]) -> Iterator[Span]:
    for _ in range(_MOST_TUPLES):
        opening = _TUPLE.match(text, place)
        if opening is None:
            return
        place = opening.end()
        for name in names:
            item = _ITEM.match(text, place)
            if item is None:
                return
            span = item.span(1) if item[1] is not None else item.span(2)
            if span[0] < span[1] and _is_secret_column(name) and is_told(name, text[slice(*span)]):
                yield span
            place = item.end()
            if item[4] == ")":
                break


_COLUMNS: Final = finding("column", in_columns)

_ENDS: Final = r"s?[\"']?(?:[,;|\t\r\n]| [ |])"

FAMILIES: Final = (
    *(
        Family(sign[0], re.compile(sign).search, (_COLUMNS,), rooted=True)
        for sign in (
            rf"k(?:e[yn](?:(?<=[_ -]key)|(?<=token)){_ENDS})",
            rf"p(?:asswor?d{_ENDS})",
            rf"P(?:assword{_ENDS})",
            rf"W(?<=PASSW)ORD{_ENDS}",
            rf"K(?:EY(?<=_KEY)|ey(?<=[a-z]Key)){_ENDS}",
            rf"_(?:secret{_ENDS})",
        )
    ),
    Family(
        "V", re.compile(r"V(?:ALUES\s{0,40}\()").search, (finding("statement", in_statements),), rooted=True
    ),
)
