"""A trace in a program's own hands: typed steps that travel as JSON, in memory, and never written before `save`.

For pipelines of a known shape (a turn of a voice assistant, say) which want to hand their trace on themselves:
no journal and no thread. The format is that of the frame-trace crate,
both as its README tells it and as it writes it, so traces go to and fro between Rust and Python services.
"""

from flightlog.steps.step import StepType, TraceStep
from flightlog.steps.summary import TraceSummary
from flightlog.steps.trace import ExecutionTrace

__all__ = ["ExecutionTrace", "StepType", "TraceStep", "TraceSummary"]
