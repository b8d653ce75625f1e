"""Files and functions stay small enough to be read in one go."""

from __future__ import annotations

import ast
import statistics

from law_source import FUNCTIONS, Function, Module, modules

MOST_FILE_LINES = 450
MOST_FUNCTION_LINES = 80
MOST_POSITIONAL = 5

LONG_FILES: dict[str, str] = {
    "core._pure": "the hot path in one piece: the compiled core replaces exactly this file",
}
"""Files that may be longer, and why."""

MANY_PARAMETERS: dict[str, str] = {
    "integrations.opentelemetry.tracer.Tracer.start_as_current_span": "OpenTelemetry's API gives the method its shape",
    "integrations.opentelemetry.tracer.Tracer.start_span": "as above",
}
"""Functions that may take more than five parameters by position, and why: somebody else gives their shape."""


def _file_lines() -> dict[str, int]:
    return {module.place: len(module.text.splitlines()) for module in modules()}


def _lines(function: Function) -> int:
    """Lines of code from `def` to the end, its docstring left out: explaining is never too long."""
    total = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def _spread(values: list[int]) -> str:
    deciles = statistics.quantiles(values, n=10)
    return f"{len(values)} of them, median {statistics.median(values):g}, p90 {deciles[8]:g}"


def test_files_are_at_most_450_lines():
    lines = _file_lines()
    long = {
        name: count for name, count in lines.items() if count > MOST_FILE_LINES and name not in LONG_FILES
    }
    assert long == {}, f"files: {_spread(list(lines.values()))}"


def test_files_that_may_be_longer_are():
    lines = _file_lines()
    assert [name for name in LONG_FILES if lines.get(name, 0) <= MOST_FILE_LINES] == []


def test_half_of_the_files_are_short():
    """The measure of the codebases that read best: a median of 200 lines, and nine of ten under 450."""
    lines = list(_file_lines().values())
    assert statistics.median(lines) <= 200, _spread(lines)
    assert statistics.quantiles(lines, n=10)[8] <= 450, _spread(lines)


def test_functions_are_at_most_80_lines():
    found = [(module, function, _lines(function)) for module in modules() for function in module.functions()]
    spread = _spread([count for _, _, count in found])
    long = [f"{module} {function.name}: {count}" for module, function, count in found if count > 80]
    assert long == [], f"functions: {spread}"


def test_half_of_the_functions_are_very_short():
    lines = [_lines(function) for module in modules() for function in module.functions()]
    assert statistics.median(lines) <= 6, _spread(lines)
    assert statistics.quantiles(lines, n=10)[8] <= 25, _spread(lines)


def _qualified(module: Module) -> list[tuple[str, Function, bool]]:
    """Each function with its dotted name, and whether it is a method."""
    found: list[tuple[str, Function, bool]] = []

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, FUNCTIONS):
                found.append((prefix + child.name, child, isinstance(node, ast.ClassDef)))
            named = isinstance(child, (*FUNCTIONS, ast.ClassDef))
            walk(child, f"{prefix}{child.name}." if named else prefix)

    walk(module.tree, f"{module.place}.")
    return found


def _by_position(function: Function, *, method: bool) -> int:
    """Parameters that may be given by position, `self` and `cls` left out."""
    static = "staticmethod" in {ast.unparse(mark) for mark in function.decorator_list}
    return len(function.args.posonlyargs) + len(function.args.args) - (method and not static)


def test_beyond_five_parameters_are_given_by_name():
    many = {
        name
        for module in modules()
        for name, function, method in _qualified(module)
        if _by_position(function, method=method) > MOST_POSITIONAL
    }
    assert many == set(MANY_PARAMETERS)
