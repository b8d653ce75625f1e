"""The raw request of a model call, for whoever asks for level `trace`: its size and hash, and its body up to a bound.

Redacted, then hashed with the home's own key: requests can be compared within one home, and the hash says nothing to
whoever does not have the key.
"""

from __future__ import annotations

from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import memo
from flightlog.core.engine import Span, verdicts, withholds
from flightlog.core.told import word

NAME: Final = "request"
_LEVEL: Final = "trace"


def tell_request(span: Span, body: object, endpoint: object) -> None:
    """Record the request on its span; nothing where nobody asks for it."""
    if verdicts.get(_LEVEL) is False:
        return
    encoder = memo._encoder
    facts: dict[str, Any] = {"endpoint": word(endpoint)} if endpoint else {}
    try:
        fragment = memo.captured(body, "")[0].encode(errors="replace")
        facts |= {"size": len(fragment), "hash": f"b2:{encoder.gate.digest(fragment)}"}
    except Exception as failure:  # noqa: BLE001 - the border: it is whatever the program sends
        let_through(failure)
        encoder.failed()
        return
    if withholds("llm"):
        facts["omitted"] = "metadata"
    elif len(fragment) > encoder.limits.request_bytes:
        facts["omitted"] = "size"
    else:
        facts["content"] = body
    span.event(NAME, level=_LEVEL, **facts)
