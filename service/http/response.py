"""Encodes responses as JSON, or as MessagePack if the caller prefers MessagePack. Owns this negotiation; knows no route."""

from typing import Any, Final

import msgspec

from service.http.asgi import Scope, headers
from service.http.media_types import weights

JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"

_json = msgspec.json.Encoder()
_msgpack = msgspec.msgpack.Encoder(uuid_format="canonical", decimal_format="string")


def media_type_of(scope: Scope) -> str:
    """Returns MessagePack if `Accept` gives it a higher weight than JSON, else JSON (RFC 9110, section 12.4.1)."""
    if not any(b"msgpack" in value.lower() for value in headers(scope, b"accept")):
        return JSON
    accept = weights(scope, b"accept")
    msgpack = max(accept.get(name, 0.0) for name in ("application/msgpack", "application/vnd.msgpack", "application/x-msgpack"))
    return MSGPACK if msgpack > accept.get(JSON, accept.get("application/*", accept.get("*/*", 0.0))) else JSON


def encode(value: Any, media_type: str) -> bytes:
    """Returns a value in the given encoding. Field names, and ids and times as text, are the same in both encodings."""
    if media_type == MSGPACK:
        # Times are RFC 3339 texts, as in JSON: MessagePack's own timestamps would lose the author's UTC offset.
        return _msgpack.encode(msgspec.to_builtins(value, str_keys=True))
    return _json.encode(value)
