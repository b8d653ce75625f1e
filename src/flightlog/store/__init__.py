"""Remembers: stores of records behind one contract; this room never reads a journal and never draws."""
