"""The source under judgement, read once: its modules, what they import and from where, and their comments."""

from __future__ import annotations

import ast
import io
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "flightlog"

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Import(NamedTuple):
    """One module that another one imports."""

    by: Module
    target: str
    """Dotted name of the module."""
    line: int
    for_types_only: bool
    """Stands under `if TYPE_CHECKING`."""
    in_function: bool
    has_comment: bool
    """There is a comment within the statement, or right above it or the run of imports that it belongs to."""


class Module:
    """One file of the package."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        self.name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def __repr__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def place(self) -> str:
        """Dotted name within the package; empty for the package itself."""
        return self.name.partition(".")[2]

    @property
    def room(self) -> str:
        """Folder or single file directly under the package; empty for the package itself."""
        return self.place.partition(".")[0]

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones included."""
        return (node for node in ast.walk(self.tree) if isinstance(node, FUNCTIONS))


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package, in a stable order."""
    return tuple(Module(path) for path in sorted(PACKAGE.rglob("*.py")))


@cache
def by_name() -> dict[str, Module]:
    return {module.name: module for module in modules()}


@cache
def imports() -> tuple[Import, ...]:
    """Every import of every module, wherever it stands."""
    return tuple(found for module in modules() for found in _imports_of(module))


def own_imports() -> list[Import]:
    """The imports of one module of the package by another."""
    return [found for found in imports() if found.target.partition(".")[0] == "flightlog"]


def foreign_imports() -> list[Import]:
    """The imports of the standard library and of other people's packages."""
    return [found for found in imports() if found.target.partition(".")[0] != "flightlog"]


def _imports_of(module: Module) -> Iterator[Import]:
    commented = {line for line, _ in comments(module.text)}
    statements = [node for node in ast.walk(module.tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    begins = {node.end_lineno: node.lineno for node in statements}

    def walk(node: ast.AST, *, typing: bool, inside: bool) -> Iterator[Import]:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            above = node.lineno - 1
            while above in begins:
                above = begins[above] - 1
            lines = {above, *range(node.lineno, (node.end_lineno or node.lineno) + 1)}
            has_comment = not commented.isdisjoint(lines)
            for target in _targets(node):
                yield Import(module, target, node.lineno, typing, inside, has_comment)
        inside = inside or isinstance(node, (*FUNCTIONS, ast.Lambda))
        branch = set(map(id, node.body)) if isinstance(node, ast.If) and _asks_for_types(node.test) else set()
        for child in ast.iter_child_nodes(node):
            yield from walk(child, typing=typing or id(child) in branch, inside=inside)

    return walk(module.tree, typing=False, inside=False)


def _asks_for_types(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in {getattr(test, "id", ""), getattr(test, "attr", "")}


def _targets(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The modules that a statement imports; `from package import module` imports the module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert not node.level, "imports are absolute here"
    assert node.module is not None
    inner = [f"{node.module}.{alias.name}" for alias in node.names]
    files = [name for name in inner if _is_module(name)]
    return files if len(files) == len(inner) else [*files, node.module]


def _is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def comments(text: str) -> list[tuple[int, str]]:
    """Each comment with its line number, as the tokenizer finds them: never what looks like one in a string."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


@cache
def tracked_files() -> tuple[Path, ...]:
    """The files that git knows and that exist, so that the answer is the same in a clone."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True, text=True
    ).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def tracked_texts() -> Iterator[tuple[Path, str]]:
    """The tracked files that are text, by their path from the root."""
    for path in tracked_files():
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
