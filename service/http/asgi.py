"""The shapes of the plain ASGI wire. Owns names only."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::[0-9]{1,5})?")
"""A name or an address, and perhaps a port."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of this lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def headers(scope: Scope, name: bytes) -> list[bytes]:
    """Every header of this lower-case name, in order."""
    return [bytes(value) for key, value in scope["headers"] if key == name]
