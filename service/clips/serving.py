"""Sends clips and their stills to the members whose feeds hold them. Plain ASGI, because files are streamed.

A clip that is held from the caller, one of another family, one that is not attached and one that never existed: 404 alike.
"""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final
from uuid import UUID

import msgspec

from events.ids import ClipId, FamilyId, MemberId
from service.access.guard import Membership
from service.clips.errors import RangeUnsatisfiable
from service.clips.ranges import part_of
from service.clips.stored_files import file_key
from service.http.asgi import Scope, Send
from service.http.body import Disconnected
from service.http.problems import NotFound
from service.postgres.queries import load
from service.runtime import Runtime

QUERIES: Final = load(__package__, "serving.sql")

CHECKED_EVERY_S: Final = 0.5
"""While a file is sent: a revocation ends the download within a second (I-25)."""
SUFFIXES: Final = {
    "image/jpeg": "jpg", "image/png": "png", "video/mp4": "mp4", "video/webm": "webm",
}  # fmt: skip
"""The closed list of what is served, and the neutral names of downloads."""
COMMON: Final = (
    (b"accept-ranges", b"bytes"),
    (b"cache-control", b"private, max-age=86400, immutable"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Reader:
    """The device that fetches, by its token or by a ticket."""

    def __init__(self, family: FamilyId, member: MemberId, device: UUID) -> None:
        self.family, self.member, self.device = family, member, device

    @classmethod
    def of(cls, caller: Membership) -> "Reader":
        """Returns the reader of a request with a token."""
        return cls(caller.family, caller.member, caller.device)


class ServedFile(msgspec.Struct, frozen=True):
    """A file of a clip, as a row has it."""

    sha256: bytes
    length: int
    media_type: str


async def find_file(runtime: Runtime, reader: Reader, clip: ClipId, rendition: str) -> ServedFile:
    """Returns a file of a clip that the reader's feed holds.

    Raises:
        NotFound: the reader's feed does not hold the clip, or there is no such file of it.
    """
    row = await runtime.pool.fetchrow(QUERIES.file, reader.family, reader.member, clip, rendition)
    if row is None:
        raise NotFound
    return ServedFile(*row)


async def send_file(scope: Scope, send: Send, runtime: Runtime, reader: Reader, clip: ClipId, rendition: str) -> None:
    """Sends a file of a clip, or the part of it that the request asks for.

    Raises:
        NotFound: the reader's feed does not contain the clip, or there is no such file of it.
        RangeUnsatisfiable: the file ends before the range.
        ObjectsUnavailable: the store of objects does not respond.
    """
    found = await find_file(runtime, reader, clip, rendition)
    etag = b'"%s"' % found.sha256.hex().encode()
    part = part_of(scope, length=found.length, etag=etag)
    if part.status == 416:
        raise RangeUnsatisfiable(length=found.length)
    headers = [*COMMON, (b"etag", etag)]
    if part.status != 304:
        name = f'inline; filename="clip.{SUFFIXES[found.media_type]}"'
        headers += [
            (b"content-type", found.media_type.encode()), (b"content-disposition", name.encode()),
            (b"content-length", b"%d" % (part.end - part.start)),
        ]  # fmt: skip
    if part.status == 206:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (part.start, part.end - 1, found.length)))
    key, end = file_key(reader.family, found.sha256), part.start if scope["is_head"] else part.end
    async with aclosing(runtime.clips.objects.read(key, start=part.start, end=end)) as parts:
        first = await anext(parts, b"")  # before the response begins: an object that cannot be read is 503
        await send({"type": "http.response.start", "status": part.status, "headers": headers})
        await send({"type": "http.response.body", "body": first, "more_body": True})
        await _send_rest(send, runtime, reader, parts)
    await send({"type": "http.response.body", "body": b""})


async def _send_rest(send: Send, runtime: Runtime, reader: Reader, parts: AsyncIterator[bytes]) -> None:
    """Streams the rest of a file as long as the device may read.

    Raises:
        Disconnected: the device was revoked, or its person left, meanwhile.
    """
    checked_at_s = time.monotonic()
    async for part in parts:
        if time.monotonic() - checked_at_s > CHECKED_EVERY_S:
            if not await runtime.pool.fetchval(QUERIES.may_still_read, reader.family, reader.member, reader.device):
                raise Disconnected
            checked_at_s = time.monotonic()
        await send({"type": "http.response.body", "body": part, "more_body": True})


def clip_of(scope: Any) -> ClipId:
    """Returns the id of the clip in the path."""
    return ClipId(scope["ids"]["clip"])
