"""The words: what a record is and what its fields mean; this room does no I/O, reads no clock and holds no state."""
