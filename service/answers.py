"""Writes answers: JSON, or MessagePack where the caller prefers it. Owns negotiation; knows no route."""

from typing import Any, Final

import msgspec

from service.asgi import Scope, header

JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"

_json = msgspec.json.Encoder()
_msgpack = msgspec.msgpack.Encoder(uuid_format="canonical", decimal_format="string")


def media_type_of(scope: Scope) -> str:
    """JSON unless `Accept` ranks MessagePack higher. An `Accept` that names neither is answered in JSON (RFC 9110, 12.4.1)."""
    accept = header(scope, b"accept")
    if accept is None or b"msgpack" not in accept:
        return JSON
    weight_by_type: dict[bytes, float] = {}
    for part in accept.lower().split(b","):
        name, *parameters = (piece.strip() for piece in part.split(b";"))
        weight_by_type[name] = _weight(parameters)
    msgpack = max(weight_by_type.get(b"application/msgpack", 0.0), weight_by_type.get(b"application/vnd.msgpack", 0.0))
    others = weight_by_type.get(b"application/*", weight_by_type.get(b"*/*", 0.0))
    return MSGPACK if msgpack > weight_by_type.get(JSON.encode(), others) or msgpack > others == 0.0 else JSON


def _weight(parameters: list[bytes]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name == b"q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def encode(value: Any, media_type: str) -> bytes:
    """A value in the encoding that was chosen: the same names and the same texts for ids and times in both."""
    if media_type == MSGPACK:
        # Times as RFC 3339 texts, as in JSON: MessagePack's own timestamps would lose the offset that the author lived by.
        return _msgpack.encode(msgspec.to_builtins(value, str_keys=True))
    return _json.encode(value)
