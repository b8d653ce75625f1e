"""Where OTLP goes and by which way: variables, TLS, gRPC, a foreign collector, and a whole program."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from concurrent import futures
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from otlp_collector import Collector

from flightlog.codecs.lines import encode
from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.sinks.otlp import Otlp
from flightlog.sinks.otlp_answer import Later
from flightlog.sinks.otlp_target import Given, target_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
_BASE = "OTEL_EXPORTER_OTLP_"


def _lines(count: int = 1) -> list[Line]:
    process = Process(process_id="9a3c1f0e5d7b42868c0d1e2f3a4b5c6d", started=1, service="shop")
    spans = [
        Span(
            trace_id=TRACE,
            span_id=f"{number:016x}",
            name=f"span {number}",
            start=1_763_653_000_000_000_000,
            end=1_763_653_000_000_000_000 + number,
            status="ok",
            kind="llm",
            input={"n": number},
            attributes={"number": number},
            process_id=process.process_id,
        )
        for number in range(1, count + 1)
    ]
    return [Line(encode(record)) for record in (process, *spans)]


# -- where ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "environ", "expected"),
    [
        ({}, {}, "http://localhost:4318/v1/traces"),
        ({"endpoint": "http://h:1"}, {_BASE + "ENDPOINT": "http://other:2"}, "http://h:1/v1/traces"),
        ({"endpoint": "h:1/base/"}, {}, "http://h:1/base/v1/traces"),
        ({"endpoint": "https://h"}, {}, "https://h:443/v1/traces"),
        ({"endpoint": "http://[::1]:7"}, {}, "http://::1:7/v1/traces"),
        ({}, {_BASE + "ENDPOINT": "http://e:5/x"}, "http://e:5/x/v1/traces"),
        (
            {},
            {_BASE + "TRACES_ENDPOINT": "http://e:5/own", _BASE + "ENDPOINT": "http://e:6"},
            "http://e:5/own",
        ),
        ({}, {_BASE + "TRACES_ENDPOINT": "http://e:5"}, "http://e:5/"),
        ({}, {_BASE + "LOGS_ENDPOINT": "http://e:5"}, "http://localhost:4318/v1/traces"),
    ],
)
def test_an_endpoint_is_the_program_s_then_the_signal_s_then_the_one_for_all(given, environ, expected):
    found = target_of("traces", Given(**given), environ)
    assert f"http{'s' if found.secure else ''}://{found.host}:{found.port}{found.path}" == expected


def test_the_variables_of_the_specification_are_read():
    said = {
        "PROTOCOL": "http/json",
        "HEADERS": "a=1, b=x%2Cy",
        "COMPRESSION": "gzip",
        "TIMEOUT": "2500",
        "CERTIFICATE": "ca.pem",
        "CLIENT_CERTIFICATE": "own.pem",
        "CLIENT_KEY": "own.key",
        "TRACES_TIMEOUT": "500",
    }
    environ = {_BASE + name: value for name, value in said.items()}
    logs, traces = (target_of(one, Given(), environ) for one in ("logs", "traces"))
    assert (logs.protocol, dict(logs.headers), logs.compress) == ("http/json", {"a": "1", "b": "x,y"}, True)
    assert (logs.timeout, traces.timeout) == (2.5, 0.5)
    assert (logs.ca, logs.cert, logs.key) == ("ca.pem", "own.pem", "own.key")


@pytest.mark.parametrize(
    ("given", "secure", "port"),
    [
        ({"endpoint": "grpc://h"}, False, 4317),
        ({"endpoint": "grpcs://h"}, True, 4317),
        ({"endpoint": "h:9", "protocol": "grpc"}, True, 9),
        ({"endpoint": "h:9", "protocol": "grpc", "insecure": True}, False, 9),
        ({"endpoint": "http://h:9", "protocol": "grpc"}, False, 9),
        ({"protocol": "grpc"}, False, 4317),
    ],
)
def test_grpc_has_a_port_of_its_own_and_goes_by_tls_unless_it_is_told_otherwise(given, secure, port):
    found = target_of("traces", Given(**given), {})
    assert (found.is_grpc, found.secure, found.port) == (True, secure, port)


@pytest.mark.parametrize(
    ("given", "environ"),
    [
        ({"endpoint": "ftp://h"}, {}),
        ({"endpoint": "http://"}, {}),
        ({"endpoint": "http://h:port"}, {}),
        ({"endpoint": "http://user:word@h"}, {}),
        ({}, {_BASE + "PROTOCOL": "smoke"}),
        ({}, {_BASE + "TIMEOUT": "soon"}),
    ],
)
def test_what_cannot_be_used_is_said_at_once(given, environ, monkeypatch):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="OTLP"):
        Otlp(**given)


# -- TLS ------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificates(tmp_path):
    """A certificate for this machine that nobody else knows, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run(
        [*command, "-keyout", str(key), "-out", str(cert), *subject], check=True, capture_output=True
    )
    return str(cert), str(key)


