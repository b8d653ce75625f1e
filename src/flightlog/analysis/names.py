"""Whether a name is one of those that somebody asks for."""

from __future__ import annotations

from fnmatch import fnmatchcase


def fits_name(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern, or contains a text that is none, in letters of either case.

    Args:
        pattern: with `*`, `?` or `[` as for file names, and then in exactly these letters; or a part of a name.
        name: what is looked at.
    """
    if set(pattern) & set("*?["):
        return fnmatchcase(name, pattern)
    return pattern.lower() in name.lower()
