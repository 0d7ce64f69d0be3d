"""Signs messages by the Standard Webhooks specification.

Owns the headers of a message, and the JSON object in its body that contains the entry. Knows no network and no row.
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
    """The field `type` directly in an entry's `event`.

    Only a hint has this field there: other entries have a type one level deeper.
    """

    type: str | None = None


class _Entry(msgspec.Struct, frozen=True):
    """The part of an entry that this module decodes."""

    event: _EventTag


_decode = msgspec.json.Decoder(_Entry).decode


def body_of(entry: bytes, *, family: FamilyId, place: int) -> bytes:
    """Returns the request body for one entry.

    The body contains the exact bytes of the entry in the feed, and the entry's kind, family and place in the feed.
    """
    # Only a hint has its type at this level. The type of an event is one level deeper, because author and times surround it.
    kind = b"hint" if _decode(entry).event.type is not None else b"entry"
    return b'{"type":"%b","family":"%b","place":%d,"entry":%b}' % (kind, str(family).encode(), place, entry)


def message_id(webhook: UUID, place: int) -> str:
    """Returns the message id for a place in the feed.

    Every attempt for this place has the same id, so a receiver notices repetitions.
    """
    # No full stop, because full stops join the parts of the signed text.
    return f"msg_{webhook.hex}_{place}"


def headers_of(body: bytes, *, id: str, at: datetime, secrets: Sequence[bytes]) -> list[tuple[str, str]]:
    """Returns the headers of one attempt. The signature header has one signature for each of `secrets`, in their order."""
    timestamp = str(int(at.timestamp()))
    digests = (digest(secret, id=id.encode(), timestamp=timestamp.encode(), body=body) for secret in secrets)
    return [
        ("content-type", "application/json"),
        ("user-agent", USER_AGENT),
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", " ".join(f"v1,{b64encode(one).decode()}" for one in digests)),
    ]
