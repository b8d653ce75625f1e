"""What is said once of calls that cannot be followed: through `logging`, as OpenTelemetry's own parts say it."""

from __future__ import annotations

import logging
from typing import Final

_logger: Final = logging.getLogger(__name__)
_said: Final[set[str]] = set()
_MOST: Final = 256


def note(message: str) -> None:
    """Warn, once for each message."""
    if message not in _said and len(_said) < _MOST:
        _said.add(message)
        _logger.warning("%s", message)
