"""The same small programs for each tracer: what `peers_bench.py` runs, with no network beyond loopback.

Each text begins a tracer the way its documentation says, with what it makes thrown away as late as the library lets
us (an exporter that keeps nothing, a null device; `SINK` stands for a server on loopback that answers every request),
and names what there is of: `span(name)` for a `with` block, `span3(name, i)` with three attributes, `event(i)` for a
point in time, `decorated` for a decorator. `PEERS` tells each peer's packages.
"""

from __future__ import annotations

from typing import Final

REPORT: Final = """
import tracemalloc
DEEP = 1000

def work():
    pass

def under(span, steps):
    if span is None:
        return steps
    def run(n):
        with span("root"):
            steps(n)
    return run

def memory_of(span):
    def nested(n):
        held = [span("held") for _ in range(n)]
        for one in held:
            one.__enter__()
        taken = tracemalloc.get_traced_memory()[0]
        for one in reversed(held):
            one.__exit__(None, None, None)
        return taken
    nested(20)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    return (nested(DEEP) - before) / DEEP

def serve(scope):
    span, span3, event, decorated = (scope.get(name) for name in ("span", "span3", "event", "decorated"))
    subjects = {}
    if span:
        def plain(n):
            for _ in range(n):
                with span("search"):
                    pass
        subjects["span"] = under(span, plain)
    if span3:
        def three(n):
            for i in range(n):
                with span3("search", i):
                    pass
        subjects["span3"] = under(span, three)
    if decorated:
        call = decorated(work)
        def calls(n):
            for _ in range(n):
                call()
        subjects["call"] = under(span, calls)
    if event:
        def events(n):
            for i in range(n):
                event(i)
        subjects["event"] = under(span, events)
    seen = span and scope.get("holds", True)
    report(memory=lambda: memory_of(span) if seen else 0, **subjects)
"""
"""Before each text, behind `slices.DRIVER`; `serve(globals())` comes after it."""

FLOOR: Final = """
class Block:
    __slots__ = ("name",)
    def __init__(self, name):
        self.name = name
    def __enter__(self):
        return self
    def __exit__(self, kind, error, trace):
        pass

span = Block
def span3(name, i):
    return Block(name)
def event(i):
    pass
def decorated(function):
    return function
"""

FLOOR_IN_C: Final = """
from floor_parts_built import span
def span3(name, i):
    return span(name, top_k=i, index="docs", score=1.5)
"""

OURS: Final = """
import flightlog as fl
span, say = fl.span, fl.event
def span3(name, i):
    return span(name, top_k=i, index="docs", score=1.5)
def event(i):
    say("cache", key=i)
decorated = fl.traced
"""

OURS_OFF: Final = """
import flightlog as fl
def span(name):
    return fl.span(name, level="trace")
def span3(name, i):
    return fl.span(name, level="trace", top_k=i, index="docs", score=1.5)
def event(i):
    fl.event("cache", level="trace", key=i)
decorated = fl.traced(level="trace")
"""

OURS_HOT: Final = """
from flightlog import hot
tiny = hot.tiny
def event(i):
    tiny("queue", "dispatch", "job-1", "sent")
decorated = hot.traced_fn
"""

OURS_STRIPPED: Final = """
import importlib, pathlib, sys, tempfile
place = pathlib.Path(tempfile.mkdtemp())
(place / "stripped_subject.py").write_text('''
from flightlog import hot
def event(i):
    hot.tiny("queue", "dispatch", "job-1", "sent")
@hot.traced_fn
def work():
    pass
''')
sys.path.insert(0, str(place))
import flightlog
subject = importlib.import_module("stripped_subject")
event = subject.event
def decorated(function):
    return subject.work
"""

OPENTELEMETRY: Final = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

class Nowhere(SpanExporter):
    def export(self, spans):
        return SpanExportResult.SUCCESS

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(Nowhere()))
tracer = provider.get_tracer("bench")
span = tracer.start_as_current_span
def span3(name, i):
    return span(name, attributes={"top_k": i, "index": "docs", "score": 1.5})
def event(i):
    trace.get_current_span().add_event("cache", {"key": i})
def decorated(function):
    return span("work")(function)
"""

PYTRACINGX: Final = """
import pytracingx
pytracingx.init(pytracingx.Config(service_name="bench", sinks=[
    pytracingx.TraceSink(endpoint=SINK + "/v1/traces", protocol="http/protobuf", batch_max_queue=1_000_000)]))
span = pytracingx.start_span
def span3(name, i):
    return span(name, attributes={"top_k": i, "index": "docs", "score": 1.5})
holds = False  # its spans are on the heap of Rust, which is not looked into
"""

DDTRACE: Final = """
import os
for name in ("DD_INSTRUMENTATION_TELEMETRY_ENABLED", "DD_REMOTE_CONFIGURATION_ENABLED", "DD_TRACE_STARTUP_LOGS"):
    os.environ[name] = "false"
os.environ["DD_TRACE_AGENT_URL"] = SINK
from ddtrace.trace import TraceFilter, tracer

