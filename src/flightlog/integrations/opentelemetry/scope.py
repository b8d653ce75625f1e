"""Whose a span is: the library that tells, and what all of its spans have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.core.memo import captured, texts
from flightlog.integrations.opentelemetry.limits import Limits

INTERNAL: Final = 1
"""The number of the kind INTERNAL in OTLP, whose numbers (and whose codes of a status) stand in `otel`."""


class Scope:
    """Which library tells: what a tracer or a logger was asked for with."""

    __slots__ = ("attributes", "name", "schema_url", "version")

    def __init__(
        self, name: str, version: str | None, schema_url: str | None, attributes: Mapping[str, Any]
    ) -> None:
        self.name = name
        self.version = version or ""
        self.schema_url = schema_url or ""
        self.attributes = attributes

    def told(self, kind: int) -> str:
        """The beginning of the field `otel` of its spans of one kind, as the gate lets its texts through now."""
        return f',"otel":{{"kind":{kind},"scope":{{{self.members()}}}'

    def members(self) -> str:
        """It as the members of a JSON object, each text as the gate lets it through now."""
        told = f'"name":{texts[self.name]}'
        if self.version:
            told += f',"version":{texts[self.version]}'
        if self.schema_url:
            told += f',"schema_url":{texts[self.schema_url]}'
        if self.attributes:
            told += f',"attributes":{captured(self.attributes, "otel.scope.attributes")[0]}'
        return told


class Home:
    """What the spans of one tracer have in common."""

    __slots__ = ("fragment", "limits", "name", "scope", "told")

    def __init__(self, scope: Scope | None, limits: Limits) -> None:
        self.scope = scope
        """Who tells; None for spans that `fl.span` began."""
        self.limits = limits
        self.name = "" if scope is None else scope.name
        self.fragment = self.told = ""
        """The field `otel` of a usual span of its, and its scope's name as it stood in `texts` when that was made."""

    def tail(self) -> str:
        """The field `otel` of a usual span of its: internal, with status UNSET (0).

        Made once, and anew when the gate has other rules: then the scope's name is another object in `texts`.
        """
        fragment = texts[self.name]
        if fragment is not self.fragment:
            self.told = "" if self.scope is None else self.scope.told(INTERNAL) + ',"status":0}'
            self.fragment = fragment
        return self.told
