"""The asyncio task around us: its name for the record, and whether it is still the same.

asyncio is never imported for its own sake; whoever calls this has seen it in `sys.modules`.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.memo import texts


class Task:
    """One task, as far as a span needs it."""

    __slots__ = ("field", "task")

    def __init__(self, task: Any) -> None:
        self.task = task
        name = task.get_name()
        counted = name[5:] if name.startswith("Task-") and name.isascii() else ""
        # The names that asyncio gives count up: each is new, and none can hold a secret.
        text = f'"Task-{int(counted)}"' if counted.isdigit() and len(counted) < _DIGITS else texts[name]
        self.field = f',"task":{text}'


_DIGITS: Final = 19
_last: Task | None = None


def _current_task() -> Any:
    asyncio: Any = sys.modules.get("asyncio")
    try:
        loop = asyncio._get_running_loop()
        return None if loop is None else asyncio.current_task(loop)
    except Exception as failure:  # noqa: BLE001 - asyncio may be half imported; then there is no task
        let_through(failure)
        return None


def current() -> Task | None:
    """The task that runs in this thread, or None."""
    global _last  # noqa: PLW0603 - a memory of one: spans in a row are mostly of one task
    task = _current_task()
    if task is None:
        return None
    last = _last
    if last is None or last.task is not task:
        _last = last = Task(task)
    return last


def is_current(task: Task) -> bool:
    """Whether this very task runs in this thread now."""
    return _current_task() is task.task
