"""Makes and checks tickets: addresses with which a browser's `<video>`, which sends no token, fetches one clip for ten minutes.

A ticket states a device, a member, a clip and its end, and is signed with a secret of the family. Tickets are not stored. Each
request with a ticket is checked against the device and the membership, so a ticket ends with a revocation.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from events.ids import ClipId, DeviceId, FamilyId, MemberId

LASTS: Final = timedelta(minutes=10)
DOMAIN: Final = b"stillnew clip ticket"
IDS_BYTES: Final = 32
TIME_BYTES: Final = 8
SIGNATURE_BYTES: Final = 32
TICKET_BYTES: Final = IDS_BYTES + TIME_BYTES + SIGNATURE_BYTES


class Ticket(msgspec.Struct, frozen=True):
    """The right of one device to fetch one clip."""

    device: DeviceId
    member: MemberId
    ends_at: datetime


def make_ticket(secret: bytes, family: FamilyId, clip: ClipId, ticket: Ticket) -> str:
    """Returns a ticket as text for an address."""
    facts = ticket.device.bytes + ticket.member.bytes + int(ticket.ends_at.timestamp()).to_bytes(TIME_BYTES)
    return urlsafe_b64encode(facts + _signature(secret, family, clip, facts)).decode()


def read_ticket(secret: bytes, family: FamilyId, clip: ClipId, text: str, *, now: datetime) -> Ticket | None:
    """Returns the ticket of an address; None if it is not of this clip, has ended, or was never made."""
    try:
        signed = urlsafe_b64decode(text.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        return None
    facts, signature = signed[:-SIGNATURE_BYTES], signed[-SIGNATURE_BYTES:]
    if len(signed) != TICKET_BYTES or not hmac.compare_digest(signature, _signature(secret, family, clip, facts)):
        return None
    ends_at = datetime.fromtimestamp(int.from_bytes(facts[IDS_BYTES:]), UTC)
    if ends_at <= now:
        return None
    return Ticket(DeviceId(UUID(bytes=facts[:16])), MemberId(UUID(bytes=facts[16:32])), ends_at)


def _signature(secret: bytes, family: FamilyId, clip: ClipId, facts: bytes) -> bytes:
    return hmac.digest(secret, DOMAIN + family.bytes + clip.bytes + facts, "sha256")
