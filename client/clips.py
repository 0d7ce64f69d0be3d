"""Uploads films and pictures in pieces, and goes on where an earlier attempt ended, also after a restart of the program.

Speaks tus 1.0 as docs/protocol.md describes it. The device file has the address of each unfinished upload. Does not know drafts:
the caller records a ClipAttached once the clip is clean.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

import httpx
import msgspec

from client.errors import DeviceError, ServiceUnreachable
from client.http import CUT_OFF, Wire, is_temporary, problem_of, refuse
from client.store import Identity, Store

PIECE_BYTES: Final = 2 * 1024 * 1024
"""The bytes of one request. A connection that breaks loses at most these bytes."""
POLL_S: Final = 1.0
"""The wait between two questions whether a clip is clean."""
TUS: Final = {"Tus-Resumable": "1.0.0"}
BODY: Final = {"Content-Type": "application/offset+octet-stream"}
TYPE_BY_SUFFIX: Final = {
    ".3gp": "video/3gpp", ".avif": "image/avif", ".heic": "image/heic", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
    ".m4v": "video/x-m4v", ".mkv": "video/x-matroska", ".mov": "video/quicktime", ".mp4": "video/mp4", ".png": "image/png",
    ".webm": "video/webm", ".webp": "image/webp",
}  # fmt: skip

Progress = Callable[[int, int], None]
"""Receives the number of bytes that the service has, and the size of the file in bytes."""


class UploadState(msgspec.Struct, frozen=True):
    """The state of an upload, as the service reports it."""

    clip: UUID
    state: Literal["open", "whole", "cleaned", "refused"]
    refused_as: str | None = None
    captured_at: str | None = None
    """The time of the camera's clock: a suggestion for `occurred_at`."""
    offset_known: bool | None = None


class ClipNotShown(DeviceError):
    """The service could not clean the file, so nobody will see it. `code` states the reason."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the service cannot show this file: {code}")
        self.code = code


class ClipUploads:
    """The uploads of one device."""

    def __init__(self, *, store: Store, identity: Identity, wire: Wire) -> None:
        self._store = store
        self._clips = f"/v1/families/{identity.family}/clips"
        self._wire = wire

    async def upload(self, path: Path, *, filetype: str | None = None, progress: Progress | None = None) -> UploadState:
        """Uploads a file, waits until it is clean, and returns its state. Goes on where an earlier attempt ended.

        Raises:
            ClipNotShown: the service cannot clean the file.
            ServiceUnreachable: no attempt succeeded. The next call sends only the bytes that are missing.
            DeviceRevoked, RefusedByService: the service refused the upload, for example because the file is too large.
        """
        name, size = _name_and_size(path)
        stated = filetype or TYPE_BY_SUFFIX.get(path.suffix.lower(), "application/octet-stream")
        location, offset = await self._begin(name, stated, size)
        while offset < size:
            if progress is not None:
                progress(offset, size)
            offset = await self._append(location, _piece(path, offset), at=offset)
        if progress is not None:
            progress(size, size)
        state = await self._until_clean(location)
        if state.state == "refused":
            raise ClipNotShown(state.refused_as or "unknown")
        return state

    async def _begin(self, name: str, filetype: str, size: int) -> tuple[str, int]:
        """Returns the address of an upload and its offset. Creates the upload if there is none, or if it has expired."""
        stored = self._store.fact(name)
        if isinstance(stored, str):
            found = await self._ask("HEAD", stored, missing_is_fine=True)
            if found.is_success:
                return stored, int(found.headers["Upload-Offset"])
        metadata = f"filetype {b64encode(filetype.encode()).decode()}"
        created = await self._ask("POST", self._clips, headers={"Upload-Length": str(size), "Upload-Metadata": metadata})
        location = str(created.headers["Location"])
        self._store.set_fact(name, location)
        return location, 0

    async def _append(self, location: str, piece: bytes, *, at: int) -> int:
        """Sends a piece, and returns the offset that the service states: also where an earlier request got further."""
        answer = await self._ask("PATCH", location, headers={**BODY, "Upload-Offset": str(at)}, content=piece, at=at)
        return int(answer.headers["Upload-Offset"])

    async def _until_clean(self, location: str) -> UploadState:
        while True:
            answer = await self._ask("GET", location)
            state = msgspec.json.decode(answer.content, type=UploadState)
            if state.state in ("cleaned", "refused"):
                return state
            await self._wire.world.sleep(POLL_S)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        at: int | None = None,
        missing_is_fine: bool = False,
    ) -> httpx.Response:
        """Sends a request until it succeeds. After a piece that was cut off, asks for the offset instead of sending it again.

        Raises:
            ServiceUnreachable, DeviceRevoked, RefusedByService
        """
        backoff = self._wire.world.backoff
        for attempt in range(1, backoff.attempts_max + 1):
            try:
                answer = await self._wire.client.request(
                    method, path, headers={**TUS, **(headers or {})}, content=content
                )
            except CUT_OFF as error:
                failure = f"{type(error).__name__} {error}".strip()
                if at is not None:  # the service may have some of the bytes
                    method, headers, content = "HEAD", None, None
            else:
                is_moved = answer.status_code == httpx.codes.CONFLICT and "Upload-Offset" in answer.headers
                if answer.is_success or is_moved or (missing_is_fine and answer.status_code == httpx.codes.NOT_FOUND):
                    return answer
                if not is_temporary(answer) and problem_of(answer) is not None:
                    refuse(answer)
                failure = f"status {answer.status_code}"
            if attempt < backoff.attempts_max:
                await self._wire.world.sleep(backoff.wait_s(failures=attempt, fraction=self._wire.world.random.random()))
        raise ServiceUnreachable(last_failure=failure, attempts=backoff.attempts_max, retry_after_s=None)


def _name_and_size(path: Path) -> tuple[str, int]:
    """Returns the name under which a file's upload is stored, and the file's size. A file that has changed has another name."""
    facts = path.stat()
    return f"upload of {path.resolve()}, {facts.st_size} bytes, changed at {facts.st_mtime_ns}", facts.st_size


def _piece(path: Path, at: int) -> bytes:
    """Returns the next bytes of a file."""
    with path.open("rb") as file:
        file.seek(at)
        return file.read(PIECE_BYTES)
