"""What `capture` asserts: each finds what is wanted, or says what came nearest to it and how that differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from flightlog.records.editorial import findings
from flightlog.records.event import Event
from flightlog.records.narration import is_narration
from flightlog.records.record import Record
from flightlog.records.span import Span
from flightlog.testing.golden import matching, telling
from flightlog.testing.nearest import differences, nearest, shown, table
from flightlog.testing.outline import outline as outline_of
from flightlog.testing.paths import Anything, Part, fits
from flightlog.testing.reading import Reading, lines, read

__all__ = [
    "every",
    "from_somewhere",
    "in_order",
    "matching",
    "narrations",
    "of_open_spans",
    "outline",
    "recorded",
    "records",
    "said",
    "telling",
    "under",
]

Wanted = Mapping[str, Any]

_MOST_LISTED: Final = 12
_SOURCE: Final = re.compile(r".+:[0-9]+\Z")
_EMITTED: Final = re.compile(r"\S")


def records(framed: Sequence[bytes]) -> list[Record]:
    """The records of a capture's lines."""
    return lines(framed)


def of_open_spans(framed: Sequence[bytes]) -> list[bytes]:
    """The lines of spans that have not ended."""
    found = [(line, one) for line, one in zip(framed, lines(framed), strict=True) if isinstance(one, Span)]
    ended = {span.span_id for _, span in found if span.end is not None}
    return [line for line, span in found if span.span_id not in ended]


def narrations(events: Iterable[Event]) -> list[Event]:
    """Those of the events that are narrations."""
    return [event for event in events if is_narration(event)]


def outline(framed: Sequence[bytes]) -> str:
    """What was recorded, as a tree of lines."""
    return outline_of(read(lines(framed)))


def recorded(framed: Sequence[bytes], what: str, wanted: Wanted, times: int | None) -> None:
    """Assert that a span or an event is there, as often as is said."""
    __tracebackhide__ = True
    reading = read(lines(framed))
    candidates: Sequence[Span | Event] = reading.spans if what == "span" else reading.events
    _counted(reading, what, candidates, wanted, times)


def said(
    framed: Sequence[bytes],
    action: object,
    voices: Wanted,
    fields: Wanted,
    *,
    dialogue: bool,
    times: int | None,
) -> None:
    """Assert that a narration is there."""
    __tracebackhide__ = True
    reading = read(lines(framed))
    wanted: dict[str, Any] = {} if action is None else {"name": action}
    wanted |= {voice: _part(text) for voice, text in voices.items() if text is not None}
    wanted |= {path: Anything() if value is True else value for path, value in fields.items()}
    candidates = reading.narrations
    if dialogue:
        wanted.setdefault("story", Anything())
        mute = [event for event in candidates if not _has_dialogue(event)]
        candidates = [event for event in candidates if _has_dialogue(event)]
        if times != 0 and not _fitting(candidates, wanted) and (close := _fitting(mute, wanted)):
            raise AssertionError(_nobody_speaks(close[0], wanted))
    _counted(reading, "narration", candidates, wanted, times)


def _fitting(candidates: Sequence[Event], wanted: Wanted) -> list[Event]:
    return [event for event in candidates if not differences(event, wanted)]


def _part(text: Any) -> Any:
    if isinstance(text, str):
        return Part(text)
    return Anything() if text is True else text


def _has_dialogue(event: Event) -> bool:
    story = event.attributes.get("story")
    return (
        isinstance(story, str)
        and bool(story)
        and not any(found.rule == "story-dialogue" for found in findings("info", "", story=story))
    )


def _nobody_speaks(event: Event, wanted: Wanted) -> str:
    said = shown(event.attributes["story"], 120)
    return f"no {_sentence('narration', wanted)} in whose story somebody speaks\n\nnobody does in {said}"


def from_somewhere(framed: Sequence[bytes], action: object) -> None:
    """Assert that narrations say where they come from."""
    __tracebackhide__ = True
    reading = read(lines(framed))
    wanted: dict[str, Any] = {} if action is None else {"name": action}
    _counted(reading, "narration", reading.narrations, wanted, None)
    _all(reading, _fitting(reading.narrations, wanted), {"emitted_by": _EMITTED, "source": _SOURCE})


def every(framed: Sequence[bytes], name: object, path: str, value: object, what: str = "") -> None:
    """Assert something of each record of a name."""
    __tracebackhide__ = True
    reading = read(lines(framed))
    candidates: Sequence[Span | Event] = reading.spans if what else [*reading.spans, *reading.events]
    named = _named(reading, candidates, name, what or "span or event")
    _all(reading, named, {path: value})


def under(framed: Sequence[bytes], child: object, parent: object) -> None:
    """Assert where each span of a name is."""
    __tracebackhide__ = True
    reading = read(lines(framed))
    named = _named(reading, reading.spans, child, "span")
    wrong = [span for span in named if not _is_under(reading, span, parent)]
    if not wrong:
        return
    where = "a root" if parent is None else f"directly under {_name(parent)}"
    said = [f"{_share(wrong, named)} {_name(child)} {_is(wrong)} not {where}", ""]
    raise AssertionError("\n".join([*said, *_listed([f"  {_way(reading, span)}" for span in wrong])]))


def _is_under(reading: Reading, span: Any, parent: object) -> bool:
    above = reading.above(span)
    if parent is None:
        return above is None and not span.parent_id
    return above is not None and fits(parent, above.name)


