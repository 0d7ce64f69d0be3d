"""Signs what is sent, as Standard Webhooks has it. Owns the headers and the body around an entry; knows no network and no row."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from events.ids import FamilyId
from service.http.standard_webhooks import digest

USER_AGENT: Final = "Stillnew-Webhooks/1"


class _Told(msgspec.Struct, frozen=True):
    """Of the event of an entry, what tells an event from a hint."""

    type: str | None = None


class _Entry(msgspec.Struct, frozen=True):
    event: _Told


_decode = msgspec.json.Decoder(_Entry).decode


def body_of(entry: bytes, *, family: FamilyId, place: int) -> bytes:
    """What is sent of one entry: its very bytes as the feed gives them, and what it is."""
    # Only a hint's event has a type of its own; an event's stands one deeper, beside its author and its times.
    kind = b"hint" if _decode(entry).event.type is not None else b"entry"
    return b'{"type":"%b","family":"%b","place":%d,"entry":%b}' % (kind, str(family).encode(), place, entry)


def message_id(webhook: UUID, place: int) -> str:
    """The same for every attempt at one place, so that who was sent it twice can tell. Made of what its reader knows anyway."""
    # No full stop: the signed text is joined by them.
    return f"msg_{webhook.hex}_{place}"


def headers_of(body: bytes, *, id: str, at: datetime, secrets: Sequence[bytes]) -> list[tuple[str, str]]:
    """The headers of one attempt, with a signature by each of the secrets, the newest first."""
    timestamp = str(int(at.timestamp()))
    digests = (digest(secret, id=id.encode(), timestamp=timestamp.encode(), body=body) for secret in secrets)
    return [
        ("content-type", "application/json"),
        ("user-agent", USER_AGENT),
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", " ".join(f"v1,{b64encode(one).decode()}" for one in digests)),
    ]
