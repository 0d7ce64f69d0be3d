"""Receives the bytes of a clip, in as many requests as it takes: create, where are you, append, end.

Owns the offset of an upload: a row that moves only over durable bytes. Knows no header: `tus_routes` speaks tus, and another
protocol could be added beside it. One request holds at most one piece in memory.
"""

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import uuid4

import msgspec

from events.ids import ClipId, DeviceId, FamilyId, MemberId
from service.clips.errors import (
    ChecksumWrong,
    ClipBytesExceeded,
    DiskFull,
    OffsetWrong,
    TooManyBytes,
    TooManyUploads,
)
from service.clips.objects import NoRoom, Objects
from service.http.body import Disconnected
from service.http.problems import BodyTooSlow, NotFound
from service.postgres.queries import load

QUERIES: Final = load(__package__, "uploads.sql")

PIECE_BYTES: Final = 2 * 1024 * 1024
"""A piece is one object, and one sync of the disk."""
OPEN_MAX: Final = 20
"""Unfinished uploads of a member."""
EXPIRES_AFTER: Final = timedelta(days=7)
"""How long an unfinished upload is kept without a byte."""


class Uploader(msgspec.Struct, frozen=True):
    """The member who uploads, and the device that sends."""

    family: FamilyId
    member: MemberId
    device: DeviceId


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """An upload as its member may see it."""

    clip: ClipId
    length: int
    """In bytes, as the device stated it."""
    received: int
    """In bytes: the offset of the next one."""
    state: Literal["open", "whole", "cleaned", "refused"]
    refused_as: str | None
    byte_at: datetime
    """When the last byte arrived, or the upload was created."""
    captured_at: str | None
    offset_known: bool | None


class Digest:
    """A checksum that a device stated for the bytes of one request."""

    def __init__(self, algorithm: Literal["sha1", "sha256"], stated: bytes) -> None:
        self._hash = hashlib.new(algorithm)
        self._stated = stated

    def update(self, part: bytes) -> None:
        """Adds some of the bytes."""
        self._hash.update(part)

    def is_right(self) -> bool:
        """Returns whether the bytes so far have the stated checksum."""
        return self._hash.digest() == self._stated


class Uploads:
    """The uploads of this process."""

    def __init__(self, *, pool: Any, objects: Objects, member_bytes_max: int) -> None:
        self._pool = pool
        self._objects = objects
        self._member_bytes_max = member_bytes_max

    async def create(self, uploader: Uploader, *, filetype: str, length: int, now: datetime) -> ClipId:
        """Creates an upload of `length` bytes.

        Raises:
            NotFound: the member has left.
            TooManyUploads: the member has 20 unfinished uploads.
            ClipBytesExceeded: the member's clips would take more than their space.
        """
        clip = ClipId(uuid4())
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(QUERIES.take_member, uploader.family, uploader.member) is None:
                raise NotFound
            unfinished, own_bytes = await connection.fetchrow(QUERIES.own_use, uploader.family, uploader.member)
            if unfinished >= OPEN_MAX:
                raise TooManyUploads(uploads_max=OPEN_MAX)
            if own_bytes + length > self._member_bytes_max:
                raise ClipBytesExceeded(bytes_max=self._member_bytes_max)
            await connection.execute(QUERIES.create, uploader.family, clip, uploader.member, filetype, length, now)
        return clip

    async def find(self, uploader: Uploader, clip: ClipId) -> Upload:
        """Returns an upload of the member. Raises NotFound for another member's upload as for none."""
        row = await self._pool.fetchrow(QUERIES.own, uploader.family, uploader.member, clip)
        if row is None:
            raise NotFound
        return Upload(
            clip=clip, length=row["length"], received=row["received"], state=row["state"], refused_as=row["refused_as"],
            byte_at=row["byte_at"], captured_at=row["captured_at"], offset_known=row["offset_known"],
        )

    async def append(
        self, uploader: Uploader, clip: ClipId, body: AsyncIterator[bytes], *, at: int, digest: Digest | None, now: datetime
    ) -> int:
        """Appends the bytes of a body from an offset on, and returns the new offset.

        If the body breaks off, the bytes that arrived are kept. With a digest they are not: it is the digest of the whole body.

        Raises:
            NotFound: the member has no such upload, or has left meanwhile.
            OffsetWrong: the offset is another one, or a later request has taken over.
            ChecksumWrong: the bytes are not those of the digest. None of them is kept.
            TooManyBytes: the body is longer than the rest of the upload.
            DiskFull: the bytes up to the offset are kept.
            Disconnected: the body broke off.
            BodyTooSlow: no byte of it arrived for some time.
        """
        begun = await self._pool.fetchrow(QUERIES.begin, uploader.family, uploader.member, clip, at)
        if begun is None:
            raise OffsetWrong(offset=(await self.find(uploader, clip)).received)
        pieces = _Pieces(self._pool, self._objects, uploader, clip, lease=begun["lease"], at=at, length=begun["length"])
        try:
            return await self._take_all(pieces, body, digest=digest, now=now)
        except NoRoom:
            await pieces.drop()
            raise DiskFull from None

    async def _take_all(self, pieces: "_Pieces", body: AsyncIterator[bytes], *, digest: Digest | None, now: datetime) -> int:
        try:
            async for part in body:
                if digest is not None:
                    digest.update(part)
                await pieces.take(part, now=now, records=digest is None)
        except (Disconnected, BodyTooSlow, TooManyBytes):
            await (pieces.record_all(now=now) if digest is None else pieces.drop())
            raise
        if digest is not None and not digest.is_right():
            await pieces.drop()
            raise ChecksumWrong
        return await pieces.record_all(now=now)

    async def end(self, uploader: Uploader, clip: ClipId) -> None:
        """Ends an upload that is not attached to any event. Raises NotFound."""
        if await self._pool.fetchval(QUERIES.end, uploader.family, uploader.member, clip) is None:
            raise NotFound


