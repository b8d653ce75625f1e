"""Keeps: crash-safe append-only segments and who is alive to write them; never reads more of a line than its owner."""
