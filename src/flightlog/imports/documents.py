"""Documents of other tools as files: what they are, and their records one after the other.

OTLP in JSON (a message, or one on each line) and in protobuf (a message, or many, each with its length before it, as
a varint or as four bytes), and Flightlog's own JSON lines; compressed with gzip or zstd or not; from a file or a pipe.
A file is mapped and not read in, what is compressed or comes from a pipe goes into an unnamed file first: a document
may be larger than the memory, unless it is a single message in JSON.

What cannot be read is told with its place and left out; what stands behind it is read all the same, as far as the form
of the document says where that begins.
"""

from __future__ import annotations

import gzip
import mmap
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

from flightlog.codecs.lines import decode
from flightlog.codecs.otlp import json, protobuf
from flightlog.codecs.otlp.messages import Malformed, ResourceGroup
from flightlog.codecs.otlp.own import fields_of, written
from flightlog.codecs.otlp.reading import Reader
from flightlog.imports.document import Document
from flightlog.imports.foreign import NAMES, Foreign, name_of
from flightlog.imports.forms import Form, form_of, is_foreign, told_by_lines
from flightlog.imports.framing import Frame, frames, is_json, is_text, json_lines
from flightlog.imports.pen import Pen
from flightlog.records.errors import BadDocument, BadRecord
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.record import Unknown

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
"""With what a compressed file begins."""
_WIDEST_WINDOW: Final = 1 << 27
"""Bytes that unpacking may hold of what it has written, as `zstd` itself has it unless it is told otherwise."""
_BLOCK: Final = 1 << 20
_BATCH_BYTES: Final = 512 * 1024

Portion = tuple[Process, list[Line]]
"""Some lines, and the process they are of; `NOTHING` where all that was read is left out."""

Bad = Callable[[str, str], object]
"""Told of what is left out: its place and why."""


NOTHING: Final[Portion] = (Process(process_id="", started=0), [])


