"""Runs and steps become spans: begun, paused, taken up again and ended. Nothing here raises into the program."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from flightlog.border import let_through
from flightlog.core.context import OPEN, variable
from flightlog.core.engine import Span, span
from flightlog.core.outcome import fault_of
from flightlog.core.prompts import prompt_built
from flightlog.integrations.flujo import told
from flightlog.integrations.flujo.asked import asked_of
from flightlog.integrations.flujo.places import EVENT, Place, Run, here
from flightlog.integrations.flujo.waiting import PERSON, Step, Steps, Waiting

Report = Callable[[str, Exception], object]
_Made = TypeVar("_Made")

INSTRUMENTATION: Final = "flightlog.instrumentation"
ENDED: Final = "flightlog.stream.ended"
"""How a run ended whose consumer closed it before its end: `early`."""
_COERCION: Final = "output.coercion."
_MOST_RETRIES: Final = 100
_MOST_PAUSED: Final = 1_000

LATE: Final = "flujo.told_at_end"
"""True on an event of which flujo only says at the end of its step that it happened."""
_TOLD_BY_US: Final = frozenset({"flujo.resumed", "flujo.paused"})
"""Events that the span's own pause and resumption tell of."""


def _guarded(step: Callable[..., _Made]) -> Callable[..., _Made | None]:
    @functools.wraps(step)
    def guarded(self: Recording, *args: Any) -> _Made | None:
        try:
            return step(self, *args)
        except Exception as failure:  # noqa: BLE001 - the border: the run must go on
            let_through(failure)
            self.report("a run could not be recorded", failure)
            return None

    return guarded


