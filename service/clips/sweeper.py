"""Deletes the bytes of clips that nobody can need any more: of uploads that ended, of clips that ended, and of killed writers.

Owns how long each is kept. Every process sweeps: two may take the same step, and a killed one's step is taken again without harm.

Rows first, then their objects: after a kill in between, an object is left without a row, and a later sweep finds it. The other
order would leave a row that names a missing object. Writers do the opposite: first the object, then its row.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog

from events.ids import ClipId, FamilyId
from service.background import PeriodicTask, log_failure
from service.clips.object_keys import FileObject, PieceObject, read_key
from service.clips.objects import Objects, StoredObject
from service.clips.stored_files import file_key
from service.clips.uploads import EXPIRES_AFTER, piece_key
from service.postgres.queries import load

QUERIES: Final = load(__package__, "sweeper.sql")
LOG: Final = structlog.get_logger()
_logging_failures: Final = partial(log_failure, LOG, part="clips", waits="a sweep has to wait", failed="a sweep failed")

EVERY_S: Final = 3_600.0
"""Seconds between two sweeps. A sweep lists every object, and what it deletes has waited for a day."""
FIRST_AFTER_S: Final = 60.0
REFUSED_FOR: Final = timedelta(days=1)
"""How long the member who uploaded a refused file can read why."""
UNATTACHED_FOR: Final = timedelta(days=7)
"""How long a clean clip waits to be attached to an event."""
ORPHAN_FOR: Final = timedelta(days=1)
"""The least age of an object without a row. A cleaner writes the row within minutes."""
UPLOADS_AT_ONCE: Final = 20
"""One upload has at most 256 pieces of 2 MiB, and more if its connection broke off often."""
CLIPS_A_PAGE: Final = 200
NO_ID: Final = UUID(int=0)


class Sweeper(PeriodicTask):
    """A background task that sweeps every `every_s` seconds."""

    def __init__(
        self, *, pool: Any, objects: Objects, now: Callable[[], datetime], every_s: float = EVERY_S,
        first_after_s: float = FIRST_AFTER_S,
    ) -> None:  # fmt: skip
        super().__init__(name="clips: sweep", every_s=every_s, first_after_s=first_after_s)
        self._pool = pool
        self._objects = objects
        self._now = now

    async def run_once(self) -> None:
        """Sweeps once. A step that fails is logged, and tried again by the next sweep."""
        for step in (self.end_uploads, self.end_clips, self.delete_orphans):
            with _logging_failures():
                await step()

    async def end_uploads(self) -> None:
        """Ends uploads that have expired and those that were refused, 20 at a time, with their pieces."""
        now, ended = self._now(), UPLOADS_AT_ONCE
        while ended == UPLOADS_AT_ONCE:
            rows = await self._pool.fetch(QUERIES.end_uploads, now - EXPIRES_AFTER, now - REFUSED_FOR, UPLOADS_AT_ONCE)
            ended = len({(row["family_id"], row["clip_id"]) for row in rows})
            keys = [piece_key(*row) for row in rows if row["first_byte"] is not None]
            await self._objects.delete(keys)

    async def end_clips(self) -> None:
        """Ends clips that were never attached, and those whose attachments were all withdrawn, with their files."""
        unattached_since, after = self._now() - UNATTACHED_FOR, (NO_ID, NO_ID)
        while True:
            rows = await self._pool.fetch(QUERIES.page_of_clips, *after, CLIPS_A_PAGE, unattached_since)
            for row in rows:
                if row["has_ended"]:
                    with _logging_failures():
                        await self._end_clip(row["family_id"], row["clip_id"], unattached_since)
            if len(rows) < CLIPS_A_PAGE:
                return
            after = rows[-1]["family_id"], rows[-1]["clip_id"]

    async def _end_clip(self, family: FamilyId, clip: ClipId, unattached_since: datetime) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            # Under the lock of the log, a clip is either attached before and stays, or has no row when it would be attached.
            await connection.execute(QUERIES.lock_family, family)
            rows = await connection.fetch(QUERIES.end_clip, family, clip, unattached_since)
        await self._delete_files(family, [row["sha256"] for row in rows])

    async def delete_orphans(self) -> None:
        """Deletes objects without a row that are older than a day, and what killed writers left in the store."""
        before_s = (self._now() - ORPHAN_FOR).timestamp()
        async for page in self._objects.list(""):
            await self._delete_orphans([one for one in page if one.modified_at_s < before_s])
        await self._objects.tidy(before_s=before_s)

    async def _delete_orphans(self, stored: Sequence[StoredObject]) -> None:
        files: defaultdict[FamilyId, list[bytes]] = defaultdict(list)
        pieces: list[tuple[str, FamilyId, ClipId, int, int]] = []
        for one in stored:
            match read_key(one.key):
                case FileObject(family=family, sha256=sha256):
                    files[family].append(sha256)
                case PieceObject(family=family, clip=clip, first_byte=first_byte, lease=lease):
                    pieces.append((one.key, family, clip, first_byte, lease))
        if pieces:
            rows = await self._pool.fetch(QUERIES.unused_pieces, *map(list, zip(*pieces, strict=True)))
            await self._objects.delete([row["key"] for row in rows])
        for family, contents in files.items():
            await self._delete_files(family, contents)

    async def _delete_files(self, family: FamilyId, contents: list[bytes]) -> None:
        """Deletes the files with these contents that no row of the family names. Several clips may share a file."""
        if not contents or not await self._pool.fetch(QUERIES.unused_files, family, contents):
            return
        async with self._pool.acquire() as connection, connection.transaction():
            # A cleaner may have put the same content again, and be about to write its row. Under this lock it has written the
            # row, or it will look whether the file is still there, and put it once more.
            await connection.execute(QUERIES.drop_objects, family)
            rows = await connection.fetch(QUERIES.unused_files, family, contents)
            await self._objects.delete([file_key(family, row["sha256"]) for row in rows])
