"""The unit that is carried everywhere: one record as one line of UTF-8 JSON.

A `Line` holds no line feed, no NUL and no 0x1E, so it can be framed, split and concatenated without being
parsed. Only the gate's encoder makes one (`tests/law/test_gate.py`), which is why a writer that takes a
`Line` cannot be handed a text that was not looked at.
"""

from __future__ import annotations

from typing import NewType

Line = NewType("Line", bytes)
"""One redacted record: JSON in UTF-8, without framing."""
