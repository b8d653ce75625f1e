"""The flight recorder for Python programs, pipelines and LLM agents.

PYTEST_DONT_REWRITE: pytest rewrites the assertions of a package that has a plugin, and warns, or with `-W error`
stops, where the package is imported already, as it is under `flightlog run -m pytest`.
"""

from flightlog.calling import run_process
from flightlog.configure import configure, flush
from flightlog.core.agents import attachment, done, handoff
from flightlog.core.annotate import annotate
from flightlog.core.conversation import session, turn
from flightlog.core.engine import Span, bind, current, event, span
from flightlog.core.llm import ModelCall, llm
from flightlog.core.mute import mute
from flightlog.core.narrate import narrate
from flightlog.core.narrates import narrates
from flightlog.core.prompts import prompt_built
from flightlog.core.recorded import recorded
from flightlog.core.redact import redact
from flightlog.core.tool import tool
from flightlog.core.tracer import traced
from flightlog.graphing import graph
from flightlog.instrumenting import instrument, uninstrument
from flightlog.pausing import resume
from flightlog.propagation.extract import extract
from flightlog.propagation.inject import inject
from flightlog.recall import load
from flightlog.records.hashing import json_hash, sha256_hex
from flightlog.stripping.asked import strip
from flightlog.testing import capture

__all__ = [
    "ModelCall",
    "Span",
    "annotate",
    "attachment",
    "bind",
    "capture",
    "configure",
    "current",
    "done",
    "event",
    "extract",
    "flush",
    "graph",
    "handoff",
    "inject",
    "instrument",
    "json_hash",
    "llm",
    "load",
    "mute",
    "narrate",
    "narrates",
    "prompt_built",
    "recorded",
    "redact",
    "resume",
    "run_process",
    "session",
    "sha256_hex",
    "span",
    "strip",
    "tool",
    "traced",
    "turn",
    "uninstrument",
]