class _Pieces:
    """The bytes of one request: those in memory, those that are durable, and those that the offset has moved over."""

    def __init__(
        self, pool: Any, objects: Objects, uploader: Uploader, clip: ClipId, *, lease: int, at: int, length: int
    ) -> None:
        self._pool, self._objects = pool, objects
        self._uploader, self._clip, self._lease = uploader, clip, lease
        self._offset = self._durable = at
        self._length = length
        self._held = bytearray()
        self._unrecorded: list[tuple[int, int]] = []

    async def take(self, part: bytes, *, now: datetime, records: bool) -> None:
        """Takes more bytes, and writes a piece as soon as there are enough for one. `records`: and moves the offset over it."""
        room = self._length - self._durable - len(self._held)
        self._held += part[:room]
        while len(self._held) >= PIECE_BYTES:
            await self._write(PIECE_BYTES)
            if records:
                await self._record(now)
        if len(part) > room:
            raise TooManyBytes(length=self._length)

    async def record_all(self, *, now: datetime) -> int:
        """Writes the rest, moves the offset over everything, and returns the offset."""
        if self._held:
            await self._write(len(self._held))
        if self._unrecorded:
            await self._record(now)
        return self._offset

    async def drop(self) -> None:
        """Forgets the bytes that the offset has not moved over."""
        keys = [self._key(first) for first, _ in self._unrecorded]
        self._held, self._unrecorded, self._durable = bytearray(), [], self._offset
        await self._objects.delete(keys)

    async def _write(self, count: int) -> None:
        await self._objects.put(self._key(self._durable), bytes(self._held[:count]))
        del self._held[:count]
        self._unrecorded.append((self._durable, count))
        self._durable += count

    async def _record(self, now: datetime) -> None:
        uploader, firsts, counts = self._uploader, *map(list, zip(*self._unrecorded, strict=True))
        moved = await self._pool.fetch(
            QUERIES.add_pieces,
            uploader.family, self._clip, self._lease, uploader.device, self._offset, sum(counts), now, firsts, counts,
        )  # fmt: skip
        if not moved:
            await self.drop()
            raise OffsetWrong(offset=await self._offset_now())
        self._offset, self._unrecorded = self._durable, []

    async def _offset_now(self) -> int:
        """Returns where the upload is, now that another request has it. Raises NotFound if it, or the membership, ended."""
        uploader = self._uploader
        row = await self._pool.fetchrow(QUERIES.own_offset, uploader.family, uploader.member, self._clip, uploader.device)
        if row is None:
            raise NotFound
        return int(row["received"])

    def _key(self, first: int) -> str:
        return piece_key(self._uploader.family, self._clip, first, self._lease)


def piece_key(family: FamilyId, clip: ClipId, first: int, lease: int) -> str:
    """Returns the key of the object of one piece."""
    return f"{family}/uploads/{clip}/{first:012d}-{lease}"
