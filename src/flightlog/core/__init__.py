"""Notices: spans, events, context, ids and time become lines here; this room never opens a file and never knows a store."""
