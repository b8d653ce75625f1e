"""What a shell may offer while somebody types a command: questions, traces, and what the store knows.

Click asks each parameter for its completions; here every parameter of a command that is being typed is told what it
is by the name that its help shows. Nothing is indexed for it and no trouble is told: a shell that waits, or prints an
error into a line that is being typed, is worse than one that offers nothing.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Final

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

from flightlog.cli.opening import home
from flightlog.cli.render.safe import clean
from flightlog.cli.render.words import ago
from flightlog.questions.completion import completions
from flightlog.questions.fields import FIELDS
from flightlog.records.errors import FlightlogError
from flightlog.records.traces import Trace

VARIABLE: Final = "_FLIGHTLOG_COMPLETE"
"""The environment variable through which a shell asks."""

MOST_VALUES: Final = 200
MOST_TRACES: Final = 20
MOST_LETTERS: Final = 200
"""Of a value that is offered; nobody completes a text that fills a screen."""

_TOLD_LETTERS: Final = 60

_FIELDS: Final = ("kind", "name", "session", "project", "service", "user", "model")
"""Options that take a value of a field of this name."""

_SIGNS: Final = (":", "=", "~", "<", ">")
_BARE: Final = re.compile(r"[\w./@+%,#-]+", re.ASCII)
"""A value that needs no quotes within a question."""

_SHELL: Final = re.compile(r"([^\w@%+=:,./-])", re.ASCII)
_OPEN_QUOTE: Final = re.compile(
    r"^(?:[^'\"\\]|\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\")*(['\"])([^'\"]*)$", re.DOTALL
)

_BASH: Final = """\
%(complete_func)s() {
    local IFS=$'\\n'
    COMPREPLY=($(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" %(complete_var)s=bash_complete "$1"))
    [[ "${COMPREPLY[*]}" == *[:=\\>\\<\\(] || "${COMPREPLY[0]}" == *[:=\\>\\<\\(.~] ]] && compopt -o nospace
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """Completion in Bash, which takes the signs of a question for the ends of words."""

    name = "bash"
    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words of the line, as a shell takes them, and the one that is being typed."""
        line = os.environ.get("COMP_LINE", "")
        words = split_arg_string(line)
        is_new = not line or (line[-1].isspace() and not _is_quoted(line) and not line.endswith("\\ "))
        return words[1:] if is_new else words[1:-1], "" if is_new or not words else words[-1]

    def format_completion(self, item: CompletionItem[str]) -> str:
        """What Bash is to put in the place of what it takes for the word: behind the last sign that breaks one."""
        _, typed = self.get_completion_args()
        if (quoted := _OPEN_QUOTE.match(os.environ.get("COMP_LINE", ""))) is not None:
            value = item.value[len(typed) - len(quoted[2]) :]
            return value.replace('"', '\\"') if quoted[1] == '"' else value
        breaks = max(typed.rfind(sign) for sign in ":=<>")
        return _SHELL.sub(r"\\\1", item.value[breaks + 1 :])


def register() -> None:
    """Have click ask here when a shell asks."""
    add_completion_class(Bash)


def equip(command: click.Command) -> click.Command:
    """Tell each parameter of a command what it may be completed to."""
    for parameter in command.params:
        complete = _completer(parameter)
        if complete is not None:
            parameter.shell_complete = partial(_quietly, complete)  # type: ignore[method-assign]  # of this one alone
    return command


def _completer(parameter: click.Parameter) -> Callable[[str], list[CompletionItem[str]]] | None:
    shown = parameter.metavar or ""
    if isinstance(parameter, click.Option):
        if shown == "QUESTION":
            return _questions
        field = next((name.lstrip("-") for name in parameter.opts if name.lstrip("-") in _FIELDS), None)
        return None if field is None else partial(_values, field)
    if "TRACE" in shown:
        return _either if "QUESTION" in shown else _traces
    return _questions if "QUESTION" in shown else None


def _quietly(
    complete: Callable[[str], list[CompletionItem[str]]], _: click.Context, incomplete: str
) -> list[CompletionItem[str]]:
    with suppress(FlightlogError, OSError):
        return complete(incomplete)
    return []


def _questions(incomplete: str) -> list[CompletionItem[str]]:
    found = []
    for one in completions(incomplete, known=_known()):
        is_value = incomplete[: one.start].endswith(_SIGNS)
        text = _quoted(one.text) if is_value else one.text
        found.append(CompletionItem(incomplete[: one.start] + text, help=one.meaning or None))
    return found


def _values(field: str, incomplete: str) -> list[CompletionItem[str]]:
    values = dict.fromkeys((*_known().get(field, ()), *FIELDS[field].values))
    return [CompletionItem(value) for value in values if value.startswith(incomplete)]


def _traces(incomplete: str) -> list[CompletionItem[str]]:
    recent = [(trace.trace_id, _told(trace)) for trace in _newest()]
    named = [("@latest", recent[0][1])] if recent else []
    told = dict((*named, *recent))  # projects may share an id
    return [CompletionItem(ref, help=said) for ref, said in told.items() if ref.startswith(incomplete)]


def _either(incomplete: str) -> list[CompletionItem[str]]:
    return [*_traces(incomplete), *_questions(incomplete)]


def _told(trace: Trace) -> str:
    return f"{clean(trace.name[:_TOLD_LETTERS])}, {trace.status}, {ago(trace.start, time.time_ns())}"


@cache
def _newest() -> Sequence[Trace]:
    found = home()
    if not found.store_path.exists():
        return ()
    with found.reader() as reader:
        return reader.traces(MOST_TRACES)


@cache
def _known() -> dict[str, list[str]]:
    """What the store knows, as far as it can be typed."""
    found = home()
    if not found.store_path.exists():
        return {}
    with found.reader() as reader:
        known = reader.known_values(MOST_VALUES)
    return {name: list(filter(_can_be_typed, values)) for name, values in known.items()}


def _can_be_typed(value: str) -> bool:
    return len(value) <= MOST_LETTERS and clean(value) == value


def _quoted(value: str) -> str:
    if _BARE.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("*", "\\*")
    return f'"{escaped}"'


def _is_quoted(line: str) -> bool:
    """Whether a quote is open where a line ends."""
    return _OPEN_QUOTE.match(line) is not None
