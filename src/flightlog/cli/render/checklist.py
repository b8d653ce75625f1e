"""What `flightlog doctor` found, section by section, ending in a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from flightlog.cli.render import words
from flightlog.cli.render.cells import cut
from flightlog.cli.render.marks import status_sign
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Terminal
from flightlog.store.port import Difference, Sizes

_DIFFERENCES = 20


def title(text: str, terminal: Terminal) -> str:
    """The line above a section."""
    return terminal.paint("bold", text)


def facts(values: Mapping[str, str], terminal: Terminal) -> Iterator[str]:
    """Names and values in two columns; a value that does not fit is not cut: it may be a path to copy."""
    room = max((len(name) for name in values), default=0)
    for name, value in values.items():
        yield f"  {terminal.paint('dim', f'{name:<{room}}')}  {clean(value)}"


def settings(rows: Sequence[tuple[str, str, str]], terminal: Terminal) -> Iterator[str]:
    """Name, value and origin of each setting; what is not a default stands out."""
    columns = [
        Column("setting", [name for name, _, _ in rows]),
        Column("value", [clean(value) or '""' for _, value, _ in rows], least=10, comfortable=20),
        Column(
            "from",
            [clean(origin) for _, _, origin in rows],
            ["dim" if origin == "default" else "cyan" for _, _, origin in rows],
        ),
    ]
    return _indented(table_lines(columns, _narrower(terminal)))


def store(sizes: Sizes, terminal: Terminal) -> Iterator[str]:
    """How much a store holds."""
    return facts(
        {
            "on disk": words.size(sizes.bytes_on_disk),
            "traces": words.count(sizes.traces),
            "spans": words.count(sizes.spans),
            "events": words.count(sizes.events)
            + (f", {words.count(sizes.loose_events)} outside any span" if sizes.loose_events else ""),
            "payloads": f"{words.count(sizes.payloads)}, {words.size(sizes.payload_bytes)} compressed",
            "strays": words.count(sizes.strays),
            "series": words.count(sizes.series),
        },
        terminal,
    )


def losses(counters: Mapping[str, int], terminal: Terminal) -> Iterator[str]:
    """Every counter, those that are not zero first and marked."""
    ordered = sorted(counters.items(), key=lambda item: (item[1] == 0, item[0]))
    room = max((len(name) for name in counters), default=0)
    for name, number in ordered:
        sign, style = ("!", "yellow") if number else (" ", "dim")
        yield terminal.paint(
            "yellow" if style == "yellow" else "dim", f"{sign} {clean(name):<{room}}  {number:,}"
        )


def differences(found: Sequence[Difference], terminal: Terminal) -> Iterator[str]:
    """Each sum that is not what its records say."""
    for each in found[:_DIFFERENCES]:
        text = f"  {each.table} {each.key}: stored {each.stored}, recomputed {each.recomputed}"
        yield terminal.paint("red", cut(clean(text), terminal.width, terminal.ellipsis()))
    if len(found) > _DIFFERENCES:
        yield f"  {terminal.ellipsis()} {words.of_them(len(found) - _DIFFERENCES, 'more difference')}"


def verdict(problems: Sequence[str], terminal: Terminal) -> Iterator[str]:
    """All is well, or what is not."""
    if not problems:
        yield f"{terminal.paint('green', status_sign('ok', terminal))} no problem found"
    for problem in problems:
        yield f"{terminal.paint('alarm', status_sign('error', terminal))} {clean(problem)}"


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return ("  " + line for line in lines)


def _narrower(terminal: Terminal) -> Terminal:
    return terminal.narrower(terminal.width - 2)
