"""Runs a program under a span of its own, unchanged, and knows afterwards how it ended.

The program is started as its own process by the same interpreter, with the same arguments, directory, streams
and process group. The span is this process's, so it ends properly however the program does: an exit code, a
signal, `kill -9`. Meanwhile this process indexes the home, at full speed and beside nobody.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final

from msgspec import Struct

import flightlog
from flightlog.calling import joined
from flightlog.configure import flush, load_settings
from flightlog.core.engine import Span, span
from flightlog.flushed import Flushed
from flightlog.home import Home
from flightlog.integrations.child_output import Output
from flightlog.propagation.traceparent import render
from flightlog.recording import recorder
from flightlog.records.errors import BadQuestion, FlightlogError
from flightlog.redacting import gate_of_messages
from flightlog.redaction.arguments import redacted_arguments

SETTLE_SECONDS: Final = 5.0
"""How long the end of a run waits until everything is in the store."""

_HOPE_SECONDS: Final = 0.5
"""How long it waits for a home in which nothing can be written."""

_TYPE: Final = "exception.type"

_FORWARDED: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)
_FROM_TERMINAL: Final = (signal.SIGINT, signal.SIGQUIT)
"""The terminal sends these to the whole foreground group, so the program has them already."""


class Outcome(Struct, frozen=True):
    """How a program ended."""

    trace_id: str
    """Empty when nothing was recorded."""
    name: str
    returncode: int
    """The exit code, or minus the number of the signal that killed it."""
    duration_ns: int
    delivered: bool
    """Whether everything it recorded is in the store."""
    in_memory: int = 0
    """Records of the run that cannot be written anywhere."""
    cancelled: bool = False
    """Somebody stopped it from the keyboard, which is no failure."""


class Again(Struct, frozen=True):
    """That a program runs once more, and what of it is already recorded."""

    trace_id: str
    """Of the recorded run, to which the new one is linked."""
    span_id: str
    environ: dict[str, str]
    """What its processes find in their environment besides."""


RERUN: Final = "rerun"
"""The relation of a run to the one that it repeats."""


def run_program(
    arguments: Sequence[str],
    *,
    module: bool,
    live: bool = False,
    capture_output: bool = False,
    again: Again | None = None,
) -> Outcome:
    """Run a script, or a module as `python -m` does, and record it.

    Args:
        arguments: path or module name, then the program's own arguments.
        module: the first argument names a module.
        live: its steps are told on its standard error as they start and end.
        capture_output: the lines of its output are kept as events; they go on to ours, unchanged and at once.
        again: it runs once more.

    Raises:
        BadQuestion: there is no such script, or this is no way to name one; a setting cannot be used.
        HomeUnusable: the home is relative to a directory that is gone.
    """
    name = arguments[0] if module else _script_name(arguments[0])
    settings = load_settings()
    home = Home.find(settings, strict=True)
    command = [sys.executable, *(["-m"] if module else []), *arguments]
    flightlog.configure(
        home=str(home.path),
        service=settings.service or Path(name).stem,
        exit_drain=0.0,
        console="off",
        **({} if again is None else {"sample": 1.0}),
    )
    recorder.tells_of_journal = False
    started = time.monotonic_ns()
    shown = redacted_arguments(gate_of_messages(), arguments)
    stop = KeyboardInterrupt()
    try:
        with span(name, kind="run", input={"command": shown}) as record:
            if again is not None:
                record.link(again, RERUN)
            flush(0.0)
            if recorder.keeper is not None:
                recorder.keeper.work_freely()
            output = _listening(record, home) if capture_output else None
            environ = _environment(record, home, live=live) | ({} if again is None else again.environ)
            returncode, signals = _child(command, environ, output)
            exception: dict[str, str] = {}
            if returncode:
                _settle()
                exception = _exception(record, home)
            if returncode == 1 and signal.SIGINT in signals and exception.get(_TYPE) == "KeyboardInterrupt":
                # Left to itself it would have died of the signal: CPython forgets that it was to do so when
                # code is compiled after the interrupt, as it is while its last records are written.
                returncode = -signal.SIGINT
            told = {} if output is None else output.finish()
            record.set_attributes({**told, "process.exit.code": returncode})
            if cancelled := _is_cancelled(returncode, signals):
                raise stop  # the span ends as any other that Ctrl-C leaves
            if returncode:
                _explain(record, exception, returncode)
    except KeyboardInterrupt as interrupt:
        if interrupt is not stop:
            raise
    flushed = _settle()
    took = time.monotonic_ns() - started
    trace_id = record.trace_id if record.recorded else ""  # sampling may have kept it out
    return Outcome(trace_id, name, returncode, took, flushed.delivered, flushed.in_memory, cancelled)


def _settle() -> Flushed:
    """Wait until everything is in the store; not long for a home that takes nothing."""
    flushed = flush(_HOPE_SECONDS)
    return flushed if flushed.delivered or flushed.in_memory else flush(SETTLE_SECONDS)


def _is_cancelled(returncode: int, signals: frozenset[int]) -> bool:
    """Whether a program ended because of Ctrl-C: it died of it, or it left with the exit code that says so."""
    return returncode == -signal.SIGINT or (returncode == 128 + signal.SIGINT and signal.SIGINT in signals)


def _script_name(given: str) -> str:
    """The name of a script, or of the directory or archive that holds its `__main__.py`."""
    if given.startswith("-"):
        raise BadQuestion(
            f"{given} cannot be recorded: give a script, a directory or archive with a __main__.py, or -m and "
            f"a module; put code for -c or standard input into a file (a script of this name is ./{given})"
        )
    path = Path(given)
    if not given or not path.exists():
        raise BadQuestion(f"no such script: {given}; a module is run with -m")
    return (path.resolve().name or given) if path.name in {"", ".."} else path.name


def _environment(record: object, home: Home, *, live: bool) -> dict[str, str]:
    environ = dict(os.environ)
    if live:
        environ["FLIGHTLOG_CONSOLE"] = "live"
    environ["FLIGHTLOG_HOME"] = str(home.path)
    boot = str(Path(__file__).parent / "boot")
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, (boot, environ.get("PYTHONPATH"))))
    if isinstance(record, Span):
        environ["TRACEPARENT"] = render(record.trace_id, record.span_id, sampled=record.recorded)
    return environ


def _listening(record: Span, home: Home) -> Output:
    """What keeps the lines of a program that joins us in this home."""
    return Output(joined(home.journal_root), str(home.path) if record.recorded else "")


def _child(command: list[str], environ: dict[str, str], output: Output | None) -> tuple[int, frozenset[int]]:
    """Run the program and pass signals on; give its exit code or minus its signal, and the signals that came."""
    stdout, stderr = (None, None) if output is None else output.descriptors
    environ = environ if output is None else {**environ, **output.offer}
    child: subprocess.Popen[bytes] | None = None
    came: set[int] = set()

    def forward(number: int, _frame: FrameType | None) -> None:
        came.add(number)
        if child is not None and not (number in _FROM_TERMINAL and _is_in_foreground()):
            with suppress(ProcessLookupError):
                child.send_signal(number)

    with _handling(forward):
        child = subprocess.Popen(command, env=environ, stdout=stdout, stderr=stderr)
        if output is not None:
            output.start()
        while True:
            with suppress(InterruptedError):
                return child.wait(), frozenset(came)


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle signals that somebody may want to act; what is ignored stays so, also in the program (`nohup`)."""
    numbers = [
        number for number in (*_FORWARDED, *_FROM_TERMINAL) if signal.getsignal(number) is not signal.SIG_IGN
    ]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _is_in_foreground() -> bool:
    """Whether the terminal's signals reach the program by themselves."""
    for stream in (0, 1, 2):
        with suppress(OSError):
            return os.tcgetpgrp(stream) == os.getpgrp()
    return False


