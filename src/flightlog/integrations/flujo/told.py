"""What flujo's objects say, in plain values. Its versions differ in what they have: what is missing is not told."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from flightlog.records.attributes import RETRIES
from flightlog.records.genai import REPORTED_COST, TOTAL_TOKENS

UNNAMED: Final = re.compile(r"unnamed_\d+_\d+")
"""The name that flujo gives to a pipeline that has none: the time."""

_PAUSES: Final = ("PausedException", "PipelineAbortSignal")
_LIMIT: Final = "UsageLimitExceededError"
_TRACING: Final = "flujo.tracing.manager"
_MOST_SEARCHED: Final = 10_000
_MOST_WITHIN: Final = 20

_policies: Final[WeakKeyDictionary[type, str]] = WeakKeyDictionary()
"""What flujo calls the policy for each class of steps; empty where it has no names for them."""

DEFAULT: Final = "default"
"""What the branch is called that is taken where none has the key."""
MADE_UP: Final = 1
"""Tokens that flujo counts for any text whose tokens it does not know."""


class Outcome(NamedTuple):
    """How a step or a run ended."""

    status: str
    """`ok`, `error`, `paused`, or `cancelled`."""
    message: str = ""
    """Of a failure its feedback, of a pause what it waits for."""
    error: object = None
    """The exception behind a failure, where there is one."""
    result: Any = None
    """A step's or a pipeline's result."""


def of_outcome(said: Any) -> Outcome:
    """What an executor returned: a step's result (0.4), or an outcome around one (0.6)."""
    sort = type(said).__name__
    if sort == "Paused":
        return Outcome("paused", str(said.message))
    if sort == "Aborted":
        return Outcome("cancelled", str(said.reason))
    result = getattr(said, "step_result", None) if sort in {"Success", "Failure"} else said
    if sort == "Failure" or getattr(result, "success", True) is False:
        error = getattr(said, "error", None)
        feedback = getattr(said, "feedback", None) or getattr(result, "feedback", None)
        return Outcome("error", str(feedback or error or "failed"), error, result)
    return Outcome("ok", result=result)


def of_result(result: Any) -> Outcome:
    """What a run came to, as flujo itself sees it."""
    context = getattr(result, "final_pipeline_context", None)
    status, message = _state(context)
    history = getattr(result, "step_history", None) or []
    failed = next((one for one in reversed(history) if not one.success), None)
    if status == "paused":
        return Outcome("paused", message, result=result)
    if status == "cancelled":
        return Outcome("cancelled", result=result)
    succeeded = getattr(result, "success", failed is None)
    if succeeded and failed is None:
        return Outcome("ok", result=result)
    return Outcome("error", str(getattr(failed, "feedback", None) or "failed"), result=result)


def _state(context: Any) -> tuple[str, str]:
    """The status that a context keeps, and what it waits for."""
    kept = getattr(context, "scratchpad", None)
    if isinstance(kept, Mapping) and "status" in kept:
        return str(kept["status"]), str(kept.get("pause_message") or "")
    return str(getattr(context, "status", "")), str(getattr(context, "pause_message", None) or "")


def run_id(context: Any) -> str:
    """The id of the run that a context belongs to; empty where it keeps none."""
    found = getattr(context, "run_id", None)
    return found if isinstance(found, str) else ""


def pause_of(error: BaseException) -> str | None:
    """What work waits for that ended with this exception; None where it does not wait."""
    if not _is_a(error, *_PAUSES):
        return None
    return str(getattr(error, "message", None) or error)


def is_limit(error: BaseException) -> bool:
    """Whether a limit on cost or tokens was reached."""
    return _is_a(error, _LIMIT)


def _is_a(error: BaseException, *names: str) -> bool:
    return any(
        base.__name__ in names and base.__module__.startswith("flujo.") for base in type(error).__mro__
    )


