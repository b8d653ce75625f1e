"""What was recorded, back as objects: `load` for a trace, and the answer to `Span.tree`.

This is the light half, which `import flightlog` pays for; `loading.py` does the work.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from flightlog.core.ports import Branch
from flightlog.core.readback import on_tree

if TYPE_CHECKING:
    from flightlog.analysis.tree import Tree


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
    from flightlog import loading  # store and records, and only once somebody reads back

    return loading


on_tree(_tree)
