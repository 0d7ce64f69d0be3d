"""Writes answers: JSON, or MessagePack where the caller prefers it. Owns negotiation; knows no route."""

from typing import Any, Final

import msgspec

from service.http.asgi import Scope, headers
from service.http.media_types import weights

JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"

_json = msgspec.json.Encoder()
_msgpack = msgspec.msgpack.Encoder(uuid_format="canonical", decimal_format="string")


def media_type_of(scope: Scope) -> str:
    """JSON unless `Accept` ranks MessagePack higher. An `Accept` that names neither is answered in JSON (RFC 9110, 12.4.1)."""
    if not any(b"msgpack" in value.lower() for value in headers(scope, b"accept")):
        return JSON
    accept = weights(scope, b"accept")
    msgpack = max(accept.get(name, 0.0) for name in ("application/msgpack", "application/vnd.msgpack", "application/x-msgpack"))
    return MSGPACK if msgpack > accept.get(JSON, accept.get("application/*", accept.get("*/*", 0.0))) else JSON


def encode(value: Any, media_type: str) -> bytes:
    """A value in the encoding that was chosen: the same names and the same texts for ids and times in both."""
    if media_type == MSGPACK:
        # Times as RFC 3339 texts, as in JSON: MessagePack's own timestamps would lose the offset that the author lived by.
        return _msgpack.encode(msgspec.to_builtins(value, str_keys=True))
    return _json.encode(value)