def _tls_server(certificates, *, ask: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates)
    if ask:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates[0])
    return context


def test_a_collector_is_checked_against_the_certificates_given_and_gets_ours(certificates):
    cert, key = certificates
    collector = Collector(tls=_tls_server(certificates, ask=True))
    sink = Otlp(f"https://127.0.0.1:{collector.port}", ca=cert, cert=cert, key=key)
    sink.append(_lines())
    assert len(collector.spans) == 1
    sink.close()
    collector.stop()


def test_a_collector_nobody_vouches_for_gets_nothing_unless_that_is_wanted(certificates):
    collector = Collector(tls=_tls_server(certificates, ask=False))
    careful = Otlp(f"https://127.0.0.1:{collector.port}")
    with pytest.raises(Later, match="CERTIFICATE_VERIFY_FAILED"):
        careful.append(_lines())
    careless = Otlp(f"https://127.0.0.1:{collector.port}", insecure=True)
    careless.append(_lines())
    assert len(collector.spans) == 1
    careless.close()
    collector.stop()


# -- gRPC -----------------------------------------------------------------------------------------------------


class _GrpcCollector:
    """A gRPC server that takes requests and does what it is told."""

    def __init__(self, grpc) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.metadata: dict[str, str] = {}
        self.failures: list[tuple[object, bytes | None]] = []
        self.rejected = 0
        self.said = "told to"
        self.server = grpc.server(
            futures.ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", 4000)]
        )
        handler = grpc.unary_unary_rpc_method_handler(
            self._export, request_deserializer=ExportTraceServiceRequest.FromString
        )
        name = "opentelemetry.proto.collector.trace.v1.TraceService"
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(name, {"Export": handler}),)
        )
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def _export(self, request, context) -> bytes:
        self.metadata = dict(context.invocation_metadata())
        if self.failures:
            code, details = self.failures.pop(0)
            if details is not None:
                context.set_trailing_metadata((("grpc-status-details-bin", details),))
            context.abort(code, self.said)
        self.requests.append(request)
        partial = ExportTracePartialSuccess(rejected_spans=self.rejected) if self.rejected else None
        return ExportTraceServiceResponse(partial_success=partial).SerializeToString()


@pytest.fixture
def grpc_collector():
    grpc = pytest.importorskip("grpc", reason="grpcio is not installed: nothing of gRPC is tested")
    made = _GrpcCollector(grpc)
    yield made
    made.server.stop(0).wait(5)


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_spans_go_by_grpc(grpc_collector, compression):
    sink = Otlp(f"grpc://127.0.0.1:{grpc_collector.port}", headers={"X-Key": "v"}, compression=compression)
    sink.append(_lines(3))
    (request,) = grpc_collector.requests
    names = [span.name for span in request.resource_spans[0].scope_spans[0].spans]
    assert (names, grpc_collector.metadata["x-key"]) == (["span 1", "span 2", "span 3"], "v")
    grpc_collector.rejected = 2
    sink.append(_lines(3))
    assert sink.losses() == {"sink_lines_refused": 2}
    sink.close()


