"""One operation that Haystack traces, as a span of ours, and as one of the tracer that the program may have set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.context import OPEN, parent_here, variable
from flightlog.core.engine import Span, span
from flightlog.core.llm import ModelCall, llm
from flightlog.integrations.haystack import told
from flightlog.records import genai

Report = Callable[[str, Exception], object]

INSTRUMENTATION: Final = "flightlog.instrumentation"
_MOST_ABOVE: Final = 64
_KINDS: Final = {
    "haystack.pipeline.run": ("pipeline", "workflow"),
    "haystack.agent.run": ("agent", "agent"),
    "haystack.agent.step": ("step", "step"),
    "haystack.agent.step.llm": ("model", "llm"),
    "haystack.chat_generator.run": ("model", "llm"),
    "haystack.agent.step.tool": ("tool", "tool"),
    "haystack.agent.hook": ("hook", "step"),
}
"""Operation to a name and a kind; components have their own."""
_COMPONENT: Final = "haystack.component.run"
_WRAPPER: Final = "PipelineRuntimeError"
"""What a pipeline makes of the failure of a component, which is its cause."""
_INPUTS: Final = ("haystack.pipeline.input_data",)
_OUTPUTS: Final = ("haystack.pipeline.output_data",)
_LONG: Final = (
    "haystack.component.input_spec",
    "haystack.component.output_spec",
    "haystack.component.input_types",
    "haystack.component.fully_qualified_type",
    "haystack.agent.state_schema",
    "haystack.tool.description",
)
"""Tags that say the same in each run."""
_MOST_WORDS: Final = 2000


class Given:
    """What Haystack's own code, and components of the program, get as the span of an operation."""

    def __init__(self, theirs: Any, operation: Operation) -> None:
        self._theirs = theirs
        self._operation = operation

    def set_tag(self, key: str, value: Any) -> None:
        """Tell both."""
        self._operation.tag(key, value)
        self._theirs.set_tag(key, value)

    def set_tags(self, tags: dict[str, Any]) -> None:
        """Tell both."""
        for key, value in tags.items():
            self.set_tag(key, value)

    def set_content_tag(self, key: str, value: Any) -> None:
        """Tell ours, whose content goes by our policy, and theirs, which goes by its own."""
        self._operation.tag(key, value)
        self._theirs.set_content_tag(key, value)

    def raw_span(self) -> Any:
        """Theirs."""
        return self._theirs.raw_span()

    def get_correlation_data_for_logs(self) -> dict[str, Any]:
        """Theirs."""
        found: dict[str, Any] = self._theirs.get_correlation_data_for_logs()
        return found

    @property
    def theirs(self) -> Any:
        """The span of the tracer that the program has set."""
        return self._theirs

    @property
    def operation(self) -> Operation:
        """Ours."""
        return self._operation


latest: Final[ContextVar[Given | None]] = ContextVar("flightlog_haystack_span", default=None)
"""The innermost operation of this context."""


