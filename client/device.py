"""One device of one member: what it writes while offline reaches the log, and what its member may know reaches it.

Owns how a device begins, and what its user may ask of it. The outbox, the mirror, the exchange with the service and
its patience have files of their own.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from uuid import UUID

import msgspec

from client import pairing as newcomer
from client.answers import FeedEntry, Receipt
from client.environment import World
from client.errors import AlreadyPaired
from client.family import Family
from client.http import Wire
from client.outbox import Authored, draft_json
from client.store import Identity, Store
from client.sync import PAGE_ENTRIES, Exchange

Precision = Literal["minute", "day", "week", "month"]
Audience = Literal["me", "household", "family"]


class Device(Family):
    """A device file, open. Reading and recording work offline; the rest is async and needs the service.

    Used from one thread and one event loop. Files may be opened by several processes; a push is idempotent.
    """

    def __init__(self, store: Store, world: World, *, base_url: str | None = None) -> None:
        identity = store.identity()
        self.identity = msgspec.structs.replace(identity, base_url=base_url or identity.base_url)
        self.world = world
        self.store = store
        self.wire = Wire(base_url=self.identity.base_url, token=self.identity.token, world=world)
        self.exchange = Exchange(store=store, identity=self.identity, wire=self.wire, world=world)
        self.outbox = self.exchange.outbox
        self.mirror = self.exchange.mirror
        super().__init__(self.wire, self.identity)

    @classmethod
    def open(cls, path: str | Path, *, base_url: str | None = None, world: World | None = None) -> Self:
        """Open a device that exists. Needs no network. `base_url`: where its service stands now, if it moved.

        Raises:
            NotPaired: the file holds no device.
        """
        store = Store(Path(path))
        try:
            return cls(store, world or World(), base_url=base_url)
        except BaseException:
            store.close()
            raise

    @classmethod
    async def found(
        cls,
        base_url: str,
        path: str | Path,
        *,
        you: str,
        household: str,
        child: str,
        born: date | None = None,
        device_name: str = "a device",
        world: World | None = None,
    ) -> Self:
        """Found a family; this becomes its first device. Raises AlreadyPaired, and what any call raises."""
        return await cls._begin(
            base_url,
            path,
            world,
            None,
            lambda wire, store: newcomer.found(
                wire, base_url=base_url, you=you, household=household, child=child, born=born, device_name=device_name
            ),
        )

    @classmethod
    async def accept(
        cls,
        base_url: str,
        path: str | Path,
        *,
        code: str,
        name: str,
        device_name: str = "a device",
        surprise: Sequence[Mapping[str, Any]] = (),
        known_as: Identity | None = None,
        world: World | None = None,
    ) -> Self:
        """Join a family by an invite. `surprise`: what not to be told, chosen before anything is.

        `known_as`: the identity of another device file, to join a second family as the same person.
        """
        return await cls._begin(
            base_url,
            path,
            world,
            known_as,
            lambda wire, store: newcomer.accept(
                wire,
                base_url=base_url,
                code=code,
                name=name,
                device_name=device_name,
                surprise=surprise,
                known_as=known_as,
            ),
        )

    @classmethod
    async def pair(
        cls,
        base_url: str,
        path: str | Path,
        *,
        code: str,
        device_name: str = "a device",
        family: UUID | None = None,
        world: World | None = None,
    ) -> Self:
        """Become another device of the person who made the code. `family` chooses, where they belong to several."""
        return await cls._begin(
            base_url,
            path,
            world,
            None,
            lambda wire, store: newcomer.pair(
                wire, store=store, base_url=base_url, code=code, device_name=device_name, family=family
            ),
        )

    @classmethod
    async def _begin(
        cls,
        base_url: str,
        path: str | Path,
        world: World | None,
        known_as: Identity | None,
        ask: Callable[[Wire, Store], Awaitable[Identity]],
    ) -> Self:
        """Make sure that the answer can be kept, ask, keep it."""
        world = world or World()
        store = Store(Path(path))
        wire = Wire(base_url=base_url, token=None if known_as is None else known_as.token, world=world)
        try:
            if store.is_paired():
                raise AlreadyPaired(path=store.path)
            store.become(await ask(wire, store))
            return cls(store, world)
        except BaseException:
            store.close()
            raise
        finally:
            await wire.close()

    def record(
        self,
        event: Mapping[str, Any] | msgspec.Struct,
        *,
        occurred_at: datetime | None = None,
        recorded_at: datetime | None = None,
        precision: Precision = "minute",
        audience: Audience | None = None,
        draft_id: UUID | None = None,
    ) -> UUID:
        """Keep an event for the log, on the disk, before this returns. Answers its id. Works offline, costs one fsync.

        Times left out are now. `audience` left out is the type's own. Give `draft_id` (version 7) where the
        same recording may be attempted twice, as by an importer.

        Raises:
            NaiveTime, DraftTooLarge, DraftIdReused: nothing was recorded.
        """
        recorded_at = recorded_at or self.world.now()
        draft_id = draft_id or self.world.draft_id()
        encoded = draft_json(
            draft_id=draft_id,
            event=event,
            occurred_at=occurred_at or recorded_at,
            recorded_at=recorded_at,
            precision=precision,
            audience=audience,
        )
        self.outbox.add(draft_id, encoded)
        return draft_id

    def entries(self, *, after: int = 0) -> Iterator[FeedEntry]:
        """The held feed after a place, in the order in which this member was told."""
        return self.mirror.entries(after)

    def transcript(self) -> bytes:
        """The held feed in the bytes that came, one entry a line: the same on every device of a member."""
        return b"\n".join(self.mirror.rows())

    def drafts(self) -> Iterator[Authored]:
        """Every draft that this device ever authored, oldest first, with what became of it."""
        return self.outbox.drafts()

    def refused(self) -> tuple[Authored, ...]:
        """The drafts that the service would not take, each with its reason. `outbox.offer_again` lets one wait again."""
        return tuple(authored for authored in self.outbox.drafts() if authored.state == "refused")

    def set_aside(self) -> tuple[Authored, ...]:
        """The drafts that something on the way to the service does not let through, each with words. They are offered again."""
        return tuple(authored for authored in self.outbox.drafts() if authored.state == "set_aside")

    async def sync(self) -> int:
        """Push, then pull, so that this device's own words are in the feed that it holds. Answers the last place."""
        await self.push()
        return await self.pull()

    async def push(self) -> tuple[Receipt, ...]:
        """Offer all that waits, oldest first, in batches. Answers the receipts; a refused draft stops no other.

        What something on the way does not let through is set aside, and offered again after a while: see `set_aside`.

        Raises:
            ServiceUnreachable, DeviceRevoked, RefusedByService, ServiceMisspoke: what has a receipt is settled, the
                rest waits.
        """
        return await self.exchange.push()

    async def pull(self, *, verify: bool = False, page_entries: int = PAGE_ENTRIES) -> int:
        """Fetch the feed to its end. Answers the last place. `page_entries`: 1 to 2,000. See `Exchange.pull`."""
        return await self.exchange.pull(verify=verify, page_entries=page_entries)

    def live(self, *, after: int | None = None) -> AsyncGenerator[FeedEntry]:
        """Each entry as the member is told, until the caller stops. See `Exchange.live`."""
        return self.exchange.live(after=after)

    async def close(self) -> None:
        """Close the file and the connections."""
        await self.wire.close()
        self.store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()
