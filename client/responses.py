"""Decodes the responses of the service: receipts, pages of the feed, entries of a stream, problem documents.

Owns their types. Ignores unknown fields, so that an older device works with a newer service. Does not know transport or storage.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec

from client.errors import ServiceMisspoke

Chain = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16,64}$")]
"""The hash of the feed's chain at a place: its 64 hexadecimal digits, or the first 16 of them."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem document (RFC 9457), or the `problem` field in the receipt of a refused draft."""

    type: str | None = None
    status: int | None = None
    code: str | None = None
    title: str | None = None
    detail: str | None = None
    at: str | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one draft.

    `place` is the event's place in the author's feed, or None if no event was recorded. `keep_quiet` names the members to whom
    the author should not mention the event. The device itself sets the outcome `set_aside` if a proxy or firewall blocks the
    draft.
    """

    id: UUID
    outcome: Literal["recorded", "already_recorded", "refused", "set_aside"]
    place: int | None = None
    problem: Problem | None = None
    keep_quiet: tuple[str, ...] = ()

    @property
    def is_recorded(self) -> bool:
        """Whether the draft is in the log."""
        return self.outcome in ("recorded", "already_recorded")


class RawReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt in the form in which the service sends it. `id` is None if the service could not read the draft's id."""

    id: UUID | None
    outcome: Literal["recorded", "already_recorded", "refused"]
    place: int | None = None
    problem: Problem | None = None
    keep_quiet: tuple[str, ...] = ()


class RawPushResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The response to one push, in the form in which the service sends it."""

    log: str
    receipts: tuple[RawReceipt, ...]


class PushResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The response to one push: the log's id, and one receipt for each draft, in order."""

    log: str
    receipts: tuple[Receipt, ...]


class FeedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the feed. `event` is the event as the service sent it, or a `Hint`.

    `told_at` is the time when the service added the entry to the feed. If the event was held before, `released` is the reason of
    the release.
    """

    place: int
    told_at: datetime
    event: dict[str, Any]
    released: str | None = None


class EventHead(msgspec.Struct, frozen=True, kw_only=True):
    """The id and the author of an event. A hint has neither."""

    id: str | None = None
    author: str | None = None


class EntryHead(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of an entry that a device needs in order to store the entry."""

    place: int
    event: EventHead
    chain: Chain | None = None


class RawPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the feed, in the form in which the service sends it."""

    log: str
    chain_before: Chain
    entries: tuple[dict[str, msgspec.Raw], ...]
    place: int
    more: bool
    chain: Chain


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """The first message of a stream: the log's id, the place after which the stream starts, and the chain's hash there."""

    log: str
    place: int
    chain: Chain


class RawEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry in the form in which the mirror stores it. `json` is the same in a page and in a stream."""

    place: int
    json: bytes
    event: EventHead = EventHead()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive entries of the feed, ready to be stored. `more`: whether the feed has entries after this page.

    `after` is the place before the first entry. `chain_before` is the chain's hash at `after`, `chain` the one at the last entry.
    """

    log: str
    after: int
    chain_before: str
    entries: tuple[RawEntry, ...]
    chain: str
    more: bool

    @property
    def place(self) -> int:
        """The place of the last entry, or `after` if the page is empty."""
        return self.after + len(self.entries)


Shape = TypeVar("Shape")

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(body: bytes, shape: type[Shape]) -> Shape:
    """Decodes the body of a response as `shape`.

    Raises:
        ServiceMisspoke: the body is not JSON of that shape.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServiceMisspoke(f"expected {shape}: {error}") from error


def read_opening(body: bytes) -> Page:
    """Decodes the first message of a stream as a page without entries.

    Raises:
        ServiceMisspoke: the message has another shape.
    """
    opening = read(body, Opening)
    return Page(log=opening.log, after=opening.place, chain_before=opening.chain, entries=(), chain=opening.chain, more=False)


def read_streamed(body: bytes, *, behind: Page) -> Page:
    """Decodes one entry of a stream as a page. `behind` is the page that came before.

    Raises:
        ServiceMisspoke: the message is not an entry, or not the entry of the next place.
    """
    try:
        fields = _fields.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServiceMisspoke(f"expected an entry: {error}") from error
    entry, chain = _entry(fields)
    if chain is None or entry.place != behind.place + 1:
        raise ServiceMisspoke(f"an entry of place {entry.place} and chain {chain} behind place {behind.place}")
    return Page(log=behind.log, after=behind.place, chain_before=behind.chain, entries=(entry,), chain=chain, more=False)


def read_page(body: bytes, *, after: int) -> Page:
    """Decodes one page of the feed.

    Raises:
        ServiceMisspoke: the body is not a page, its places do not continue `after`, or an empty page states `more`.
    """
    raw = read(body, RawPage)
    page = Page(
        log=raw.log,
        after=after,
        chain_before=raw.chain_before,
        entries=tuple(_entry(fields)[0] for fields in raw.entries),
        chain=raw.chain,
        more=raw.more,
    )
    if [entry.place for entry in page.entries] != list(range(after + 1, page.place + 1)) or raw.place != page.place:
        raise ServiceMisspoke(f"a page that does not continue place {after}")
    if page.more and not page.entries:
        raise ServiceMisspoke("an empty page that says more: it would be asked for for ever")
    return page


def _entry(fields: dict[str, msgspec.Raw]) -> tuple[RawEntry, str | None]:
    """Returns an entry without the field `chain`, and the value of that field, or None.

    The field is removed so that an entry has the same bytes from a page and from a stream.
    """
    head = read(msgspec.json.encode(fields), EntryHead)
    fields.pop("chain", None)
    return RawEntry(place=head.place, json=msgspec.json.encode(fields), event=head.event), head.chain


def read_receipts(body: bytes, *, pushed: Sequence[UUID]) -> PushResponse:
    """Decodes the response to a push of the drafts `pushed`.

    Raises:
        ServiceMisspoke: the receipts do not match the drafts one by one, or a place contradicts an outcome.
    """
    raw = read(body, RawPushResponse)
    receipts = raw.receipts
    all_match = len(receipts) == len(pushed) and all(
        receipt.id == draft or (receipt.id is None and receipt.outcome == "refused")
        for receipt, draft in zip(receipts, pushed, strict=True)
    )
    if not all_match:
        raise ServiceMisspoke(f"{len(receipts)} receipts that do not match {len(pushed)} drafts")
    if any((receipt.place is None) != (receipt.outcome == "refused") for receipt in receipts):
        raise ServiceMisspoke("a recorded draft without a place, or a refused one that has one")
    return PushResponse(
        log=raw.log,
        receipts=tuple(
            Receipt(
                id=draft, outcome=receipt.outcome, place=receipt.place, problem=receipt.problem, keep_quiet=receipt.keep_quiet
            )
            for receipt, draft in zip(receipts, pushed, strict=True)
        ),
    )
