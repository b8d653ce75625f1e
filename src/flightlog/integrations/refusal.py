"""What a provider said when it refused a request, as the exceptions of clients tell it."""

from __future__ import annotations

from typing import Any, Final

from flightlog.records import genai

_LEAST: Final = 400


def refusal(error: BaseException) -> dict[str, Any]:
    """The provider's own word and the status code, as attributes; empty for an error that no provider made.

    The exceptions of `openai`, `anthropic` and all that are made like them have `status_code`, and `type` or `code`.
    """
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or status < _LEAST:
        return {}
    said = getattr(error, "type", None) or getattr(error, "code", None) or status
    return {"http.response.status_code": status, genai.ERROR_TYPE: str(said)}
