"""What the service answers, as a device reads it.

Owns the shapes of receipts, pages and problems. Tolerant on purpose: an unknown field is passed over, so that an
older device lives with a newer service. Knows no transport and no storage.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec

from client.errors import ServiceMisspoke

Chain = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16,64}$")]
"""The chain at a place: its 64 digits, or the first 16 of them."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem document (RFC 9457), or the `problem` of one refused draft."""

    type: str | None = None
    status: int | None = None
    code: str | None = None
    title: str | None = None
    detail: str | None = None
    at: str | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one draft.

    `place` is the event's place in the author's own feed; None where it was refused. `keep_quiet` names the members
    who wait for this surprise. `set_aside` is the device's own word: something on the way does not let the draft through.
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
    """A receipt as it is sent. `id` is None where the service could not read that much of the draft."""

    id: UUID | None
    outcome: Literal["recorded", "already_recorded", "refused"]
    place: int | None = None
    problem: Problem | None = None
    keep_quiet: tuple[str, ...] = ()


class RawPushAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one push as it is sent."""

    log: str
    receipts: tuple[RawReceipt, ...]


class PushAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one push: receipts in the order of its drafts."""

    log: str
    receipts: tuple[Receipt, ...]


class FeedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the feed. `event` is the event as sent, or a `Hint`."""

    place: int
    told_at: datetime
    event: dict[str, Any]
    released: str | None = None


class EventHead(msgspec.Struct, frozen=True, kw_only=True):
    """As much of an event as names it. A hint has neither id nor author."""

    id: str | None = None
    author: str | None = None


class EntryHead(msgspec.Struct, frozen=True, kw_only=True):
    """As much of an entry as the mirror needs in order to file it."""

    place: int
    event: EventHead
    chain: Chain | None = None


class RawPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it is sent."""

    log: str
    chain_before: Chain
    entries: tuple[dict[str, msgspec.Raw], ...]
    place: int
    more: bool
    chain: Chain


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """The first message of a stream: what the feed is at the place after which the stream begins."""

    log: str
    place: int
    chain: Chain


class RawEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as the mirror stores it: its values in the very bytes that came, however it came."""

    place: int
    json: bytes
    event: EventHead = EventHead()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the feed, ready to be filed. `more`: another one follows at once.

    `chain_before` is the chain at `after`, `chain` that after the last entry.
    """

    log: str
    after: int
    chain_before: str
    entries: tuple[RawEntry, ...]
    chain: str
    more: bool

    @property
    def place(self) -> int:
        """The last place of the stretch; `after` where it has no entry."""
        return self.after + len(self.entries)


Answer = TypeVar("Answer")

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(answer: bytes, shape: type[Answer]) -> Answer:
    """Decode an answer.

    Raises:
        ServiceMisspoke: it is not JSON of that shape.
    """
    try:
        return msgspec.json.decode(answer, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServiceMisspoke(f"expected {shape}: {error}") from error


def read_opening(answer: bytes) -> Page:
    """The first message of a stream, as a page without entries. Raises ServiceMisspoke."""
    said = read(answer, Opening)
    return Page(log=said.log, after=said.place, chain_before=said.chain, entries=(), chain=said.chain, more=False)


def read_streamed(answer: bytes, *, behind: Page) -> Page:
    """One entry of a stream, as a page that continues another one.

    Raises:
        ServiceMisspoke: it is no entry, or not the next one.
    """
    try:
        fields = _fields.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServiceMisspoke(f"expected an entry: {error}") from error
    entry, chain = _entry(fields)
    if chain is None or entry.place != behind.place + 1:
        raise ServiceMisspoke(f"an entry of place {entry.place} and chain {chain} behind place {behind.place}")
    return Page(log=behind.log, after=behind.place, chain_before=behind.chain, entries=(entry,), chain=chain, more=False)


def read_page(answer: bytes, *, after: int) -> Page:
    """One page of the feed.

    Raises:
        ServiceMisspoke: it is none, its entries do not follow `after` one by one, or it is empty and says that more follows.
    """
    said = read(answer, RawPage)
    page = Page(
        log=said.log,
        after=after,
        chain_before=said.chain_before,
        entries=tuple(_entry(fields)[0] for fields in said.entries),
        chain=said.chain,
        more=said.more,
    )
    if [entry.place for entry in page.entries] != list(range(after + 1, page.place + 1)) or said.place != page.place:
        raise ServiceMisspoke(f"a page that does not continue place {after}")
    if page.more and not page.entries:
        raise ServiceMisspoke("an empty page that says more: it would be asked for for ever")
    return page


def _entry(fields: dict[str, msgspec.Raw]) -> tuple[RawEntry, str | None]:
    """An entry, and its own chain where it came by itself: without it, an entry is the same bytes however it comes."""
    head = read(msgspec.json.encode(fields), EntryHead)
    fields.pop("chain", None)
    return RawEntry(place=head.place, json=msgspec.json.encode(fields), event=head.event), head.chain


def read_receipts(answer: bytes, *, pushed: Sequence[UUID]) -> PushAnswer:
    """The answer to a push of these drafts.

    Raises:
        ServiceMisspoke: the receipts are not theirs, one each and in their order.
    """
    said = read(answer, RawPushAnswer)
    receipts = said.receipts
    are_theirs = len(receipts) == len(pushed) and all(
        receipt.id == draft or (receipt.id is None and receipt.outcome == "refused")
        for receipt, draft in zip(receipts, pushed, strict=True)
    )
    if not are_theirs:
        raise ServiceMisspoke(f"{len(receipts)} receipts that do not match {len(pushed)} drafts")
    if any((receipt.place is None) != (receipt.outcome == "refused") for receipt in receipts):
        raise ServiceMisspoke("a recorded draft without a place, or a refused one that has one")
    return PushAnswer(
        log=said.log,
        receipts=tuple(
            Receipt(
                id=draft, outcome=one.outcome, place=one.place, problem=one.problem, keep_quiet=one.keep_quiet
            )
            for one, draft in zip(receipts, pushed, strict=True)
        ),
    )
