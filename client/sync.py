"""A device's talk with its service: offering drafts, fetching the feed, following it live.

Owns the order of things on the wire, and what happens when the service was restored to an earlier day. Knows no way to
author a draft, and no patience of its own: that is `http`'s and `backoff`'s.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from client.answers import EventHead, FeedEntry, Page, Problem, PushAnswer, Receipt, read_page, read_receipts
from client.environment import World
from client.errors import (
    AnsweredByStranger,
    FeedAhead,
    FeedDiverged,
    LogChanged,
    RefusedByService,
    ServiceMisspoke,
    ServiceUnreachable,
)
from client.http import PASSING_STATUSES, TOO_LARGE, Wire
from client.live import Reader, stream
from client.mirror import Mirror
from client.outbox import Authored, Outbox, push_body
from client.portion import Portion, aside_wait_s
from client.store import Identity, Store

PAGE_ENTRIES = 500


class Exchange:
    """The outbox and the mirror of one device file, and the wire between them and the service."""

    def __init__(self, *, store: Store, identity: Identity, wire: Wire, world: World) -> None:
        self.store = store
        self.identity = identity
        self.wire = wire
        self.world = world
        self.outbox = Outbox(store)
        self.mirror = Mirror(store)
        self.portion = Portion()
        self._pushing = asyncio.Lock()
        self._pulling = asyncio.Lock()

    async def push(self) -> tuple[Receipt, ...]:
        """Offer all that waits, oldest first, in batches. Answers the receipts; a refused draft stops no other.

        Where something on the way takes no body of that size, less is sent at a time. A single draft that it does not let through
        is set aside, so that the rest goes on, and is offered again after a while.

        Raises:
            ServiceUnreachable, DeviceRevoked, RefusedByService, ServiceMisspoke: what has a receipt is settled, the
                rest waits.
        """
        receipts: list[Receipt] = []
        async with self._pushing:
            beginnings = self.mirror.beginnings
            aside = self._aside_that_is_due()
            while batch := self.outbox.next_batch(push_bytes_max=self.portion.bytes_max) or aside:
                if batch is aside:
                    aside = ()
                receipts.extend(await self._offer(batch))
                # Two services that answer in turn from two logs would otherwise keep a device offering for ever.
                if self.mirror.beginnings > beginnings + 1:
                    raise ServiceMisspoke("the log changed twice within one push")
            if receipts:
                self.portion.all_went_through()
        return tuple(receipts)

    async def _offer(self, batch: Sequence[Authored]) -> tuple[Receipt, ...]:
        """Push one batch, and settle it. Where the service refuses the body whole, halve it to find the culprit."""
        path = f"/v1/families/{self.identity.family}/events"
        size_bytes = sum(len(authored.json) for authored in batch)
        try:
            answer = await self.wire.ask("POST", path, body=lambda: push_body(batch, sent_at=self.world.now()))
        except AnsweredByStranger as stranger:
            return await self._offer_less(batch, stranger)
        except ServiceUnreachable:
            self.portion.was_not_answered(size_bytes)
            raise
        except RefusedByService as refusal:
            if not _blames_a_draft(refusal):
                raise
            if len(batch) == 1:
                problem = Problem(code=refusal.code, title=refusal.title, detail=refusal.detail, at=refusal.at)
                return self._settle_one(Receipt(id=batch[0].id, outcome="refused", problem=problem))
            return await self._offer_halves(batch)
        said = read_receipts(answer, pushed=[authored.id for authored in batch])
        self.keep(said)
        return said.receipts

    async def _offer_halves(self, batch: Sequence[Authored]) -> tuple[Receipt, ...]:
        middle = len(batch) // 2
        return await self._offer(batch[:middle]) + await self._offer(batch[middle:])

    async def _offer_less(self, batch: Sequence[Authored], stranger: AnsweredByStranger) -> tuple[Receipt, ...]:
        """Go on after something on the way turned a push away: for its size, for what stands in it, or like everything else.

        Raises:
            AnsweredByStranger: it turns away everything, or is out of order. No draft is to blame.
        """
        size_bytes = sum(len(authored.json) for authored in batch)
        if stranger.status == TOO_LARGE:
            if len(batch) > 1:
                # The next batch is smaller. Nothing was settled.
                self.portion.was_too_large(size_bytes)
                return ()
            return self._set_aside(batch[0], f"takes no draft of {size_bytes:,} bytes (status {stranger.status})")
        is_out_of_order = stranger.status >= 500 or stranger.status in PASSING_STATUSES or stranger.retry_after_s is not None
        if is_out_of_order or not await self._is_way_open():
            self.portion.was_not_answered(size_bytes)
            raise stranger
        if len(batch) == 1:
            return self._set_aside(batch[0], f"does not let this draft through (status {stranger.status})")
        return await self._offer_halves(batch)

    async def _is_way_open(self) -> bool:
        """Whether the service itself answers something else."""
        try:
            await self.wire.ask("GET", "/v1/me")
        except ServiceUnreachable:
            return False
        return True

    def _set_aside(self, authored: Authored, why: str) -> tuple[Receipt, ...]:
        """Keep a draft that does not get through, with words for its author, and let the others pass it by."""
        problem = Problem(
            code="device.set_aside",
            title="Not through to the service",
            detail=f"Something on the way to the service {why}. The draft is kept here, and is offered again later.",
        )
        failures = self._count("aside_failures") + 1
        with self.store.transaction():
            self.outbox.settle([receipt := Receipt(id=authored.id, outcome="set_aside", problem=problem)])
            self.store.note("aside_failures", failures)
            self.store.note("aside_due_s", int(self.world.now().timestamp() + aside_wait_s(failures=failures)))
        return (receipt,)

    def _aside_that_is_due(self) -> tuple[Authored, ...]:
        """The draft by which to try whether what was set aside gets through now: the smallest. Empty where it is too early."""
        smallest = self.outbox.smallest_aside()
        is_due = self.world.now().timestamp() >= self._count("aside_due_s")
        return (smallest,) if smallest is not None and is_due else ()

    def _count(self, name: str) -> int:
        kept = self.store.fact(name)
        return kept if isinstance(kept, int) else 0

    def _settle_one(self, receipt: Receipt) -> tuple[Receipt, ...]:
        with self.store.transaction():
            self.outbox.settle([receipt])
        return (receipt,)

    def keep(self, said: PushAnswer) -> None:
        """Keep receipts, in one transaction with the consequences of a log that changed, or of a feed that parted."""
        with self.store.transaction():
            if self.mirror.log is None:
                self.mirror.follow(said.log)
            elif self.mirror.log != said.log or any(self._is_contradicted(receipt) for receipt in said.receipts):
                self.mirror.begin_anew(said.log)
                self.outbox.offer_all_again()
            asides = self.outbox.count("set_aside")
            self.outbox.settle(said.receipts)
            if self.outbox.count("set_aside") < asides:
                # One of them got through: so may the others.
                self.store.note("aside_failures", 0)
                self.outbox.offer_asides_again()

    def _is_contradicted(self, receipt: Receipt) -> bool:
        """Whether the mirror holds something else at the place that a receipt names."""
        held = None if receipt.place is None else self.mirror.names_at(receipt.place)
        return held is not None and not self._is_own(held, receipt.id)

    def _is_own(self, named: EventHead, draft_id: object) -> bool:
        # Two members may use one id.
        return named.id == str(draft_id) and named.author == str(self.identity.member)

    async def pull(self, *, verify: bool = False, page_entries: int = PAGE_ENTRIES) -> int:
        """Fetch the feed to its end. Answers the last place. `page_entries`: 1 to 2,000.

        Each page is compared with what is held: the chain where it begins, and the places that receipts named. Where the
        service was restored to an earlier day, the mirror is dropped, every draft ever authored is offered again, and the feed
        is fetched from its start. `verify` fetches the whole feed, and compares every entry that is held as well.

        Raises:
            FeedDiverged, FeedAhead, LogChanged: so again, right after a fresh start.
            ServiceUnreachable, DeviceRevoked, RefusedByService, ServiceMisspoke: what came is kept.
        """
        async with self._pulling:
            is_fresh_start = False
            after = 0 if verify else self.mirror.place
            while True:
                acknowledged = self.outbox.last_place()
                try:
                    page = await self._page(after=after, limit=page_entries)
                    self._hold(page)
                    if not page.more and page.place < acknowledged:
                        raise FeedDiverged(place=page.place + 1, expected="what a receipt named", found="the end of the feed")
                except (FeedAhead, FeedDiverged, LogChanged) as parted:
                    if is_fresh_start:
                        raise
                    is_fresh_start = True
                    await self._begin_anew(parted)
                    after = self.mirror.place
                    continue
                if not page.more:
                    return self.mirror.place
                after = page.place if verify else self.mirror.place

    async def _page(self, *, after: int, limit: int) -> Page:
        path = f"/v1/families/{self.identity.family}/feed"
        return read_page(await self.wire.ask("GET", path, query={"after": after, "limit": limit}), after=after)

    def _hold(self, page: Page) -> None:
        """File a page in the mirror.

        Raises:
            FeedDiverged, LogChanged: it does not continue what this device holds, or denies what it was told in receipts.
        """
        own = self.outbox.recorded_at(after=page.after, to=page.place)
        if self.mirror.log == page.log:
            for entry in page.entries:
                if entry.place in own and not self._is_own(entry.event, own[entry.place]):
                    raise FeedDiverged(place=entry.place, expected=f"event {own[entry.place]}", found=f"event {entry.event.id}")
        self.mirror.append(page)

    async def _begin_anew(self, parted: FeedAhead | FeedDiverged | LogChanged) -> None:
        """Give a restored service what this device knows. Killed anywhere in here, the next pull or push goes on."""
        with self.store.transaction():
            self.mirror.begin_anew(parted.answered if isinstance(parted, LogChanged) else None)
            self.outbox.offer_all_again()
        await self.push()

    async def live(self, *, after: int | None = None) -> AsyncGenerator[FeedEntry]:
        """Each entry as the member is told, until the caller stops; reconnects for as long as it takes.

        Starts after `after`, or after what is held. Where the service was restored, it starts at place 1 again.

        Raises:
            DeviceRevoked, RefusedByService: there is nothing to wait for.
        """
        reader = Reader(self.mirror, after=self.mirror.place if after is None else after)
        failures = 0
        while True:
            told_s = 0.0
            try:
                async with aclosing(self._arrivals()) as arrivals:
                    async for _ in arrivals:
                        failures = 0
                        while (entry := reader.take()) is not None:
                            yield entry
            except ServiceUnreachable as unreachable:
                told_s = unreachable.retry_after_s or 0.0
            except (FeedAhead, FeedDiverged, LogChanged, ServiceMisspoke):
                # The pull that comes next says what to make of it.
                told_s = 0.0
            failures += 1
            wait_s = self.world.backoff.wait_s(failures=failures, roll=self.world.dice.random())
            await self.world.sleep(max(min(told_s, self.world.backoff.longest_told_s), wait_s))

    async def _arrivals(self) -> AsyncGenerator[None]:
        """Yield whenever the mirror may have grown. The pull comes first: it fetches in pages, and settles which feed it is."""
        await self.pull()
        yield
        path = f"/v1/families/{self.identity.family}/live"
        async with aclosing(stream(self.wire, path, after=self.mirror.place)) as pages:
            async for page in pages:
                self._hold(page)
                yield


def _blames_a_draft(refusal: RefusedByService) -> bool:
    """Whether a whole push was refused for the sake of what stands in a draft, rather than of who asks, or where."""
    is_about_the_body = refusal.status in {400, 413, 422}
    return is_about_the_body and (refusal.at is None or refusal.at.startswith("drafts"))
