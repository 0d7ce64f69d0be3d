"""Tests that an upload's offset moves only over durable bytes of the one request that may send them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from events.ids import ClipId, DeviceId
from service.clips.errors import (
    ChecksumWrong,
    ClipBytesExceeded,
    DiskFull,
    OffsetWrong,
    TooManyBytes,
    TooManyUploads,
)
from service.clips.objects import FolderObjects, NoRoom, Objects
from service.clips.uploads import OPEN_MAX, PIECE_BYTES, QUERIES, Digest, Uploader, Uploads, piece_key
from service.http.body import Disconnected
from service.http.problems import NotFound
from service.log.log import Log
from tests.families import Family, found
from tests.polling import until

BYTES = hashlib.shake_256(b"clip").digest(5 * PIECE_BYTES // 2)


class Device:
    """A device of a member, with an upload service on a store of objects."""

    def __init__(self, log: Log, pool: asyncpg.Pool, objects: Objects, uploader: Uploader) -> None:
        self.log, self.pool, self.objects, self.uploader = log, pool, objects, uploader
        self.uploads = Uploads(pool=pool, objects=objects, member_bytes_max=100 * len(BYTES))

    async def create(self, length: int = len(BYTES)) -> ClipId:
        return await self.uploads.create(self.uploader, filetype="video/mp4", length=length, now=self.log.now())

    async def send(self, clip: ClipId, *parts: bytes | Exception, at: int, digest: Digest | None = None) -> int:
        return await self.uploads.append(self.uploader, clip, body(*parts), at=at, digest=digest, now=self.log.now())


async def body(*parts: bytes | Exception) -> AsyncIterator[bytes]:
    """Yields the parts of a body; an exception ends it."""
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


@pytest.fixture
async def family(log: Log) -> Family:
    return await found(log)


@pytest.fixture
async def ada(log: Log, pool: asyncpg.Pool, family: Family, objects: Objects) -> Device:
    device = DeviceId(uuid4())
    await pool.execute(ADD_PERSON, uuid4(), device, device.bytes * 2)
    return Device(log, pool, objects, Uploader(family.family, family.ada, device))


ADD_PERSON = """
WITH one AS (INSERT INTO person (person_id, created_at) VALUES ($1, now()) RETURNING person_id)
INSERT INTO device (device_id, person_id, name, token_hash, created_at) SELECT $2, person_id, 'phone', $3, now() FROM one
"""


async def stored(ada: Device, clip: ClipId) -> bytes:
    """Returns the durable bytes of an upload, from its pieces."""
    found = b""
    for piece in await ada.pool.fetch(QUERIES.pieces, ada.uploader.family, clip):
        assert piece["first_byte"] == len(found)
        key = piece_key(ada.uploader.family, clip, piece["first_byte"], piece["lease"])
        found += b"".join([part async for part in ada.objects.read(key, start=0, end=piece["length"])])
    return found


async def keys_in(objects: Objects) -> list[str]:
    """Returns the keys of all objects."""
    return [one.key async for page in objects.list("") for one in page]


def files_in(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


async def test_an_upload_in_several_requests_has_the_bytes_in_order(pool: asyncpg.Pool, ada: Device, tmp_path: Path) -> None:
    clip = await ada.create()
    assert await ada.send(clip, BYTES[:100], BYTES[100:3_000], at=0) == 3_000
    assert await ada.send(clip, BYTES[3_000:], at=3_000) == len(BYTES)
    assert (await ada.uploads.find(ada.uploader, clip)).state == "whole"
    assert await stored(ada, clip) == BYTES


async def test_a_request_that_breaks_off_keeps_the_bytes_that_arrived(pool: asyncpg.Pool, ada: Device, tmp_path: Path) -> None:
    clip, cut = await ada.create(), PIECE_BYTES + 777
    with pytest.raises(Disconnected):
        await ada.send(clip, BYTES[:cut], Disconnected(), at=0)
    assert (await ada.uploads.find(ada.uploader, clip)).received == cut
    assert await ada.send(clip, BYTES[cut:], at=cut) == len(BYTES)
    assert await stored(ada, clip) == BYTES


async def test_another_offset_is_refused_with_the_true_one(ada: Device) -> None:
    clip = await ada.create()
    await ada.send(clip, BYTES[:10], at=0)
    for at in (0, 9, 11):
        with pytest.raises(OffsetWrong) as refused:
            await ada.send(clip, BYTES[at:], at=at)
        assert refused.value.offset == 10


async def test_a_wrong_checksum_moves_nothing_and_leaves_no_object(ada: Device, tmp_path: Path) -> None:
    clip = await ada.create()
    with pytest.raises(ChecksumWrong):
        await ada.send(clip, BYTES, at=0, digest=Digest("sha256", hashlib.sha256(b"other").digest()))
    with pytest.raises(Disconnected):
        await ada.send(clip, BYTES, Disconnected(), at=0, digest=Digest("sha256", hashlib.sha256(BYTES).digest()))
    assert (await ada.uploads.find(ada.uploader, clip)).received == 0
    assert await keys_in(ada.objects) == []
    right = Digest("sha256", hashlib.sha256(BYTES).digest())
    assert await ada.send(clip, BYTES, at=0, digest=right) == len(BYTES)


async def test_the_next_request_takes_over_and_late_bytes_of_the_former_are_refused(
    pool: asyncpg.Pool, ada: Device, tmp_path: Path
) -> None:
    """A phone's connection died without a word: its request still waits while the next one sends."""
    clip, has_more = await ada.create(), asyncio.Event()

    async def stalled() -> AsyncIterator[bytes]:
        yield BYTES[:PIECE_BYTES]
        await has_more.wait()
        yield BYTES[PIECE_BYTES:]

    dead = asyncio.create_task(
        ada.uploads.append(ada.uploader, clip, stalled(), at=0, digest=None, now=ada.log.now())
    )

    async def has_begun() -> bool:
        return (await ada.uploads.find(ada.uploader, clip)).received > 0

    await until(has_begun)
    assert await ada.send(clip, BYTES[PIECE_BYTES : PIECE_BYTES + 5], at=PIECE_BYTES) == PIECE_BYTES + 5
    has_more.set()
    with pytest.raises(OffsetWrong) as refused:
        await dead
    assert refused.value.offset == PIECE_BYTES + 5
    assert await ada.send(clip, BYTES[PIECE_BYTES + 5 :], at=PIECE_BYTES + 5) == len(BYTES)
    assert await stored(ada, clip) == BYTES
    pieces = await pool.fetch(QUERIES.pieces, ada.uploader.family, clip)
    assert len(await keys_in(ada.objects)) == len(pieces), "an object without a row"


