"""Speaks tus 1.0 for uploads: create, ask for the offset, append, end. Plain ASGI, because bodies are streamed.

Owns the headers of responses. `tus` reads those of requests, and `uploads` does the work.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from events.errors import Refused
from events.ids import ClipId
from service.access.guard import Membership
from service.clips import tus
from service.clips.errors import (
    ChecksumWrong,
    ClipBytesExceeded,
    ClipTooLarge,
    DiskFull,
    OffsetWrong,
    TooManyBytes,
    TooManyUploads,
    TusExtensionUnsupported,
    TusHeaderInvalid,
    TusVersionWrong,
    UploadsAtOnce,
)
from service.clips.uploads import EXPIRES_AFTER, Digest, Upload, Uploader
from service.http.asgi import Receive, Scope, Send, sent
from service.http.body import Disconnected
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import BodyTooSlow, MediaTypeUnsupported
from service.http.rate_limit import Kind
from service.runtime import Runtime

SILENT_S_MAX: Final = 20.0
"""A request that sends no byte for this long ends. The upload does not."""

ALWAYS: Final = ((b"tus-resumable", tus.VERSION),)
OPTIONS: Final = (
    *ALWAYS, (b"tus-version", tus.VERSION), (b"tus-extension", tus.EXTENSIONS),
    (b"tus-max-size", b"%d" % max(tus.BYTES_MAX.values())), (b"tus-checksum-algorithm", ",".join(tus.ALGORITHMS).encode()),
)  # fmt: skip

VERSIONED: Final = {"Tus-Resumable": {"type": "string", "enum": [tus.VERSION.decode()]}}
CHECKSUM: Final = {"Upload-Checksum": {"type": "string", "pattern": "^(sha1|sha256) [A-Za-z0-9+/]+=*$"}}

CREATE = Endpoint(
    summary="Create a resumable upload of a film or a picture (tus 1.0), with its first bytes if you like",
    always=ALWAYS, options=OPTIONS,
    caller=CallerKind.MEMBER, kind=Kind.ACCESS, status=201, streamed=tus.BODY_TYPE,
    headers={**VERSIONED, "Upload-Length": {"type": "integer", "minimum": 1}, "Upload-Metadata": {"type": "string"}, **CHECKSUM},
    errors=(TusVersionWrong, TusHeaderInvalid, TusExtensionUnsupported, ClipTooLarge, TooManyUploads, ClipBytesExceeded,
            UploadsAtOnce, MediaTypeUnsupported, ChecksumWrong, TooManyBytes, DiskFull, BodyTooSlow),
)  # fmt: skip
FIND = Endpoint(
    summary="Where an upload is: its offset and its length (tus 1.0)",
    always=ALWAYS, options=OPTIONS, caller=CallerKind.MEMBER, kind=Kind.READ, status=200, headers=VERSIONED,
    errors=(TusVersionWrong,),
)  # fmt: skip
APPEND = Endpoint(
    summary="Append bytes to an upload, from its offset on (tus 1.0)",
    always=ALWAYS, options=OPTIONS,
    caller=CallerKind.MEMBER, kind=Kind.PUSH, status=204, streamed=tus.BODY_TYPE,
    headers={**VERSIONED, "Upload-Offset": {"type": "integer", "minimum": 0}, **CHECKSUM},
    errors=(TusVersionWrong, TusHeaderInvalid, UploadsAtOnce, MediaTypeUnsupported, OffsetWrong, ChecksumWrong, TooManyBytes,
            DiskFull, BodyTooSlow),
)  # fmt: skip
END = Endpoint(
    summary="End an upload; its bytes are deleted (tus 1.0)",
    always=ALWAYS, options=OPTIONS, caller=CallerKind.MEMBER, kind=Kind.ACCESS, status=204, headers=VERSIONED,
    errors=(TusVersionWrong,),
)  # fmt: skip


async def create(scope: Scope, receive: Receive, send: Send) -> None:
    """Creates an upload: POST /v1/families/{family}/clips."""
    tus.require_version(scope)
    creation = tus.read_creation(scope)
    runtime, uploader = _runtime(scope), _uploader(scope)
    has_body = bool(sent(scope, b"content-type")) or _has_bytes(scope)
    if has_body:
        tus.require_body_type(scope)
    checksum = tus.read_checksum(scope)
    now, offset = runtime.log.now(), 0
    clip = await runtime.clips.uploads.create(uploader, filetype=creation.filetype, length=creation.length, now=now)
    if has_body:
        try:
            offset = await _append(scope, receive, clip, at=0, checksum=checksum)
        except (Refused, Disconnected):
            # The device never learns the address of this upload, and would create another one.
            await runtime.clips.uploads.end(uploader, clip)
            raise
    location = f"/v1/families/{uploader.family}/clips/{clip}/upload".encode()
    await _respond(send, 201, [(b"location", location), *_offset_headers(offset, now)])


async def find(scope: Scope, receive: Receive, send: Send) -> None:
    """Returns where an upload is: HEAD /v1/families/{family}/clips/{clip}/upload."""
    tus.require_version(scope)
    runtime = _runtime(scope)
    upload: Upload = await runtime.clips.uploads.find(_uploader(scope), ClipId(scope["ids"]["clip"]))
    length = (b"upload-length", b"%d" % upload.length)
    await _respond(send, 200, [length, *_offset_headers(upload.received, upload.byte_at), (b"cache-control", b"no-store")])


async def append(scope: Scope, receive: Receive, send: Send) -> None:
    """Appends bytes: PATCH /v1/families/{family}/clips/{clip}/upload."""
    tus.require_version(scope)
    tus.require_body_type(scope)
    at, checksum = tus.read_offset(scope), tus.read_checksum(scope)
    offset = await _append(scope, receive, ClipId(scope["ids"]["clip"]), at=at, checksum=checksum)
    await _respond(send, 204, _offset_headers(offset, _runtime(scope).log.now()))


async def end(scope: Scope, receive: Receive, send: Send) -> None:
    """Ends an upload: DELETE /v1/families/{family}/clips/{clip}/upload."""
    tus.require_version(scope)
    await _runtime(scope).clips.uploads.end(_uploader(scope), ClipId(scope["ids"]["clip"]))
    await _respond(send, 204, [])


async def _append(scope: Scope, receive: Receive, clip: ClipId, *, at: int, checksum: tus.Checksum | None) -> int:
    runtime, uploader = _runtime(scope), _uploader(scope)
    digest = None if checksum is None else Digest(checksum.algorithm, checksum.stated)
    with runtime.clips.hold_place(uploader.device):
        offset = await runtime.clips.uploads.append(
            uploader, clip, _body(receive), at=at, digest=digest, now=runtime.log.now()
        )
    runtime.clips.cleaner.wake()
    return offset


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    """Yields the parts of a body as they arrive.

    Raises:
        Disconnected: the connection ended before the body did.
        BodyTooSlow: no byte arrived for 20 s.
    """
    while True:
        try:
            async with asyncio.timeout(SILENT_S_MAX):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow(within_s=SILENT_S_MAX) from None
        if message["type"] != "http.request":
            raise Disconnected
        if part := message.get("body", b""):
            yield part
        if not message.get("more_body"):
            return


def _has_bytes(scope: Scope) -> bool:
    return sent(scope, b"content-length") not in ([], [b"0"]) or bool(sent(scope, b"transfer-encoding"))


def _offset_headers(offset: int, byte_at: datetime) -> list[tuple[bytes, bytes]]:
    expires = format_datetime((byte_at + EXPIRES_AFTER).replace(microsecond=0), usegmt=True)
    return [(b"upload-offset", b"%d" % offset), (b"upload-expires", expires.encode())]


async def _respond(send: Send, status: int, more: list[tuple[bytes, bytes]]) -> None:
    # Without a length the body, which is empty, would be chunked.
    length = [] if status == 204 else [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": [*more, *length]})
    await send({"type": "http.response.body", "body": b""})


def _runtime(scope: Scope) -> Runtime:
    runtime: Runtime = scope["runtime"]
    return runtime


def _uploader(scope: Scope) -> Uploader:
    caller: Membership = scope["caller"]
    return Uploader(caller.family, caller.member, caller.device)


ROUTES: Final = (
    ("POST", "/v1/families/{family}/clips", CREATE, create),
    ("HEAD", "/v1/families/{family}/clips/{clip}/upload", FIND, find),
    ("PATCH", "/v1/families/{family}/clips/{clip}/upload", APPEND, append),
    ("DELETE", "/v1/families/{family}/clips/{clip}/upload", END, end),
)
"""Method, path, declaration and application of each route."""
