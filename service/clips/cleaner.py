"""Cleans whole uploads, one after another, before anybody can fetch them.

Owns the queue: rows of Postgres, so that a killed process loses nothing. Each file is cleaned in a confined process of its own
(`cleaning.child`), so that a hostile file breaks nothing but its own upload. Runs as a task of the service.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog

from events.ids import ClipId, FamilyId, MemberId
from service.background import log_failure
from service.clips.cleaning.child import Cleaned, NotCleaned
from service.clips.cleaning.child_process import run_child
from service.clips.cleaning.poster import SIDES
from service.clips.kept_files import add_files, keep_files
from service.clips.objects import Objects
from service.clips.second_films import SecondFilms
from service.clips.stored_files import CleanFile, file_of
from service.clips.uploads import QUERIES as UPLOADS
from service.clips.uploads import piece_key
from service.clips.work_folder import remove_abandoned, work_folder
from service.postgres.queries import load

QUERIES: Final = load(__package__, "cleaner.sql")
LOG: Final = structlog.get_logger()

POLL_S: Final = 5.0
"""Uploads that another process received, or left behind, are found this late."""
CLAIMED_FOR: Final = timedelta(minutes=15)
"""Longer than one file takes: its process is ended after 10 minutes."""
ATTEMPTS_MAX: Final = 3
"""Attempts that ended without any outcome, because this service was killed. Then the file counts as the reason."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The right of one attempt to clean an upload."""

    family: FamilyId
    clip: ClipId
    member: MemberId
    attempt: UUID
    filetype: str


class Cleaner:
    """The cleaner of one process."""

    def __init__(
        self, *, pool: Any, objects: Objects, work: Path, now: Callable[[], datetime], second_films: SecondFilms | None = None
    ) -> None:
        self._pool = pool
        self._objects = objects
        self._work = work
        self._now = now
        self._second_films = second_films
        self._task: asyncio.Task[None] | None = None
        self._has_news = asyncio.Event()

    async def start(self) -> None:
        """Starts to clean, in the background. Removes what killed processes left in the working folder."""
        await asyncio.to_thread(remove_abandoned, self._work)
        self._task = asyncio.create_task(self._keep_cleaning(), name="clips: clean")

    async def stop(self) -> None:
        """Stops. A file that is being cleaned goes back to the queue."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def wake(self) -> None:
        """Wakes the cleaner, because an upload may be whole."""
        self._has_news.set()

    async def _keep_cleaning(self) -> None:
        while True:
            is_busy = False
            with log_failure(LOG, part="clips", waits="clips wait to be cleaned", failed="a clip was not cleaned"):
                is_busy = await self.clean_next()
                if not is_busy and self._second_films is not None:  # uploads first: somebody waits for them
                    is_busy = await self._second_films.make_next()
            if not is_busy:
                self._has_news.clear()
                with suppress(TimeoutError):  # nothing new: look again for uploads of other processes
                    await asyncio.wait_for(self._has_news.wait(), POLL_S)

    async def clean_next(self) -> bool:
        """Cleans the upload that has waited longest. Returns False if there is none."""
        now, attempt = self._now(), uuid4()
        row = await self._pool.fetchrow(QUERIES.claim, attempt, now, now + CLAIMED_FOR)
        if row is None:
            return False
        claim = Claim(
            family=row["family_id"], clip=row["clip_id"], member=row["member_id"], attempt=attempt, filetype=row["filetype"]
        )  # fmt: skip
        try:
            if row["attempts"] > ATTEMPTS_MAX:
                await self._refuse(claim, "clip.not_cleaned")
            else:
                await self._clean(claim)
        except BaseException:
            await self._pool.execute(QUERIES.give_back, claim.family, claim.clip, claim.attempt)
            raise
        return True

    async def _clean(self, claim: Claim) -> None:
        async with work_folder(self._work) as folder:
            source = folder / "source"
            await self._assemble(claim, source)
            target = folder / "clean"
            target.mkdir()
            outcome = await run_child(source, claim.filetype, target)
            match outcome:
                case NotCleaned(code=code):
                    await self._refuse(claim, code)
                case Cleaned():
                    await self._keep(claim, outcome, await asyncio.to_thread(_files_of, outcome, target))

    async def _assemble(self, claim: Claim, source: Path) -> None:
        """Writes the pieces of an upload into one file."""
        pieces = await self._pool.fetch(UPLOADS.pieces, claim.family, claim.clip)
        with source.open("xb") as file:
            for piece in pieces:
                key = piece_key(claim.family, claim.clip, piece["first_byte"], piece["lease"])
                async for part in self._objects.read(key, start=0, end=piece["length"]):
                    await asyncio.to_thread(file.write, part)

    async def _keep(self, claim: Claim, cleaned: Cleaned, files: list[CleanFile]) -> None:
        """Makes the clean files durable, then the rows that name them, and deletes the pieces."""
        add_rows = partial(self._add_rows, claim=claim, cleaned=cleaned, files=files)
        await self._objects.delete(await keep_files(self._pool, self._objects, claim.family, files, add_rows))

    async def _add_rows(self, connection: Any, *, claim: Claim, cleaned: Cleaned, files: list[CleanFile]) -> list[str]:
        """Writes the rows of a clip, and returns the keys of the pieces, which are needed no more."""
        now, captured = self._now(), cleaned.captured
        if await connection.fetchval(QUERIES.end_cleaning, claim.family, claim.clip, claim.attempt, None, now) is None:
            return []  # ended by its member, or claimed by another process: the objects are swept
        await connection.execute(
            QUERIES.add_clip, claim.family, claim.clip, claim.member, cleaned.length_ms, cleaned.codec,
            captured and captured.at, captured and captured.offset_known, now,
            "due" if self._second_films is not None and cleaned.codec == "hevc" else None,
        )  # fmt: skip
        await add_files(connection, claim.family, claim.clip, files, now=now)
        return await _drop_pieces(connection, claim)

    async def _refuse(self, claim: Claim, code: str) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            ended = await connection.fetchval(
                QUERIES.end_cleaning, claim.family, claim.clip, claim.attempt, code, self._now()
            )
            pieces = [] if ended is None else await _drop_pieces(connection, claim)
        await self._objects.delete(pieces)


async def _drop_pieces(connection: Any, claim: Claim) -> list[str]:
    """Removes the rows of an upload's pieces, and returns the keys of their objects.

    Rows first: if the process is killed before it deletes the objects, they are swept, and no row names a missing object.
    """
    rows = await connection.fetch(QUERIES.drop_pieces, claim.family, claim.clip)
    return [piece_key(claim.family, claim.clip, row["first_byte"], row["lease"]) for row in rows]


def _files_of(cleaned: Cleaned, folder: Path) -> list[CleanFile]:
    """Returns the files that the child wrote, with their hashes and sizes."""
    scale = max(cleaned.width, cleaned.height)
    found = [file_of("clip", folder / "clip", cleaned.media_type, cleaned.width, cleaned.height)]
    for side in SIDES:
        width, height = (max(1, round(one * min(1, side / scale))) for one in (cleaned.width, cleaned.height))
        found.append(file_of(f"poster-{side}", folder / f"poster-{side}.jpg", "image/jpeg", width, height))
    return found
