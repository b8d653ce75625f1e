"""What an executor was asked to do: a frame (0.6), or a step and its input by place or by name (both)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """One step to be executed."""

    step: Any
    data: Any
    context: Any
    quota: Any
    """As far as there is one."""


def asked_of(executor: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Asked:
    """Read the arguments of an executor's method."""
    first: Any = args[0] if args else kwargs.get("frame_or_step") or kwargs.get("step")
    if hasattr(first, "step") and hasattr(first, "data"):
        quota = _quota(executor, getattr(first, "quota", None))
        return Asked(first.step, first.data, getattr(first, "context", None), quota)
    data = args[1] if len(args) > 1 else kwargs.get("data")
    context = args[2] if len(args) > 2 else kwargs.get("context")
    return Asked(first, data, context, _quota(executor, kwargs.get("quota")))


def _quota(executor: Any, given: Any) -> Any:
    asked = getattr(executor, "_get_current_quota", None)
    return given if given is not None or asked is None else asked()
