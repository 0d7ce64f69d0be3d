"""Defines Device, the interface of this package: it records events offline, pushes them, and reads its member's feed.

Owns how a device is created and opened. The outbox, the mirror, the synchronisation and the retries are modules of their own.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from uuid import UUID

import msgspec

from client import pairing
from client.clips import ClipUploads
from client.environment import World
from client.errors import AlreadyPaired
from client.family import Family
from client.http import Wire
from client.outbox import Authored, draft_json
from client.responses import FeedEntry, Receipt
from client.store import Identity, Store
from client.sync import PAGE_ENTRIES, SyncSession

Precision = Literal["minute", "day", "week", "month"]
Audience = Literal["me", "household", "family"]


class Device(Family):
    """An open device file. Reading and recording work offline; the async methods need the service.

    Use a device from one thread and one event loop. Several processes may open the same file, because a push is idempotent.
    """

    def __init__(self, store: Store, world: World, *, base_url: str | None = None) -> None:
        identity = store.identity()
        self.identity = msgspec.structs.replace(identity, base_url=base_url or identity.base_url)
        self.world = world
        self.store = store
        self.wire = Wire(base_url=self.identity.base_url, token=self.identity.token, world=world)
        self.sync_session = SyncSession(store=store, identity=self.identity, wire=self.wire, world=world)
        self.outbox = self.sync_session.outbox
        self.mirror = self.sync_session.mirror
        self.clips = ClipUploads(store=store, identity=self.identity, wire=self.wire)
        super().__init__(self.wire, self.identity)

    @classmethod
    def open(cls, path: str | Path, *, base_url: str | None = None, world: World | None = None) -> Self:
        """Opens an existing device file, without a request. `base_url` is the service's new address, if the service has moved.

        Raises:
            NotPaired: the file has no identity.
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
        """Founds a family and creates its first device.

        Raises AlreadyPaired if the file has an identity, and the errors of every request (see `Family`).
        """
        return await cls._create(
            base_url,
            path,
            world,
            None,
            lambda wire, store: pairing.found(
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
        existing: Identity | None = None,
        world: World | None = None,
    ) -> Self:
        """Joins a family by an invite and creates the device. Raises the same errors as `found`.

        `surprise` contains the member's choices, which apply to the history that is delivered on joining. With `existing` (the
        identity of another device file), the same person joins a second family.
        """
        return await cls._create(
            base_url,
            path,
            world,
            existing,
            lambda wire, store: pairing.accept(
                wire,
                base_url=base_url,
                code=code,
                name=name,
                device_name=device_name,
                surprise=surprise,
                existing=existing,
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
        """Creates another device of the person who made the pairing code. `family` selects one of several families.

        Raises the same errors as `found`.
        """
        return await cls._create(
            base_url,
            path,
            world,
            None,
            lambda wire, store: pairing.pair(
                wire, store=store, base_url=base_url, code=code, device_name=device_name, family=family
            ),
        )

    @classmethod
    async def _create(
        cls,
        base_url: str,
        path: str | Path,
        world: World | None,
        existing: Identity | None,
        register: Callable[[Wire, Store], Awaitable[Identity]],
    ) -> Self:
        """Opens the file, registers the device with `register`, and stores its identity.

        The file is opened first, so that an identity which the service has issued can be stored.
        """
        world = world or World()
        store = Store(Path(path))
        wire = Wire(base_url=base_url, token=None if existing is None else existing.token, world=world)
        try:
            if store.is_paired():
                raise AlreadyPaired(path=store.path)
            store.set_identity(await register(wire, store))
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
        """Stores an event in the outbox, in the form of a draft, and returns the draft's id. The draft is then on the disk.

        Works offline. A missing time is the current time; without `audience`, the default of the type applies. Give `draft_id`
        (a UUID of version 7) if your program may record the same event twice, like an importer.

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
        """Returns the stored entries after the place `after`, in the order of the feed."""
        return self.mirror.entries(after)

    def transcript(self) -> bytes:
        """Returns the stored entries, one on each line. The bytes are the same on every device of a member."""
        return b"\n".join(self.mirror.rows())

    def drafts(self) -> Iterator[Authored]:
        """Returns every draft of this device with its state and receipt, oldest first."""
        return self.outbox.drafts()

    def refused(self) -> tuple[Authored, ...]:
        """Returns the refused drafts, each with the reason in its receipt. `outbox.requeue` queues a draft again."""
        return tuple(authored for authored in self.outbox.drafts() if authored.state == "refused")

    def set_aside(self) -> tuple[Authored, ...]:
        """Returns the drafts that a proxy or firewall blocks, each with a message. The device sends these drafts again later."""
        return tuple(authored for authored in self.outbox.drafts() if authored.state == "set_aside")

    async def sync(self) -> int:
        """Pushes, then pulls, so that the stored feed contains this device's own events. Returns the last place."""
        await self.push()
        return await self.pull()

    async def push(self) -> tuple[Receipt, ...]:
        """Pushes all waiting drafts in batches, oldest first, and returns their receipts. A refused draft stops no other draft.

        A draft that a proxy or firewall blocks is set aside and sent again after 1 minute to 6 hours: see `set_aside`.

        Raises:
            ServiceUnreachable, DeviceRevoked, RefusedByService, ServiceMisspoke: drafts with a receipt are settled, the other
                drafts keep waiting in the outbox.
        """
        return await self.sync_session.push()

    async def pull(self, *, verify: bool = False, page_entries: int = PAGE_ENTRIES) -> int:
        """Fetches the feed to its end and returns the last place. See `SyncSession.pull`."""
        return await self.sync_session.pull(verify=verify, page_entries=page_entries)

    def live(self, *, after: int | None = None) -> AsyncGenerator[FeedEntry]:
        """Yields each entry when it arrives, until the caller stops. See `SyncSession.live`."""
        return self.sync_session.live(after=after)

    async def close(self) -> None:
        """Closes the file and the connections."""
        await self.wire.close()
        self.store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()
