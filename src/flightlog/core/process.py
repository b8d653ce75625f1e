"""The process line: who writes, said once at the head of each segment, and redacted like everything else."""

from __future__ import annotations

from collections.abc import Mapping

from flightlog.core.fields import encoded
from flightlog.core.memo import captured
from flightlog.records.line import Line


def process_line(fields: Mapping[str, object], attributes: Mapping[str, object]) -> Line:
    """Write the line of a process.

    Args:
        fields: fields of `records.process.Process` by name; empty texts are left out.
        attributes: its attributes; OpenTelemetry names such as `process.command_args`.
    """
    members = [f'"{name}":{captured(value, "")[0]}' for name, value in fields.items() if value != ""]
    text = f'{{"v":1,"type":"process",{",".join(members)},"attributes":{captured(attributes, "")[0]}}}'
    return Line(encoded(text))
