"""Synchronises a device with its service: pushes drafts, pulls the feed, and follows the live stream.

Owns the order of requests, and the recovery after the service was restored from a backup. Does not write drafts; `client.http`
and `client.backoff` retry single requests.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from client.environment import World
from client.errors import (
    AnsweredByIntermediary,
    FeedAhead,
    FeedDiverged,
    LogChanged,
    RefusedByService,
    ServiceMisspoke,
    ServiceUnreachable,
)
from client.http import TEMPORARY_STATUSES, TOO_LARGE, Wire
from client.live import Reader, stream
from client.mirror import Mirror
from client.outbox import Authored, Outbox, push_body
from client.push_size import PushSize, set_aside_wait_s
from client.responses import EventHead, FeedEntry, Page, Problem, PushResponse, Receipt, read_page, read_receipts
from client.store import Identity, Store

PAGE_ENTRIES = 500


class SyncSession:
    """The outbox and the mirror of one device file, with the methods that synchronise both with the service."""

    def __init__(self, *, store: Store, identity: Identity, wire: Wire, world: World) -> None:
        self.store = store
        self.identity = identity
        self.wire = wire
        self.world = world
        self.outbox = Outbox(store)
        self.mirror = Mirror(store)
        self.push_size = PushSize()
        self._pushing = asyncio.Lock()
        self._pulling = asyncio.Lock()

    async def push(self) -> tuple[Receipt, ...]:
        """Pushes all waiting drafts in batches, oldest first, and returns their receipts. A refused draft stops no other draft.

        If a proxy refuses a batch because it is too large, later batches are smaller. If a proxy or firewall blocks a single
        draft, that draft is set aside, so that it stops no other draft. It is sent again after 1 minute to 6 hours.

        Raises:
            ServiceUnreachable, DeviceRevoked, RefusedByService, ServiceMisspoke: drafts with a receipt are settled, the other
                drafts keep waiting in the outbox.
        """
        receipts: list[Receipt] = []
        async with self._pushing:
            beginnings = self.mirror.beginnings
            retried = self._due_set_aside()
            while batch := self.outbox.next_batch(push_bytes_max=self.push_size.bytes_max) or retried:
                if batch is retried:
                    retried = ()
                receipts.extend(await self._push_batch(batch))
                # If two services with different logs answered in turn, the device would push for ever.
                if self.mirror.beginnings > beginnings + 1:
                    raise ServiceMisspoke("the log changed twice within one push")
            if receipts:
                self.push_size.sent_everything()
        return tuple(receipts)

    async def _push_batch(self, batch: Sequence[Authored]) -> tuple[Receipt, ...]:
        """Pushes one batch and stores its receipts.

        If the service refuses the whole body because of one draft, the batch is split in halves until that draft is alone.
        """
        path = f"/v1/families/{self.identity.family}/events"
        size_bytes = sum(len(authored.json) for authored in batch)
        try:
            body = await self.wire.ask("POST", path, body=lambda: push_body(batch, sent_at=self.world.now()))
        except AnsweredByIntermediary as blocked:
            return await self._push_smaller(batch, blocked)
        except ServiceUnreachable:
            self.push_size.got_no_response(size_bytes)
            raise
        except RefusedByService as refusal:
            if not _is_because_of_a_draft(refusal):
                raise
            if len(batch) == 1:
                problem = Problem(code=refusal.code, title=refusal.title, detail=refusal.detail, at=refusal.at)
                return self._settle_one(Receipt(id=batch[0].id, outcome="refused", problem=problem))
            return await self._push_halves(batch)
        response = read_receipts(body, pushed=[authored.id for authored in batch])
        self.save_receipts(response)
        return response.receipts

    async def _push_halves(self, batch: Sequence[Authored]) -> tuple[Receipt, ...]:
        middle = len(batch) // 2
        return await self._push_batch(batch[:middle]) + await self._push_batch(batch[middle:])

    async def _push_smaller(self, batch: Sequence[Authored], blocked: AnsweredByIntermediary) -> tuple[Receipt, ...]:
        """Continues after an intermediary has blocked a push: makes later batches smaller, or sets a single blocked draft aside.

        Raises:
            AnsweredByIntermediary: the intermediary blocks every request, or it is out of order. So no draft is the cause.
        """
        size_bytes = sum(len(authored.json) for authored in batch)
        if blocked.status == TOO_LARGE:
            if len(batch) > 1:
                # No receipt was stored: the next batch is smaller.
                self.push_size.refused_as_too_large(size_bytes)
                return ()
            return self._set_aside(batch[0], f"takes no draft of {size_bytes:,} bytes (status {blocked.status})")
        is_down = blocked.status >= 500 or blocked.status in TEMPORARY_STATUSES or blocked.retry_after_s is not None
        if is_down or not await self._is_service_reachable():
            self.push_size.got_no_response(size_bytes)
            raise blocked
        if len(batch) == 1:
            return self._set_aside(batch[0], f"does not let this draft through (status {blocked.status})")
        return await self._push_halves(batch)

    async def _is_service_reachable(self) -> bool:
        """Returns whether a request without a draft reaches the service."""
        try:
            await self.wire.ask("GET", "/v1/me")
        except ServiceUnreachable:
            return False
        return True

    def _set_aside(self, authored: Authored, why: str) -> tuple[Receipt, ...]:
        """Sets a blocked draft aside with a message for its author, so that it does not stop the other drafts."""
        problem = Problem(
            code="device.set_aside",
            title="Not through to the service",
            detail=f"Something on the way to the service {why}. The draft is kept here, and is offered again later.",
        )
        failures = self._count("aside_failures") + 1
        with self.store.transaction():
            self.outbox.settle([receipt := Receipt(id=authored.id, outcome="set_aside", problem=problem)])
            self.store.set_fact("aside_failures", failures)
            self.store.set_fact("aside_due_s", int(self.world.now().timestamp() + set_aside_wait_s(failures=failures)))
        return (receipt,)

    def _due_set_aside(self) -> tuple[Authored, ...]:
        """Returns the smallest of the drafts that were set aside, or an empty tuple if the wait for a new attempt is not over."""
        smallest = self.outbox.smallest_set_aside()
        is_due = self.world.now().timestamp() >= self._count("aside_due_s")
        return (smallest,) if smallest is not None and is_due else ()

    def _count(self, name: str) -> int:
        stored = self.store.fact(name)
        return stored if isinstance(stored, int) else 0

    def _settle_one(self, receipt: Receipt) -> tuple[Receipt, ...]:
        with self.store.transaction():
            self.outbox.settle([receipt])
        return (receipt,)

    def save_receipts(self, response: PushResponse) -> None:
        """Stores receipts. If they show that the service was restored, the same transaction restarts the mirror."""
        with self.store.transaction():
            if self.mirror.log is None:
                self.mirror.follow(response.log)
            elif self.mirror.log != response.log or any(self._is_contradicted(receipt) for receipt in response.receipts):
                self.mirror.restart(response.log)
                self.outbox.requeue_all()
            set_aside_before = self.outbox.count("set_aside")
            self.outbox.settle(response.receipts)
            if self.outbox.count("set_aside") < set_aside_before:
                # One of these drafts reached the service, so the others may reach it too.
                self.store.set_fact("aside_failures", 0)
                self.outbox.requeue_set_aside()

    def _is_contradicted(self, receipt: Receipt) -> bool:
        """Returns whether the mirror has another event at the place that a receipt states."""
        held = None if receipt.place is None else self.mirror.head_at(receipt.place)
        return held is not None and not self._is_own(held, receipt.id)

    def _is_own(self, head: EventHead, draft_id: object) -> bool:
        # Two members may use the same id.
        return head.id == str(draft_id) and head.author == str(self.identity.member)

    async def pull(self, *, verify: bool = False, page_entries: int = PAGE_ENTRIES) -> int:
        """Fetches the feed to its end, in pages of `page_entries` entries (1 to 2,000), and returns the last place.

        Each page is compared with the hash of the mirror's chain, and with the places in receipts. A difference shows that the
        service was restored from a backup. Then the mirror is emptied, every draft is pushed again, and the feed is fetched from
        the start. With `verify`, the whole feed is fetched and compared with every stored entry.

        Raises:
            FeedDiverged, FeedAhead, LogChanged: the service's feed differs from the mirror again, right after a restart.
            ServiceUnreachable, DeviceRevoked, RefusedByService, ServiceMisspoke: the pages that arrived before are stored.
        """
        async with self._pulling:
            is_fresh_start = False
            after = 0 if verify else self.mirror.place
            while True:
                acknowledged = self.outbox.last_place()
                try:
                    page = await self._page(after=after, limit=page_entries)
                    self._store_page(page)
                    if not page.more and page.place < acknowledged:
                        raise FeedDiverged(place=page.place + 1, expected="what a receipt named", found="the end of the feed")
                except (FeedAhead, FeedDiverged, LogChanged) as conflict:
                    if is_fresh_start:
                        raise
                    is_fresh_start = True
                    await self._restart(conflict)
                    after = self.mirror.place
                    continue
                if not page.more:
                    return self.mirror.place
                after = page.place if verify else self.mirror.place

    async def _page(self, *, after: int, limit: int) -> Page:
        path = f"/v1/families/{self.identity.family}/feed"
        return read_page(await self.wire.ask("GET", path, query={"after": after, "limit": limit}), after=after)

    def _store_page(self, page: Page) -> None:
        """Stores a page in the mirror.

        Raises:
            FeedDiverged, LogChanged: the page differs from the mirror, or from the receipts of this device.
        """
        own = self.outbox.recorded_ids(after=page.after, to=page.place)
        if self.mirror.log == page.log:
            for entry in page.entries:
                if entry.place in own and not self._is_own(entry.event, own[entry.place]):
                    raise FeedDiverged(place=entry.place, expected=f"event {own[entry.place]}", found=f"event {entry.event.id}")
        self.mirror.append(page)

    async def _restart(self, conflict: FeedAhead | FeedDiverged | LogChanged) -> None:
        """Restarts the mirror, then pushes every draft to the restored service.

        After a crash, the next pull or push continues with this.
        """
        with self.store.transaction():
            self.mirror.restart(conflict.answered if isinstance(conflict, LogChanged) else None)
            self.outbox.requeue_all()
        await self.push()

    async def live(self, *, after: int | None = None) -> AsyncGenerator[FeedEntry]:
        """Yields each entry when it arrives, until the caller stops. Reconnects without a limit.

        Starts after the place `after`, or after the last stored entry. If the service is restored, yields from place 1 again.

        Raises:
            DeviceRevoked, RefusedByService: the service refuses the stream for good.
        """
        reader = Reader(self.mirror, after=self.mirror.place if after is None else after)
        failures = 0
        while True:
            wanted_s = 0.0
            try:
                async with aclosing(self._mirror_changes()) as changes:
                    async for _ in changes:
                        failures = 0
                        while (entry := reader.next_entry()) is not None:
                            yield entry
            except ServiceUnreachable as unreachable:
                wanted_s = unreachable.retry_after_s or 0.0
            except (FeedAhead, FeedDiverged, LogChanged, ServiceMisspoke):
                # The next pull detects the reason and recovers.
                wanted_s = 0.0
            failures += 1
            wait_s = self.world.backoff.wait_s(failures=failures, fraction=self.world.random.random())
            await self.world.sleep(max(min(wanted_s, self.world.backoff.longest_retry_after_s), wait_s))

    async def _mirror_changes(self) -> AsyncGenerator[None]:
        """Pulls, then follows the live stream. Yields whenever the mirror may have new entries.

        The pull comes first because pages are faster than a stream, and because a pull recovers after a restore of the service.
        """
        await self.pull()
        yield
        path = f"/v1/families/{self.identity.family}/live"
        async with aclosing(stream(self.wire, path, after=self.mirror.place)) as pages:
            async for page in pages:
                self._store_page(page)
                yield


def _is_because_of_a_draft(refusal: RefusedByService) -> bool:
    """Returns whether the service refused a whole push because of a draft's content, not because of the device or the URL."""
    is_about_the_body = refusal.status in {400, 413, 422}
    return is_about_the_body and (refusal.at is None or refusal.at.startswith("drafts"))
