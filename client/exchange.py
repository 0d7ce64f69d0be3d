"""A device's talk with its service: offering drafts, fetching the feed, following it live.

Owns the order of things on the wire, and what happens when the service was restored to an earlier day. Knows no way to
author a draft, and no patience of its own: that is `http`'s and `backoff`'s.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from client.answers import Entry, Page, Problem, PushAnswer, Receipt, read_page, read_receipts
from client.errors import FeedAhead, FeedDiverged, LogChanged, RefusedByService, ServiceMisspoke, ServiceUnreachable
from client.http import Wire
from client.live import Reader, stream
from client.mirror import Mirror
from client.outbox import Authored, Outbox, push_body
from client.store import Identity, Store
from client.world import World

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
        self._pushing = asyncio.Lock()
        self._pulling = asyncio.Lock()

    async def push(self) -> tuple[Receipt, ...]:
        """Offer all that waits, oldest first, in batches. Answers the receipts; a refused draft stops no other.

        Raises:
            ServiceUnreachable, DeviceRevoked, RefusedByService, ServiceMisspoke: what has a receipt is settled, the
                rest waits.
        """
        receipts: list[Receipt] = []
        async with self._pushing:
            beginnings = self.mirror.beginnings
            while batch := self.outbox.next_batch():
                receipts.extend(await self._offer(batch))
                # Two services that answer in turn from two logs would otherwise keep a device offering for ever.
                if self.mirror.beginnings > beginnings + 1:
                    raise ServiceMisspoke("the log changed twice within one push")
        return tuple(receipts)

    async def _offer(self, batch: Sequence[Authored]) -> tuple[Receipt, ...]:
        """Push one batch, and settle it. Where the service refuses the body whole, halve it to find the culprit."""
        path = f"/v1/families/{self.identity.family}/events"
        try:
            answer = await self.wire.ask("POST", path, body=lambda: push_body(batch, sent_at=self.world.now()))
        except RefusedByService as refusal:
            if not _blames_a_draft(refusal):
                raise
            if len(batch) == 1:
                problem = Problem(code=refusal.code, title=refusal.title, detail=refusal.detail, at=refusal.at)
                receipt = Receipt(id=batch[0].id, outcome="refused", problem=problem)
                with self.store.transaction():
                    self.outbox.settle([receipt])
                return (receipt,)
            middle = len(batch) // 2
            return await self._offer(batch[:middle]) + await self._offer(batch[middle:])
        said = read_receipts(answer, pushed=[authored.id for authored in batch])
        self.keep(said)
        return said.receipts

    def keep(self, said: PushAnswer) -> None:
        """Keep receipts, in one transaction with the consequences of a log that changed."""
        with self.store.transaction():
            if self.mirror.log is None:
                self.mirror.follow(said.log)
            elif self.mirror.log != said.log:
                self.mirror.begin_anew(said.log)
                self.outbox.offer_all_again()
            self.outbox.settle(said.receipts)

    async def pull(self, *, verify: bool = False, page_entries: int = PAGE_ENTRIES) -> int:
        """Fetch the feed to its end. Answers the last place. `page_entries`: 1 to 2,000.

        `verify` asks for the last held entry once more, so that a feed which parted from ours is noticed even where it
        has grown past it. Where the service was restored to an earlier day, the mirror is dropped, every draft
        ever authored is offered again, and the feed is fetched from its start.

        Raises:
            FeedDiverged, FeedAhead, LogChanged: so again, right after a fresh start.
            ServiceUnreachable, DeviceRevoked, RefusedByService, ServiceMisspoke: what came is kept.
        """
        async with self._pulling:
            is_fresh_start = False
            overlap = 1 if verify else 0
            while True:
                after = max(0, self.mirror.place - overlap)
                try:
                    page = await self._page(after=after, limit=page_entries)
                    if after < self.mirror.place and not page.entries:
                        raise FeedDiverged(place=after + 1, expected="an entry that we hold", found="the end of the feed")
                    self.mirror.append(page.entries, log=page.log)
                except (FeedAhead, FeedDiverged, LogChanged) as parted:
                    if is_fresh_start:
                        raise
                    is_fresh_start = True
                    await self._begin_anew(parted)
                    continue
                overlap = 0
                if not page.more:
                    return self.mirror.place

    async def _page(self, *, after: int, limit: int) -> Page:
        path = f"/v1/families/{self.identity.family}/feed"
        return read_page(await self.wire.ask("GET", path, query={"after": after, "limit": limit}))

    async def _begin_anew(self, parted: FeedAhead | FeedDiverged | LogChanged) -> None:
        """Give a restored service what this device knows. Killed anywhere in here, the next pull or push goes on."""
        with self.store.transaction():
            self.mirror.begin_anew(parted.answered if isinstance(parted, LogChanged) else None)
            self.outbox.offer_all_again()
        await self.push()

    async def live(self, *, after: int | None = None) -> AsyncGenerator[Entry]:
        """Each entry as the member is told, until the caller stops; reconnects for as long as it takes.

        Starts after `after`, or after what is held. Where the service was restored, it starts at place 1 again.

        Raises:
            DeviceRevoked, RefusedByService, ServiceMisspoke: there is nothing to wait for.
        """
        reader = Reader(self.mirror, after=self.mirror.place if after is None else after)
        is_doubted = False
        failures = 0
        while True:
            told_s = 0.0
            try:
                async with aclosing(self._arrivals(verify=is_doubted)) as arrivals:
                    async for _ in arrivals:
                        failures, is_doubted = 0, False
                        while (entry := reader.take()) is not None:
                            yield entry
            except ServiceUnreachable as unreachable:
                told_s = unreachable.retry_after_s or 0.0
            except (FeedAhead, FeedDiverged, LogChanged):
                is_doubted = True
            failures += 1
            wait_s = self.world.backoff.wait_s(failures=failures, roll=self.world.dice.random())
            await self.world.sleep(max(min(told_s, self.world.backoff.longest_told_s), wait_s))

    async def _arrivals(self, *, verify: bool) -> AsyncGenerator[None]:
        """Yield whenever the mirror may have grown. The pull comes first: it alone says which log is answering."""
        await self.pull(verify=verify)
        yield
        log = self.mirror.log
        if log is None:
            # Somebody began the mirror anew while the caller held us at the yield.
            return
        path = f"/v1/families/{self.identity.family}/live"
        async with aclosing(stream(self.wire, path, after=self.mirror.place)) as entries:
            async for entry in entries:
                self.mirror.append((entry,), log=log)
                yield


def _blames_a_draft(refusal: RefusedByService) -> bool:
    """Whether a whole push was refused for the sake of what stands in a draft, rather than of who asks, or where."""
    is_about_the_body = refusal.status in {400, 413, 422} and refusal.code is not None
    return is_about_the_body and (refusal.at is None or refusal.at.startswith("drafts"))
