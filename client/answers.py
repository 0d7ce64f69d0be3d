"""What the service answers, as a device reads it.

Owns the shapes of receipts, pages and problems. Tolerant on purpose: an unknown field is passed over, so that an
older device lives with a newer service. Knows no transport and no storage.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec

from client.errors import ServiceMisspoke


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem document (RFC 9457), or the `problem` of one refused draft."""

    code: str | None = None
    title: str | None = None
    detail: str | None = None
    at: str | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one draft.

    `place` is the event's place in the author's own feed; None where it was refused. `keep_quiet` names the members
    who wait for this surprise.
    """

    id: UUID
    outcome: Literal["recorded", "already_recorded", "refused"]
    place: int | None = None
    problem: Problem | None = None
    keep_quiet: tuple[str, ...] = ()


class PushAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one push: receipts in the order of its drafts."""

    log: str
    receipts: tuple[Receipt, ...]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the feed. `event` is the event as sent, or a `Hint`; `chain` is the hash of all up to this one."""

    place: int
    told_at: datetime
    chain: str
    event: dict[str, Any]
    released: str | None = None


class EntryHead(msgspec.Struct, frozen=True, kw_only=True):
    """As much of an entry as the mirror needs in order to file it."""

    place: int
    chain: str


class RawPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page whose entries are kept in the very bytes that came: devices of one member are compared by bytes."""

    log: str
    entries: tuple[msgspec.Raw, ...]
    more: bool


class RawEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as the mirror stores it."""

    place: int
    chain: str
    json: bytes


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the feed, ready to be filed. `more`: another page follows at once."""

    log: str
    entries: tuple[RawEntry, ...]
    more: bool


Answer = TypeVar("Answer")

_entry_head = msgspec.json.Decoder(EntryHead)
_raw_page = msgspec.json.Decoder(RawPage)


def read(answer: bytes, shape: type[Answer]) -> Answer:
    """Decode an answer.

    Raises:
        ServiceMisspoke: it is not JSON of that shape.
    """
    try:
        return msgspec.json.decode(answer, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServiceMisspoke(f"expected {shape}: {error}") from error


def read_entry(answer: bytes) -> RawEntry:
    """One entry, its bytes untouched. Raises ServiceMisspoke."""
    try:
        head = _entry_head.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServiceMisspoke(f"expected an entry: {error}") from error
    return RawEntry(place=head.place, chain=head.chain, json=answer)


def read_page(answer: bytes) -> Page:
    """One page of the feed. Raises ServiceMisspoke, also where a page is empty and yet says that more follows."""
    try:
        page = _raw_page.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServiceMisspoke(f"expected a page: {error}") from error
    if page.more and not page.entries:
        raise ServiceMisspoke("an empty page that says more: it would be asked for for ever")
    return Page(log=page.log, entries=tuple(read_entry(bytes(raw)) for raw in page.entries), more=page.more)


def read_receipts(answer: bytes, *, pushed: Sequence[UUID]) -> PushAnswer:
    """The answer to a push of these drafts. Raises ServiceMisspoke where the receipts are not theirs, one each."""
    said = read(answer, PushAnswer)
    if [receipt.id for receipt in said.receipts] != list(pushed):
        raise ServiceMisspoke(f"{len(said.receipts)} receipts that do not match {len(pushed)} drafts")
    return said
