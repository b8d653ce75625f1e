"""The rooms of the package, the floors they stand on, and who may import what.

This table is the law. Whoever changes the architecture changes it first, in the same change, and says why.
Imports go strictly down: from a greater floor to a smaller one, or within a room. Rooms of one floor never
import each other, but for what `ASIDE` names; the single files of floor 5 are where the pieces are joined, and
may, without cycles.
"""

from __future__ import annotations

import ast
import sys

import pytest
from law_source import Import, by_name, foreign_imports, imports, modules, own_imports

FLOORS: dict[int, tuple[str, ...]] = {
    1: ("_speed", "border", "records", "settings"),
    2: ("core", "codecs", "dialects", "narration", "pricing", "questions", "redaction"),
    3: ("store", "journal", "analysis", "propagation"),
    4: ("sinks", "access", "export", "imports", "integrations", "middleware"),
    5: (
        "",  # the package itself: names for everybody
        "booting",
        "calling",
        "configure",
        "delivery",
        "entering",
        "firstlook",
        "flushed",
        "graphing",
        "home",
        "hot",
        "importing",
        "indexing",
        "instrumenting",
        "keeper",
        "layers",
        "loading",
        "lock",
        "loggedcalls",
        "pausing",
        "place",
        "pricelist",
        "recall",
        "recording",
        "redacting",
        "remembered",
        "renormalising",
        "replay",
        "running",
        "steps",
        "stripping",
        "testing",
        "understanding",
        "unindexed",
        "unsent",
        "upkeep",
    ),
    6: ("tui",),  # doors for people and programs
    7: ("cli",),
    8: (
        "__main__",  # `python -m flightlog`
        "boot",  # a directory for PYTHONPATH, not a package
    ),
}
"""Floor to the rooms on it: folders and single files directly under the package."""

JOINS = 5
"""The floor whose single files may import each other."""

ASIDE: dict[tuple[str, str], str] = {
    (
        "settings",
        "records",
    ): "a setting that does not fit is one of the errors that `records/errors.py` names",
}
"""Who may import whom on its own floor besides, and why."""

PARTS: dict[str, tuple[str, ...]] = {
    "click": ("cli",),
    "grpc": ("sinks.otlp_grpc",),
    "lark": ("questions",),
    "msgspec": (),
    "openai": ("cli.demo_model",),
    "opentelemetry": ("integrations.opentelemetry",),  # its API, whose classes ours are; never its SDK
    "platformdirs": ("place",),
    "pyarrow": ("export.parquet",),
    "pytest": ("testing.plugin",),  # which pytest alone imports
    "rich": ("cli", "tui"),
    "sqlite3": ("store", "cli.demo_program", "imports.databases"),  # the demo is a program with a database
    "textual": ("tui", "cli.exploring"),  # the latter looks whether it is installed
    "zstandard": ("imports.documents", "store", "sinks.rotation"),
}
"""Each part that not everybody may import, and the places that may; none named means everybody. A package
from elsewhere that is not in this table may not be imported at all."""

CORE_LIBRARY = frozenset(
    {
        "__future__",
        "_json",
        "_random",
        "_string",
        "_thread",
        "_warnings",
        "_weakref",
        "base64",
        "binascii",
        "collections.abc",
        "contextlib",
        "contextvars",
        "enum",
        "functools",
        "gc",
        "itertools",
        "math",
        "os",
        "sys",
        "threading",
        "time",
        "types",
        "typing",
    },
)
"""What the core may import of the standard library: its start-up time is every traced program's."""

CORE_LATE = frozenset({"msgspec.json", "re", "traceback"})
"""What the core may import besides, inside a function that few programs call."""

MOST_LATE_IMPORTS = 16
"""Own-package imports inside functions, outside the command line, which loads its commands when they are named."""

_FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}


def _says(found: Import) -> str:
    return f"{found.by}:{found.line} imports {found.target}"


def _room_of(target: str) -> str:
    return by_name()[target].room


def _is_within(place: str, allowed: tuple[str, ...]) -> bool:
    return any(place == name or place.startswith(name + ".") for name in allowed)


def _goes_down(found: Import) -> bool:
    here, there = found.by.room, _room_of(found.target)
    if here == there or (here, there) in ASIDE:
        return True
    if _FLOOR_OF[here] == _FLOOR_OF[there]:
        return _FLOOR_OF[here] == JOINS
    return _FLOOR_OF[here] > _FLOOR_OF[there]


def test_every_room_has_a_floor_and_every_floor_s_rooms_exist():
    assert {module.room for module in modules()} == set(_FLOOR_OF)


def test_imports_go_strictly_down():
    assert [_says(found) for found in own_imports() if not _goes_down(found)] == []


