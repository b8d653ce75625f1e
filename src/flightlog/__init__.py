"""The flight recorder for Python programs, pipelines and LLM agents."""

from flightlog.configure import configure, flush
from flightlog.core.engine import Span, bind, current, event, span
from flightlog.core.tracer import traced
from flightlog.testing import capture

__all__ = [
    "Span",
    "bind",
    "capture",
    "configure",
    "current",
    "event",
    "flush",
    "span",
    "traced",
]
