"""A process: who wrote a journal, said once at the head of each of its segments."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from flightlog.records.schema import current_version


class Process(
    Struct,
    tag_field="type",
    tag="process",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """One program execution. Its project, environment, service and version hold for every line it wrote."""

    v: int = field(default_factory=current_version)
    process_id: str
    """32 lower-case hexadecimal digits, made at start; not the operating system's pid, which is reused."""
    pid: int = 0
    host: str = ""
    project: str = "default"
    environment: str = "default"
    service: str = ""
    version: str = ""
    started: int
    """Unix nanoseconds, UTC."""
    attributes: dict[str, Any] = {}
    """What else is known of it: interpreter, command line, parent process."""
    extra: dict[str, Any] = field(default={}, name="flightlog:extra")
    """Fields of the line that this version does not know."""
