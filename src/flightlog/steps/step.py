"""One step: what it was, when, how long, with what and what came of it."""

from __future__ import annotations

from enum import Enum, StrEnum
from time import time_ns
from typing import Any, Final, Self

from flightlog.core.outcome import text_of

MS: Final = 1_000_000
"""Nanoseconds in a millisecond."""


class StepType(StrEnum):
    """The stages of a pipeline that have a name; any other text is a step type as well.

    Values as frame-trace writes them.
    """

    AUDIO_CAPTURE = "AudioCapture"
    VOICE_ACTIVITY = "VoiceActivity"
    SPEECH_TO_TEXT = "SpeechToText"
    RETRIEVAL = "Retrieval"
    LLM_GENERATION = "LlmGeneration"
    TOOL_EXECUTION = "ToolExecution"
    TEXT_TO_SPEECH = "TextToSpeech"
    AUDIO_PLAYBACK = "AudioPlayback"
    ERROR = "Error"
    """Only in traces from elsewhere: here a step that fails keeps its type and has an `error`."""


_TYPES: Final[dict[str, StepType]] = {kind.value: kind for kind in StepType}


def step_type(text: str) -> str:
    """The well-known step type of this value, or the text itself."""
    return _TYPES.get(text, text)


def type_text(kind: object) -> str:
    """A step type as it is written; a member of any enumeration counts as its value."""
    return text_of(kind.value if isinstance(kind, Enum) else kind)


class TraceStep:
    """A step. Times are kept in nanoseconds and told in milliseconds.

    Input and output are kept as the objects they are until the trace is written: anything JSON can hold.
    """

    __slots__ = ("duration_ns", "error", "input", "name", "notes", "output", "start_ns", "step_type")

    start_ns: int
    """When it started: Unix nanoseconds."""
    duration_ns: int | None
    """How long it took, in nanoseconds; None while it is open."""
    notes: dict[str, Any] | None
    """The metadata, None while there is none."""

    def __init__(
        self,
        step_type: str,
        name: str,
        start_time_ms: float | None = None,
        duration_ms: float = 0,
        *,
        input: Any = None,  # noqa: A002 - the field's name
        output: Any = None,
        error: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Describe a step that is over, or that somebody else times.

        Args:
            step_type: a `StepType` or any other text.
            name: what was done.
            start_time_ms: Unix milliseconds; now, if left out.
            duration_ms: milliseconds.
            input: what it was given.
            output: what it gave back.
            error: what went wrong, None for nothing.
            metadata: anything else worth knowing.
        """
        self.step_type, self.name = step_type, name
        self.start_ns = time_ns() if start_time_ms is None else round(start_time_ms * MS)
        self.duration_ns = max(0, round(duration_ms * MS))
        self.input, self.output, self.error = input, output, error
        self.notes = metadata

    @property
    def metadata(self) -> dict[str, Any]:
        """More about the step; a dictionary to put things into."""
        if self.notes is None:
            self.notes = {}
        return self.notes

    @metadata.setter
    def metadata(self, value: dict[str, Any] | None) -> None:
        self.notes = value

    @property
    def start_time_ms(self) -> int:
        """When it started: whole Unix milliseconds."""
        return self.start_ns // MS

    @start_time_ms.setter
    def start_time_ms(self, value: float) -> None:
        self.start_ns = round(value * MS)

    @property
    def duration_ms(self) -> int:
        """How long it took: whole milliseconds; of an open step, 0."""
        return (self.duration_ns or 0) // MS

    @duration_ms.setter
    def duration_ms(self, value: float) -> None:
        self.duration_ns = max(0, round(value * MS))

    @property
    def is_open(self) -> bool:
        """Whether it has been started and not ended."""
        return self.duration_ns is None

    @property
    def failed(self) -> bool:
        """Whether it has an error, or is of the type that stands for one."""
        return self.error is not None or self.step_type == StepType.ERROR

    @property
    def end_ns(self) -> int:
        """When it ended: Unix nanoseconds; of an open step, now."""
        return self.start_ns + (
            self.duration_ns if self.duration_ns is not None else max(0, time_ns() - self.start_ns)
        )

    @classmethod
    def new(cls, step_type: str, name: str) -> Self:
        """A step that starts now and takes no time, to be completed with the `with_` methods."""
        return cls(step_type, name)

    @classmethod
    def started(cls, start_ns: int, step_type: str, name: str, given: Any) -> Self:
        """An open step, made without the constructor's calls: a start costs half as much."""
        step = cls.__new__(cls)
        step.step_type = step_type
        step.name = name
        step.input = given
        step.output = step.error = step.notes = step.duration_ns = None
        step.start_ns = start_ns
        return step

    def with_input(self, value: Any) -> Self:
        """Set the input."""
        self.input = value
        return self

    def with_output(self, value: Any) -> Self:
        """Set the output."""
        self.output = value
        return self

    def with_duration(self, milliseconds: float) -> Self:
        """Set the duration."""
        self.duration_ms = milliseconds
        return self

    def with_metadata(self, key: str, value: str) -> Self:
        """Add one piece of metadata."""
        self.metadata[key] = value
        return self

    def with_error(self, message: str) -> Self:
        """Set the error; the step keeps its type."""
        self.error = message
        return self

    def __repr__(self) -> str:
        """Name, type and state."""
        state = "open" if self.is_open else f"{self.duration_ms} ms"
        return f"<{type_text(self.step_type)} {self.name!r} {state}{' failed' if self.failed else ''}>"

    def __eq__(self, other: object) -> bool:
        """Whether all that is told of two steps is equal; times to the millisecond, as they travel."""
        return isinstance(other, TraceStep) and self._told() == other._told()

    __hash__ = None  # type: ignore[assignment]  # a step changes

    def _told(self) -> tuple[Any, ...]:
        whole = (self.start_time_ms, self.duration_ms, self.notes or {})
        return self.step_type, self.name, *whole, self.input, self.output, self.error
