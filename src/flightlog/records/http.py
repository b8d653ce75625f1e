"""Names of what is known of an HTTP request: OpenTelemetry's semantic conventions for HTTP, stable since v1.23."""

from __future__ import annotations

from typing import Final

METHOD: Final = "http.request.method"
METHOD_ORIGINAL: Final = "http.request.method_original"
STATUS_CODE: Final = "http.response.status_code"
ROUTE: Final = "http.route"
REQUEST_SIZE: Final = "http.request.body.size"
RESPONSE_SIZE: Final = "http.response.body.size"
REQUEST_HEADER: Final = "http.request.header."
RESPONSE_HEADER: Final = "http.response.header."
RESEND_COUNT: Final = "http.request.resend_count"
URL: Final = "url.full"
SCHEME: Final = "url.scheme"
PATH: Final = "url.path"
QUERY: Final = "url.query"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
CLIENT_ADDRESS: Final = "client.address"
USER_AGENT: Final = "user_agent.original"
PROTOCOL: Final = "network.protocol.name"
PROTOCOL_VERSION: Final = "network.protocol.version"
ERROR_TYPE: Final = "error.type"

METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"}
)
"""Methods that are told by their name; any other is `_OTHER`."""
OTHER: Final = "_OTHER"