def _exception(record: object, home: Home) -> dict[str, str]:
    """The attributes of the exception that ended the program; none where nothing was recorded of one."""
    exception: dict[str, str] = {}
    if not isinstance(record, Span):
        return exception
    with suppress(FlightlogError), home.reader() as reader:
        for event in reader.events(record.trace_id):
            if event.name == "exception" and event.span_id == record.span_id:
                exception = event.attributes
    return exception


def _explain(record: object, exception: dict[str, str], returncode: int) -> None:
    """Say on the run's span why it failed: the signal or exception that ended the program, else its exit code."""
    if not isinstance(record, Span):
        return
    if returncode < 0:
        number = -returncode
        name = _signal_name(number)
        record.fail(f"killed by signal {number}", type=name or f"signal {number}")
    elif exception:
        record.fail(
            exception.get("exception.message", ""),
            type=exception.get(_TYPE, ""),
            stack=exception.get("exception.stacktrace", ""),
        )
    else:
        record.fail("", type=f"exit {returncode}")


def _signal_name(number: int) -> str:
    """The name of a signal; most real-time signals have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def end_like(returncode: int) -> int:
    """Give the exit code to leave with; for a program that died of a signal, die of the same one."""
    if returncode >= 0:
        return returncode
    number = -returncode
    with suppress(OSError, ValueError):
        import resource  # Unix only, and only here

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sys.stdout.flush()
        sys.stderr.flush()
        signal.signal(number, signal.SIG_DFL)
    if number != signal.SIGKILL:
        os.kill(os.getpid(), number)
    return 128 + number
