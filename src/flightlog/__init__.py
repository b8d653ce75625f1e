"""The flight recorder for Python programs, pipelines and LLM agents."""

from flightlog.configure import configure, flush
from flightlog.core.conversation import session, turn
from flightlog.core.engine import Span, bind, current, event, span
from flightlog.core.llm import ModelCall, llm
from flightlog.core.prompts import prompt_built
from flightlog.core.tracer import traced
from flightlog.instrumenting import instrument, uninstrument
from flightlog.pausing import resume
from flightlog.recall import load
from flightlog.testing import capture

__all__ = [
    "ModelCall",
    "Span",
    "bind",
    "capture",
    "configure",
    "current",
    "event",
    "flush",
    "instrument",
    "llm",
    "load",
    "prompt_built",
    "resume",
    "session",
    "span",
    "traced",
    "turn",
    "uninstrument",
]
