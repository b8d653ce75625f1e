"""One served call of a model counts once, however many libraries told of it.

Calls are counted by kind (`llm`, `embedding`, …), so of several spans that tell of one call, one keeps its kind. The
others become `http`, how the call was served, or `step`, a block around calls that count by themselves: what
`core/counted.py` does within a program. What agents, chains and tools repeat of their calls is no call to begin with.

* **Within each other**, with no agent, tool or workflow between: the outer one counts, for it is the call as the
  program made it, and what is within is how it was served, tries that failed among it. Where the outer one does not
  know its tokens and the inner ones do, or where several of those were answered, the inner ones count and the outer is
  a step.
* **Beside each other**, told by different libraries: the same answer's id, or else at the same time, of the same
  model, with the same tokens, or with none known by one of the two. Who knows the tokens counts; where they say
  otherwise, the client that made the call; else who tells what was said, or began first.

What only one that does not count says of the parts of its tokens (those of a cache, of reasoning) is lent to the one
that does, where both say the same sums.

The answer depends on the set of calls alone, not on their order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import UNSET, Struct

from flightlog.dialects.facts import AGENT_NAME, TOOL_CALL_ID, TOOL_NAME
from flightlog.dialects.logfire import streamed_ns
from flightlog.records import genai
from flightlog.records.callfacts import models
from flightlog.records.span import Span
from flightlog.records.understood import ADDED, BY, LOGGED, UNDERSTOOD

SERVED: Final = "http"
"""The kind of a span that says how a call was served which another one stands for."""
BLOCK: Final = "step"
"""The kind of a span around calls that count by themselves."""

SLACK_NS: Final = 20_000_000
"""So much earlier or later may one library begin or end than another that is within it: their clocks are read apart."""
LOGGED_SLACK_NS: Final = 200_000_000
"""The same for a log record, which is written some time after the call that it tells of."""
SAME_ID_NS: Final = 3_600_000_000_000
"""So far apart may two spans be that have the same answer's id: ids of other days may repeat."""

CLIENTS: Final = ("com.anthropic.sdk.",)
"""Beginnings of the names of libraries that tell of the calls which they make themselves: there are instrumentations
that add up the tokens of a stream wrongly."""

TOOL: Final = "tool"
RUNS: Final[Mapping[str, str]] = {TOOL: TOOL_NAME, "agent": AGENT_NAME}
"""Kinds that are no calls of a model, where two libraries may tell of one run as well; and what names the thing that
runs."""
LOGGING: Final = frozenset({"claude_code", "gemini_cli"})
"""Dialects whose programs tell of their tools in log records as well as in spans."""

_UNITS: Final = (
    *("input_audio", "output_audio", "input_image", "output_image"),
    *("cache_audio_read", "cache_write_1h", "cache_write_5m"),
)
_PARTS: Final = (
    genai.CACHE_READ_TOKENS,
    genai.CACHE_WRITE_TOKENS,
    genai.REASONING_TOKENS,
    *(f"{genai.USAGE}{unit}_tokens" for unit in _UNITS),
)
"""Attributes of parts of the tokens."""

_APART: Final = frozenset({"agent", "tool", "workflow"})
"""Kinds of work between two calls that make the inner one a call of its own."""

Key = tuple[str, str, str]
"""Project, trace id and span id."""


class Call(Struct, frozen=True):
    """One span that tells of a call."""

    key: Key
    parent_id: str
    start: int
    end: int
    kind: str
    scope: str
    """The library that told of it; empty for Flightlog itself."""
    process_id: str
    models: tuple[str, ...]
    response_id: str
    input: int | None
    output: int | None
    is_failed: bool
    has_content: bool = False
    """Whether it tells what was said."""
    is_logged: bool = False
    """Whether a log record told of it, and no span; or a span that stands for one."""
    may_be_logged: bool = False
    """Whether it is the call of a tool, and a log record may tell of it as well."""
    session: str = ""
    parts: tuple[tuple[str, int], ...] = ()
    """What is known of parts of its tokens, by attribute: those of a cache, of reasoning, of sounds."""

    @property
    def is_known(self) -> bool:
        """Whether its tokens are known."""
        return self.input is not None or self.output is not None


