"""Golden files: what a trace or its story is compared with, and written to when that is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from flightlog.narration.safe import clean
from flightlog.narration.words import of_them
from flightlog.records.narration import View, spoken
from flightlog.testing import goldenfile, normal
from flightlog.testing.goldenfile import written
from flightlog.testing.likeness import Likeness
from flightlog.testing.reading import read, roots
from flightlog.testing.shape import Choice, Shape, choice_of, shapes
from flightlog.testing.treediff import count, cut, diff
from flightlog.testing.updating import updating

_STORY: Final = ".txt"


def matching(
    trace: object, golden: object, folder: str, *, fields: Iterable[str], events: bool, ordered: bool
) -> None:
    """Compare a trace with a golden one; see `flightlog.testing.assert_trace_matches`."""
    __tracebackhide__ = True
    if isinstance(fields, str):
        raise TypeError("fields takes several paths, such as ['top_k']; not one text")
    found = roots(read(trace))
    path = _path(golden, folder)
    asked = Choice(tuple(fields), events)
    if path is not None and not path.exists():
        _missing(path, "the golden trace", lambda: written(shapes(found, asked)))
        return
    wanted = _wanted(golden, path, asked)
    choice = choice_of(wanted, asked.paths, events=events)
    recorded = shapes(found, choice)
    likeness = Likeness(ordered=ordered)
    if likeness.is_same(wanted, recorded):
        _keep(path)
        return
    if path is not None and updating.is_on:
        _write(path, written(recorded))
        return
    told = diff(wanted, recorded, likeness)
    name = "the golden trace" if path is None else _name(path)
    lines = of_them(count(told), "line")
    head = f"the trace does not match {name}: {lines} with a difference (- golden, + recorded)"
    raise AssertionError("\n".join([head, "", *cut(told), *_how_to_update(path)]))


def telling(trace: object, story: object, folder: str, *, view: View) -> None:
    """Compare narrations with a story; see `flightlog.testing.assert_story_matches`."""
    __tracebackhide__ = True
    said = [spoken(event, view) for event in read(trace).narrations]
    found = [normal.sentence(sentence) for sentence in said]
    path = _path(story, folder) if _is_file(story) else None
    text = "".join(f"{sentence}\n" for sentence in found)
    if path is not None and not path.exists():
        _missing(path, "the story", lambda: text)
        return
    wanted = _sentences(path.read_text(encoding="utf-8") if path else str(story))
    if wanted == found:
        _keep(path)
        return
    if path is not None and updating.is_on:
        _write(path, text)
        return
    name = "what is wanted" if path is None else _name(path)
    head = f"the story does not match {name} (- wanted, + told)"
    raise AssertionError("\n".join([head, "", *_story_diff(wanted, found), *_how_to_update(path)]))


# -- what is wanted -------------------------------------------------------------------------------------------


def _path(golden: object, folder: str) -> Path | None:
    """The file that is meant, or None for what is no name of one."""
    return Path(folder, golden).absolute() if isinstance(golden, (str, os.PathLike)) else None


def _is_file(story: object) -> bool:
    is_name = isinstance(story, str) and "\n" not in story and story.endswith(_STORY)
    return is_name or isinstance(story, os.PathLike)


def _wanted(golden: object, path: Path | None, choice: Choice) -> list[Shape]:
    if path is None and not isinstance(golden, Mapping):
        return shapes(roots(read(golden)), choice)
    given = golden if path is None else path.read_bytes()
    try:
        return goldenfile.read(given, "this dictionary" if path is None else _name(path))  # type: ignore[arg-type]  # a mapping, as seen above
    except ValueError as error:
        raise AssertionError(str(error)) from None


def _sentences(text: str) -> list[str]:
    return [normal.sentence(line) for line in text.splitlines() if line.strip()]


# -- files ----------------------------------------------------------------------------------------------------


def _missing(path: Path, what: str, text: Any) -> None:
    __tracebackhide__ = True
    if updating.is_on:
        _write(path, text())
        return
    raise AssertionError("\n".join([f"{what} {_name(path)} does not exist", *_how_to_update(path, "write")]))


def _keep(path: Path | None) -> None:
    """Remember a file that matches: who wants something else of it in the same run is refused."""
    if path is not None and updating.is_on:
        updating.settle(str(path), _name(path), path.read_text(encoding="utf-8"))


def _write(path: Path, text: str) -> None:
    """Put a text in the place of the file, at once; refuse one that another test of this run wrote otherwise."""
    __tracebackhide__ = True
    if updating.settle(str(path), _name(path), text) != text:
        raise AssertionError(
            f"two assertions of this run want {_name(path)}, each otherwise; give each its own file"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    updating.written.append(_name(path))


def _name(path: Path | None) -> str:
    """The file as seen from the working directory, where it is below."""
    if path is None:
        return "this dictionary"
    with suppress(ValueError, OSError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _how_to_update(path: Path | None, word: str = "accept what was recorded") -> list[str]:
    if path is None:
        return []
    what = "to write it" if word == "write" else f"to {word}"
    return ["", f"{what}: {updating.line_to_run()}"]


def _story_diff(wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    told: list[str] = []
    for what, start, end, first, last in SequenceMatcher(None, wanted, found, autojunk=False).get_opcodes():
        if what == "equal":
            told += [f"  {sentence}" for sentence in wanted[start:end]]
        else:
            told += [f"- {sentence}" for sentence in wanted[start:end]]
            told += [f"+ {sentence}" for sentence in found[first:last]]
    return cut([clean(line) for line in told])
