"""A child process under a span of its own: started, listened to, waited for, and told of.

The span has the command line, the exit code or the signal, and the child's lines as events (`child_output.py`). Its
place in the trace is handed over as `TRACEPARENT`, so a child that records belongs under it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any, Final

from flightlog.core.carry import passport
from flightlog.core.engine import Span, span
from flightlog.integrations.child_output import Output
from flightlog.propagation.traceparent import render
from flightlog.redaction.arguments import redacted_arguments
from flightlog.redaction.gate import DefaultGate

Word = str | bytes | os.PathLike[str] | os.PathLike[bytes]

Surroundings = tuple[str, Callable[[], bool], DefaultGate | None]
"""The home that we record into, a way to ask whether others do so by now, and the gate for a command line."""

TRACEPARENT: Final = "TRACEPARENT"
EXIT_CODE: Final = "process.exit.code"
_INTERRUPTED_SECONDS: Final = 2.0
"""How long a child may take to end after Ctrl-C before it is killed."""


def run(
    command: Word | Sequence[Word],
    *,
    input: bytes | str | None,  # noqa: A002 - the name that `subprocess` gave it
    cwd: Word | None,
    env: Mapping[str, str] | None,
    check: bool,
    timeout: float | None,
    shell: bool,
    capture_output: bool,
    name: str,
    surroundings: Callable[[], Surroundings],
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end; what the arguments mean and what is raised says `run_process`.

    `surroundings` is asked once the span is there.
    """
    given: Any = command  # nobody can be kept from giving an iterator, which is read once
    words = [command] if isinstance(command, (str, bytes, os.PathLike)) else list(command)
    if not words:
        raise ValueError("run_process was given no command: the first of its words is the program to run")
    told = [os.fsdecode(word) for word in words]
    called = name or ("sh" if shell else os.path.basename(told[0]) if told else "")  # noqa: PTH119 - a text
    with span(called or "process", kind="function") as record:
        home, is_recorded, gate = surroundings()
        record.input = {"command": redacted_arguments(gate or DefaultGate(b""), told)}
        is_kept = record.recorded and not passport().captured
        output = Output(is_recorded, home if is_kept else "", collect=capture_output)
        _flush_ours()
        try:
            child = subprocess.Popen(
                words if isinstance(given, Iterator) else command,
                stdin=None if input is None else subprocess.PIPE,
                stdout=output.descriptors[0],
                stderr=output.descriptors[1],
                cwd=cwd,
                env={**_environment(record, env, home), **output.offer},
                shell=shell,
            )
        except BaseException:
            output.abandon()
            raise
        output.start()
        try:
            _feed(child.stdin, input)
            _wait(child, timeout)
        finally:
            record.set_attributes({**output.finish(), EXIT_CODE: child.returncode})
        out, err = output.collected() if capture_output else (None, None)
        if child.returncode:
            _explain(record, child.returncode)
        done = subprocess.CompletedProcess(child.args, child.returncode, out, err)
        if check:
            done.check_returncode()
        return done


def _flush_ours() -> None:
    """What we said before the child was started stands before what it says."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # the border: a stream is anybody's object, or gone
            stream.flush()


def _environment(record: Span, env: Mapping[str, str] | None, home: str) -> dict[str, str]:
    """The child's variables: what was given or ours, and where it belongs unless that is given as well."""
    environ = dict(os.environ if env is None else env)
    if record.span_id and (env is None or TRACEPARENT not in env):
        sampled = record.recorded and not passport().captured
        environ[TRACEPARENT] = render(record.trace_id, record.span_id, sampled=sampled)
    if home and "FLIGHTLOG_HOME" not in environ:
        environ["FLIGHTLOG_HOME"] = home
    return environ


def _feed(stdin: IO[bytes] | None, given: bytes | str | None) -> None:
    """Write the input beside everything else: the child may read it as slowly as it likes, or not at all."""
    if stdin is None or given is None:
        return
    data = given.encode() if isinstance(given, str) else given

    def feed() -> None:
        with suppress(OSError), stdin:
            stdin.write(data)

    threading.Thread(target=feed, name="flightlog-stdin", daemon=True).start()


def _wait(child: subprocess.Popen[bytes], timeout: float | None) -> None:
    """Wait for the end; whatever comes between ends the child as well."""
    try:
        child.wait(timeout)
    except KeyboardInterrupt:
        if not _has_terminal():  # else the terminal told the child by itself
            with suppress(ProcessLookupError):
                child.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_INTERRUPTED_SECONDS)
        _kill(child)
        raise
    except BaseException:
        _kill(child)
        raise


def _kill(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()


def _has_terminal() -> bool:
    """Whether what is typed at a terminal reaches us and our children."""
    for stream in (0, 1, 2):
        with suppress(OSError):
            return os.tcgetpgrp(stream) == os.getpgrp()
    return False


def _explain(record: Any, returncode: int) -> None:
    """Say why it counts as failed: the signal that ended it, else its exit code."""
    if returncode > 0:
        record.fail("", type=f"exit {returncode}")
        return
    try:
        name = signal.Signals(-returncode).name
    except ValueError:  # most real-time signals have none
        name = f"signal {-returncode}"
    record.fail(f"killed by signal {-returncode}", type=name)
