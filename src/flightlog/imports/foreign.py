"""Documents of other tools to lines: which tool it was, its values one after the other, and each text through the gate.

A document of lines is read a line at a time, a list element by element, an object member by member where its format
says which of them hold the records (`opened`); the whole of an object is only taken where it is a single trace. The
file is mapped, so what is in the memory at a time is one such value and what the format has begun and not ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from flightlog.codecs.otlp.messages import Malformed
from flightlog.codecs.otlp.own import fields_of, shortened, written
from flightlog.imports.elements import Torn, completed, elements
from flightlog.imports.formats.reading import Looker, Made, Sample
from flightlog.imports.forms import Form
from flightlog.imports.framing import Frame, each_line, json_lines
from flightlog.imports.pen import Pen
from flightlog.imports.table import BY_NAME, FORMATS, Format
from flightlog.records.line import Line
from flightlog.records.process import Process

if TYPE_CHECKING:
    from flightlog.imports.document import Document

NAMES: Final = frozenset(BY_NAME)
"""Of the formats."""
HEAD_BYTES: Final = 256 * 1024
"""Of a document, to tell what it is."""
_MOST_SAMPLES: Final = 20
_BATCH_BYTES: Final = 512 * 1024


class Item(NamedTuple):
    """A value of a document, and where it stands."""

    place: str
    key: str
    start: int
    stop: int


class Foreign:
    """Reads documents for one project."""

    def __init__(self, pen: Pen, *, project: str, line_bytes: int, bad: Callable[[str, str], object]) -> None:
        """Prepare; the arguments are those of `documents.Importer`."""
        self._pen = pen
        self._project = project
        self._line_bytes = line_bytes
        self._bad = bad
        self.records = self.too_long = 0
        """Spans, events and annotations that were read; their lines that were too long."""

    def read(self, document: Document, name: str) -> Iterator[tuple[Process, list[Line]]]:
        """The lines of a document of the format of this name, in portions."""
        form = BY_NAME[name]
        taker = form.taker()
        waiting = _Waiting()
        if isinstance(taker, Looker):
            for _, key, value in self._values(document, form, _nobody):
                taker.look(key, value)
        for place, key, value in self._values(document, form, self._bad):
            try:
                made = taker.take(key, value)
            except Malformed as error:
                self._bad(place, str(error))
                continue
            self._put(made, waiting)
            if waiting.size > _BATCH_BYTES:
                yield from waiting.portions()
        for record in taker.end():
            self._put([record], waiting)
            if waiting.size > _BATCH_BYTES:
                yield from waiting.portions()
        yield from waiting.portions()

    def _values(
        self, document: Document, form: Format, bad: Callable[[str, str], object]
    ) -> Iterator[tuple[str, str, Any]]:
        if form.rows is not None and form.are_rows(document.data, document.size):
            yield from form.rows(document, bad)
            return
        try:
            for item in _items(document, form):
                document.at = item.stop
                try:
                    yield item.place, item.key, _decoded(bytes(document.data[item.start : item.stop]))
                except ValueError as error:
                    bad(item.place, f"this is not JSON: {error}")
        except Torn as torn:
            bad(f"byte {torn.at}", "the document ends within a value; what is whole before it was read")

    def _put(self, made: list[Made], waiting: _Waiting) -> None:
        for record in made:
            fields = fields_of(record)
            if isinstance(record, Process):
                if record.process_id in waiting.processes:
                    continue
            else:
                self.records += 1
            if self._project:
                fields["project"] = self._project
            # The first two stand where whoever looks at lines by their bytes expects them.
            line = written({"v": fields.pop("v"), "type": fields.pop("type"), **fields}, self._pen)
            data = line.encode("utf-8", "replace")
            if len(data) > self._line_bytes:
                data = shortened(data)
                self.too_long += 1
            waiting.put(record, data)


def _nobody(_place: str, _why: str) -> None:
    """Nobody is told twice."""


class _Waiting:
    """Lines that were made, by their process."""

    def __init__(self) -> None:
        self.processes: dict[str, Process] = {}
        """Those that were told, redacted."""
        self.size = 0
        self._lines: dict[str, list[Line]] = {}

    def put(self, record: Made, data: bytes) -> None:
        if isinstance(record, Process):
            self.processes[record.process_id] = msgspec.json.decode(data, type=Process)
        self._lines.setdefault(record.process_id, []).append(Line(data))
        self.size += len(data)

    def portions(self) -> Iterator[tuple[Process, list[Line]]]:
        """All of them, once."""
        lines, self._lines, self.size = self._lines, {}, 0
        for process_id, told in lines.items():
            yield self.processes.get(process_id) or Process(process_id=process_id, started=0), told


def _items(document: Document, form: Format) -> Iterator[Item]:
    data, size = document.data, document.size
    for start, stop, place in _lines(data, size):
        if place:
            yield Item(place.removesuffix(": "), "", start, stop)
            continue
        opened = form.opened(sample_of(data))
        if opened is None and data[start : start + 1] == b"{":
            yield Item("the document", "", start, stop)
            continue
        for element in elements(data, size, opened or frozenset()):
            told = f"element {element.number}" if element.number else "member"
            where = f"{told} of {element.key!r}" if element.number and element.key else told
            where = f"member {element.key!r}" if not element.number else where
            yield Item(f"{where} (byte {element.start})", element.key, element.start, element.stop)


def _lines(data: Any, size: int) -> Iterator[Frame]:
    """The lines of a document, the first of which may be none; all of it as one where it is one value."""
    if bytes(data[:1024]).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return json_lines(data, size)
    return each_line(data, size, 0)


def _decoded(raw: bytes) -> Any:
    """A value of JSON; of half a character, which JavaScript writes where it cuts a text, the rest is read.

    Raises:
        ValueError: it is none.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    try:
        value = json.loads(raw.decode("utf-8", "replace"))
        return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def sample_of(data: Any) -> Sample:
    """What the head of a document shows of it."""
    head = bytes(data[:HEAD_BYTES])
    values: list[Any] = []
    for start, stop, place in _lines(head, len(head)):
        raw = head[start:stop]
        try:
            value = _decoded(raw)
        except ValueError:
            try:
                value = _decoded(completed(raw))
            except ValueError:
                continue
        if not place and isinstance(value, (dict, list)):
            return Sample(value[:_MOST_SAMPLES], False) if isinstance(value, list) else Sample([value], True)
        values.append(value)
        if len(values) >= _MOST_SAMPLES:
            break
    return Sample(values, False)


def name_of(data: Any, size: int, *, is_text: bool) -> Form | None:
    """The name of the format that a document is of; None for none of these.

    Args:
        data: the document.
        size: its bytes.
        is_text: False for one that can hold no JSON.
    """
    found = next((form.name for form in FORMATS if form.rows is not None and form.are_rows(data, size)), None)
    if found is None and is_text:
        sample = sample_of(data)
        found = next((form.name for form in FORMATS if form.tells(sample)), None)
    return found
