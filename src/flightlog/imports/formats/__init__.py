"""Formats of other tools to records, one file a format: pure functions of values of JSON; never a file or a gate."""
