"""Names the types of plain ASGI, and the keys that the gateway adds to a scope. Reads headers."""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
"""An application of this service or of a framework. The arguments are `Any`, because each framework has types of its own."""

HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::[0-9]{1,5})?")
"""A valid Host header: a host name or an IP address, with an optional port."""

HEADERS_BY_NAME: Final = "headers_by_name"
"""The scope's key for a dictionary of the headers: lower-case name -> values, in the order in which they were sent."""


def sent(scope: Scope, name: bytes) -> list[bytes]:
    """Returns the values of the headers with a lower-case name, in the order in which they were sent."""
    return list(scope[HEADERS_BY_NAME].get(name, ()))