class Verdict(NamedTuple):
    """What a span is that does not count."""

    kind: str
    by: str
    """The id of the span that stands for the call."""


class Place(NamedTuple):
    """Where any span stands."""

    parent_id: str
    kind: str


def call_of(span: Span) -> Call | None:
    """A span as a call; None for one that is none, that is not over, or that does not count already.

    So is the call of a tool or the run of an agent, where another library may tell of it, too, or a log record.
    """
    if span.end is None or span.status in ("running", "paused"):
        return None
    runs = RUNS.get(span.kind, "")
    if span.kind not in genai.CHARGED_KINDS and not runs:
        return None
    known, streamed = span.attributes, streamed_ns(span.attributes)
    is_logged = LOGGED in span.otel or streamed is not None
    scope = span.otel.get("scope")
    name = scope.get("name") if isinstance(scope, Mapping) else ""
    name = name if isinstance(name, str) else ""
    may_be_logged = span.kind == TOOL and (is_logged or _may_log(span))
    if runs and not (may_be_logged or (name and runs in known and not is_logged)):
        return None
    answer = known.get(TOOL_CALL_ID if span.kind == TOOL else genai.RESPONSE_ID)
    named = known.get(runs)
    start = span.start - (streamed or 0)
    return Call(
        key=(span.project, span.trace_id, span.span_id),
        parent_id=span.parent_id,
        start=start,
        end=span.end if streamed is None else start,  # where the request ended that another span tells of
        kind=span.kind,
        scope=f"{name} (logged)" if is_logged else name,
        process_id=span.process_id,
        models=((named,) if isinstance(named, str) else ()) if runs else models(known),
        response_id=answer if isinstance(answer, str) else "",
        input=_tokens(known.get(genai.INPUT_TOKENS)),
        output=_tokens(known.get(genai.OUTPUT_TOKENS)),
        is_failed=span.status == "error",
        has_content=_has_content(span),
        is_logged=is_logged,
        may_be_logged=may_be_logged,
        session=str(span.context.get("session", "")),
        parts=() if runs else _parts(known),
    )


