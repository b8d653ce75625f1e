"""What was imported leaves the store as the message it came from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from flightlog.codecs.lines import decode
from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.importing import import_documents
from flightlog.records.process import Process

sys.path.insert(0, str(Path(__file__).parents[1] / "codecs"))
import otlp_kit

SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20


def _home(path) -> Home:
    return Home.find(load_settings({"home": str(path)}))


def _import(home: Home, data: bytes, scratch: Path) -> None:
    file = scratch / "document"
    file.write_bytes(data)
    import_documents(home, [str(file)], bad=lambda *told: pytest.fail(str(told)))


def _lines(home: Home) -> list[bytes]:
    with home.reader() as reader:
        assert reader.verify() == []
        return list(reader.lines())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(request=otlp_kit.trace_requests())
def test_a_span_leaves_the_store_as_it_came(request, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("import")
    home = _home(scratch / "home")
    read = otlp_kit.Read(request.SerializeToString())
    _import(home, request.SerializeToString(), scratch)
    records = [decode(line) for line in _lines(home)]
    processes = {one.process_id: one for one in records if isinstance(one, Process)}
    told = otlp_kit.back(records, processes).traces(as_json=False)
    expected = otlp_kit.back(read.records, read.processes).traces(as_json=False)
    assume("[REDACTED]" not in str(told))  # a key of chance, such as `jwt`, is a secret's
    assert _sorted(told) == _sorted(expected)


def _sorted(data: bytes) -> list[str]:
    """What is said, whatever the order of attributes."""
    request = ExportTraceServiceRequest.FromString(data)
    for group in request.resource_spans:
        _sort(group.resource.attributes)
        for scoped in group.scope_spans:
            _sort(scoped.scope.attributes)
            for span in scoped.spans:
                for holder in (span, *span.events, *span.links):
                    _sort(holder.attributes)
    return str(request).splitlines()


def _sort(attributes) -> None:
    known = sorted(attributes, key=lambda one: one.key)
    del attributes[:]
    attributes.extend(known)


def test_lines_of_flightlog_pass_the_gate_of_the_home_they_come_to(tmp_path):
    home = _home(tmp_path / "home")
    span = {
        "v": 1,
        "type": "span",
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "name": SECRET,
        "kind": SECRET,
        "start": 1,
        "end": 2,
        "status": "error",
        "input": {SECRET: [SECRET]},
        "output": SECRET,
        "error": {"type": SECRET, "message": SECRET, "stack": SECRET},
        "attributes": {SECRET: SECRET, "password": "hunter22"},
        "context": {"user": SECRET},
        "links": [{"trace_id": "c" * 32, "attributes": {"a": SECRET}}],
        "otel": {"scope": {"name": SECRET}},
        "thread": SECRET,
        "future": {"a": SECRET},
        "password": "hunter22",
        "credentials": {"a": ["hunter22"]},
        SECRET: 1,
    }
    event = {"v": 1, "type": "event", "event_id": "d" * 16, "time": 1, "name": SECRET, "body": SECRET}
    unknown = {"v": 9, "type": "dream", "text": SECRET}
    document = b"\n".join(json.dumps(one).encode() for one in (span, event, unknown))
    _import(home, document, tmp_path)
    told = b"\n".join(_lines(home))
    assert told.count(b'"type"') >= 3
    assert SECRET.encode() not in told
    assert b"hunter22" not in told