def test_grpc_codes_say_what_is_sent_again(grpc_collector, monkeypatch):
    import grpc

    monkeypatch.setattr("flightlog.sinks.otlp_answer.FIRST_PAUSE", 0.0)
    sink = Otlp(f"grpc://127.0.0.1:{grpc_collector.port}")
    retry = b"\x08\x08\x1a\x30\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x04\x0a\x02\x10\x01"
    for code, details in ((grpc.StatusCode.UNAVAILABLE, None), (grpc.StatusCode.RESOURCE_EXHAUSTED, retry)):
        grpc_collector.failures.append((code, details))
        with pytest.raises(Later, match=code.name):
            sink.append(_lines())
        sink.append(_lines())
        assert sink.losses() == {}
    for code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT):
        grpc_collector.failures.append((code, None))
        sink.append(_lines())
        assert sink.losses() == {"sink_lines_refused": 1}
    sink.close()


def test_a_grpc_request_that_is_too_large_is_halved_until_it_fits(grpc_collector):
    import grpc

    sink = Otlp(f"grpc://127.0.0.1:{grpc_collector.port}")
    sink.append(_lines(100))  # more than this server reads at once
    grpc_collector.said = "Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes"
    grpc_collector.failures.append((grpc.StatusCode.OUT_OF_RANGE, None))
    sink.append(_lines(4))
    scoped = [request.resource_spans[0].scope_spans[0].spans for request in grpc_collector.requests]
    assert (sum(map(len, scoped)), sink.losses()) == (104, {})
    assert [len(spans) for spans in scoped[-2:]] == [2, 2]
    grpc_collector.failures.append((grpc.StatusCode.OUT_OF_RANGE, None))
    sink.append(_lines(1))
    assert sink.losses() == {"sink_lines_refused": 1}
    sink.close()


def test_without_grpcio_the_line_that_installs_it_is_said(monkeypatch):
    from flightlog.records.errors import MissingExtra

    monkeypatch.setitem(sys.modules, "grpc", None)
    sink = Otlp("grpc://127.0.0.1:1")
    with pytest.raises(MissingExtra, match=r"flightlog\[otlp\]"):
        sink.append(_lines())


# -- a whole program ------------------------------------------------------------------------------------------

_PROGRAM = """
import flightlog as fl
with fl.bind(session="s-1"), fl.span("outer", kind="agent", input={"q": 1}):
    fl.event("seen", x=1)
    with fl.span("inner"):
        pass
fl.event("loose")
print(fl.flush(20.0).delivered)
"""


def test_a_program_names_the_sink_and_its_records_arrive(tmp_path):
    collector = Collector()
    environment = {
        "FLIGHTLOG_HOME": str(tmp_path / "home"),
        "FLIGHTLOG_SINKS": f"store,otlp:http://127.0.0.1:{collector.port}?compression=gzip",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
    spans = {span.name: span for span in collector.spans}
    assert spans["inner"].parent_span_id == spans["outer"].span_id
    assert [event.name for event in spans["outer"].events] == ["seen"]
    said = {one.key: one.value.string_value for one in spans["outer"].attributes}
    assert (said["session.id"], said["flightlog.kind"]) == ("s-1", "agent")
    assert [log.event_name for log in collector.logs] == ["loose"]
    collector.stop()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"FLIGHTLOG_SINKS": "store,otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "smoke"},
            "the OTLP protocol 'smoke'",
        ),
        ({"FLIGHTLOG_SINKS": "store,otlp:ftp://h"}, "an OTLP endpoint such as"),
        ({"FLIGHTLOG_SINKS": "store,otlp:https://h?ca=none.pem"}, "No such file"),
    ],
)
def test_a_sink_that_cannot_be_made_is_told_and_everything_is_recorded(tmp_path, variables, said):
    environment = {"FLIGHTLOG_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", **variables}
    program = "import flightlog as fl\nwith fl.span('x'): pass\nfl.load('@latest')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said in done.stderr
    with Home.find(load_settings({"home": str(tmp_path / "home")})).reader() as reader:
        assert [span.name for span in reader.each_span()] == ["x"]