class Nowhere(TraceFilter):
    def process_trace(self, trace):
        return None

tracer.configure(trace_processors=[Nowhere()])
span = tracer.trace
class Three:
    __slots__ = ("span",)
    def __init__(self, name, i):
        self.span = tracer.trace(name)
        self.span.set_tag("index", "docs")
        self.span.set_metric("top_k", i)
        self.span.set_metric("score", 1.5)
    def __enter__(self):
        return self.span
    def __exit__(self, kind, error, trace):
        self.span.finish()
span3 = Three
def decorated(function):
    return tracer.wrap("work")(function)
"""

LOGFIRE: Final = """
import logfire
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

class Nowhere(SpanExporter):
    def export(self, spans):
        return SpanExportResult.SUCCESS

logfire.configure(send_to_logfire=False, console=False, metrics=False, inspect_arguments=False,
    additional_span_processors=[BatchSpanProcessor(Nowhere())])
span = logfire.span
def span3(name, i):
    return span(name, top_k=i, index="docs", score=1.5)
def event(i):
    logfire.info("cache", key=i)
decorated = logfire.instrument("work")
"""

STRUCTLOG: Final = """
import os, structlog
structlog.configure(
    processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.JSONRenderer()],
    logger_factory=structlog.WriteLoggerFactory(file=open(os.devnull, "w")), cache_logger_on_first_use=True)
log = structlog.get_logger()
def event(i):
    log.info("cache", key=i)
"""

LOGGING: Final = """
import logging, os
logger = logging.getLogger("bench")
handler = logging.StreamHandler(open(os.devnull, "w"))
handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
logger.addHandler(handler)
logger.setLevel(logging.INFO)
logger.propagate = False
def event(i):
    logger.info("cache key=%d", i)
"""

LOGURU: Final = """
import os
from loguru import logger
logger.remove()
logger.add(open(os.devnull, "w"))
def event(i):
    logger.info("cache key={}", i)
"""

VIZTRACER: Final = """
from viztracer import VizTracer
tracer = VizTracer(log_sparse=True, verbose=0, tracer_entries=1_000_000)
tracer.start()
span = tracer.log_event
def event(i):
    tracer.log_instant("cache", args={"key": i})
holds = False  # its events are in a buffer in C, made when it starts
def decorated(function):
    from viztracer.decorator import log_sparse
    return log_sparse(function)
"""

LANGFUSE: Final = """
from langfuse import Langfuse, observe
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

class Nowhere(SpanExporter):
    def export(self, spans):
        return SpanExportResult.SUCCESS

anybody = "lf-bench"
client = Langfuse(public_key=anybody, secret_key=anybody, host=SINK, span_exporter=Nowhere())
def span(name):
    return client.start_as_current_observation(name=name, as_type="span")
def span3(name, i):
    return client.start_as_current_observation(
        name=name, as_type="span", metadata={"top_k": i, "index": "docs", "score": 1.5})
def event(i):
    client.create_event(name="cache", metadata={"key": i})
decorated = observe(name="work")
"""

LANGSMITH: Final = """
import os
os.environ["LANGSMITH_TRACING"] = "true"
os.environ["LANGSMITH_ENDPOINT"] = SINK
os.environ["LANGSMITH_API_KEY"] = str(0)
import langsmith

class Nowhere(langsmith.Client):
    def create_run(self, *args, **kwargs):
        pass
    def update_run(self, *args, **kwargs):
        pass

client = Nowhere(auto_batch_tracing=False)
def span(name):
    return langsmith.trace(name, client=client)
def span3(name, i):
    return langsmith.trace(name, client=client, metadata={"top_k": i, "index": "docs", "score": 1.5})
def decorated(function):
    return langsmith.traceable(client=client, name="work")(function)
"""

MLFLOW: Final = """
import os
os.environ["MLFLOW_TRACKING_URI"] = SINK
os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"
import mlflow
from mlflow.tracing.export.mlflow_v3 import MlflowV3SpanExporter
MlflowV3SpanExporter.export = lambda self, spans: None
span = mlflow.start_span
def span3(name, i):
    return span(name, attributes={"top_k": i, "index": "docs", "score": 1.5})
def decorated(function):
    return mlflow.trace(function, name="work")
"""

PEERS: Final[dict[str, tuple[str, str]]] = {
    "OpenTelemetry SDK": ("opentelemetry-sdk", OPENTELEMETRY),
    "pytracingx": ("pytracingx", PYTRACINGX),
    "ddtrace": ("ddtrace", DDTRACE),
    "logfire": ("logfire", LOGFIRE),
    "structlog": ("structlog", STRUCTLOG),
    "stdlib logging": ("", LOGGING),
    "loguru": ("loguru", LOGURU),
    "viztracer": ("viztracer", VIZTRACER),
    "langfuse": ("langfuse", LANGFUSE),
    "langsmith": ("langsmith", LANGSMITH),
    "mlflow-tracing": ("mlflow-tracing", MLFLOW),
}
"""Name to the package that is installed for it (none: it comes with Python) and its text."""