class Recording:
    """What the wrappers call, in the thread and the context in which flujo works."""

    def __init__(self, root: str, report: Report) -> None:
        """Prepare.

        Args:
            root: what flujo calls a run whose pipeline has no name.
            report: told of our own failures.
        """
        self._root = root
        self.report = report
        self._waiting = Waiting()

    # -- runs -------------------------------------------------------------------------------------------------------

    @_guarded
    def begin_run(self, runner: Any, given: Any) -> Run | None:
        """A run begins; None where its level is off."""
        made = span(told.name_of(runner, self._root), "workflow", input=given)
        return self._enter_run(made, runner)

    def _enter_run(self, made: Span, runner: Any) -> Run | None:
        facts = {INSTRUMENTATION: "flujo", **told.about_run(runner)}
        tracing = told.own_tracing()
        before = variable.get()
        try:
            made.__enter__()
        finally:
            variable.set(before)
        if not made.span_id:
            return None
        made.set_attributes(facts)
        run = Run(made, runner, here.get())
        run.tracing = tracing
        return run

    @_guarded
    def heard(self, payload: Any) -> None:
        """The runner tells its hooks of something; which run of its it is, and what came of it, is known only so."""
        place = here.get()
        run = None if place is None else place.run
        if run is None:
            return
        if payload.event_name == "pre_run":
            run.id = getattr(payload, "run_id", None) or told.run_id(payload.context)
            facts = {"flujo.run_id": run.id or None, **told.about_run(run.subject)}
            if getattr(payload, "is_background", False):
                facts["flujo.is_background"] = True
            run.made.set_attributes({name: value for name, value in facts.items() if value is not None})
        elif payload.event_name == "post_run":
            run.result = payload.pipeline_result

    @_guarded
    def end_run(self, run: Run, error: BaseException | None, is_complete: bool) -> None:
        """A run is over, or waits.

        Args:
            run: the one.
            error: what it ended with.
            is_complete: whether it gave its result, whatever came afterwards.
        """
        if run.made._state != OPEN:  # noqa: SLF001 - as the core itself looks
            return
        try:
            error = self._tell_end_of_run(run, error, is_complete)
        finally:
            if isinstance(error, GeneratorExit):
                error = None
            run.made.__exit__(None if error is None else type(error), error, None)

    def _tell_end_of_run(
        self, run: Run, error: BaseException | None, is_complete: bool
    ) -> BaseException | None:
        """Tell what a run came to; gives what it shall end with."""
        made = run.made
        if error is not None and run.before:
            ref = made.pause(f"the answer was refused ({type(error).__name__})")
            self._waiting.keep(run.id, ref, run.before)
            return None
        self._close_left_open(run)
        is_early = isinstance(error, GeneratorExit) and not is_complete
        outcome = None if run.result is None or is_early else told.of_result(run.result)
        if is_early:
            made.set_attributes({ENDED: "early"})
        if outcome is not None:
            made.set_attributes(told.sums(run.result))
            output = told.last_output(run.result)
            if output is not None and outcome.status != "paused":
                made.output = output
        if isinstance(error, GeneratorExit):
            error = None
        if error is not None and told.is_limit(error):
            facts = told.violation(error, _limits(run))
            run.tell("budget", facts, "flujo.budget.violation", "warn")
        is_cancelled = run.is_cancelled or (outcome is not None and outcome.status == "cancelled")
        if error is None and is_cancelled:
            return asyncio.CancelledError()
        if error is None and outcome is not None:
            self._settle(run, outcome)
        return error

    def _settle(self, run: Run, outcome: told.Outcome) -> None:
        if outcome.status == "error":
            run.made.fail(outcome.message, type="StepFailed")
        elif outcome.status == "paused":
            ref = run.made.pause(outcome.message)
            found = run.id or told.run_id(getattr(run.result, "final_pipeline_context", None))
            self._waiting.keep(found, ref, run.paused)

    def _close_left_open(self, run: Run) -> None:
        """End the spans that waited for the same answer, and did not go on by themselves."""
        self._answer(run)
        waiting, run.waiting = run.waiting, {}
        for made in waiting.values():
            with made:
                pass

    # -- a run that goes on -----------------------------------------------------------------------------------------

    async def resume_run(self, runner: Any, paused: Any, answer: object) -> Run | None:
        """A run goes on with the answer that it waited for; None where it is not recorded."""
        try:
            found = told.run_id(getattr(paused, "final_pipeline_context", None))
            spans = await asyncio.to_thread(self._waiting.take, found, answer)
        except Exception as failure:  # noqa: BLE001 - the border: the run must go on
            let_through(failure)
            self.report("a run that goes on could not be found", failure)
            spans = None
        if spans is None:
            run = self.begin_run(runner, answer)
            if run is not None and found:
                run.id = found
                run.made.set_attributes({"flujo.run_id": found})
            return run
        return self._take_up(runner, spans, answer, found)

    @_guarded
    def _take_up(self, runner: Any, found: Steps, answer: object, run_id: str) -> Run | None:
        run = self._enter_run(found.run, runner)
        if run is None:
            return None
        run.id, run.answer, run.before = run_id, answer, found.before
        run.waiting, run.persons = found.steps, found.persons
        return run

    def _answer(self, run: Run) -> None:
        """The answer was taken: the steps that asked for it are over."""
        persons, run.persons, run.before = run.persons, [], {}
        for person in persons:
            with person:
                person.output = run.answer

    # -- steps ------------------------------------------------------------------------------------------------------

    @_guarded
    def begin_step(self, around: Place, executor: Any, args: Any, kwargs: Any) -> Place | None:
        """A step begins; None where its level is off, or this is only handed on.

        Args:
            around: the run or step that it is in.
            executor: what executes it.
            args: what that was given, by place.
            kwargs: the same by name.
        """
        asked = asked_of(executor, args, kwargs)
        step = asked.step
        if around.subject is step:
            return None
        self._answer(around.run)
        known = around.begins(step, asked.context)
        facts: dict[str, Any] = {
            INSTRUMENTATION: "flujo",
            **told.about_step(step),
            **known,
            **told.remaining(asked.quota, _limits(around.run), "before"),
        }
        path = around.path_of(step)
        before = around.run.waiting.pop(path, None)
        made = before
        if made is None:
            made = span(told.step_name(step), "step", input=asked.data, **facts)
        made.__enter__()
        if not made.span_id:
            return None
        place = Place(made, step, around)
        place.path, place.quota, place.is_again = path, asked.quota, before is not None
        here.set(place)
        return place

    @_guarded
    def end_step(self, place: Place, said: Any) -> None:
        """A step has come to what its executor returned."""
        error: BaseException | None = None
        try:
            error = self._tell_end(place, said)
        finally:
            place.made.__exit__(None if error is None else type(error), error, None)

    def _tell_end(self, place: Place, said: Any) -> BaseException | None:
        """Tell what a step came to; gives what it shall end with."""
        made = place.made
        outcome = told.of_outcome(said)
        facts = {
            **told.about_result(place.subject, outcome.result),
            **told.remaining(place.quota, _limits(place.run), "after"),
        }
        if type(said).__name__ == "BackgroundLaunched":
            facts["flujo.background.task_id"] = said.task_id
        made.set_attributes(facts)
        output = told.last_output(getattr(outcome.result, "output", None))
        if output is not None:
            made.output = output
        self._tell_of(place, outcome)
        if outcome.status == "error":
            self._fail(made, outcome)
        elif outcome.status == "paused":
            self._pause(place, outcome.message)
        elif outcome.status == "cancelled":
            made.set_attributes({"flujo.feedback": outcome.message})
            return asyncio.CancelledError()
        return None

    def _tell_of(self, place: Place, outcome: told.Outcome) -> None:
        """The events that only its result tells of."""
        metadata = getattr(outcome.result, "metadata_", None) or {}
        attempts = getattr(outcome.result, "attempts", 0)
        if place.tries == 0 and told.tries_agents(place.subject):
            for attempt in range(1, min(attempts, _MOST_RETRIES)):  # before 0.6 it does not say when
                place.tell("retry", {"attempt": attempt, LATE: True}, "flujo.retry", "warn")
        branch = told.chosen(place.subject, outcome.result) if place.seen < 0 else None
        if branch is not None:
            place.tell("branch", {"chosen": branch[0], "rejected": branch[1], LATE: True})
        if metadata.get("cache_hit"):
            place.tell("cache", {"hit": True})

    def _fail(self, made: Span, outcome: told.Outcome) -> None:
        error = outcome.error
        if isinstance(error, BaseException):
            fault = fault_of(error)
            made.fail(outcome.message, type=fault["type"], stack=fault.get("stack", ""))
        else:
            made.fail(outcome.message, type="StepFailed")

    def _pause(self, place: Place, message: str) -> None:
        ref = place.made.pause(message)
        if ref and len(place.run.paused) < _MOST_PAUSED:
            place.run.paused[place.path] = Step(ref, type(place.subject).__name__ == PERSON)

    @_guarded
    def break_step(self, place: Place, error: BaseException) -> None:
        """A step ends with an exception, which may say that it waits."""
        try:
            waits = told.pause_of(error)
            if waits is not None:
                self._pause(place, waits)
            elif isinstance(error, asyncio.CancelledError):
                place.run.is_cancelled = place.run.is_cancelled or place.around is place.run
            else:
                place.made.set_attributes({"flujo.feedback": str(error)})
        finally:
            place.made.__exit__(type(error), error, None)

    @_guarded
    def asks(self, place: Place) -> None:
        """The agent of a step is asked."""
        place.asks()

    # -- events -----------------------------------------------------------------------------------------------------

    @_guarded
    def happened(self, name: str, attributes: Any) -> None:
        """Flujo tells its own tracing of an event."""
        place = here.get()
        if place is None or name in _TOLD_BY_US:
            return
        facts: dict[str, Any] = (
            {str(key): value for key, value in attributes.items()} if isinstance(attributes, Mapping) else {}
        )
        if name == "agent.prompt":
            with place.current():
                parts = {"history": facts.pop("rendered_history", "")}
                prompt_built(parts, "info", **{**facts, EVENT: name})
        elif name.startswith(_COERCION):
            stage = facts.pop("stage", None) or name.removeprefix(_COERCION)
            facts["stage"] = stage
            if not name.endswith("attempt"):
                facts["ok"] = name.endswith("success")
            place.tell("coercion", facts, name)
        else:
            place.tell(name, facts)


def _limits(run: Run) -> Any:
    return getattr(run.subject, "usage_limits", None)