def in_order(framed: Sequence[bytes], names: Sequence[object]) -> None:
    """Assert that things began in an order."""
    __tracebackhide__ = True
    reading = read(lines(framed))
    timed = reading.in_time()
    at = reached = 0
    for reached, wanted in enumerate(names):  # noqa: B007 - how far it came is told below
        while at < len(timed) and not fits(wanted, timed[at].name):
            at += 1
        if at == len(timed):
            break
        at += 1
    else:
        return
    raise AssertionError(_out_of_order(reading, timed, names, reached))


def _out_of_order(
    reading: Reading, timed: Sequence[Span | Event], names: Sequence[object], reached: int
) -> str:
    __tracebackhide__ = True
    missing = names[reached]
    _named(reading, timed, missing, "span or event")
    after = f" after {_name(names[reached - 1])}" if reached else ""
    met = [record.name for record in timed if any(fits(name, record.name) for name in names)]
    return "\n".join(
        [
            f"no {_name(missing)} began{after}",
            "",
            f"  wanted    {' → '.join(_name(name) for name in names)}",
            f"  recorded  {' → '.join(_listed([repr(name) for name in met]))}",
        ]
    )


# -- saying so ------------------------------------------------------------------------------------------------


def _counted(
    reading: Reading, what: str, candidates: Sequence[Span | Event], wanted: Wanted, times: int | None
) -> None:
    """Refuse another number of fitting records than is wanted; None stands for one at least."""
    __tracebackhide__ = True
    if times is not None and times < 0:
        raise ValueError(f"nothing can be recorded {times} times")
    found = [record for record in candidates if not differences(record, wanted)]
    if len(found) == times or (times is None and found):
        return
    if not found:
        raise AssertionError(
            "\n".join([f"no {_sentence(what, wanted)}", "", *_near(reading, what, candidates, wanted)])
        )
    head = f"{_sentence(what, wanted)} {_often(len(found))} instead of {_often(times or 0)}"
    said = [head, "", *_listed([f"  {_way(reading, record)}" for record in found])]
    if times and times > len(found):
        rest = [record for record in candidates if differences(record, wanted)]
        said += ["", *_near(reading, what, rest, wanted)] if rest else []
    raise AssertionError("\n".join(said))


def _often(count: int) -> str:
    return ("never", "once")[count] if count < 2 else f"{count} times"


def _sentence(what: str, wanted: Wanted) -> str:
    """`span 'search' with kind 'tool' and top_k 8 was recorded`."""
    name = f" {_name(wanted['name'])}" if "name" in wanted else ""
    rest = [f"{path} {shown(value)}" for path, value in wanted.items() if path != "name"]
    listed = " and ".join([", ".join(rest[:-1]), rest[-1]] if len(rest) > 1 else rest)
    return f"{what}{name}{' with ' if rest else ''}{listed} was recorded"


def _near(reading: Reading, what: str, candidates: Sequence[Span | Event], wanted: Wanted) -> list[str]:
    found = nearest(candidates, wanted)
    if found is None:
        return [f"there is no {what} at all{_what_else(reading)}"]
    record, differing = found
    return [f"nearest of {len(candidates)}: {_way(reading, record)}", *table(differing)]


def _what_else(reading: Reading) -> str:
    """What a test did record that asks for what is not there."""
    if not reading.spans and not reading.events:
        return "; nothing was recorded"
    names = _listed(
        sorted({*(span.name for span in reading.spans), *(event.name for event in reading.events)})
    )
    return "; recorded were " + ", ".join(names)


def _named(
    reading: Reading, candidates: Sequence[Span | Event], name: object, what: str
) -> list[Span | Event]:
    __tracebackhide__ = True
    named = [record for record in candidates if fits(name, record.name)]
    if not named:
        _counted(reading, what, candidates, {"name": name}, None)
    return named


def _all(reading: Reading, named: Sequence[Span | Event], wanted: Wanted) -> None:
    __tracebackhide__ = True
    wrong = [record for record in named if differences(record, wanted)]
    if not wrong:
        return
    first = differences(wrong[0], wanted)
    paths = shown(" and ".join(each.path for each in first), 100)[1:-1]
    head = f"{_share(wrong, named)} {_name(wrong[0].name)} {_has(wrong)} another {paths}"
    raise AssertionError("\n".join([head, "", _way(reading, wrong[0]), *table(first)]))


def _share(wrong: Sequence[object], named: Sequence[object]) -> str:
    return "the only" if len(named) == 1 else f"{len(wrong)} of {len(named)}"


def _is(wrong: Sequence[object]) -> str:
    return "is" if len(wrong) == 1 else "are"


def _has(wrong: Sequence[object]) -> str:
    return "has" if len(wrong) == 1 else "have"


def _name(name: object) -> str:
    return shown(name)


def _way(reading: Reading, record: Span | Event) -> str:
    """A record on one line: where it is, what kind it is, how it ended, or what it says."""
    if isinstance(record, Span):
        said = " ".join(part for part in (record.kind, record.status) if part)
        return f"{shown(' > '.join(reading.path(record)), 100)[1:-1]} ({said})"
    span = reading.places.get(record.span_id)
    way = " > ".join([*(reading.path(span) if span else ()), record.name])
    return f"{shown(way, 100)[1:-1]} (event{', ' + record.level if record.level != 'info' else ''})"


def _listed(texts: Sequence[str]) -> list[str]:
    if len(texts) <= _MOST_LISTED:
        return list(texts)
    return [*texts[:_MOST_LISTED], f"  … and {len(texts) - _MOST_LISTED} more"]
