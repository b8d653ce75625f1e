"""Documents as files: every framing is told by itself, what is broken is named, and a home takes each record once."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Callable
from functools import partial

import pytest
import zstandard
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from flightlog.codecs.lines import encode
from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.importing import import_documents
from flightlog.imports.framing import is_json
from flightlog.records.errors import BadDocument
from flightlog.records.span import Span
from flightlog.sinks.jsonl import JsonLines

SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20


def _request(*numbers: int, service: str = "shop") -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = service
    scoped = group.scope_spans.add()
    for number in numbers:
        span = scoped.spans.add(
            name=f"span {number}", start_time_unix_nano=10 + number, end_time_unix_nano=90
        )
        span.trace_id, span.span_id = b"\1" * 16, number.to_bytes(8, "big")
        span.events.add(name="e", time_unix_nano=20)
    return request


def _json(request: ExportTraceServiceRequest, **layout) -> bytes:
    groups = []
    for group in request.resource_spans:
        spans = [
            {
                "traceId": span.trace_id.hex(),
                "spanId": span.span_id.hex(),
                "name": span.name,
                "startTimeUnixNano": str(span.start_time_unix_nano),
                "endTimeUnixNano": "90",
                "events": [{"name": "e", "timeUnixNano": "20"}],
            }
            for span in group.scope_spans[0].spans
        ]
        service = {
            "key": "service.name",
            "value": {"stringValue": group.resource.attributes[0].value.string_value},
        }
        groups.append({"resource": {"attributes": [service]}, "scopeSpans": [{"spans": spans}]})
    return json.dumps({"resourceSpans": groups}, **layout).encode()


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


_MANY = [_request(1, 2), _request(3), _request(4, service="other")]
_RAW = [one.SerializeToString() for one in _MANY]
_TEXTS = [_json(one) for one in _MANY]
_LONG = _request(*range(1, 5)).SerializeToString()

DOCUMENTS = {
    "a message in protobuf": _LONG,
    "two messages glued together": b"".join(_RAW),
    "messages with lengths as varints": b"".join(_varint(len(one)) + one for one in _RAW),
    "messages with lengths of four bytes": b"".join(len(one).to_bytes(4, "big") + one for one in _RAW),
    "a message in JSON": _json(_request(*range(1, 5))),
    "a message in JSON over many lines": _json(_request(*range(1, 5)), indent=2),
    "messages in JSON, one a line": b"\n".join(_TEXTS),
    "lines with empty ones and carriage returns": b"\xef\xbb\xbf\n" + b"\r\n\r\n".join(_TEXTS) + b"\r\n",
    "an array of messages": b"[" + b",".join(_TEXTS) + b"]",
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FLIGHTLOG_HOME", str(tmp_path / "home"))
    return Home.find(load_settings({}), strict=True)


class Skipped(list[tuple[str, str]]):
    def __call__(self, _path: str, place: str, why: str) -> None:
        self.append((place, why))


def _file(tmp_path, data: bytes, name: str = "document") -> str:
    path = tmp_path / name
    path.write_bytes(data)
    return str(path)


def _import(home, *paths, **options):
    skipped = Skipped()
    return import_documents(home, paths, bad=skipped, **options), skipped


def _names(home) -> list[str]:
    with home.reader() as reader:
        assert reader.verify() == []
        return sorted(span.name for span in reader.each_span())


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, _zstd])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_framing_is_told_by_itself(home, tmp_path, name, pack):
    done, skipped = _import(home, _file(tmp_path, pack(DOCUMENTS[name])))
    assert (done.records, done.lines, done.new, skipped) == (4, 8, 8, [])
    assert _names(home) == ["span 1", "span 2", "span 3", "span 4"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_same_document_twice_changes_nothing(home, tmp_path, name):
    path = _file(tmp_path, DOCUMENTS[name])
    _import(home, path)
    with home.reader() as reader:
        before = list(reader.lines())
    done, _ = _import(home, path)
    assert (done.records, done.new) == (4, 0)
    with home.reader() as reader:
        assert list(reader.lines()) == before


def test_json_and_protobuf_of_the_same_spans_are_there_once(home, tmp_path):
    first, _ = _import(home, _file(tmp_path, DOCUMENTS["a message in JSON"], "a"))
    second, _ = _import(home, _file(tmp_path, DOCUMENTS["a message in protobuf"], "b"))
    assert (first.new, second.new) == (8, 0)


def test_logs_are_imported_as_well(home, tmp_path):
    request = ExportLogsServiceRequest()
    log = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=5, event_name="said")
    log.trace_id, log.span_id = b"\1" * 16, b"\2" * 8
    done, _ = _import(home, _file(tmp_path, request.SerializeToString()))
    with home.reader() as reader:
        assert [event.name for event in reader.events("01" * 16)] == ["said"]
    assert done.records == 1


@pytest.mark.parametrize("pack", [gzip.compress, _zstd])
def test_standard_input_is_a_document(home, monkeypatch, pack):
    class Input:
        buffer = io.BufferedReader(io.BytesIO(pack(_LONG)))

    monkeypatch.setattr(sys, "stdin", Input)
    assert _import(home, "-")[0].records == 4


def test_how_far_an_import_is_is_told(home, tmp_path, monkeypatch):
    monkeypatch.setattr("flightlog.importing._TELL_SECONDS", 0.0)
    told = []
    data = DOCUMENTS["two messages glued together"]
    _import(home, _file(tmp_path, data), progress=lambda _, one: told.append((one.records, one.at, one.size)))
    assert [records for records, _, _ in told] == [2, 3, 4, 4]
    places = [at for _, at, _ in told]
    assert places == sorted(places)
    assert 0 <= places[0] < places[-1] == len(data)


def test_a_project_can_be_given(home, tmp_path):
    _import(home, _file(tmp_path, _LONG), project="mine")
    with home.reader() as reader:
        assert {trace.project for trace in reader.traces(5)} == {"mine"}


def test_a_dry_run_reads_everything_and_makes_nothing(home, tmp_path):
    done, _ = _import(home, _file(tmp_path, _LONG), dry_run=True)
    assert (done.records, done.lines, done.new) == (4, 8, 0)
    assert not home.path.exists()


def test_a_secret_in_a_document_is_not_stored(home, tmp_path):
    data = _LONG.replace(b"shop", b"s%bp" % b"ho")
    text = _json(_request(1)).replace(b"span 1", SECRET.encode())
    _import(home, _file(tmp_path, text, "a"), _file(tmp_path, data, "b"))
    for file in home.path.rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes()


# -- what is broken -------------------------------------------------------------------------------------------


def test_a_broken_line_is_named_and_the_others_are_read(home, tmp_path):
    lines = [_TEXTS[0], b'{"resourceSpans": [5}', b"nonsense", _TEXTS[1], b'{"a": 1}']
    done, skipped = _import(home, _file(tmp_path, b"\n".join(lines)))
    assert [place for place, _ in skipped] == ["line 2", "line 3", "line 5"]
    assert (done.records, done.skipped) == (3, 3)


def test_a_broken_span_is_named_by_line_and_position(home, tmp_path):
    broken = _TEXTS[1].replace(b'"spanId"', b'"spanid"')
    _, skipped = _import(home, _file(tmp_path, _TEXTS[0] + b"\n" + broken + b"\n"))
    assert [place for place, _ in skipped] == ["line 2: resourceSpans[0].scopeSpans[0].spans[0]"]


def test_of_a_document_that_was_cut_the_beginning_is_read(home, tmp_path):
    data = DOCUMENTS["messages with lengths as varints"][:-5]
    done, skipped = _import(home, _file(tmp_path, data))
    assert (done.records, len(skipped)) == (3, 1)
    assert skipped[0][1].startswith("the document ends within a message")
    assert skipped[0][0] == f"byte {sum(len(_varint(len(one)) + one) for one in _RAW[:2])}"


@pytest.mark.parametrize("pack", [partial(gzip.compress, mtime=0), _zstd])
def test_of_a_compressed_document_that_was_cut_the_beginning_is_read(home, tmp_path, pack):
    lines = b"".join(_json(_request(number)) + b"\n" for number in range(1, 20_001))
    packed = pack(lines)
    done, skipped = _import(home, _file(tmp_path, packed[: len(packed) // 2]))
    assert skipped[-1] == (
        "the end",
        "the compressed document ends too early; what stands before that was read",
    )
    assert done.records > 500
    assert skipped[0][0] == f"line {done.records + 1}"


def test_frames_behind_each_other_are_one_document(home, tmp_path):
    half = len(_LONG) // 2
    data = b"".join(_zstd(piece) for piece in (_LONG[:half], _LONG[half:]))
    done, skipped = _import(home, _file(tmp_path, data))
    assert (done.records, skipped) == (4, [])


def test_files_that_the_sink_put_aside_are_documents_and_what_a_crash_left_is_named(home, tmp_path):
    path = tmp_path / "traces.jsonl"
    sink = JsonLines(path, rotate_bytes=600, keep=100)
    for number in range(8):
        sink.append(
            [
                encode(
                    Span(
                        trace_id=f"{number:032x}",
                        span_id=f"{number:016x}",
                        name=f"n{number}",
                        start=1,
                        status="ok",
                    )
                )
            ]
        )
    sink.close()
    with path.open("ab") as file:
        file.write(b'{"v":1,"type":"span","trace')
    packed = sorted(str(one) for one in tmp_path.glob("*.zst"))
    assert packed
    done, skipped = _import(home, *packed, str(path))
    assert _names(home) == [f"n{number}" for number in range(8)]
    assert (done.records, len(skipped)) == (8, 1)


@pytest.mark.parametrize(
    "length", [_varint, lambda number: number.to_bytes(4, "big")], ids=["varint", "four bytes"]
)
def test_a_broken_message_between_others_is_named_and_those_behind_it_are_read(home, tmp_path, length):
    whole = [_request(number).SerializeToString() for number in (1, 2, 3)]
    broken = b"\xc8" * 200
    document = b"".join(length(len(one)) + one for one in (whole[0], broken, *whole[1:]))
    done, skipped = _import(home, _file(tmp_path, document))
    assert (done.records, [place for place, _ in skipped]) == (3, ["message 2"])


def test_behind_a_length_that_is_wrong_nothing_is_guessed(home, tmp_path):
    whole = [_request(number).SerializeToString() for number in (1, 2)]
    document = b"".join(_varint(len(one)) + one for one in whole)
    done, skipped = _import(home, _file(tmp_path, document + b"\x05hello, this is text"))
    assert (done.records, [place for place, _ in skipped]) == (2, [f"byte {len(document)}"])


def test_half_a_pair_of_surrogates_becomes_a_replacement_character(home, tmp_path):
    text = _json(_request(1)).replace(b"span 1", rb"\ud83d cut, \ud83d\ude00 whole, \\ud83d a path")
    done, skipped = _import(home, _file(tmp_path, text))
    assert (done.records, skipped) == (1, [])
    assert _names(home) == ["\ufffd cut, \U0001f600 whole, \\ud83d a path"]


def test_a_message_that_was_cut_is_named_with_what_is_missing(home, tmp_path):
    done, skipped = _import(home, _file(tmp_path, b"".join(_RAW)[:-5]))
    assert (done.records, len(skipped)) == (3, 1)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b'{"something": []}', "JSON, but of none of the formats"),
        (b"[1, 2]", "JSON, but of none of the formats"),
        (b"a text\nof two lines\n", "text, but of none of the formats"),
        (gzip.compress(_LONG, mtime=0)[:-9] + b"\xff" * 9, "cannot be read"),
        (gzip.compress(_LONG, mtime=0)[:10] + b"\xff" * 30, "cannot be read"),
        (_zstd(_LONG)[:-2] + b"\xff\xff", "cannot be unpacked"),
        (_zstd(_LONG)[:4] + b"\xff" * 30, "cannot be unpacked"),
    ],
)
def test_a_file_that_is_no_such_document_is_an_error_that_names_it(home, tmp_path, data, why):
    with pytest.raises(BadDocument, match=f"this one.*{why}"):
        _import(home, _file(tmp_path, data, "this one"))


def test_a_file_that_is_not_there_is_an_error(home, tmp_path):
    with pytest.raises(BadDocument, match="No such file"):
        _import(home, str(tmp_path / "none"))


@pytest.mark.parametrize(
    "text",
    [b'{"resource\xffSpans": []}', b"[" * 100_000, b'{"a":' * 100_000],
    ids=["no UTF-8", "arrays", "objects"],
)
def test_json_that_cannot_be_read_is_named_and_not_fatal(home, tmp_path, text):
    done, skipped = _import(home, _file(tmp_path, text))
    assert (done.records, [place for place, _ in skipped]) == (0, ["the message"])


def test_random_bytes_are_skipped_and_not_fatal(home, tmp_path):
    done, skipped = _import(home, _file(tmp_path, b"\x99\x98\x97 this is not protobuf"))
    assert (done.records, len(skipped) >= 1) == (0, True)


_OWN = [encode(Span(trace_id="a" * 32, span_id="b" * 15 + n, name=n, start=1, status="ok")) for n in "12"]
_BROKEN = [
    b'art":1700000000,"status":"ok"}',
    b'{"type":"span","v":1,"trace_id":"11',
    b"starting on port 8080",
    b"null",
]


@pytest.mark.parametrize("first", [*_BROKEN, _OWN[0].replace(b'"1"', b'"\\ud83d"')])
def test_a_first_line_that_cannot_be_read_costs_none_of_the_others(home, tmp_path, first):
    done, skipped = _import(home, _file(tmp_path, b"\n".join((first, *_OWN))))
    assert (done.records, [place for place, _ in skipped]) == (2, ["line 1"])
    assert _names(home) == ["1", "2"]


@pytest.mark.parametrize("first", [*_BROKEN, b'{"resourceMetrics":[]}', b'{"resourceSpans": [{"scopeSp'])
def test_nor_does_it_where_they_are_messages(home, tmp_path, first):
    done, skipped = _import(home, _file(tmp_path, b"\n".join((first, *_TEXTS))))
    assert (done.records, [place for place, _ in skipped]) == (4, ["line 1"])


def test_of_metrics_it_is_said_that_they_are_not_read(home, tmp_path):
    _, skipped = _import(home, _file(tmp_path, b'{"resourceMetrics":[]}'))
    assert [(place, "metrics" in why) for place, why in skipped] == [("the message", True)]


def test_an_array_of_messages_over_lines_is_one_document(home, tmp_path):
    path = _file(tmp_path, b"[\n" + b",\n".join(_TEXTS) + b"\n]")
    done, skipped = _import(home, path)
    assert (done.records, skipped) == (4, [])


# -- lines of Flightlog ---------------------------------------------------------------------------------------


def test_what_was_exported_is_imported_as_it_was(home, tmp_path, monkeypatch):
    _import(home, _file(tmp_path, _LONG))
    with home.reader() as reader:
        before = list(reader.lines())
    exported = _file(tmp_path, b"".join(line + b"\n" for line in before), "exported.jsonl")
    monkeypatch.setenv("FLIGHTLOG_HOME", str(tmp_path / "second"))
    second = Home.find(load_settings({}), strict=True)
    done, skipped = _import(second, exported)
    assert (done.records, skipped) == (len(before), [])
    with second.reader() as reader:
        assert sorted(map(_fields, reader.lines()), key=repr) == sorted(map(_fields, before), key=repr)


def _fields(line: bytes) -> dict:
    return json.loads(line)


def _of_size(size: int, of: Callable[[ExportTraceServiceRequest], bytes]) -> bytes:
    """A request of which a part has so many bytes."""
    sizes = (_request(1, service="s" * length) for length in range(100))
    return next(request.SerializeToString() for request in sizes if len(of(request)) == size)


def test_a_message_whose_length_reads_like_the_beginning_of_json_is_still_protobuf():
    group = _of_size(ord("{"), lambda request: request.resource_spans[0].SerializeToString())
    assert group.startswith(b"\n{")
    assert not is_json(group)
    whole = _of_size(ord("{"), lambda request: request.SerializeToString())
    assert not is_json((b"{" + whole) * 3)


def test_such_a_message_is_protobuf_also_where_it_is_cut_or_has_more_in_it(home, tmp_path):
    group = _of_size(ord("{"), lambda request: request.resource_spans[0].SerializeToString())
    assert group.startswith(b"\n{")
    for broken in (group[:-3], group + b"\x12\x00", group + b"\n\x05\x0f"):
        assert not is_json(broken)
    path = tmp_path / "cut.pb"
    path.write_bytes(group + group[:-3])
    said = []
    done = import_documents(home, [str(path)], bad=lambda *told: said.append(told))
    assert done.records == 1
    assert [place for _, place, _ in said]


@pytest.mark.parametrize("text", [b'\n{"resourceSpans": []}', b"{\n}", b"[\n]", b"", b'{"a":1}\n{"a":2}\n'])
def test_json_that_begins_with_a_line_s_end_is_json(text):
    assert is_json(text)
