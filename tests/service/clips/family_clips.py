"""Makes the clips of a family, for tests of what becomes of them: uploads, a cleaner and a sweeper on one folder."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg

from events.ids import ClipId, DeviceId, MemberId
from service.clips.cleaner import Cleaner
from service.clips.objects import FolderObjects
from service.clips.serving import QUERIES as SERVING
from service.clips.stored_files import file_key
from service.clips.sweeper import Sweeper
from service.clips.uploads import Uploader, Uploads, piece_key
from service.log.log import Log
from tests.families import Family, drafted, outcomes, push
from tests.service.clips.media import picture
from tests.service.clips.test_uploads import body


class FamilyClips:
    """A family with clips: uploads, a cleaner and a sweeper on one folder."""

    def __init__(self, pool: asyncpg.Pool, log: Log, family: Family, device: DeviceId, folder: Path) -> None:
        self.pool, self.log, self.family, self.folder = pool, log, family, folder
        self.ada = Uploader(family.family, family.ada, device)
        self.objects = FolderObjects(folder / "objects")
        self.uploads = Uploads(pool=pool, objects=self.objects, member_bytes_max=10**9)

    async def sweep(self, *, after: timedelta) -> None:
        """Sweeps at a later time."""
        later = self.log.now() + after
        await Sweeper(pool=self.pool, objects=self.objects, now=lambda: later).run_once()

    async def upload(
        self, content: bytes, *, length: int | None = None, by: Uploader | None = None, filetype: str = "image/jpeg"
    ) -> ClipId:
        """Uploads bytes; with a longer `length`, the upload stays open."""
        now, by = self.log.now(), by or self.ada
        clip = await self.uploads.create(by, filetype=filetype, length=length or len(content), now=now)
        await self.uploads.append(by, clip, body(content), at=0, digest=None, now=now)
        return clip

    async def clean(self) -> None:
        """Cleans what waits."""
        cleaner = Cleaner(pool=self.pool, objects=self.objects, work=self.folder / "work", now=self.log.now)
        waits = True
        while waits:
            waits = await cleaner.clean_next()

    async def clip(self, *, width: int = 64, by: Uploader | None = None) -> ClipId:
        """Uploads a picture and cleans it. Pictures of the same width are the same picture."""
        clip = await self.upload(picture("JPEG", size=(width, 48)), by=by)
        await self.clean()
        return clip

    async def push(self, author: MemberId, draft: dict[str, Any]) -> str:
        """Pushes one draft, and returns its id."""
        assert outcomes(await push(self.log, self.family, author, draft)) == ["recorded"]
        return str(draft["id"])

    async def attach(self, clip: ClipId, target: str, *, by: MemberId | None = None) -> str:
        return await self.push(by or self.family.ada, drafted("ClipAttached", target=target, clip=clip))

    async def withdraw(self, target: str, *, by: MemberId | None = None) -> None:
        await self.push(by or self.family.ada, drafted("Withdrawn", target=target))

    async def is_served(self, clip: ClipId, *, to: MemberId | None = None) -> bool:
        reader = (self.family.family, to or self.family.ben, clip)
        listed = await self.pool.fetch(SERVING.renditions, *reader)
        row = await self.pool.fetchrow(SERVING.file, *reader, "clip")
        assert (row is not None) == bool(listed)
        return row is not None

    async def missing(self) -> list[str]:
        """Returns the keys that rows refer to and that have no object."""
        pieces = await self.pool.fetch("SELECT family_id, clip_id, first_byte, lease FROM clip_piece")
        files = await self.pool.fetch("SELECT family_id, sha256 FROM clip_file")
        keys = {piece_key(*row) for row in pieces} | {file_key(*row) for row in files}
        return sorted(keys - set(self.keys()))

    def keys(self) -> list[str]:
        root = self.folder / "objects"
        return sorted(one.relative_to(root).as_posix() for one in root.rglob("*") if one.is_file())
