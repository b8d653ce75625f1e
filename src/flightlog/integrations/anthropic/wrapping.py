"""Puts the recorder around the clients of `anthropic`, all of them or a single one, and takes it away again."""

from __future__ import annotations

from typing import Final

from flightlog.integrations.anthropic.request import PACKAGE
from flightlog.integrations.stainless.wrapping import Wrapping

_wrapping: Final = Wrapping(PACKAGE)
wrap = _wrapping.wrap
unwrap = _wrapping.unwrap
is_client = _wrapping.is_client
wrap_client = _wrapping.wrap_client
unwrap_client = _wrapping.unwrap_client
