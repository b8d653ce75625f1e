"""A recorder, put together: gate, core, journal and keeper of one process.

This is imported when the first span or event is wanted, and not before: `import flightlog` must cost a program
nothing that it may never need.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flightlog.border import let_through
from flightlog.codecs.lines import decode
from flightlog.core import editor, engine, memo, provenance
from flightlog.core.capture import Encoder, Limits
from flightlog.core.content import content_from
from flightlog.core.context import Remote
from flightlog.core.control import control
from flightlog.core.hot_sites import tally
from flightlog.core.level import Filter, parse
from flightlog.core.plan import Plan
from flightlog.core.process import process_line
from flightlog.flushed import Flushed
from flightlog.integrations.processes import carry_into_processes
from flightlog.integrations.subprocesses import carry_into_children
from flightlog.integrations.threads import carry_into_threads
from flightlog.journal.writer import Writer
from flightlog.keeper import Keeper
from flightlog.place import Place
from flightlog.propagation import rules
from flightlog.propagation.extract import from_environment
from flightlog.records.errors import BadSetting, FlightlogError, HomeUnusable
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.redacting import exact_values, gate_of, leave_environment, watch_environment
from flightlog.redaction.arguments import redacted_arguments
from flightlog.redaction.environment import secrets_of
from flightlog.redaction.gate import FAILED, DefaultGate
from flightlog.redaction.policy import sought
from flightlog.settings import Settings
from flightlog.unindexed import DIRECTORY as UNINDEXED
from flightlog.unindexed import adopt

if TYPE_CHECKING:
    from flightlog.delivery import Delivery

_LAST: Final = -1000
"""After the worker's own finalizers, which may record."""

_FOREVER: Final = 1e6
"""Seconds that stand for every longer time: a lock takes no infinity."""

Load = Callable[[Callable[[BadSetting], None]], Settings]
"""Reads the settings, and tells somebody of each value that cannot be used."""


