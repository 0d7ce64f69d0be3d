"""Signs messages by the Standard Webhooks specification.

Owns the headers, and the body around an entry. Knows no network and no row.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from events.ids import FamilyId
from service.http.standard_webhooks import digest

USER_AGENT: Final = "Stillnew-Webhooks/1"


class _EventTag(msgspec.Struct, frozen=True):
    """The field `type` of an entry's `event`. At this level only a hint has this field."""

    type: str | None = None


class _Entry(msgspec.Struct, frozen=True):
    """The part of an entry that this module decodes."""

    event: _EventTag


_decode = msgspec.json.Decoder(_Entry).decode


def body_of(entry: bytes, *, family: FamilyId, place: int) -> bytes:
    """Returns the request body for one entry: the exact bytes of the entry in the feed, with its kind, family and place."""
    # Only a hint has its type at this level. The type of an event is one level deeper, because author and times surround it.
    kind = b"hint" if _decode(entry).event.type is not None else b"entry"
    return b'{"type":"%b","family":"%b","place":%d,"entry":%b}' % (kind, str(family).encode(), place, entry)


def message_id(webhook: UUID, place: int) -> str:
    """Returns the message id, which is the same for every attempt at one place, so that a receiver notices a repetition."""
    # No full stop, because full stops join the parts of the signed text.
    return f"msg_{webhook.hex}_{place}"


def headers_of(body: bytes, *, id: str, at: datetime, secrets: Sequence[bytes]) -> list[tuple[str, str]]:
    """Returns the headers of one attempt, with one signature for each secret, in the order of `secrets`."""
    timestamp = str(int(at.timestamp()))
    digests = (digest(secret, id=id.encode(), timestamp=timestamp.encode(), body=body) for secret in secrets)
    return [
        ("content-type", "application/json"),
        ("user-agent", USER_AGENT),
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", " ".join(f"v1,{b64encode(one).decode()}" for one in digests)),
    ]