@contextmanager
def opened(path: str) -> Iterator[Document]:
    """Open a document; `-` is standard input.

    Raises:
        BadDocument: it cannot be read, or not be decompressed; or what was read within found it to be none.
    """
    try:
        with sys.stdin.buffer if path == "-" else Path(path).open("rb") as file, _plain(file) as (plain, cut):
            size = plain.seek(0, 2)
            if size == 0:
                yield Document(b"", 0)
                return
            with mmap.mmap(plain.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield Document(data, size, cut=cut, path="" if plain is not file else path)
    except BadDocument as error:
        raise BadDocument(f"{path}: {error}") from error
    except (OSError, zlib.error) as error:
        raise BadDocument(f"{path} cannot be read ({getattr(error, 'strerror', '') or error})") from error


@contextmanager
def _plain(file: IO[bytes]) -> Iterator[tuple[IO[bytes], bool]]:
    """The file itself where it can be mapped, else an unnamed one with what is in it; and whether that ends early."""
    head = file.peek(4)[:4] if hasattr(file, "peek") else b""
    is_packed = head[:2] == _GZIP or head == _ZSTD
    if not is_packed and file.seekable():
        yield file, False
        return
    cut = False
    with tempfile.TemporaryFile() as copy:
        if head == _ZSTD:
            cut = _unpack_zstd(file, copy)
        elif is_packed:
            with gzip.GzipFile(fileobj=file) as unpacked:
                cut = _unpack(unpacked, copy)
        else:
            shutil.copyfileobj(file, copy, _BLOCK)
        copy.flush()
        yield copy, cut


def _unpack(unpacked: gzip.GzipFile, copy: IO[bytes]) -> bool:
    """Copy what can be unpacked; true where it ends before its end.

    `read` would lose what stands before the place where it breaks off, `read1` does not.
    """
    try:
        while some := unpacked.read1(_BLOCK):
            copy.write(some)
    except EOFError:
        return True
    return False


def _unpack_zstd(file: IO[bytes], copy: IO[bytes]) -> bool:
    """Copy what can be unpacked of one frame or several; true where the last of them ends before its end.

    Raises:
        BadDocument: it is damaged.
    """
    from zstandard import ZstdDecompressor, ZstdError  # only a file that is packed so needs it

    unpacker = None
    try:
        while some := file.read(_BLOCK):
            while some:
                unpacker = unpacker or ZstdDecompressor(max_window_size=_WIDEST_WINDOW).decompressobj()
                copy.write(unpacker.decompress(some))
                some, unpacker = (unpacker.unused_data, None) if unpacker.eof else (b"", unpacker)
    except ZstdError as error:
        raise BadDocument(f"it cannot be unpacked ({error})") from error
    return unpacker is not None


class Importer:
    """Reads documents for one project."""

    def __init__(self, pen: Pen, *, project: str = "", line_bytes: int = 1 << 20, bad: Bad) -> None:
        """Prepare.

        Args:
            pen: writes every text.
            project: whose the records are, whatever they say; empty for what they say.
            line_bytes: longest line.
            bad: told of what is left out.
        """
        self._pen = pen
        self._project = project
        self._bad = bad
        self._readers = {
            form: Reader(form, pen, project=project, bad=bad, line_bytes=line_bytes) for form in _OTLP_FORMS
        }
        self._own = 0
        self._foreign = Foreign(pen, project=project, line_bytes=line_bytes, bad=bad)

    @property
    def sums(self) -> tuple[int, int, int]:
        """How many records were read, attributes left out, and lines shortened.

        An attribute is left out where a later one of the same record has the same key; of a line that is too long only
        ids, times and the reason are kept.
        """
        readers = self._readers.values()
        return (
            self._own + self._foreign.records + sum(reader.records for reader in readers),
            sum(reader.repeated_keys for reader in readers),
            self._foreign.too_long + sum(reader.too_long for reader in readers),
        )

    def read(self, document: Document, form: Form = "auto") -> Iterator[Portion]:
        """The lines of a document, in portions.

        Raises:
            BadDocument: it is nothing that can be imported.
        """
        if form == "auto":
            form = told_by_itself(document.data, document.size)
        if form == "flightlog":
            yield from self._own_lines(document)
        elif form in NAMES:
            yield from self._foreign.read(document, form)
        elif form == "otlp-protobuf":
            for frame in frames(document.data, document.size, self._bad):
                yield from self._otlp(protobuf, frame, document)
        else:
            for frame in json_lines(document.data, document.size):
                yield from self._otlp(json, frame, document)
        document.at = document.size
        if document.cut:
            self._bad("the end", "the compressed document ends too early; what stands before that was read")
            yield NOTHING

    def _otlp(self, form: Any, frame: Frame, document: Document) -> Iterator[Portion]:
        """The lines of one message."""
        start, stop, place = frame
        try:
            if form is protobuf:
                groups = protobuf.resources(document.data, start, stop, place)
            else:
                groups = json.resources(bytes(document.data[start:stop]), place)
            for process, lines in self._readers[form].read(_followed(groups, document, start)):
                yield process, cast("list[Line]", lines)
        except Malformed as error:
            self._bad(place.strip(": ") or "the message", str(error))
            yield NOTHING
        document.at = stop

    def _own_lines(self, document: Document) -> Iterator[Portion]:
        """Lines of Flightlog, each gated anew: this home may have other rules than the one they come from."""
        processes: dict[str, Process] = {}
        waiting: dict[str, list[Line]] = {}
        size = 0
        for start, stop, place in json_lines(document.data, document.size):
            document.at = start
            try:
                record = decode(bytes(document.data[start:stop]))
                fields = fields_of(record)
                if self._project and not isinstance(record, Unknown):
                    fields["project"] = self._project
                line = written(fields, self._pen).encode("utf-8", "replace")
            except BadRecord as error:
                self._bad(place.strip(": ") or "line 1", error.reason)
                yield NOTHING
                continue
            self._own += 1
            size += len(line)
            process_id = str(fields.get("process_id", ""))
            if isinstance(record, Process):
                processes[process_id] = cast("Process", decode(line))
            waiting.setdefault(process_id, []).append(Line(line))
            if size > _BATCH_BYTES:
                yield from _portions(waiting, processes)
                waiting, size = {}, 0
        yield from _portions(waiting, processes)


def _followed(groups: Iterator[ResourceGroup], document: Document, start: int) -> Iterator[ResourceGroup]:
    """The groups; the document notes how far it is."""
    for group in groups:
        document.at = max(start, group.at)
        yield group


_OTLP_FORMS: Final[tuple[Any, ...]] = (json, protobuf)


def _portions(waiting: dict[str, list[Line]], processes: dict[str, Process]) -> Iterator[Portion]:
    for process_id, lines in waiting.items():
        yield processes.get(process_id) or Process(process_id=process_id, started=0), lines


def told_by_itself(data: Any, size: int) -> Form:
    """What a document is.

    Raises:
        BadDocument: it is empty, or JSON of some other kind.
    """
    if not size:
        raise BadDocument("the document is empty")
    if (found := name_of(data, size, is_text=is_json(data) or is_text(data))) is not None:
        return found
    if not is_json(data):
        form = told_by_lines(data, size) if is_text(data) else None
        if form is None and is_text(data) and bytes(data[:1024]).isascii():
            raise BadDocument("it is text, but of none of the formats that can be imported")
        return form or "otlp-protobuf"
    start, stop, _ = next(json_lines(data, size))
    head = bytes(data[start : min(stop, start + 4096)])
    if b'"resourceSpans"' in head or b'"resourceLogs"' in head:
        return "otlp-json"
    text = bytes(data[start:stop])
    form = form_of(text) or told_by_lines(data, size)
    if form is None and is_foreign(text):
        raise BadDocument("it is JSON, but of none of the formats that can be imported")
    return form or "otlp-json"  # which then says where it is broken
