"""What was recorded, back as objects: `load` for a trace, and the answer to `Span.tree`.

This is the light half, which `import flightlog` pays for; `loading.py` does the work.
"""

from __future__ import annotations

from sys import modules
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from flightlog.core.ports import Branch
from flightlog.core.readback import on_tree
from flightlog.records.errors import FlightlogError

if TYPE_CHECKING:
    from flightlog.analysis.tree import Tree


_HALF_LOADED: Final = (
    "reading back is just being loaded by the code that this signal handler interrupted; "
    "ask again later, or `import flightlog.loading` before the handler is set"
)


def load(ref: str = "@latest", *, timeout: float = 2.0) -> Tree:
    """Read a trace back as objects.

    What this process has recorded so far, and what waits in other journals of the home, is brought into the
    store first. Inside a `capture`, the captured traces are the ones there are. An open span is there as it
    stands now.

    Args:
        ref: a full trace id, a unique prefix of at least 4 digits, `@latest`, or `@-2` for the one before.
        timeout: the longest that bringing things into the store takes, in seconds.

    Returns:
        The trace: `name`, `status`, `duration_ns`, `children`, … are those of its root; `find(name)`,
        `find_all(name)` and `walk()` go through all of it.

    Raises:
        UnknownId: nothing fits.
        BadQuestion: `ref` is no text.
        FlightlogError: a signal handler asks while the first reading back is still being imported.
        AmbiguousId: several traces fit the prefix.
        StoreError: the store cannot be read.
        HomeUnusable: the home is no directory.
    """
    tree: Tree = _loading().load(ref, timeout)
    return tree


def _tree(span: Any, /) -> Branch:
    branch: Branch = _loading().tree_of(span)
    return branch


def _loading() -> ModuleType:
    try:
        from flightlog import loading  # store and records, and only once somebody reads back
    except (ImportError, AttributeError) as failure:
        if any(
            _is_half_loaded(module) for name, module in [*modules.items()] if name.startswith("flightlog.")
        ):
            raise FlightlogError(_HALF_LOADED) from failure
        raise
    if _is_half_loaded(loading):
        raise FlightlogError(_HALF_LOADED)
    return loading


def _is_half_loaded(module: object) -> bool:
    """Whether its import has begun and not ended; the import system notes it there."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


on_tree(_tree)
