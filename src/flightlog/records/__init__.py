"""The words: what a record is and what its fields mean; never I/O, never a clock, never state."""