def violation(error: BaseException, limits: Any) -> dict[str, object]:
    """Which limit was reached, as the `budget` event has it: from its message, the limits, and what was used."""
    said = str(error)
    cost = "cost" in said.lower()
    result = getattr(error, "result", None)
    limit = getattr(limits, "total_cost_usd_limit" if cost else "total_tokens_limit", None)
    used = getattr(result, "total_cost_usd" if cost else "total_tokens", None)
    told = {"limit": "cost_usd" if cost else "tokens", "limit_value": limit, "value": used, "message": said}
    return {name: value for name, value in told.items() if value is not None}


# -- runs ----------------------------------------------------------------------------------------------------------


def name_of(runner: Any, otherwise: str) -> str:
    """The name of a pipeline, unless flujo has made one up."""
    name = getattr(runner, "pipeline_name", None)
    return name if isinstance(name, str) and name and not UNNAMED.fullmatch(name) else otherwise


def about_run(runner: Any) -> dict[str, object]:
    """Attributes of a run that has begun."""
    limits = getattr(runner, "usage_limits", None)
    told = {
        "flujo.pipeline.name": getattr(runner, "pipeline_name", None),
        "flujo.pipeline.version": getattr(runner, "pipeline_version", None),
        "flujo.budget.initial_cost_usd": getattr(limits, "total_cost_usd_limit", None),
        "flujo.budget.initial_tokens": getattr(limits, "total_tokens_limit", None),
    }
    return {name: value for name, value in told.items() if value is not None}


def sums(result: Any) -> dict[str, object]:
    """What a whole run took, as flujo adds it up."""
    tokens = getattr(result, "total_tokens", None)
    history = getattr(result, "step_history", None) or []
    known = any(_tokens(step) > MADE_UP for step in history)
    return _used(tokens if known else 0, getattr(result, "total_cost_usd", None))


def _tokens(result: Any) -> int:
    found = getattr(result, "token_counts", None)
    return found if isinstance(found, int) else 0


def _used(tokens: Any, cost: Any) -> dict[str, object]:
    """Tokens and cost; none where flujo counts zero, which it does of any function, or where it does not know."""
    is_known = isinstance(tokens, int) and tokens > MADE_UP
    return {**({TOTAL_TOKENS: tokens} if is_known else {}), **({REPORTED_COST[0]: cost} if cost else {})}


def last_output(result: Any) -> Any:
    """What the last step of a run gave; of a run that is a step, what that gave."""
    for _ in range(_MOST_WITHIN):
        history = part(result, "step_history")
        if not isinstance(history, list):
            break
        result = history[-1].output if history else None
    return result


def own_tracing() -> Any:
    """What hears flujo's events where a runner's own tracing is off; None where there is something, or no events."""
    module = sys.modules.get(_TRACING)
    asked = getattr(module, "get_active_trace_manager", None)
    return None if asked is None or asked() is not None else module.TraceManager()  # type: ignore[union-attr]  # it is there


def set_tracing(tracing: Any) -> None:
    """Have flujo tell its events to this."""
    sys.modules[_TRACING].set_active_trace_manager(tracing)


# -- steps ---------------------------------------------------------------------------------------------------------


def step_name(step: Any) -> str:
    """The name of a step, or of what stands in its place."""
    name = getattr(step, "name", None)
    return name if isinstance(name, str) and name else type(step).__name__


def tries_agents(step: Any) -> bool:
    """Whether the attempts of a step are those of an agent, and not the rounds of a loop."""
    return part(step, "agent") is not None


def part(model: Any, name: str) -> Any:
    """A field of one of flujo's models, None where it has none: to ask it itself for what it lacks takes long."""
    fields = getattr(type(model), "model_fields", None)
    return getattr(model, name, None) if fields is None or name in fields else None


def about_step(step: Any) -> dict[str, object]:
    """Attributes of a step that begins."""
    told: dict[str, object] = {"flujo.step.type": type(step).__name__.partition("[")[0]}
    policy = _policies.get(type(step))
    if policy is None:
        asked = getattr(sys.modules.get(_TRACING), "policy_name_for_step", None)
        policy = _policies[type(step)] = "" if asked is None else str(asked(step))
    if policy:
        told["flujo.step.policy"] = policy
    own = part(step, "id")
    if own is not None:
        told["flujo.step.id"] = str(own)
    if is_loop(step) and part(step, "pipeline_to_run") is None:
        most = part(step, "max_loops") or part(step, "max_retries")  # its name before 0.6, and since
        told |= {"flujo.max_loops": most} if isinstance(most, int) else {}
    return told