def _parts(known: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
    found = [(name, known[name]) for name in _PARTS if name in known]
    return tuple((name, count) for name, count in found if type(count) is int) if found else ()


def _may_log(span: Span) -> bool:
    note = span.otel.get(UNDERSTOOD)
    spoken = note.get(BY) if isinstance(note, Mapping) else None
    return isinstance(spoken, list) and not LOGGING.isdisjoint(map(str, spoken))


def _has_content(span: Span) -> bool:
    """Whether it tells what was said, also where that is too large to be at hand."""
    if span.input is not UNSET or span.output is not UNSET:
        return True
    note = span.otel.get(UNDERSTOOD)
    added = note.get(ADDED) if isinstance(note, Mapping) else None
    return isinstance(added, list) and not {"input", "output"}.isdisjoint(map(str, added))


def _tokens(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def verdicts(calls: Iterable[Call], places: Mapping[Key, Place]) -> dict[Key, Verdict]:
    """Which of these do not count, and why.

    Args:
        calls: those that may be the same, of one trace or of many.
        places: where the spans of their traces stand; those that are not there have no parent.
    """
    nested = within(calls, places)
    return {**nested.found, **beside(nested.counted, nested.apart)}


class Nested(NamedTuple):
    """What is known of calls by where they stand in their traces."""

    found: dict[Key, Verdict]
    """Which do not count."""
    counted: list[Call]
    """Which count so far."""
    apart: set[tuple[Key, Key]]
    """Pairs of a call and one that a tool or an agent made within it."""


def within(calls: Iterable[Call], places: Mapping[Key, Place]) -> Nested:
    """Which do not count as another one of their trace stands for them; as for `verdicts`."""
    nested = Nested({}, [], set())
    ordered = sorted(calls, key=_in_order)
    nested.counted.extend(_nested([call for call in ordered if call.kind not in RUNS], places, nested))
    runs = [call for call in ordered if call.kind in RUNS]
    nested.found.update(_twice_told(runs))
    nested.counted.extend(
        call for call in runs if call.kind == TOOL and call.may_be_logged and call.key not in nested.found
    )
    return nested


def beside(calls: Iterable[Call], apart: Collection[tuple[Key, Key]] = ()) -> dict[Key, Verdict]:
    """Which of these do not count as another library told of the same call.

    Args:
        calls: those that count so far.
        apart: pairs that are two calls, whatever they have in common.
    """
    found: dict[Key, Verdict] = {}
    ordered = sorted(calls, key=_in_order)
    counted = _beside(ordered, found, _by_answer(ordered))
    _beside(counted, found, _by_time(counted, apart))
    return found


def _in_order(call: Call) -> tuple[int, int, Key]:
    return call.start, -call.end, call.key


# -- within each other ----------------------------------------------------------------------------------------


def _nested(calls: Sequence[Call], places: Mapping[Key, Place], nested: Nested) -> list[Call]:
    """The calls that count, when those within each other have been looked at."""
    known = {call.key: call for call in calls}
    below: dict[Key, list[Call]] = defaultdict(list)
    tops: list[Call] = []
    for call in calls:
        around = _around(call, known, places, nested.apart)
        if around is None:
            tops.append(call)
        else:
            below[around.key].append(call)
    counted: dict[Key, list[Call]] = {}
    for top in tops:
        for call in _deepest_first(top, below):
            inner = [one for below_it in below[call.key] for one in counted.pop(below_it.key)]
            counted[call.key] = _settled(call, inner, nested.found)
    return [call for top in tops for call in counted[top.key]]


def _around(
    call: Call, known: Mapping[Key, Call], places: Mapping[Key, Place], apart: set[tuple[Key, Key]]
) -> Call | None:
    """The call of the same kind that this one is within, as a part of it; those beyond a tool are told `apart`."""
    project, trace_id, own = call.key
    parent_id, seen, beyond = call.parent_id, {own}, False
    while parent_id and parent_id not in seen:
        seen.add(parent_id)
        key = (project, trace_id, parent_id)
        around, place = known.get(key), places.get(key)
        if around is not None and around.kind == call.kind:
            if not beyond:
                return around
            apart.add((around.key, call.key))
        elif place is not None:
            beyond = beyond or place.kind in _APART
        parent_id = "" if place is None else place.parent_id
    return None


def _deepest_first(top: Call, below: Mapping[Key, list[Call]]) -> Iterator[Call]:
    """A call and all that are within it, each after those within it."""
    waiting, order = [top], []
    while waiting:
        call = waiting.pop()
        order.append(call)
        waiting += below.get(call.key, ())
    return reversed(order)


def _settled(call: Call, inner: list[Call], found: dict[Key, Verdict]) -> list[Call]:
    """Which count of a call and of those that count within it."""
    found.update((one.key, Verdict(SERVED, call.key[2])) for one in inner if one.is_logged)
    inner = [one for one in inner if not one.is_logged]
    if not inner:
        return [call]
    answered = [one for one in inner if not one.is_failed]
    known = [one for one in answered if one.is_known]
    if len(known) < 2 and (call.is_known or not known):
        found.update((one.key, Verdict(SERVED, call.key[2])) for one in inner)
        return [call]
    kept = known if len(known) == len(answered) or not call.is_known else answered
    found[call.key] = Verdict(BLOCK, kept[0].key[2])
    found.update((one.key, Verdict(SERVED, kept[0].key[2])) for one in inner if one not in kept)
    return kept


def _twice_told(runs: Sequence[Call]) -> Iterator[tuple[Key, Verdict]]:
    """Runs of a tool or an agent directly within the only other telling of the same; any other one is another run."""
    known = {call.key: call for call in runs}
    below: dict[Key, list[Call]] = defaultdict(list)
    for call in runs:
        around = known.get((*call.key[:2], call.parent_id))
        if around is not None and (around.kind, around.models) == (call.kind, call.models):
            below[around.key].append(call)
    for key, (call, *others) in below.items():
        if not others and _is_same_run(known[key], call):
            yield call.key, Verdict(BLOCK, key[2])


def _is_same_run(around: Call, call: Call) -> bool:
    return (
        around.scope != call.scope
        and around.process_id == call.process_id
        and not (around.is_logged or call.is_logged)
        and (around.response_id == call.response_id or not (around.response_id and call.response_id))
        and _in_order(around) < _in_order(call)  # so of spans that lead back to each other one is left
        and call.end <= around.end + SLACK_NS
    )


# -- beside each other ----------------------------------------------------------------------------------------


def _beside(calls: Sequence[Call], found: dict[Key, Verdict], groups: Iterable[Sequence[Call]]) -> list[Call]:
    """The calls that count, when of each group one does."""
    for group in groups:
        agree = len({(call.input, call.output) for call in group if call.is_known}) < 2
        best = min(group, key=lambda call: _worth(call, agree=agree))
        kind = BLOCK if best.kind == TOOL else SERVED
        found.update((one.key, Verdict(kind, best.key[2])) for one in group if one is not best)
    return [call for call in calls if call.key not in found]


def _worth(call: Call, *, agree: bool) -> tuple[bool, int, bool, bool, int, int, Key]:
    """Who knows more counts; where they say otherwise, the client; then who tells what was said, or began first.

    A span counts before a log record, whose facts it is lent.
    """
    unknown = (call.input is None) + (call.output is None)
    doubtful = not agree and not call.scope.startswith(CLIENTS)
    return call.is_logged, unknown, doubtful, not call.has_content, call.start, -call.end, call.key


def _by_answer(calls: Sequence[Call]) -> list[list[Call]]:
    """Calls of several libraries that name the same answer; of each library the first."""
    named: dict[tuple[str, str, str], list[Call]] = defaultdict(list)
    for call in calls:
        if call.response_id:
            named[call.key[0], call.kind, call.response_id].append(call)
    groups = []
    for (_, named_kind, _), same in named.items():
        near = [call for call in same if call.start - same[0].start <= SAME_ID_NS]
        by_scope: dict[str, Call] = {}
        for call in near:
            by_scope.setdefault(call.scope, call)
        if len(by_scope) > 1 and (named_kind != TOOL or any(call.is_logged for call in near)):
            groups.append(list(by_scope.values()))
    return groups


def _by_time(calls: Sequence[Call], apart: Collection[tuple[Key, Key]]) -> list[list[Call]]:
    """Pairs of calls of two libraries of one process at the same time that are alike; the nearest are a pair."""
    pairs: list[tuple[int, Key, Key, Call, Call]] = []
    for index, call in enumerate(calls):
        for other in calls[index + 1 :]:
            if other.start > call.end + LOGGED_SLACK_NS:
                break
            if _are_one(call, other) and (call.key, other.key) not in apart:
                distance = abs(call.start - other.start) + abs(call.end - other.end)
                pairs.append((distance, call.key, other.key, call, other))
    taken: set[Key] = set()
    groups = []
    for _, first, second, call, other in sorted(pairs, key=lambda pair: pair[:3]):
        if first not in taken and second not in taken:
            taken |= {first, second}
            groups.append([call, other])
    return groups


def _are_one(call: Call, other: Call) -> bool:
    """Whether two calls of which nobody knows the same answer's id are the same."""
    slack = LOGGED_SLACK_NS if call.is_logged or other.is_logged else SLACK_NS
    if (
        call.scope == other.scope
        or other.start > call.end + slack
        or call.kind != other.kind
        or call.key[0] != other.key[0]
        or call.process_id != other.process_id
        or (call.response_id and other.response_id)
        or (call.kind == TOOL and call.is_logged == other.is_logged)
        or (call.kind != TOOL and call.is_failed != other.is_failed)
        or (call.is_logged and other.is_logged)
        or ((call.is_logged or other.is_logged) and not _may_be_one(call.session, other.session))
    ):
        return False
    if other.end > call.end + slack and other.start > call.start + slack:
        return False  # neither is within the other
    if call.models and other.models and not _related(call.models, other.models):
        return False
    told = ((call.input, other.input), (call.output, other.output))
    return all(a is None or b is None or a == b for a, b in told)


def _may_be_one(session: str, other: str) -> bool:
    return not session or not other or session == other


def _related(some: Iterable[str], others: Sequence[str]) -> bool:
    """Whether two calls may be of one model: a name that another begins or ends with is the same one."""
    return any(
        a == b or a.startswith(b) or b.startswith(a) or a.endswith("/" + b) or b.endswith("/" + a)
        for a in some
        for b in others
    )
