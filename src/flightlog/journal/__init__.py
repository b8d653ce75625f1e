"""Keeps: crash-safe append-only segments and who is alive to write them; of a line it never reads more than whose it is."""
