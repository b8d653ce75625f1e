"""Inject and extract: the current span in the words of a header; this room never touches a request."""
