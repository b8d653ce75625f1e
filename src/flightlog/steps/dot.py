"""A trace as Graphviz draws it: one box a step, in the order of the steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flightlog.core.outcome import text_of
from flightlog.steps.step import StepType, TraceStep, type_text

COLOURS: Final[dict[str, str]] = {
    StepType.AUDIO_CAPTURE: "lightblue",
    StepType.VOICE_ACTIVITY: "lightblue",
    StepType.SPEECH_TO_TEXT: "lightgreen",
    StepType.TEXT_TO_SPEECH: "lightgreen",
    StepType.RETRIEVAL: "lightyellow",
    StepType.LLM_GENERATION: "orange",
    StepType.TOOL_EXECUTION: "pink",
    StepType.AUDIO_PLAYBACK: "lightgray",
}
"""Fill by step type, as frame-trace has them; any other type is white, and what failed is red."""


def to_dot(steps: Sequence[TraceStep]) -> str:
    """The digraph of these steps; names are escaped, so any text is a valid label."""
    lines = ["digraph ExecutionTrace {", "  rankdir=LR;", "  node [shape=box];", ""]
    for number, step in enumerate(steps):
        colour = "red" if step.failed else COLOURS.get(type_text(step.step_type), "white")
        label = f"{_escaped(text_of(step.name))}\\n{step.duration_ms}ms"
        lines.append(f'  step{number} [label="{label}", fillcolor={colour}, style=filled];')
        if number:
            lines.append(f"  step{number - 1} -> step{number};")
    return "\n".join([*lines, "}", ""])


def _escaped(text: str) -> str:
    """A text within a quoted label, where the quote and the backslash are special."""
    whole = text.encode("utf-8", "replace").decode()  # half a surrogate pair can be written to no file
    plain = "".join(" " if ord(character) < 32 and character != "\n" else character for character in whole)
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