class Recorder:
    """Everything that runs while this process records; there is at most one at a time."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.home: Place | None = None
        self.writer: Writer | None = None
        self.keeper: Keeper | None = None
        self.delivery: Delivery | None = None
        self._left_out: list[object] = []
        """Sinks that are not used here: this is a forked child, and they do not know how to live in one."""
        self._load: Load | None = None
        self._gate = DefaultGate(b"")
        self._told_hits: dict[str, int] = {}
        """Hits of the gate's rules that the counters have."""
        self._lost = 0
        """Losses of the writer that a flush has told of."""
        self._said: set[str] = set()
        self._hooked = False
        self.tells_of_journal = True
        """Whether it says that the journal cannot be written, and what was lost by it; `flightlog run` has a
        last line of its own for that, and its program says it as well."""

    # -- starting -----------------------------------------------------------------------------------------

    def prepare(self, load: Load) -> None:
        """Read the settings and put the gate in place: enough to capture, and to know what is off."""
        settings = load(lambda error: self.say(f"{error}; it is left out"))
        self.settings = settings
        control.configure(_filter(settings, self.say), enabled=settings.enabled)
        self.home = Place.find(settings)
        self._install(self._first_write, os.urandom(32))
        provenance.introduce(settings.service or _service(), settings.version)
        editor.use(settings.editorial, settings.environment)
        if settings.redact_environment and control.wants_anything:
            watch_environment(self.on_new_secret)
        if settings.propagate:
            carry_into_threads()
            carry_into_processes()
            carry_into_children(adds=settings.propagate_environment)

    def start(self, load: Load) -> None:
        """Open home and journal and start the keeper."""
        if self.settings is None:
            self.prepare(load)
        self._load = load
        settings, home = self.settings, self.home
        assert settings is not None
        assert home is not None
        if not control.wants_anything or self.writer is not None:
            return
        with suppress(HomeUnusable):  # the journal meets the same trouble, and says what it means for records
            home.create()
            adopt(home.path)
        self._install(self._first_write, home.key())
        fields, attributes = _identity(settings, self._gate)
        head = process_line(fields, attributes)
        process = decode(head)
        assert isinstance(process, Process)
        self.writer = Writer(
            home.journal_root if settings.wants_store else home.path / UNINDEXED,
            process.process_id,
            head,
            settings,
            say=self._say_of_journal,
            on_pressure=self._on_pressure,
        )
        self._lost = 0
        self._open_sinks(settings, process, head)
        self.keeper = Keeper(
            home,
            self.writer,
            process,
            self.say,
            self._note_gate_hits,
            indexes=settings.wants_store,
            memory=None if self.delivery is None else self.delivery.drain_for_store,
        )
        self._install(self.writer.write_framed, home.key())
        self._hook()
        try:
            self.keeper.start()
        except RuntimeError as error:
            self.say(f"no thread can be started ({error}); records go to the journal, and wait there")
        if control.refused:
            self.writer.counters.increment("records_while_starting", control.refused)
            control.refused = 0

    def _open_sinks(self, settings: Settings, process: Process, head: Line) -> None:
        """Start feeding the sinks beside the store, if there are any."""
        if not settings.wants_other_sinks or self.writer is None:
            return
        from flightlog.delivery import Delivery  # only programs that have such sinks pay for them

        self.delivery = Delivery(self.writer, process, settings, self.say, self.home, left_out=self._left_out)
        self._hook_worker()
        try:
            self.delivery.start(head)
        except RuntimeError as error:
            self.say(f"no thread can be started ({error}); the sinks beside the store get nothing")

    def _install(self, write: Callable[[bytes], object], key: bytes) -> None:
        settings = self.settings
        assert settings is not None
        self._note_gate_hits()
        self._gate, self._told_hits = gate_of(settings, key, self.say), {}
        gate = self._gate
        limits = Limits(value_bytes=settings.value_bytes, request_bytes=settings.request_bytes)
        origin = self._believe_headers(settings)
        memo.use(Encoder(gate, limits, lambda: self.count("capture_errors")))
        engine.install(
            Plan(
                gate=gate,
                write=write,
                count=self.count,
                journal=self.writer,
                limits=limits,
                ratio=settings.sample,
                line_bytes=settings.line_bytes,
                open_spans=settings.open_spans,
                origin=origin,
                content=content_from(settings.content),
                vectors=settings.vectors,
            ),
        )

    def _believe_headers(self, settings: Settings) -> Remote | None:
        """Put the rules of headers in place; gives where this process belongs, when its environment says so."""
        origin = from_environment(os.environ)
        rules.use(
            rules.Rules(
                settings.propagators,
                frozenset(settings.baggage_keys),
                settings.inject_hosts,
                settings.sample,
                origin,
                self.count,
            )
        )
        return origin

    def on_new_secret(self, changing: Mapping[str, str]) -> None:
        """Look for a secret that the program has just put into its environment, or into a child's."""
        settings = self.settings
        if settings is None:
            return
        try:
            found = exact_values(settings, changing)
        except Exception as failure:  # noqa: BLE001 - the border: another thread may be changing the environment
            let_through(failure)
            found = (*settings.redact_values, *secrets_of(changing))
        self._gate.seek(sought(found))
        memo.forget()

    def _first_write(self, framed: bytes) -> None:
        """Take a line that comes before there is a journal: open it."""
        if self._load is not None:
            self.start(self._load)
        if self.writer is not None:
            self.writer.write_framed(framed)

    def _on_pressure(self) -> None:
        if self.keeper is not None:
            self.keeper.wake()
        if self.delivery is not None:
            self.delivery.wake()

    def _hook_worker(self) -> None:
        """In a forked worker of `multiprocessing`, which ends without `atexit`: let its sinks have everything.

        The store needs no such care: it finds the journal of whoever ended, however it did.
        """
        process, util = map(sys.modules.get, ("multiprocessing.process", "multiprocessing.util"))
        if process is not None and util is not None and process.parent_process() is not None:
            util.Finalize(None, self.at_exit, exitpriority=_LAST)

    def _hook(self) -> None:
        if self._hooked:
            return
        self._hooked = True
        atexit.register(self.at_exit)
        os.register_at_fork(before=engine.announce_open)

    # -- while it runs ----------------------------------------------------------------------------------------

    def count(self, name: str) -> None:
        """Count one loss."""
        if self.writer is not None:
            self.writer.counters.increment(name)

    def _note_gate_hits(self) -> None:
        """Bring the counters up to what the gate's rules have replaced, and could not, and call sites left out."""
        writer, told = self.writer, self._told_hits
        if writer is None:
            return
        for rule, hits in list(self._gate.hits.items()):
            more = hits - told.get(rule, 0)
            if more > 0:
                told[rule] = hits
                if rule == FAILED:
                    writer.counters.increment("gate_errors", more)
                else:
                    writer.counters.tally(f"redacted_{rule}", more)
        left_out = tally.taken()
        if left_out:
            writer.counters.tally("hot_left_out", left_out)

    def say(self, message: str) -> None:
        """Tell the user once, on stderr, redacted; never an exception."""
        if message in self._said or sys.stderr is None:
            return
        self._said.add(message)
        try:
            sys.stderr.write(f"flightlog: {self._gate.text('', message)}\n")
        except Exception as failure:  # noqa: BLE001 - the border: a closed stderr is the program's business
            let_through(failure)
            self.count("internal_errors")

    def _say_of_journal(self, message: str) -> None:
        if self.tells_of_journal:
            self.say(message)

    def flush(self, timeout: float) -> Flushed:
        """Bring everything recorded so far into the store and the other sinks, for at most `timeout` seconds."""
        writer, keeper = self.writer, self.keeper
        if writer is None or keeper is None or self.home is None:
            return Flushed(delivered=True)
        engine.announce_open()  # whoever flushes may be about to leave without ending them
        delivery, deadline = self.delivery, time.monotonic() + max(0.0, min(_FOREVER, timeout))
        dropped, self._lost = (lost := writer.counters.lost()) - self._lost, lost
        late: tuple[str, ...] = ()
        try:
            asked = delivery.ask(deadline) if delivery is not None else []
            delivered = keeper.deliver(deadline, wait_for_others=True)
            late = delivery.wait(asked) if delivery is not None else ()
            if delivered:
                return Flushed(delivered=not late and not dropped, sinks=late, dropped=dropped)
            waiting = keeper.waiting_bytes()
        except Exception as failure:  # noqa: BLE001 - the border: no descriptors left, no memory, …
            let_through(failure)
            self.count("internal_errors")
            waiting = -1
        in_memory = _unstored(writer, keeper, delivery)
        delivered = not (waiting or in_memory or late or dropped)  # it may have come in after all, just now
        return Flushed(delivered, waiting, in_memory, late, dropped)

    # -- ending -------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop recording: the journal is sealed, what is not indexed stays in it."""
        keeper, writer, delivery, settings = self.keeper, self.writer, self.delivery, self.settings
        leave_environment()
        self._note_gate_hits()
        self.keeper = self.writer = self.delivery = None
        deadline = time.monotonic() + (0.0 if settings is None else settings.exit_drain)
        in_memory = settings is not None and settings.durability == "memory"
        if keeper is not None and in_memory:
            try:
                keeper.deliver(deadline, wait_for_others=False)
            except Exception as failure:  # noqa: BLE001 - the border: what is lost by it is said below
                let_through(failure)
        if delivery is not None:
            delivery.finish(deadline)
        if keeper is not None:
            keeper.stop()
        if keeper is not None and writer is not None and (in_memory or delivery is not None):
            self._mourn(writer, keeper, delivery)
        if writer is not None:
            writer.close()
        if delivery is not None:
            delivery.discard_journal()
        self.settings = None

    def at_exit(self) -> None:
        """Write down what is still open, and index for a moment, if this process indexes at all.

        What is left, and whatever is recorded later, is in the journal and found by whoever indexes next. A
        program that was too short to begin indexing does not begin it now: its exit should cost nothing.
        """
        keeper, writer, delivery, settings = self.keeper, self.writer, self.delivery, self.settings
        if keeper is None or writer is None or settings is None:
            return
        try:
            engine.announce_open()
            deadline = time.monotonic() + settings.exit_drain
            asked = delivery.ask(deadline) if delivery is not None else []
            if settings.exit_drain > 0 and (keeper.is_indexing or settings.durability == "memory"):
                keeper.deliver(deadline, wait_for_others=False)
            keeper.stop()
            self._note_gate_hits()
            if delivery is not None:
                delivery.wait(asked)
                delivery.finish(deadline)
            self._mourn(writer, keeper, delivery)
            self.delivery = None
            if delivery is not None and not settings.wants_store:  # the journal was the sinks' alone
                writer.close()
                delivery.discard_journal()
        except Exception:  # noqa: BLE001 - the border: an exit must not fail on our account
            self.count("internal_errors")

    def _mourn(self, writer: Writer, keeper: Keeper, delivery: Delivery | None) -> None:
        """Say and count what is lost now: lines in memory, whose disk never came back."""
        unstored = _unstored(writer, keeper, delivery)
        lost = unstored if delivery is None else delivery.tell_of_rest(unstored)
        if unstored or lost:
            writer.counters.increment("records_lost", max(unstored, lost))
        if lost:
            self._say_of_journal(f"records that could not be written and are lost: {lost}")
        if unstored > lost:
            self.say(
                f"records that the store could not take, and only the other sinks have: {unstored - lost}"
            )

    def _begin_anew(self) -> None:
        """Let the next record start everything, under the settings that hold."""
        load = self._load
        if load is not None:
            control.on_first_use(lambda: self.start(load), lambda: self.prepare(load))

    def forked(self) -> None:
        """In a forked child: leave the parent's journal alone and begin anew at the first record."""
        writer, keeper, delivery = self.writer, self.keeper, self.delivery
        self.writer = self.keeper = self.delivery = None
        if writer is not None:
            writer.abandon()
        if delivery is not None:
            self._left_out += delivery.forked()
        if keeper is not None:
            keeper.abandon()
        self._said = set()
        if self.settings is not None:
            self._install(self._first_write, os.urandom(32))
            self._begin_anew()


