"""Answers of urllib3, which are also those underneath requests: the class of both, and when a body is over."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

from flightlog.integrations.http.bodies import Bodies
from flightlog.integrations.http.call import Call

_CATCHER: Final = "_error_catcher"
"""The function of urllib3's through which every read of a body goes, and which gives a broken one back."""


def _broken(_answer: Any) -> BaseException | None:
    """What broke the body, where the library gives the answer back for that reason."""
    frame = sys._getframe(3)  # noqa: SLF001 - who called the method: `_asked` and `ending` of `bodies.py` are between
    error = sys.exc_info()[1] if frame.f_code.co_name == _CATCHER else None
    return error if isinstance(error, Exception) else None


def _nothing(_answer: Any) -> None:
    """A program that closes a body has its reasons."""


def _size(answer: Any) -> int | None:
    """Bytes of a body that came over the wire; None where the server did not say how many there would be.

    Not what `tell` gives: that counts a piece only once it is read, and the answer is over within the last one; of
    a body in chunks it counts nothing.
    """
    whole = answer.headers.get("content-length")
    return None if whole is None else int(whole) - int(answer._original_response.length)  # noqa: SLF001 - no other way


bodies: Final = Bodies([("release_conn", _broken), ("close", _nothing)], _size)


def answers() -> Any:
    """The class of urllib3's answers."""
    return import_module("urllib3.response").HTTPResponse  # only where the library is


def end_with_body(call: Call, answer: Any) -> None:
    """End a call when its streamed answer is over: now, where there is no body or it is none of urllib3's."""
    if call.span.recorded and isinstance(answer, answers()) and not answer.closed:
        bodies.keep(call, answer)
    else:
        call.end()
