"""Source without its calls of the hot tier.

A name means the hot tier where an import at the top of the module says so and nothing else in the module binds that
name; whatever is reached in another way stays. Removed are statements that are nothing but such a call, decorators,
and blocks under `if hot.on`; `for x in hot.loop(items)` becomes `for x in items`, and `hot.on` becomes False.

Nothing that is removed is evaluated, its arguments included, as under `python -O` no argument of an assertion is.
What would change the meaning of the code around it is not removed: a call in whose arguments a name is bound (`:=`) or
something is awaited or yielded. Whatever stays keeps its place in the file, so tracebacks are what they were.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any, Final

STATEMENTS: Final = frozenset({"tiny", "correlated", "enter", "exit", "iteration", "state"})
"""Functions whose calls are statements."""
_NAMES: Final = STATEMENTS | {"loop", "on", "traced_fn"}
_SUSPENDING: Final = (ast.Await, ast.Yield, ast.YieldFrom)
_BINDING: Final = (
    ast.NamedExpr,
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Global,
    ast.Nonlocal,
    ast.ExceptHandler,
    ast.MatchAs,
    ast.MatchStar,
    ast.MatchMapping,
    *(kind for name in ("TypeVar", "ParamSpec", "TypeVarTuple") if (kind := getattr(ast, name, None))),
)
"""Nodes that bind names without a `Name` that is stored to, or that say what a name means."""
_PACKAGE: Final = "flightlog"
_HOT: Final = "flightlog.hot"


def mentions(source: Any) -> bool:
    """Whether there can be anything to remove."""
    if isinstance(source, str):
        return _PACKAGE in source
    return not isinstance(source, bytes) or _PACKAGE.encode() in source


def stripped(source: Any, path: str) -> ast.Module:
    """Parse source and leave out its calls of the hot tier.

    Raises:
        SyntaxError: it is no Python.
    """
    tree: ast.Module = ast.parse(source, path)
    known = _meanings(tree)
    if known:
        Stripper(known).strip(tree)
    return tree


def _meanings(tree: ast.Module) -> dict[str, str]:
    """The names of a module that mean Flightlog, the hot tier or something in it, by their dotted name."""
    meant: dict[str, set[str]] = {}
    top = set(map(id, _outside_functions(tree)))
    for node in ast.walk(tree):
        for name, meaning in _bound(node):
            meant.setdefault(name, set()).add(meaning)
            if meaning and id(node) not in top:  # imported for one function only
                meant[name].add("")
    if "*" in meant:
        return {}
    sure = {name: meanings.pop() for name, meanings in meant.items() if len(meanings) == 1}
    return {name: meaning for name, meaning in sure.items() if meaning}


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is loaded, in its own scope."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _outside_functions(child)


def _bound(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a node binds, each with what it means of Flightlog's; empty for anything else."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            whole = alias.name in {_PACKAGE, _HOT}
            name = alias.asname or alias.name.partition(".")[0]
            yield name, (alias.name if alias.asname else _PACKAGE) if whole else _of_package(alias)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, _imported(node, alias.name)
    elif isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id, ""
    elif isinstance(node, ast.arg):
        yield node.arg, ""
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        yield from ((name, "") for name in node.names)
    elif isinstance(node, ast.MatchMapping):
        yield node.rest or "", ""
    elif isinstance(node, _BINDING):
        yield getattr(node, "name", None) or "", ""


def _of_package(alias: ast.alias) -> str:
    """`import flightlog.testing` binds the package as well, if it gives it no other name."""
    return _PACKAGE if alias.name.startswith(_PACKAGE + ".") and not alias.asname else ""


def _imported(node: ast.ImportFrom, name: str) -> str:
    if node.level:
        return ""
    if node.module == _PACKAGE and name == "hot":
        return _HOT
    return f"{_HOT}.{name}" if node.module == _HOT and name in _NAMES else ""


class Stripper(ast.NodeTransformer):
    """Leaves out of a tree what belongs to the hot tier."""

    def __init__(self, known: dict[str, str]) -> None:
        self._known = known

    def strip(self, tree: ast.Module) -> None:
        """Strip a whole module."""
        tree.body = self._block(tree.body, has_docstring=True)

    # -- statements -------------------------------------------------------------------------------------------

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Strip each part of a node; a block that must not be empty gets a `pass`."""
        for field, value in list(ast.iter_fields(node)):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                kept = self._block(value, has_docstring=field == "body" and isinstance(node, _DOCUMENTED))
                if not kept and not _may_be_empty(node, field):
                    kept = [ast.copy_location(ast.Pass(), value[0])]
                setattr(node, field, kept)
            elif isinstance(value, list):
                setattr(node, field, [self.visit(one) if isinstance(one, ast.AST) else one for one in value])
            elif isinstance(value, ast.AST):
                setattr(node, field, self.visit(value))
        return node

    def _block(self, body: Sequence[ast.stmt], *, has_docstring: bool = False) -> list[ast.stmt]:
        kept: list[ast.stmt] = []
        for statement in body:
            kept += self._statement(statement)
        if has_docstring and body and kept and kept[0] is not body[0]:
            while kept and _is_text(kept[0]):  # it was no docstring, and must not become one
                del kept[0]
        return kept

    def _statement(self, node: ast.stmt) -> list[ast.stmt]:
        if isinstance(node, ast.Expr) and self._is_call(node.value, STATEMENTS):
            return []
        if isinstance(node, ast.If):
            found = self._always(node.test)
            if found is not None:
                return self._decided(node, taken=found)
        visited: ast.stmt = self.visit(node)
        return [visited]

    def _decided(self, node: ast.If, *, taken: bool) -> list[ast.stmt]:
        """An `if` whose answer is known; the compiler keeps the names that the other branch binds in their scope."""
        kept, gone = (node.body, node.orelse) if taken else (node.orelse, node.body)
        if not any(_has_meaning(statement) for statement in gone):
            return self._block(kept)
        node.test = ast.copy_location(ast.Constant(taken), node.test)
        node.body = self._block(node.body) or [ast.copy_location(ast.Pass(), node)]
        node.orelse = self._block(node.orelse)
        return [node]

    def _always(self, test: ast.expr) -> bool | None:
        """What a condition always is where the hot tier is off; None if that depends."""
        if self._meaning(test) == f"{_HOT}.on":
            return False
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self._always(test.operand)
            return None if inner is None else not inner
        if isinstance(test, ast.BoolOp):
            first = self._always(
                test.values[0]
            )  # what comes after the first may be evaluated, and is not ours
            deciding = not isinstance(test.op, ast.And)
            if first is deciding and not any(_has_meaning(value) for value in test.values[1:]):
                return first
        return None

    def _decorated(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.decorator_list = [
            mark
            for mark in node.decorator_list
            if self._meaning(mark) != f"{_HOT}.traced_fn" and not self._is_call(mark, {"traced_fn"})
        ]
        return self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = _decorated  # noqa: N815 - the names that ast looks for

    # -- expressions ------------------------------------------------------------------------------------------

    def _looped(self, node: ast.For | ast.AsyncFor | ast.comprehension) -> ast.AST:
        call = node.iter
        if isinstance(call, ast.Call) and self._is_call(call, {"loop"}) and len(call.args) == 1:
            node.iter = node.iter if isinstance(call.args[0], ast.Starred) else call.args[0]
        return self.generic_visit(node)

    visit_For = visit_AsyncFor = visit_comprehension = _looped  # noqa: N815 - as above

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """`hot.on` where it stands in an expression."""
        if isinstance(node.ctx, ast.Load) and self._meaning(node) == f"{_HOT}.on":
            return ast.copy_location(ast.Constant(value=False), node)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """`on`, imported by itself."""
        if isinstance(node.ctx, ast.Load) and self._meaning(node) == f"{_HOT}.on":
            return ast.copy_location(ast.Constant(value=False), node)
        return node

    def _is_call(self, node: ast.expr, functions: frozenset[str] | set[str]) -> bool:
        """Whether this is a call of one of these that can be removed with its arguments."""
        if not isinstance(node, ast.Call):
            return False
        prefix, _, name = self._meaning(node.func).rpartition(".")
        if prefix != _HOT or name not in functions:
            return False
        parts: list[ast.expr] = [*node.args, *(keyword.value for keyword in node.keywords)]
        if name == "loop":
            parts = parts[1:] if node.args else parts  # what is looped over stays
        return not any(_has_meaning(part) for part in parts)

    def _meaning(self, node: ast.expr) -> str:
        """The dotted name of what an expression is, if that is Flightlog's."""
        if isinstance(node, ast.Name):
            return self._known.get(node.id, "")
        if isinstance(node, ast.Attribute):
            owner = self._meaning(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return ""


_DOCUMENTED: Final = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _may_be_empty(node: ast.AST, field: str) -> bool:
    if field == "finalbody":
        return bool(getattr(node, "handlers", None))
    return field == "orelse"


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _has_meaning(node: ast.AST) -> bool:
    """Whether code has a meaning even where it never runs: it binds a name, or makes its function a generator."""
    return any(
        isinstance(part, (*_SUSPENDING, *_BINDING))
        or (isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load) and id(part) not in _own(node))
        for part in ast.walk(node)
    )


def _own(node: ast.AST) -> set[int]:
    """Names that comprehensions and lambdas bind for themselves alone."""
    return {
        id(part)
        for inner in ast.walk(node)
        if isinstance(inner, ast.comprehension)
        for part in ast.walk(inner.target)
    }