_FORKING = """
import os
import flightlog as fl
with fl.span("parent"):
    pass
fl.flush(20.0)
child = os.fork()
with fl.span("child" if child == 0 else "after"):
    pass
assert fl.flush(20.0).delivered
if child:
    assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forked_child_sends_its_own_records_over_a_connection_of_its_own(tmp_path):
    collector = Collector()
    environment = {
        "FLIGHTLOG_HOME": str(tmp_path / "home"),
        "FLIGHTLOG_SINKS": f"store,otlp:http://127.0.0.1:{collector.port}",
        "PATH": "/usr/bin:/bin",
    }
    subprocess.run([sys.executable, "-c", _FORKING], env=environment, timeout=60, check=True)
    assert sorted(span.name for span in collector.spans) == ["after", "child", "parent"]
    collector.stop()


def test_a_program_whose_collector_refuses_is_told_once_and_loses_nothing_here(tmp_path):
    collector = Collector()
    collector.replies += [(401, {}, b"")] * 20
    environment = {
        "FLIGHTLOG_HOME": str(tmp_path / "home"),
        "FLIGHTLOG_SINKS": f"store,otlp:http://127.0.0.1:{collector.port}",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.count("records are refused (401") == 1
    command = [sys.executable, "-m", "flightlog", "doctor", "--json"]
    doctor = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    import json

    assert json.loads(doctor.stdout)["losses"]["sink_lines_refused"] == 3
    collector.stop()


# -- another collector ----------------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_another_collector_takes_every_span_and_hands_it_on_as_it_was(tmp_path):
    """Rotel, a collector in Rust: it reads what the sink sends and sends it on to one of ours."""
    rotel = pytest.importorskip(
        "rotel", reason="rotel is not installed: no foreign collector takes our spans"
    )
    agent = Path(rotel.__file__).with_name("rotel-agent")
    if not agent.is_file():
        pytest.skip(f"rotel has no {agent.name}: no foreign collector takes our spans")
    tried = subprocess.run([str(agent), "--help"], capture_output=True, check=False)
    if tried.returncode:  # it is linked with Python's own library, which not every build of Python has
        pytest.skip(f"rotel does not start here: {tried.stderr.decode().strip()}")
    behind = Collector()
    http, grpc = _free_port(), _free_port()
    options = {
        "otlp-http-endpoint": f"127.0.0.1:{http}",
        "otlp-grpc-endpoint": f"127.0.0.1:{grpc}",
        "exporter": "otlp",
        "otlp-exporter-endpoint": f"http://127.0.0.1:{behind.port}",
        "otlp-exporter-protocol": "http",
        "otlp-exporter-compression": "none",
    }
    command = [str(agent), "start", *(f"--{name}={value}" for name, value in options.items())]
    log = (tmp_path / "rotel.log").open("wb")
    running = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
    try:
        ways = [f"http://127.0.0.1:{http}"]
        if "grpc" in sys.modules or __import__("importlib").util.find_spec("grpc"):
            ways.append(f"grpc://127.0.0.1:{grpc}")
        for number, endpoint in enumerate(ways, 1):
            sink = Otlp(endpoint, compression="gzip")
            _until_taken(sink, _lines(50))
            assert sink.losses() == {}
            sink.close()
            _until(lambda number=number: len(behind.spans) == 50 * number)
        sent = {span.span_id: span for span in behind.spans}
        assert len(sent) == 50
        for number in range(1, 51):
            span = sent[number.to_bytes(8, "big")]
            said = {one.key: one.value for one in span.attributes}
            assert (span.name, span.kind, said["number"].int_value) == (f"span {number}", 3, number)
            assert said["flightlog.input"].kvlist_value.values[0].value.int_value == number
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait(10)
        log.close()
        behind.stop()


def _until_taken(sink: Otlp, lines: list[Line]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            sink.append(lines)
        except Later:
            assert time.monotonic() < deadline
        else:
            return


def _until(fact) -> None:
    deadline = time.monotonic() + 30
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.02)
