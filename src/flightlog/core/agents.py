"""What agents do beside calling models and tools, each by one word: handing over, attaching, being done.

Nothing here raises into the program.
"""

from __future__ import annotations

from typing import Any

from flightlog.border import let_through
from flightlog.core import memo
from flightlog.core.engine import bind, current, event, verdicts
from flightlog.core.told import word
from flightlog.records.agents import DONE_REASON
from flightlog.records.hashing import sha256_hex
from flightlog.records.kinds import Level


def handoff(to: str, /, *, sender: str = "", reason: str = "", level: Level = "info") -> None:
    """Say on the current span that an agent hands the work to another one.

    Args:
        to: the agent that goes on.
        sender: the one that hands over; empty where the span says it.
        reason: why.
        level: as for `span`.
    """
    told = {"from": word(sender), "to": word(to), "reason": word(reason)}
    event("handoff", level=level, **{name: said for name, said in told.items() if said})


def attachment(data: object, /, *, type: str = "", name: str = "", level: Level = "info") -> None:  # noqa: A002 - its usual name
    """Say on the current span that a file goes with what is sent; by its size and hash, never its content.

    Args:
        data: its bytes, or its text, which counts as UTF-8.
        type: its media type, `image/png` say.
        name: of the file.
        level: as for `span`.
    """
    if verdicts.get(level) is False:
        return
    try:
        content = data.encode(errors="surrogatepass") if isinstance(data, str) else memoryview(data)  # type: ignore[arg-type]  # else a TypeError
        size = len(content) if isinstance(content, bytes) else content.nbytes
        told: dict[str, Any] = {"size": size, "sha256": sha256_hex(content)}
    except Exception as failure:  # noqa: BLE001 - the border: it is whatever the program gave
        let_through(failure)
        bind()  # recording begins here if it has not, so that the loss is counted
        memo._encoder.failed()
        return
    said = {"name": word(name), "type": word(type)}
    event("attachment", level=level, **{key: text for key, text in said.items() if text}, **told)


def done(reason: str, /) -> None:
    """Say on the current span, which is a turn or a run of an agent, why it is over.

    Args:
        reason: `assistant_message`, `final_value`, `handoff`, `max_turns`, `tool_failure`, …; `flightlog session`
            shows it with the turn.
    """
    if said := word(reason):
        current().set_attributes({DONE_REASON: said})
