"""Authenticates a daycare's call by the key id in its URL and by the signature over its body.

Owns the check of the signature, and the refusal of a call that was accepted before. Does not know what a call contains.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from events.errors import FieldInvalid
from events.ids import FamilyId, PersonId
from service.daycare.intake import QUERIES
from service.daycare.signatures import TOLERANCE_S, SignatureWrong, Signed, signature_headers_of
from service.http.body import SHARE, read_body
from service.http.problems import CallReplayed
from service.http.rate_limit import Kind, address_of
from service.http.request import RouteRequest
from service.http.standard_webhooks import new_secret

KEY_QUERY: Final[Mapping[str, Mapping[str, Any]]] = {"key": {"type": "string", "format": "uuid"}}
SIGNED_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "webhook-id": {"type": "string", "minLength": 1, "maxLength": 128},
    "webhook-timestamp": {"type": "string", "pattern": "^[1-9][0-9]{0,11}$"},
    "webhook-signature": {"type": "string"},
}
ROTATION_LASTS: Final = timedelta(hours=24)


class KeyQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query parameters of a signed call."""

    key: UUID


class DaycareKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key with which a daycare signs its calls. The key's secret is not included."""

    key_id: UUID
    person: PersonId
    name: str
    family: FamilyId | None
    """The only family that the key serves. None: the key serves every family whose parent gives the daycare a code."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call with a verified signature."""

    key: DaycareKey
    signed: Signed
    body: bytes


async def authenticate(request: RouteRequest, *, bytes_max: int) -> Call:
    """Reads a call and verifies its signature.

    A call with malformed signature headers is refused before its body is read. The body of a call with an unknown key is still
    read. Otherwise the time of the response would show that the key does not exist.

    Raises:
        SignatureWrong: the signature is wrong, or the key does not exist.
        CallReplayed: the same call was accepted before.
        TooManyRequests: too many calls came with this key, or from an address that is unknown or sends wrong signatures.
        FieldInvalid: the query contains no key id.
        BodyTooLarge, BodyTooSlow, BodyNoRoom: the body was not received.
    """
    runtime, scope = request.runtime, request.asgi
    address = address_of(scope)
    try:
        key_id = request.read_query(KeyQuery).key
        signature_headers = signature_headers_of(scope, now=runtime.now())
    except (FieldInvalid, SignatureWrong):
        runtime.limits.take(Kind.STRANGER, address)
        raise
    is_known = runtime.known_addresses.knows(key_id, address)
    if not is_known:
        runtime.limits.take(Kind.STRANGER, address)
    with runtime.budgets.keys.hold(key_id) if is_known else runtime.budgets.strangers.hold(address) as share:
        body = await read_body({**scope, SHARE: share}, request.receive, bytes_max=bytes_max)
        row = await runtime.pool.fetchrow(QUERIES.key, key_id)
        try:
            signed = signature_headers.verify(body, secrets=_secrets(row, runtime.now()))
            if row is None:
                raise SignatureWrong
        except SignatureWrong:
            if is_known:
                runtime.limits.take(Kind.STRANGER, address)
            raise
    runtime.known_addresses.remember(key_id, address)
    runtime.limits.take(Kind.PUSH, key_id)
    await _note_call(runtime.pool, key_id, signed)
    key = DaycareKey(key_id=key_id, person=PersonId(row["person_id"]), name=row["name"], family=row["family_id"])
    return Call(key=key, signed=signed, body=body)


def _secrets(row: Any, now: Any) -> list[bytes]:
    """Returns the current and the previous secret of a key.

    If a secret is missing or expired, a random secret takes its place, so that the check of every key takes the same time.
    """
    if row is None:
        return [new_secret(), new_secret()]
    is_valid = row["before"] is not None and row["before_until"] > now
    return [bytes(row["secret"]), bytes(row["before"]) if is_valid else new_secret()]


async def _note_call(pool: Any, key_id: UUID, signed: Signed) -> None:
    if await pool.fetchval(QUERIES.note_call, key_id, signed.id, signed.at_s) is None:
        raise CallReplayed
    await pool.execute(QUERIES.forget_calls, key_id, signed.at_s - 2 * TOLERANCE_S)
