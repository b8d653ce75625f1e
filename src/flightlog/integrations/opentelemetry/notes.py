"""What is said once of calls that cannot be followed: through `logging`, as OpenTelemetry's own parts say it.

It passes the gate like a record: what a program got wrong may be a secret.
"""

from __future__ import annotations

import logging
from typing import Final

from flightlog.core.redact import redact

_logger: Final = logging.getLogger(__name__)
_said: Final[set[str]] = set()
_MOST: Final = 256


def note(message: str) -> None:
    """Warn, once for each message."""
    if message not in _said and len(_said) < _MOST:
        _said.add(message)
        _logger.warning("%s", redact(message))
