"""What can be asked in SQL: names and meanings of views, columns and functions, the same for every engine."""

from __future__ import annotations

from flightlog.store.sqlite.sqlviews import FUNCTIONS, VIEWS

__all__ = ["FUNCTIONS", "VIEWS"]