def test_what_the_table_allows_aside_is_in_use():
    used = {(found.by.room, _room_of(found.target)) for found in own_imports()}
    assert set(ASIDE) <= used


def test_no_two_modules_import_each_other_on_any_way_round():
    """Imports inside functions count; those for types alone do not, since nothing runs them."""
    graph: dict[str, set[str]] = {}
    for found in own_imports():
        if not found.for_types_only:
            graph.setdefault(found.by.name, set()).add(found.target)
    assert _a_cycle(graph) == []


def test_no_two_rooms_import_each_other_on_any_way_round():
    """A folder is one room: a file of it below another room, and one above, are two rooms."""
    graph: dict[str, set[str]] = {}
    for found in own_imports():
        if not found.for_types_only and found.by.room != _room_of(found.target):
            graph.setdefault(found.by.room, set()).add(_room_of(found.target))
    assert _a_cycle(graph) == []


def _a_cycle(graph: dict[str, set[str]]) -> list[str]:
    """One cycle of a graph, as its nodes in order with the first repeated; empty when there is none."""
    done: set[str] = set()
    for start in sorted(graph):
        path: list[str] = []
        rest = [iter([start])]
        while rest:
            node = next(rest[-1], None)
            if node is None:
                rest.pop()
                if path:
                    done.add(path.pop())
            elif node in path:
                return [*path[path.index(node) :], node]
            elif node not in done:
                path.append(node)
                rest.append(iter(sorted(graph.get(node, ()))))
    return []


@pytest.mark.parametrize(
    ("graph", "cycle"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, ["b", "c", "b"]),
        ({"a": {"a"}}, ["a", "a"]),
    ],
)
def test_a_cycle_is_found_when_there_is_one(graph, cycle):
    assert _a_cycle(graph) == cycle


def test_only_the_command_line_knows_the_renderer():
    outsiders = [
        _says(found)
        for found in own_imports()
        if found.target.startswith("flightlog.cli.render") and found.by.room != "cli"
    ]
    assert outsiders == []


def test_the_renderer_knows_no_command():
    """`cli/render` draws what it is given: within its own room it is the lower half."""
    risers = [
        _says(found)
        for found in own_imports()
        if _is_within(found.by.place, ("cli.render",))
        and _room_of(found.target) == "cli"
        and not found.target.startswith("flightlog.cli.render")
    ]
    assert risers == []


def test_what_runs_before_a_program_imports_one_thing_of_ours():
    assert {found.target for found in own_imports() if found.by.room == "boot"} == {"flightlog.booting"}


def test_each_part_is_imported_only_where_the_table_says():
    def is_right(found: Import) -> bool:
        top = found.target.partition(".")[0]
        if top not in PARTS:
            return top in sys.stdlib_module_names
        return not PARTS[top] or _is_within(found.by.place, PARTS[top])

    assert [_says(found) for found in foreign_imports() if not is_right(found)] == []


def test_every_part_in_the_table_is_in_use():
    assert {found.target.partition(".")[0] for found in imports()} >= set(PARTS)


def test_the_core_imports_of_the_standard_library_only_what_starts_fast():
    used = [found for found in foreign_imports() if found.by.room == "core"]
    wrong = [
        _says(found)
        for found in used
        if found.target not in CORE_LIBRARY and not (found.in_function and found.target in CORE_LATE)
    ]
    assert wrong == []
    assert {found.target for found in used} == CORE_LIBRARY | CORE_LATE, "the list holds exactly what is used"


def test_late_imports_of_our_own_are_few_and_each_says_why():
    late = [found for found in own_imports() if found.in_function]
    silent = [_says(found) for found in late if not found.has_comment]
    outside = [_says(found) for found in late if found.by.room not in ("cli", "boot")]
    assert silent == []
    assert len(outside) <= MOST_LATE_IMPORTS, outside


def test_the_hot_path_is_reached_through_its_seam_alone():
    """A compiled twin stands in the place of `core/_pure.py` for everybody, or for nobody."""
    known_by = {found.by.name for found in own_imports() if found.target == "flightlog.core._pure"}
    assert known_by == {"flightlog.core.engine", "flightlog.core._compiled"}
    twin = {found.by.name for found in own_imports() if found.target == "flightlog.core._compiled"}
    assert twin == {"flightlog.core.engine"}


def test_the_package_itself_holds_names_and_nothing_else():
    """So does every `__init__.py`: a docstring, imports and `__all__`."""
    kinds = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign)
    found = [
        f"{module}:{node.lineno}"
        for module in modules()
        if module.path.name == "__init__.py"
        for node in module.tree.body
        if not isinstance(node, kinds)
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) != "__all__")
    ]
    assert found == []
