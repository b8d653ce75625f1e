"""SQLite: the embedded engine, one file, many processes; this room never knows where lines come from."""
