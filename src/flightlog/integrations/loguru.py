"""loguru: a sink that records each line as a `log` event, and a patcher that tells lines their place in a trace.

    from flightlog.integrations.loguru import patcher, sink

    logger.add(sink, format="{message}", level=0)
    logger.configure(patcher=patcher)       # if other sinks are to print {extra[trace_id]}

What was bound becomes attributes; an exception becomes an `exception` event as well. With `enqueue=True` the sink is
called from a thread of loguru's, where no span is current: leave it out. A line that came from `logging`, or goes on to
it, and that is recorded there as well, is recorded once. The package itself is not imported.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from flightlog.core.engine import current, lose
from flightlog.integrations import logline
from flightlog.integrations.logline import FILE, FUNCTION, LINE, level_of, severity


def sink(message: Any) -> None:
    """Record one line.

    Args:
        message: what loguru hands its sinks: a text with a `record`.
    """
    try:
        _record(message.record)
    except Exception as failure:  # noqa: BLE001 - the border: what a value does must not reach the program's call
        lose(failure)


def patcher(record: MutableMapping[str, Any]) -> None:
    """Put `trace_id` and `span_id` of the current span into the line's extra.

    Where no span is recorded both are empty, unless the program bound its own: a format that names them must not fail.
    """
    here = _here()
    if here["trace_id"]:
        record["extra"].update(here)
    else:
        record["extra"].update({**here, **record["extra"]})


def _here() -> dict[str, str]:
    span = current()
    is_known = span.recorded and span.trace_id
    return (
        {"trace_id": span.trace_id, "span_id": span.span_id} if is_known else {"trace_id": "", "span_id": ""}
    )


def _record(line: Mapping[str, Any]) -> None:
    number = line["level"].no
    level, text = level_of(number), line["message"]
    if logline.is_off(level) or logline.is_handled(text):
        return
    facts = {
        **severity(line["level"].name, number),
        FILE: line["file"].path,
        LINE: line["line"],
        FUNCTION: line["function"],
    }
    told = line["exception"]
    logline.expect_echo(logline.entry_of("loguru"), text)
    error = None if told is None else told.value
    here = _here()  # what the patcher put there, the event says by itself
    own = [pair for pair in line["extra"].items() if type(pair[1]) is not str or here.get(pair[0]) != pair[1]]
    logline.record(line["name"] or "", level, text, own, error, facts=facts)
