"""Keeps: crash-safe append-only segments and who is alive to write them; this room never parses a record."""