def remaining(quota: Any, limits: Any, when: str) -> dict[str, object]:
    """What is left of a quota, `before` or `after` a step, of what is limited at all."""
    if quota is None or not hasattr(quota, "get_remaining"):
        return {}
    cost, tokens = quota.get_remaining()
    told: dict[str, object] = {}
    if isinstance(cost, float | int) and getattr(limits, "total_cost_usd_limit", None) is not None:
        told[f"flujo.budget.quota_{when}_usd"] = cost
    if isinstance(tokens, int) and getattr(limits, "total_tokens_limit", None) is not None:
        told[f"flujo.budget.quota_{when}_tokens"] = tokens
    return told


def about_result(step: Any, result: Any) -> dict[str, object]:
    """Attributes of a step that has ended."""
    metadata = getattr(result, "metadata_", None) or {}
    attempts = getattr(result, "attempts", None)
    told: dict[str, object] = {}
    if isinstance(attempts, int) and attempts > 0:
        told["flujo.attempt_number"] = attempts
        if attempts > 1 and tries_agents(step):
            told[RETRIES] = attempts - 1
    if latency := getattr(result, "latency_s", None):
        told["flujo.latency_s"] = latency
    if metadata.get("cache_hit") is not None:
        told["flujo.cache.hit"] = bool(metadata["cache_hit"])
    if feedback := getattr(result, "feedback", None):
        told["flujo.feedback"] = feedback
    return told | _used(_tokens(result), getattr(result, "cost_usd", None))


def branch_of(container: Any, step: Any) -> tuple[str, list[str]] | None:
    """The branch of a conditional, parallel or routing step that a step stands in, and the names of the others.

    None where it stands in none, or in several: then nobody says which one runs.
    """
    branches = part(container, "branches")
    if not isinstance(branches, Mapping):
        return None
    default = part(container, "default_branch_pipeline")
    every = {str(key): branch for key, branch in branches.items()} | (
        {} if default is None else {DEFAULT: default}
    )
    found = [key for key, branch in every.items() if any(one is step for one in steps_of(branch))]
    return (found[0], [key for key in every if key != found[0]]) if len(found) == 1 else None


def chosen(container: Any, result: Any) -> tuple[str, list[str]] | None:
    """The branch that a conditional step says that it chose, and the names of the others."""
    metadata = getattr(result, "metadata_", None) or {}
    if "executed_branch_key" not in metadata or not isinstance(
        branches := part(container, "branches"), Mapping
    ):
        return None
    key = str(metadata.get("resolved_branch_key", metadata["executed_branch_key"]))
    return key, [str(other) for other in branches if str(other) != key]


def place_in_body(loop: Any, step: Any) -> int | None:
    """Which step of a loop's body this is, counted from 0; None where it is none of it, or this is no loop."""
    if not is_loop(loop):
        return None
    body = list(steps_of(_body(loop)))
    name = getattr(step, "name", None)
    found = next((place for place, one in enumerate(body) if one is step), None)
    if found is None:  # the body of a map is made anew for each item
        found = next((place for place, one in enumerate(body) if getattr(one, "name", None) == name), None)
    return found


def is_loop(step: Any) -> bool:
    """Whether a step goes through a pipeline several times."""
    fields = getattr(type(step), "model_fields", None)
    return hasattr(step, "loop_body_pipeline") if fields is None else "loop_body_pipeline" in fields


def _body(loop: Any) -> Any:
    """The pipeline that a loop goes through; that of a map stands elsewhere (0.6)."""
    asked = getattr(loop, "get_loop_body_pipeline", None)
    return loop.loop_body_pipeline if asked is None else asked()


def steps_of(pipeline: Any) -> Iterator[Any]:
    """The steps of a pipeline, or the one step that stands in its place."""
    steps = getattr(pipeline, "steps", None)
    if isinstance(steps, list | tuple):
        yield from steps[:_MOST_SEARCHED]
    elif pipeline is not None:
        yield pipeline