class Operation:
    """A block of Haystack's, which never fails for what we do."""

    def __init__(self, name: str, tags: Mapping[str, Any], report: Report) -> None:
        self._name = name
        self._report = report
        self._made: Span | None = None
        self._call: ModelCall | None = None
        self._before: Any = None
        self._failed = ""
        self._try(self._prepare, dict(tags))

    def _try(self, step: Callable[..., None], *args: Any) -> None:
        try:
            step(*args)
        except Exception as failure:  # noqa: BLE001 - the border: the program's own work must go on
            let_through(failure)
            self._report("an operation could not be recorded", failure)

    def _prepare(self, tags: dict[str, Any]) -> None:
        name, kind = _KINDS.get(self._name, ("", "step"))
        component = str(tags.get("haystack.component.type") or "")
        if self._name == _COMPONENT:
            name, kind = str(tags.get("haystack.component.name") or component), told.kind_of(component)
        elif component:
            name = component
        if kind == "tool":
            name = str(tags.get("haystack.tool.name") or name)
        name = name or self._name
        if kind in ("llm", "embedding"):
            operation = "chat" if kind == "llm" else "embeddings"
            self._call = llm("", operation=operation, name=name)
            self._made = self._call.span
        else:
            self._made = span(name, kind)
        self._made.set_attributes({INSTRUMENTATION: "haystack"})
        if kind == "tool":
            self._made.set_attributes({genai.TOOL_NAME: name, genai.OPERATION: "execute_tool"})
        for key, value in tags.items():
            self._tag(key, value)

    def enter(self, origin: Operation | None) -> None:
        """Begin.

        Args:
            origin: the operation around it, where Haystack says.
        """
        self._try(self._enter, None if origin is None else origin.made)

    def _enter(self, origin: Span | None) -> None:
        self._before = variable.get()
        place = _place(origin, self._before)
        if place is not self._before:
            variable.set(place)
        if self._call is not None:
            self._call.start()
            if self._call.span_id:
                variable.set(self._call.span)
        elif self._made is not None:
            self._made.__enter__()

    def leave(self, error: BaseException | None) -> None:
        """End."""
        self._try(self._leave, error)

    def _leave(self, error: BaseException | None) -> None:
        if self._name == _COMPONENT and type(error).__name__ == _WRAPPER:
            error = getattr(error, "__cause__", None) or error
        here, made = variable.get(), self._made
        if made is None:
            return
        if self._failed and error is None:
            made.fail(self._failed, type="ToolError")
        if self._call is not None:
            self._call.end(error)
        else:
            made.__exit__(
                None if error is None else type(error), error, getattr(error, "__traceback__", None)
            )
        if here is made or variable.get() is not here:
            variable.set(self._before)

    @property
    def made(self) -> Span | None:
        """Its span, while it is open."""
        made = self._made
        return made if isinstance(made, Span) and made._state == OPEN else None  # noqa: SLF001 - as the core looks

    def tag(self, key: str, value: Any) -> None:
        """Take in what Haystack says of it."""
        self._try(self._tag, key, value)

    def _tag(self, key: str, value: Any) -> None:
        made = self._made
        if made is None or key in _LONG:
            return
        if key.endswith(".input") or key in _INPUTS:
            made.input = told.plain(value) if self._call is None else told.asked(value)
        elif key.endswith(".output") or key in _OUTPUTS:
            self._put_out(value, made)
        elif key == "haystack.tool.error":
            self._failed = "it failed"
        elif key == "haystack.agent.tools":
            names = [name for one in value or () if isinstance(name := getattr(one, "name", None), str)]
            made.set_attributes({key: names})
        elif value not in (None, {}, []):
            made.set_attributes({key: told.plain(value)})

    def _put_out(self, value: Any, made: Span) -> None:
        if self._failed and isinstance(value, Mapping):
            self._failed = str(value.get("error"))[:_MOST_WORDS]
        call = self._call
        if call is None:
            made.output = told.plain(value)
            return
        answer = told.Answer(value)
        content = answer.content
        if not (content or answer.metas):  # it has the name of a model's component, and is none
            made._kind = "step"  # noqa: SLF001 - only now is it known
            made.output = told.plain(value)
            return
        if content is not None:
            call.output = content
        call.usage(**answer.usage())
        call.finish(*answer.reasons())
        call.response(id=answer.first("id", "response_id"), model=answer.first("model"))
        call.set_attributes(answer.waited(made.start))


def _place(origin: Span | None, here: Any) -> Any:
    """What an operation stands under: what is current, or the operation around it where that is none of it."""
    if origin is None:
        return here
    seen = parent_here(here)
    for _ in range(_MOST_ABOVE):
        if seen is origin:
            return here
        if not isinstance(seen, Span):
            break
        seen = parent_here(seen._parent)  # noqa: SLF001 - as the core itself looks
    return origin


class Traced:
    """The block around an operation: ours within the one that the program's tracer has for it."""

    def __init__(self, theirs: Any, operation: Operation, origin: Operation | None) -> None:
        self._theirs = theirs
        self._operation = operation
        self._origin = origin
        self._before: Given | None = None

    def __enter__(self) -> Given:
        given = Given(self._theirs.__enter__(), self._operation)
        self._operation.enter(self._origin)
        self._before = latest.get()
        latest.set(given)
        return given

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        self._operation.leave(error)
        latest.set(self._before)
        return self._theirs.__exit__(kind, error, trace)
