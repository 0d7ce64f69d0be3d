"""Makes second films, in H.264, of clips in HEVC, which many browsers do not play. Runs when no upload waits to be cleaned.

Owns the queue, which is a column of the clips. The film is made in a confined process of the lowest priority.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from events.ids import ClipId, FamilyId
from service.clips.cleaning.child import Rendered
from service.clips.cleaning.child_process import run_rendition
from service.clips.kept_files import add_files, keep_files
from service.clips.objects import Objects
from service.clips.stored_files import CleanFile, file_key, file_of
from service.clips.work_folder import work_folder
from service.postgres.queries import load

QUERIES: Final = load(__package__, "second_films.sql")

CLAIMED_FOR: Final = timedelta(hours=6)
"""Longer than the longest film takes."""


class SecondFilms:
    """The maker of second films of one process."""

    def __init__(self, *, pool: Any, objects: Objects, work: Path, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._objects = objects
        self._work = work
        self._now = now

    async def make_next(self) -> bool:
        """Makes the second film that has waited longest. Returns False if none is due."""
        now = self._now()
        row = await self._pool.fetchrow(QUERIES.claim, now, now + CLAIMED_FOR)
        if row is None:
            return False
        family, clip = FamilyId(row["family_id"]), ClipId(row["clip_id"])
        try:
            await self._make(family, clip, row["length_ms"])
        except BaseException:
            await self._pool.execute(QUERIES.give_back, family, clip)
            raise
        return True

    async def _make(self, family: FamilyId, clip: ClipId, length_ms: int) -> None:
        async with work_folder(self._work) as folder:
            source, target = folder / "source", folder / "made"
            await self._fetch(family, clip, source)
            await asyncio.to_thread(target.mkdir)
            outcome = await run_rendition(source, target, length_ms=length_ms)
            if not isinstance(outcome, Rendered):
                await self._pool.execute(QUERIES.end, family, clip, "refused")
                return
            size = outcome.width, outcome.height
            await self._keep(family, clip, await asyncio.to_thread(file_of, "h264", target / "rendition", "video/mp4", *size))

    async def _fetch(self, family: FamilyId, clip: ClipId, target: Path) -> None:
        """Writes the cleaned film to a file."""
        row = await self._pool.fetchrow(QUERIES.first_film, family, clip)
        with await asyncio.to_thread(target.open, "xb") as file:
            async for part in self._objects.read(file_key(family, row["sha256"]), start=0, end=row["length"]):
                await asyncio.to_thread(file.write, part)

    async def _keep(self, family: FamilyId, clip: ClipId, file: CleanFile) -> None:
        """Makes the second film durable, and then the row that names it."""

        async def add_row(connection: Any) -> None:
            if await connection.fetchval(QUERIES.end, family, clip, "made") is not None:
                await add_files(connection, family, clip, [file], now=self._now())

        await keep_files(self._pool, self._objects, family, [file], add_row)
