"""Reads the body and the query of a request, each strictly as one type, and encodes the body of a response.

Owns the encodings, JSON and MessagePack, and the bounds of a body in length and in time. Decodes every body except that of a
push: `events.wire` reads the drafts of a push one by one. Knows no route.
"""

import asyncio
import re
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from events.errors import BodyMalformed, FieldInvalid
from events.json_checks import invalid_field, not_json, refuse_duplicate_keys, refuse_nul
from events.msgpack_checks import refuse_loose_msgpack
from events.wire import require_utf8
from service.http.asgi import HEADERS_BY_NAME, Receive, Scope
from service.http.body_budget import BodyBudgets, BudgetShare
from service.http.media_types import of_request, weights
from service.http.problems import BodyNoRoom, BodyTooLarge, BodyTooSlow, MediaTypeUnsupported
from service.http.rate_limit import address_of

BODY_BYTES_MAX: Final = 64 * 1024
PUSH_BYTES_MAX: Final = 1024 * 1024
BODY_WITHIN_S: Final = 20.0
"""The time limit of a body: enough for a full push of 1 MiB at half a megabit per second."""
SHARE: Final = "body_share"
"""The key of the scope under which a route may store a `BudgetShare` for the body of its request."""
DISCARDED_BYTES_MAX: Final = 4 * 1024 * 1024
DISCARD_S_MAX: Final = 2.0

INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")
"""The only accepted form of an integer in a query: 1e3, 1.0, 007 and +1 do not match."""

Shape = TypeVar("Shape")


class Disconnected(Exception):
    """The caller closed the connection before the whole body had arrived. No response can be sent."""


JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"


class Encoding(Enum):
    """The encoding of a body."""

    JSON = JSON
    MSGPACK = MSGPACK


_BY_HEADER: Final = {
    b"application/json": Encoding.JSON,
    b"application/msgpack": Encoding.MSGPACK,
}
"""The usual spellings of the header Content-Type. Any other spelling is parsed by the grammar of media types."""
_BY_NAME: Final = {
    "application/json": Encoding.JSON,
    "application/msgpack": Encoding.MSGPACK,
    "application/vnd.msgpack": Encoding.MSGPACK,
    "application/x-msgpack": Encoding.MSGPACK,
}
MEDIA_TYPES: Final = tuple(encoding.value for encoding in Encoding)

_encode_json = msgspec.json.Encoder().encode
_encode_msgpack = msgspec.msgpack.Encoder(uuid_format="canonical", decimal_format="string").encode


def encoding_of(scope: Scope) -> Encoding:
    """Returns the encoding that the headers name.

    Raises:
        MediaTypeUnsupported: the headers name no encoding, several, an unknown encoding, or a content encoding.
    """
    named = scope[HEADERS_BY_NAME].get(b"content-type", ())
    found = _BY_HEADER.get(named[0]) if len(named) == 1 and b"content-encoding" not in scope[HEADERS_BY_NAME] else None
    if found is not None:
        return found
    media_type = of_request(scope, accepted=MEDIA_TYPES)
    found = _BY_NAME.get(media_type.name)
    if found is None or not media_type.is_utf8:
        raise MediaTypeUnsupported(MEDIA_TYPES)
    return found


async def read_body(scope: Scope, receive: Receive, *, bytes_max: int, within_s: float | None = None) -> bytes:
    """Reads the whole body. While the body arrives, its bytes count against the sender's budget.

    The bytes count in the `BudgetShare` that the route has stored in the scope (`SHARE`), or in a new one, which ends with the
    reading. `within_s` is the time limit; None: BODY_WITHIN_S.

    Raises:
        BodyTooLarge: the body is longer than `bytes_max`. At most `bytes_max` bytes of it were kept in memory.
        BodyTooSlow: the body did not arrive within `within_s`.
        BodyNoRoom: the budget is full.
        Disconnected: the caller closed the connection.
    """
    for length in scope[HEADERS_BY_NAME].get(b"content-length", ()):
        if not length.isdigit() or len(length) > 18 or int(length) > bytes_max:
            await _discard(receive)
            raise BodyTooLarge(bytes_max=bytes_max)
    share: BudgetShare | None = scope.get(SHARE)
    bound_s = BODY_WITHIN_S if within_s is None else within_s
    try:
        async with asyncio.timeout(bound_s) as timeout:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                # Most bodies arrive in one message: no timeout and no share of a budget is needed.
                body: bytes = message.get("body", b"")
                if len(body) > bytes_max:
                    raise BodyTooLarge(bytes_max=bytes_max)
                if share is not None:
                    share.take(len(body))
                return body
            with _budgeted(scope, share) as share:
                share.timeout = timeout
                try:
                    return await _read_rest(receive, message, share, bytes_max=bytes_max)
                finally:
                    share.timeout = None
    except TimeoutError:
        if share is not None and share.is_dropped:
            raise BodyNoRoom from None
        raise BodyTooSlow(within_s=bound_s) from None


