"""Notices: program facts become lines here; this room never opens a file and never knows a store."""
