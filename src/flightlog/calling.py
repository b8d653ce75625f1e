"""Calling another program: `run_process`, which is `subprocess.run` with a span around it and an ear at its output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from os import PathLike, environ, listdir
from typing import TYPE_CHECKING, Any

from flightlog.border import let_through

if TYPE_CHECKING:
    from subprocess import CompletedProcess

    from flightlog.redaction.gate import DefaultGate

    Word = str | bytes | PathLike[str] | PathLike[bytes]


def run_process(
    command: Word | Sequence[Word],
    *,
    input: bytes | str | None = None,  # noqa: A002 - the name that `subprocess` gave it
    cwd: Word | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = False,
    timeout: float | None = None,
    shell: bool = False,
    capture_output: bool = False,
    name: str = "",
) -> CompletedProcess[bytes]:
    """Run a program to its end under a span of its own, which keeps the lines of its output as events.

    The output goes on to our own standard output and standard error, unchanged and at once. A line is an event
    `output` at level `info`, whichever stream it came from; a log line in JSON is a `log` event with its own level,
    a narration is a narration. Long lines and long outputs are cut, what is left out is counted on the span.

    Args:
        command: the program and its arguments; with `shell` one text.
        input: what it reads; without it, it has our standard input.
        cwd: where it runs.
        env: its variables in the place of ours. Its place in the trace (`TRACEPARENT`) and our home
            (`FLIGHTLOG_HOME`) are added, unless they are among them.
        check: raise where the exit code is not 0. The span counts as failed in any case.
        timeout: seconds after which it is killed.
        shell: have the shell run it.
        capture_output: give the output in the result and pass nothing on.
        name: of the span; else the program's.

    Returns:
        What `subprocess.run` gives; `stdout` and `stderr` are bytes with `capture_output`, else None. A process that
        the program leaves behind is not waited for.

    Raises:
        ValueError: there is no command; nothing is recorded of that.
        OSError: the program cannot be started.
        subprocess.CalledProcessError: with `check`, it failed.
        subprocess.TimeoutExpired: it took too long.
    """
    from flightlog.integrations.child import run  # subprocess and more, which an import must not cost

    return run(
        command,
        input=input,
        cwd=cwd,
        env=env,
        check=check,
        timeout=timeout,
        shell=shell,
        capture_output=capture_output,
        name=name,
        surroundings=lambda: _surroundings(env),
    )


def _surroundings(env: Mapping[str, str] | None) -> tuple[str, Callable[[], bool], DefaultGate | None]:
    """The home that we record into, if we do, a way to ask whether somebody joined us there, and our gate.

    The secrets of the child's own variables are looked for from now on, since it may print them.
    """
    recorder: Any = getattr(sys.modules.get("flightlog.recording"), "recorder", None)
    home = None if recorder is None or recorder.writer is None else recorder.home
    if home is None:
        return "", _nobody, None
    redacting: Any = sys.modules.get("flightlog.redacting")
    if redacting is None:
        return str(home.path), joined(home.journal_root), None
    if env is not None:
        _look_for(env, recorder, redacting)
    return str(home.path), joined(home.journal_root), redacting.gate_of_messages()


def _look_for(env: Mapping[str, str], recorder: Any, redacting: Any) -> None:
    secret: dict[str, str] = {}
    try:
        for name, value in env.items():
            secret.update(redacting.secret_variable(name, value))
        if any(environ.get(name) != value for name, value in secret.items()):
            recorder.on_new_secret(secret)
    except Exception as failure:  # noqa: BLE001 - the border: a mapping is anybody's object
        let_through(failure)


def _nobody() -> bool:
    return False


def joined(journals: PathLike[str]) -> Callable[[], bool]:
    """A way to ask whether a process has begun to record since now, by the directory that holds the journals."""
    before = _names(journals)
    found: set[str] = set()

    def is_joined() -> bool:
        if not found:
            found.update(_names(journals) - before)
        return bool(found)

    return is_joined


def _names(directory: PathLike[str]) -> frozenset[str]:
    try:
        return frozenset(listdir(directory))  # noqa: PTH208 - pathlib is 8 ms that an import must not cost
    except OSError:
        return frozenset()