def _unstored(writer: Writer, keeper: Keeper, delivery: Delivery | None) -> int:
    """How many lines are in memory alone: the writer's, those on their way, and those the store refused."""
    on_their_way = 0 if delivery is None else delivery.waiting_for_store()
    refused = len(keeper._undelivered)  # noqa: SLF001 - nobody else knows of them
    return writer.in_memory() + on_their_way + refused


def _filter(settings: Settings, say: Callable[[str], None]) -> Filter:
    try:
        return parse(settings.level, settings.origins["level"])
    except FlightlogError as error:
        say(f"{error}; info is used")
        return parse("info")


def _identity(settings: Settings, gate: DefaultGate) -> tuple[dict[str, object], dict[str, object]]:
    """Fields and attributes of this process's line."""
    import platform  # light, and only needed once

    arguments = list(getattr(sys, "orig_argv", None) or sys.argv)
    fields: dict[str, object] = {
        "process_id": engine.ids.trace_id(),
        "pid": os.getpid(),
        "host": platform.node(),
        "project": settings.project,
        "environment": settings.environment,
        "service": settings.service or _service(),
        "version": settings.version,
        "started": time.time_ns(),
    }
    attributes: dict[str, object] = {
        "process.command_args": redacted_arguments(gate, arguments[:64]),
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": platform.python_version(),
        "process.parent_pid": os.getppid(),
        "flightlog.engine": engine.NAME,
    }
    return fields, attributes


def _service() -> str:
    """The program's name: its script or module."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name:
        return str(spec.name).removesuffix(".__main__")
    name = Path(sys.argv[0]).stem if sys.argv and sys.argv[0] not in {"", "-c"} else ""
    return name or "python"


recorder: Final = Recorder()
"""The one of this process."""
