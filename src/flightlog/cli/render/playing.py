"""A trace at one moment of its playing: as a screen that is drawn again and again, or as one line a moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec
from msgspec import UNSET

from flightlog.analysis.tree import Node
from flightlog.cli.render import marks, preview
from flightlog.cli.render.cells import cut, fill, width
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.render.words import duration, of_them
from flightlog.narration.events import is_told, sentence
from flightlog.records.event import Event
from flightlog.replay.score import LONGEST_GAP, Moment, Playhead

KEYS: Final = "space pause   . step   ←/→ seek   +/- speed   q quit"
_ASCII_KEYS: Final = "space pause   . step   </> seek   +/- speed   q quit"
LEAST_HEIGHT: Final = 6
_MOST_INDENT: Final = 24
_MOST_PREVIEW: Final = 300
_ENDS: Final = {"error": "fails", "cancelled": "is cancelled", "interrupted": "is interrupted"}
_MOST_FACTS: Final = 4
_MOST_FACT: Final = 60
_AROUND: Final = 0.6
"""Where on the screen the span stands to which something happened last, of more spans than there is room for."""


def frame(nodes: Sequence[Node], head: Playhead, look: Terminal, height: int, title: str) -> list[str]:
    """The screen, exactly as high as it is said.

    Args:
        nodes: every span, a parent before its children.
        head: where it is played.
        look: of the terminal.
        height: lines.
        title: the name of the trace.
    """
    first = nodes[0].start if nodes else head.at
    begun = [node for node in nodes if node.start <= head.at]
    room = max(1, height - 4)
    last = head.last
    shown = _window(begun, None if last is None else last.node, room)
    lines = [_top(head, look, title, head.at - first, nodes), ""]
    lines += [_row(node, head.at, look, is_last=last is not None and node is last.node) for node in shown]
    lines += [""] * (height - 2 - len(lines))
    return [*lines[: height - 2], _news(head, look), look.paint("dim", cut(_keys(look), look.width))]


def _keys(look: Terminal) -> str:
    return KEYS if look.unicode else _ASCII_KEYS


def _window(begun: list[Node], active: Node | None, room: int) -> list[Node]:
    """As many of the spans that have begun as there is room for: the active one, and above all what it is within."""
    if len(begun) <= room:
        return begun
    place = next((at for at, node in enumerate(begun) if node is active), len(begun) - 1)
    begin = min(max(0, place - int(room * _AROUND)), len(begun) - room)
    above = _above(begun, begin)[: room // 3]
    begin = min(begin + len(above), place)
    return [*above, *begun[begin : begin + room - len(above)]]


def _above(begun: list[Node], place: int) -> list[Node]:
    """The spans that the one at this place is within, outermost first."""
    found: list[Node] = []
    depth = begun[place].depth
    for node in reversed(begun[:place]):
        if node.depth < depth:
            found.append(node)
            depth = node.depth
        if not depth:
            break
    return found[::-1]


def _top(head: Playhead, look: Terminal, title: str, since: int, nodes: Sequence[Node]) -> str:
    """The name, how far it is, and how fast it goes."""
    state = "paused" if head.paused else "the end" if head.is_over else f"{head.speed:g}x"
    total = max((node.end or node.start for node in nodes), default=0) - (nodes[0].start if nodes else 0)
    right = f"{duration(since, unicode=look.unicode)} of {duration(total, unicode=look.unicode)}  {state}"
    name = cut(clean(title), max(8, look.width // 3), look.ellipsis())
    cells = look.width - width(name) - width(right) - 4
    if cells < 8:
        return cut(f"{name}  {right}", look.width, look.ellipsis())
    done = cells if not total else min(cells, cells * since // total)
    full, empty = ("━", "─") if look.unicode else ("=", "-")
    bar = look.paint("cyan", full * done) + look.paint("dim", empty * (cells - done))
    return f"{look.paint('bold', name)}  {bar}  {right}"


def _row(node: Node, at: int, look: Terminal, *, is_last: bool) -> str:
    """One span as it stands at this time."""
    is_open = node.end is None or node.end > at
    status = "running" if is_open else node.status
    took = duration((at if is_open else node.end or at) - node.start, unicode=look.unicode)
    mark = ("▸" if look.unicode else ">") if is_last else " "
    indent = "  " * node.depth if 2 * node.depth <= _MOST_INDENT else f"{'  ' * 8}{node.depth}: "
    room = max(8, look.width - width(indent) - width(took) - 6 - width(node.kind) - 1)
    name = cut(clean(node.name), room, look.ellipsis())
    sign = look.paint(marks.status_style(status), marks.status_sign(status, look))
    kind = look.paint(marks.kind_style(node.kind), clean(node.kind))
    left = width(indent) + width(name) + width(clean(node.kind)) + 5
    blanks = " " * max(1, look.width - left - width(took) - 1)
    shown = look.paint("bold", name) if is_open else name
    return f"{look.paint('cyan', mark)} {indent}{sign} {shown} {kind}{blanks}{took}"


def _news(head: Playhead, look: Terminal) -> str:
    """What happened last, or that nothing does for a long time."""
    haste = head.haste
    if haste is not None and not head.paused:
        told = f"nothing happens for {duration(haste[0], unicode=look.unicode)}, told in {LONGEST_GAP:g} s"
        return look.paint("dim", cut(told, look.width, look.ellipsis()))
    moment = head.last
    if moment is None:
        return ""
    given = " ".join(_outcome(moment.node, look)) if moment.sort == "closes" else ""
    told = _told(moment, look)
    return cut(f"{told}: {given}" if given else told, look.width, look.ellipsis())


def plain(moment: Moment, first: int, look: Terminal) -> Iterator[str]:
    """One moment as a line of text, and what a span gave or why it failed on a second one."""
    node = moment.node
    when = fill(f"+{(moment.time - first) / 1e9:.3f}s", 10, "right")
    indent = "  " * min(node.depth, _MOST_INDENT // 2)
    told = _told(moment, look)
    yield f"{look.paint('dim', when)}  {indent}{_sign(moment, look)} {told}"
    if moment.sort == "closes":
        room = _MOST_PREVIEW if look.whole_tables else max(20, look.width - width(indent) - 14)
        for line in _outcome(node, look):
            yield f"{' ' * 12}{indent}  {look.paint('dim', cut(line, room, look.ellipsis()))}"


def _sign(moment: Moment, look: Terminal) -> str:
    if moment.sort == "happens":
        return look.paint("dim", marks.event_sign(look))
    status = "running" if moment.sort == "opens" else moment.node.status
    return look.paint(marks.status_style(status), marks.status_sign(status, look))


def _told(moment: Moment, look: Terminal) -> str:
    node = moment.node
    if moment.event is not None:
        return _sentence(moment.event)
    name = clean(node.name)
    if moment.sort == "opens":
        return f"{name} begins" + (f" ({clean(node.kind)})" if node.kind else "")
    took = duration(node.record.duration_ns, unicode=look.unicode)
    return f"{name} {_ENDS.get(node.status, 'ends')} after {took}"


def _sentence(event: Event) -> str:
    """An event in words; one that has none by its name and what it tells."""
    if is_told(event) or event.body:
        return clean(sentence(event))
    told = ", ".join(
        f"{name} {_brief(value)}" for name, value in islice(event.attributes.items(), _MOST_FACTS)
    )
    return clean(f"{event.name}: {told}" if told else event.name)


def _brief(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _MOST_FACT else text[:_MOST_FACT].rstrip() + "…"


def _outcome(node: Node, look: Terminal) -> Iterator[str]:
    """What a step without steps of its own gave, or why it failed."""
    error = node.record.error
    if error is not None:
        yield clean(cut(" ".join(f"{error.type}: {error.message}".split()), _MOST_PREVIEW, look.ellipsis()))
    elif not node.children and node.record.output is not UNSET:
        yield from preview.shortened(node.record.output, _MOST_PREVIEW, look)


def skipped(gap_ns: int, look: Terminal) -> str:
    """That nothing happened for a long time, as a line between two moments."""
    return look.paint(
        "dim", f"{' ' * 12}{look.ellipsis()} nothing for {duration(gap_ns, unicode=look.unicode)}"
    )


def summed_up(count: int, spans: int, look: Terminal) -> str:
    """What was played, once it is over."""
    return look.paint("dim", f"{of_them(count, 'moment')} of {of_them(spans, 'span')}")
