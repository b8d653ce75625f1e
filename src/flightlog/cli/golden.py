"""`flightlog golden`: a trace kept as a golden one in the project, and later traces held against it.

The files are those of `flightlog.testing.assert_trace_matches`: what a test wrote can be checked here, and the reverse.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

import click

from flightlog.analysis.tree import Tree
from flightlog.cli import sides
from flightlog.cli.doors import doors
from flightlog.cli.jsonout import print_document
from flightlog.cli.looks import drawn, paged
from flightlog.cli.opening import say
from flightlog.cli.options import as_json
from flightlog.cli.render.cells import cut
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.cli.render.words import of_them
from flightlog.loading import load_trace
from flightlog.records.errors import BadQuestion
from flightlog.testing.goldenfile import read, written
from flightlog.testing.likeness import Likeness
from flightlog.testing.shape import Choice, Shape, TooDeep, choice_of, shapes, walk
from flightlog.testing.treediff import count, diff

EXIT_CODES: Final = (
    "Exit codes: 0 fine, 1 the trace differs, or trouble (home, store or file cannot be used), 2 a question "
    "that makes no sense (an unknown id, no such golden trace, a bad option)."
)
FOLDER: Final = "golden"
"""Where golden traces are, below the working directory."""

_STYLES: Final[dict[str, Style]] = {"-": "red", "+": "green"}


@click.command("golden", epilog=EXIT_CODES)
@click.argument("what", type=click.Choice(("save", "check")), metavar="save|check")
@click.argument("name", metavar="NAME")
@click.argument("trace", metavar="[TRACE]", default="@latest")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="PATH",
    help="Also this of each span: input.question, top_k, gen_ai.*; may be given again.",
)
@click.option("--events", is_flag=True, help="Also the names of each span's events.")
@click.option("--ordered", is_flag=True, help="Siblings must begin in the same order.")
@click.option(
    "--folder",
    metavar="PATH",
    default=FOLDER,
    show_default=True,
    help="Where the files of golden traces are.",
)
@as_json
@drawn
@paged
def command(
    *,
    what: Literal["save", "check"],
    name: str,
    trace: str,
    fields: tuple[str, ...],
    events: bool,
    ordered: bool,
    folder: str,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Save a trace as a golden one, or hold one against it.

    A golden trace is what is the same in every run: names, kinds, statuses, types of errors, and which span is under
    which. Ids, times, process ids and the paths of this machine are left out. It is a file of the project,
    golden/NAME.json, made for being read in a review; NAME may also be the path of a file that ends in .json.

    save writes it from TRACE, by default the newest; what was there is replaced. check compares TRACE with it: what
    differs is drawn as one tree, - for what the golden trace has and + for what was recorded, and the exit code is 1.
    What the file has of any span is compared on every span. TRACE may also be @previous: the newest older trace of
    the same name as the newest, or a FILE that `flightlog import` reads.

    With --json: one object, with the lines of the difference.
    """
    path = _path(name, folder)
    with doors() as door:
        tree = load_trace(*sides.one(door, trace))
    if what == "save":
        _save(path, tree, Choice(fields, events), as_json=as_json)
        return
    told = _differences(path, tree, fields, events=events, ordered=ordered)
    if as_json:
        print_document({"golden": str(path), "trace_id": tree.trace_id, "same": not told, "lines": told})
    elif told:
        head = f"{tree.trace_id} does not match {path}"
        lines = f"{of_them(count(told), 'line')} with a difference: - golden, + recorded"
        page(_drawn([head, lines, ""], told, look))
    else:
        say(f"{tree.trace_id} matches {path}")
    if told:
        click.get_current_context().exit(1)


def _path(name: str, folder: str) -> Path:
    if name.endswith(".json"):
        return Path(name)
    if not name or "/" in name or os.sep in name or name.startswith("."):
        raise BadQuestion(
            f"{name!r} is no name of a golden trace; say checkout, or the path of a file: tests/checkout.json"
        )
    return Path(folder, f"{name}.json")


def _save(path: Path, tree: Tree, choice: Choice, *, as_json: bool) -> None:
    found = _shapes(tree, choice)
    draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(written(found), encoding="utf-8", newline="\n")
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise click.ClickException(f"{path} cannot be written ({error.strerror})") from error
    spans = sum(1 for _ in walk(found))
    if as_json:
        print_document({"golden": str(path), "trace_id": tree.trace_id, "spans": spans})
    else:
        say(f"{path}: {of_them(spans, 'span')} of {tree.trace_id}")


def _differences(
    path: Path, tree: Tree, fields: Iterable[str], *, events: bool, ordered: bool
) -> Sequence[str]:
    """The lines of the difference; none where there is none."""
    try:
        wanted = read(path.read_bytes(), str(path))
    except FileNotFoundError as error:
        raise BadQuestion(f"there is no {path}; `flightlog golden save` writes it") from error
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise BadQuestion(str(error)) from error
    recorded = _shapes(tree, choice_of(wanted, fields, events=events))
    likeness = Likeness(ordered=ordered)
    return [] if likeness.is_same(wanted, recorded) else diff(wanted, recorded, likeness)


def _shapes(tree: Tree, choice: Choice) -> list[Shape]:
    try:
        return shapes(tree.roots, choice)
    except TooDeep as error:
        raise BadQuestion(str(error)) from error


def _drawn(head: Iterable[str], told: Iterable[str], look: Terminal) -> Iterator[str]:
    for line in head:
        yield cut(line, look.width, look.ellipsis())
    for line in told:
        yield look.paint(_STYLES.get(line[:1], "dim"), cut(line, look.width, look.ellipsis()))
