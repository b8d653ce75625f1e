"""The documentation strings of the standard library: which files there are, and what they say.

`read_share` is the unit of work of a thread or a child process. It opens its own span and needs to know nothing
of who called it: Flightlog takes the place in the trace along.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import flightlog as fl

_NO_HELP: Final = frozenset(
    ("antigravity", "distutils", "encodings", "ensurepip", "idlelib", "lib2to3", "test", "this", "turtledemo")
)
"""Standard modules that nobody should be pointed to: old, internal, or made for fun."""
_FEWEST_CHARACTERS: Final = 30


class Source(NamedTuple):
    """One file to read."""

    module: str
    path: str


class Passage(NamedTuple):
    """The documentation string of a module, class or function."""

    name: str
    module: str
    line: int
    text: str


@fl.traced(kind="function", capture_result=False)
def find_sources() -> list[Source]:
    """Every public file of the standard library that this Python runs on, by module name."""
    root = Path(sysconfig.get_path("stdlib"))
    found = []
    for entry in root.iterdir():
        if entry.stem in sys.stdlib_module_names - _NO_HELP:
            for path in [entry] if entry.suffix == ".py" else entry.rglob("*.py"):
                names = path.relative_to(root).with_suffix("").parts
                if not any(_is_hidden(name) for name in names):
                    found.append(Source(".".join(names).removesuffix(".__init__"), str(path)))
    fl.current().set(files=len(found), python=sys.version.split()[0])
    return sorted(found)


def _is_hidden(name: str) -> bool:
    return name.startswith(("_", "test")) and name != "__init__"


def read_share(sources: Sequence[Source]) -> list[Passage]:
    """Read some of the files; runs in a thread or in a child process."""
    with fl.span("read_share", kind="step", files=len(sources)) as span:
        passages = [passage for source in sources for passage in _read(source)]
        span.set(passages=len(passages))
    return passages


def _read(source: Source) -> list[Passage]:
    with fl.span("parse_module", kind="function", input={"module": source.module}) as span:
        try:
            tree = ast.parse(Path(source.path).read_bytes())
        except SyntaxError as error:
            fl.event("skip", level="warn", reason=f"{source.module}: {error.msg}")
            return []
        passages = list(_passages(tree, source.module))
        span.set(passages=len(passages))
    return passages


def _passages(tree: ast.Module, module: str) -> Iterator[Passage]:
    waiting: list[tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]
    waiting = [(module, tree)]
    while waiting:
        name, node = waiting.pop()
        text = ast.get_docstring(node) or ""
        if len(text) >= _FEWEST_CHARACTERS:
            yield Passage(name, module, node.body[0].lineno, text)
        if isinstance(node, ast.Module | ast.ClassDef):
            waiting += [
                (f"{name}.{inner.name}", inner)
                for inner in node.body
                if isinstance(inner, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                and not inner.name.startswith("_")
            ]
