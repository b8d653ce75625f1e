"""The JSON Schema of a line, made from the same declarations that encode it."""

from __future__ import annotations

from typing import Any

import msgspec

from flightlog.records.record import Known
from flightlog.records.schema import SCHEMA_VERSION


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of one line. Unknown fields are allowed: a newer writer may add some."""
    schema = msgspec.json.schema(Known)
    for definition in schema.get("$defs", {}).values():
        definition["additionalProperties"] = True
        definition.get("properties", {}).pop("flightlog:extra", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Flightlog line, version {SCHEMA_VERSION}",
        **schema,
    }
