"""Declares a route beside its code: allowed callers, rate limit, request and response types, errors.

Owns the declaration. The gateway enforces a declaration, and the OpenAPI document is generated from it, so the document is always
true. The service does not start if a route has no declaration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from events.errors import Refused
from service.http.rate_limit import Kind

KEY: Final = "endpoint"


class CallerKind(Enum):
    """The kinds of callers that a route accepts."""

    ANYONE = "anyone"
    ANYONE_OR_DEVICE = "anyone or a device"
    """A token is optional. If a token is sent, it must be valid, and it identifies the person."""
    DEVICE = "a device"
    MEMBER = "a member of the family in the path"
    SIGNED = "a daycare's system, by its signature"
    """The headers alone do not identify the caller: the route reads the body, checks the signature, and counts the request."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The declaration of one route."""

    summary: str
    caller: CallerKind
    kind: Kind
    """The rate limit that the request counts against."""
    status: int = 200
    """The status of a successful response."""
    other_statuses: tuple[int, ...] = ()
    """The other statuses of a response that has the same type."""
    has_etag: bool = False
    """Whether the response has an ETag. If a request names this ETag in If-None-Match, the status is 304."""
    request: Any = None
    """The type of the request body, a type that msgspec can describe. None if the request has no body."""
    request_media_types: tuple[str, ...] = ()
    """The accepted media types of the request body. If the tuple is empty, these are JSON and MessagePack."""
    streamed: str | None = None
    """The media type of an optional request body that the route streams. None if the route streams no body."""
    response: Any = None
    """The type of the response body, a type that msgspec can describe. None if the response has no body."""
    other_schemas: tuple[Any, ...] = ()
    """Further types that the OpenAPI document describes."""
    media_types: tuple[str, ...] = ()
    """The media types of the response. If the tuple is empty, these are JSON and MessagePack."""
    errors: tuple[type[Refused], ...] = ()
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """JSON schemas of the query parameters, by name."""
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """JSON schemas of the request headers, by name."""
    always: tuple[tuple[bytes, bytes], ...] = ()
    """Headers of every response of the route, refusals included."""
    options: tuple[tuple[bytes, bytes], ...] = ()
    """Further headers of the response to OPTIONS."""

    def opt(self) -> dict[str, Any]:
        """Returns the value for the `opt` argument of a litestar handler."""
        return {KEY: self}