def _budgeted(scope: Scope, share: BudgetShare | None) -> AbstractContextManager[BudgetShare]:
    """Returns the share that the route already has for the body, or else a new share of the caller's budget."""
    if share is not None:
        return nullcontext(share)
    budgets: BodyBudgets = scope["runtime"].budgets
    caller = scope["caller"]
    return budgets.strangers.hold(address_of(scope)) if caller is None else budgets.devices.hold(caller.person)


async def _read_rest(receive: Receive, message: Any, share: BudgetShare, *, bytes_max: int) -> bytes:
    parts, held = [], 0
    while True:
        if message["type"] != "http.request":
            raise Disconnected
        part = message.get("body", b"")
        held += len(part)
        if held > bytes_max:
            await _discard(receive)
            raise BodyTooLarge(bytes_max=bytes_max)
        share.take(len(part))
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


async def _discard(receive: Receive) -> None:
    """Reads and drops further bytes for a short time, because a sender who is cut off while sending never reads the refusal."""
    discarded = 0
    try:
        async with asyncio.timeout(DISCARD_S_MAX):
            while discarded < DISCARDED_BYTES_MAX:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                discarded += len(message.get("body", b""))
    except TimeoutError:
        return


async def read(scope: Scope, receive: Receive, shape: type[Shape], *, bytes_max: int = BODY_BYTES_MAX) -> Shape:
    """Reads a body as one value of `shape`.

    Raises:
        Refused: the body is wrong. The refusal names the first error, and the error's field if there is one.
    """
    encoding = encoding_of(scope)
    body = await read_body(scope, receive, bytes_max=bytes_max)
    match encoding:
        case Encoding.JSON:
            return decode_json(body, shape)
        case Encoding.MSGPACK:
            return decode_msgpack(body, shape)


class NoQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a route without parameters: a query with any name is refused."""


def query_of(scope: Scope, shape: type[Shape]) -> Shape:
    """Returns the query as one value of `shape`.

    Raises:
        FieldInvalid: a name is unknown or occurs twice, a value is invalid, or an id does not have its canonical spelling.
    """
    found: dict[str, str | int] = {}
    try:
        pairs = parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        pairs = []
        if scope["query_string"]:
            raise FieldInvalid("The query cannot be read.", at=None) from None
    for name, text in pairs:
        if name in found:
            raise FieldInvalid("The query names this twice.", at=name[:80])
        # msgspec's lax mode is not used, because it reads `null` as None, 1e3 as an integer, and a number as a time.
        found[name] = int(text) if INTEGER.fullmatch(text) else text
    try:
        query = msgspec.convert(found, shape)
    except msgspec.ValidationError as error:
        raise invalid_field(error) from None
    for name, text in pairs:
        if isinstance(named := getattr(query, name), UUID) and str(named) != text:
            raise FieldInvalid("An id is written in lower case, with dashes.", at=name)
    return query


def decode_json(body: bytes, shape: type[Shape]) -> Shape:
    """Reads strict JSON: UTF-8, one value, no duplicate key, at most 16 levels, integers within 64 bits, no NUL in a text."""
    require_utf8(body)
    try:
        value = msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise invalid_field(error) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise not_json(body, error) from None
    # The types of this service are flat and refuse unknown fields: a valid value never has more than 16 levels.
    refuse_duplicate_keys(body)
    if b"\\u0000" in body:
        refuse_nul(body)
    return value


def decode_msgpack(body: bytes, shape: type[Shape]) -> Shape:
    """Reads strict MessagePack, by the same rules as JSON."""
    try:
        value = msgspec.msgpack.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise invalid_field(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyMalformed(f"The body is not MessagePack: {error}.") from None
    refuse_loose_msgpack(body)
    return value


def media_type_of(scope: Scope) -> str:
    """Returns MessagePack if `Accept` gives it a higher weight than JSON, else JSON (RFC 9110, section 12.4.1)."""
    if not any(b"msgpack" in value.lower() for value in scope[HEADERS_BY_NAME].get(b"accept", ())):
        return JSON
    accept = weights(scope, b"accept")
    msgpack = max(accept.get(name, 0.0) for name in ("application/msgpack", "application/vnd.msgpack", "application/x-msgpack"))
    return MSGPACK if msgpack > accept.get(JSON, accept.get("application/*", accept.get("*/*", 0.0))) else JSON


def encode(value: Any, media_type: str) -> bytes:
    """Returns the bytes of a value in JSON or MessagePack. Field names, and the texts of ids and times, are the same in both.

    Times are RFC 3339 texts in MessagePack, too, because MessagePack's own timestamps would lose the author's UTC offset.
    """
    return _encode_msgpack(msgspec.to_builtins(value, str_keys=True)) if media_type == MSGPACK else _encode_json(value)
