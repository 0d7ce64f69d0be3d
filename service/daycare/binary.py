"""Converts CloudEvents in binary mode or with `data_base64` into structured events with JSON data.

Owns the decoding of header values, as the HTTP binding 1.0.2 of CloudEvents defines it (section 3.1.3.2). The signature covers no
`ce-` header. Only the header `ce-id` is compared with a signed header, the `webhook-id` of the call.
"""

import binascii
from base64 import b64decode
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from events.errors import FieldInvalid, Refused
from events.json_checks import joined
from events.lone_surrogate import fields
from service.http.asgi import HEADERS_BY_NAME, Scope
from service.http.body import decode_json
from service.http.media_types import unquoted

PREFIX: Final = b"ce-"
NOT_HEADERS: Final = frozenset({"data", "datacontenttype"})
"""Attributes that are not read from `ce-` headers: `data` is the whole body, and `datacontenttype` is the header Content-Type."""


def require_signed_id(scope: Scope, *, call_id: str) -> None:
    """Refuses an event in binary mode if its id is not the signed id of the call.

    Raises:
        FieldInvalid: the header `ce-id` is missing, is sent twice, or has another value.
    """
    ids = scope[HEADERS_BY_NAME].get(b"ce-id", ())
    if len(ids) != 1 or _read(ids[0], at="ce-id") != call_id:
        raise FieldInvalid("In binary mode the signed webhook-id is the event's id.", at="ce-id")


def structured(scope: Scope, body: bytes) -> bytes:
    """Returns the structured JSON of an event that was sent in binary mode.

    Raises:
        Refused: a header or the data cannot be read. `at` of the error names the header, or the field within the data.
    """
    attributes: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name.startswith(PREFIX):
            key = name.removeprefix(PREFIX).decode("latin-1")
            if key in attributes:
                raise FieldInvalid("The header stands twice.", at=f"ce-{key}")
            attributes[key] = _read(value, at=f"ce-{key}")
    for key in NOT_HEADERS:
        attributes.pop(key, None)
    return _with_data(msgspec.json.encode(attributes), body)


def with_plain_data(raw: bytes) -> bytes:
    """Returns the JSON of an event with its data in `data`.

    Decodes `data_base64` if the sender used it (JSON format, section 3.1.1).

    Raises:
        Refused: the event has both `data` and `data_base64`, or the decoded bytes are not JSON.
    """
    if b'"data_base64"' not in raw:
        return raw
    members = fields(raw)
    if "data_base64" not in members:
        return raw
    if "data" in members:
        raise FieldInvalid("An event has `data` or `data_base64`, and not both.", at="data_base64")
    try:
        data = b64decode(msgspec.json.decode(members["data_base64"], type=str), validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, ValueError):
        raise FieldInvalid("This is no Base64.", at="data_base64") from None
    return _with_data(raw.rstrip(b" \t\r\n"), data)


def _with_data(event: bytes, data: bytes) -> bytes:
    """Returns the JSON object `event` with the member `data` added.

    Checks first that the data is valid JSON. Other bytes could close the object early and add more members.
    """
    try:
        decode_json(data, dict[str, Any])
    except Refused as refusal:
        refusal.at = joined("data", refusal.at) if refusal.at else "data"
        raise
    return event[:-1] + b',"data":' + data + b"}"


def _read(value: bytes, *, at: str) -> str:
    """Returns the text of a header value: removes the quotes, then decodes percent-encoding once. Also accepts plain UTF-8.

    Raises:
        FieldInvalid: the quotes are not closed, or the text is not UTF-8.
    """
    plain = unquoted(value.decode("latin-1").strip(" \t"))
    if plain.startswith('"'):
        raise FieldInvalid("The value begins with a quote, and is no quoted string.", at=at)
    try:
        return unquote_to_bytes(plain.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise FieldInvalid("The value is not UTF-8, percent-encoded.", at=at) from None
