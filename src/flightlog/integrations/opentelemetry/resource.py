"""Who records, as a resource of OpenTelemetry: what some instrumentations read of an SDK's provider."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from flightlog.core.provenance import program


class Resource:
    """Attributes of this process."""

    schema_url = ""

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        self.attributes: Mapping[str, Any] = MappingProxyType(dict(attributes))


def resource_here() -> Resource:
    """The resource of this process: its own name and version over what `OTEL_RESOURCE_ATTRIBUTES` says."""
    found: dict[str, Any] = {}
    for part in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        key, sign, value = part.partition("=")
        if sign and key.strip():
            found[key.strip()] = unquote(value.strip())
    if program.service:
        found["service.name"] = program.service
    if version := program.emitted_by.partition("@")[2]:
        found["service.version"] = version
    found["telemetry.sdk.language"] = "python"
    found["telemetry.sdk.name"] = "flightlog"
    return Resource(found)