async def test_more_bytes_than_stated_are_refused_and_those_up_to_the_length_are_kept(ada: Device) -> None:
    clip = await ada.create(length=10)
    with pytest.raises(TooManyBytes):
        await ada.send(clip, b"0123456789ab", at=0)
    assert (await ada.uploads.find(ada.uploader, clip)).state == "whole"


async def test_a_full_disk_leaves_the_offset_and_the_upload_goes_on_later(
    log: Log, pool: asyncpg.Pool, family: Family, ada: Device, tmp_path: Path
) -> None:
    class Full(FolderObjects):
        async def put(self, key: str, content: bytes | Path) -> None:
            if isinstance(content, bytes) and not key.endswith("0-1"):
                raise NoRoom
            await super().put(key, content)

    full = Device(log, pool, Full(tmp_path), Uploader(family.family, family.ada, ada.uploader.device))
    then = Device(log, pool, FolderObjects(tmp_path), full.uploader)
    clip = await full.create()
    with pytest.raises(DiskFull):
        await full.send(clip, BYTES, at=0)
    assert (await then.uploads.find(then.uploader, clip)).received == PIECE_BYTES
    assert await then.send(clip, BYTES[PIECE_BYTES:], at=PIECE_BYTES) == len(BYTES)
    assert await stored(then, clip) == BYTES


async def test_revocation_and_departure_end_an_upload_between_two_pieces(pool: asyncpg.Pool, ada: Device) -> None:
    clip = await ada.create()

    async def revoked() -> AsyncIterator[bytes]:
        yield BYTES[:PIECE_BYTES]
        await pool.execute("UPDATE device SET revoked_at = now() WHERE device_id = $1", ada.uploader.device)
        yield BYTES[PIECE_BYTES:]

    with pytest.raises(NotFound):
        await ada.uploads.append(ada.uploader, clip, revoked(), at=0, digest=None, now=ada.log.now())
    assert (await ada.uploads.find(ada.uploader, clip)).received == PIECE_BYTES


async def test_another_members_upload_is_as_one_that_never_existed(ada: Device, family: Family) -> None:
    clip = await ada.create()
    other = Uploader(family.family, family.ben, ada.uploader.device)
    for unknown in (clip, ClipId(uuid4())):
        with pytest.raises(NotFound):
            await ada.uploads.find(other, unknown)
        with pytest.raises(NotFound):
            await ada.uploads.append(other, unknown, body(b"x"), at=0, digest=None, now=ada.log.now())
        with pytest.raises(NotFound):
            await ada.uploads.end(other, unknown)


async def test_the_limits_of_a_member_count_their_own_uploads_alone(ada: Device, family: Family) -> None:
    """Law 8: a limit that others' clips reach would tell of a held one."""
    for _ in range(OPEN_MAX):
        await ada.create(length=1)
    with pytest.raises(TooManyUploads):
        await ada.create(length=1)
    ben = Device(ada.log, ada.pool, ada.objects, Uploader(family.family, family.ben, ada.uploader.device))
    await ben.create(length=100 * len(BYTES))
    with pytest.raises(ClipBytesExceeded):
        await ben.create(length=1)
