"""Pure functions over records: trees, statistics; this room never reads a store."""
