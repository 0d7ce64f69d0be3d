"""Stores the bytes of clips as objects: in a folder, or in a bucket that speaks S3. Knows keys, and nothing of families.

An object is durable when `put` returns: after a loss of power it is still there. The folder is our own, because obstore's local
store renames a file that was not synced. No object is ever changed.
"""

import asyncio
import errno
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Final, Protocol
from uuid import uuid4

import msgspec
import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from service.settings import Settings

READ_BYTES: Final = 256 * 1024
"""Bytes that are read and sent at a time."""
LISTED_AT_ONCE: Final = 1_000
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
NEW: Final = ".new"
"""The folder of files that are not whole yet."""


REFUSED: Final = (BaseError, FileNotFoundError)
"""The errors of obstore: it raises Python's own for an object that is not there."""
CONNECT_MAX: Final = timedelta(seconds=3)
REQUEST_MAX: Final = timedelta(minutes=5)
"""For one object, or for one part of a large one."""
RETRIED_FOR: Final = timedelta(seconds=10)
"""obstore's own is 3 minutes, for which a phone would hold a request open."""


class NoRoom(OSError):
    """The disk is full. An OSError: what the cleaner has to put waits, as for any other store that is not there."""


class ObjectsUnavailable(OSError):
    """The store did not do what was asked. Whether an object was written is unknown: write it again.

    An OSError, because requests and background tasks treat it as one of Postgres: 503, and once more later.
    """


class StoredObject(msgspec.Struct, frozen=True):
    """An object in a listing."""

    key: str
    bytes: int
    modified_at_s: float


class Objects(Protocol):
    """A store of objects. Every method may raise ObjectsUnavailable."""

    async def put(self, key: str, content: bytes | Path) -> None:
        """Writes an object, durably. Raises NoRoom if the disk is full."""

    def read(self, key: str, *, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yields the bytes of an object from `start` up to `end`, which is not included."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Deletes objects; those that are not there are deleted already."""

    def list(self, prefix: str) -> AsyncIterator[list[StoredObject]]:
        """Yields the objects whose keys begin with `prefix`, 1,000 at a time. `prefix` ends with a slash, or is empty."""

    async def size_of(self, key: str) -> int | None:
        """Returns the bytes of an object; None if there is no such object."""

    async def tidy(self, *, before_s: float) -> None:
        """Removes what killed writers left before a time, and no object."""


class FolderObjects:
    """Objects as files below a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, key: str, content: bytes | Path) -> None:
        """Writes an object: the file and each new folder are synced before this returns."""
        await asyncio.to_thread(self._put, key, content)

    def _put(self, key: str, content: bytes | Path) -> None:
        target, new = self._root / key, self._root / NEW / uuid4().hex
        try:
            _make_folder(new.parent)
            _make_folder(target.parent)
            with new.open("xb") as file:
                for part in [content] if isinstance(content, bytes) else _parts_of(content):
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            new.rename(target)
            _sync_folder(target.parent)
        except OSError as error:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            if error.errno in NO_ROOM:
                raise NoRoom from error
            raise ObjectsUnavailable(f"{type(error).__name__} in the folder of clips") from error

    async def read(self, key: str, *, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yields a part of an object, 256 KiB at a time."""
        try:
            file = await asyncio.to_thread((self._root / key).open, "rb")
        except OSError as error:
            raise ObjectsUnavailable("an object of a clip is not in its folder") from error
        with file:
            await asyncio.to_thread(file.seek, start)
            while start < end:
                part = await asyncio.to_thread(file.read, min(READ_BYTES, end - start))
                if not part:
                    raise ObjectsUnavailable("an object of a clip is shorter than its row states")
                start += len(part)
                yield part

    async def delete(self, keys: Sequence[str]) -> None:
        """Deletes files, and syncs their folders."""
        await asyncio.to_thread(self._delete, keys)

    def _delete(self, keys: Sequence[str]) -> None:
        try:
            for key in keys:
                (self._root / key).unlink(missing_ok=True)
            for folder in {(self._root / key).parent for key in keys}:
                if folder.is_dir():
                    _sync_folder(folder)
        except OSError as error:
            raise ObjectsUnavailable(f"{type(error).__name__} in the folder of clips") from error

    async def list(self, prefix: str) -> AsyncIterator[list[StoredObject]]:
        """Yields the files below a folder."""
        files = self._files(self._root / prefix)
        while page := await asyncio.to_thread(_take, files, LISTED_AT_ONCE):
            yield page

    async def size_of(self, key: str) -> int | None:
        """Returns the bytes of a file."""
        try:
            return (await asyncio.to_thread((self._root / key).stat)).st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ObjectsUnavailable(f"{type(error).__name__} in the folder of clips") from error

    async def tidy(self, *, before_s: float) -> None:
        """Removes files that were never whole, and folders that have long been empty."""
        await asyncio.to_thread(self._tidy, before_s)

    def _tidy(self, before_s: float) -> None:
        try:
            for parent, _, names in os.walk(self._root, topdown=False):
                folder = Path(parent)
                is_old = folder.stat().st_mtime < before_s
                for name in names if folder.name == NEW else ():
                    if (folder / name).stat().st_mtime < before_s:
                        (folder / name).unlink()
                if is_old and folder not in (self._root, self._root / NEW):
                    with suppress(OSError):  # it is not empty
                        folder.rmdir()
        except FileNotFoundError:
            return  # another process tidies too, or a writer has just finished: the next sweep looks again
        except OSError as error:
            raise ObjectsUnavailable(f"{type(error).__name__} in the folder of clips") from error

    def _files(self, folder: Path) -> Iterator[StoredObject]:
        for parent, folders, names in os.walk(folder):
            folders[:] = sorted(one for one in folders if one != NEW)
            for name in sorted(names):
                path = Path(parent) / name
                with suppress(FileNotFoundError):  # swept in the meantime
                    stat = path.stat()
                    yield StoredObject(path.relative_to(self._root).as_posix(), stat.st_size, stat.st_mtime)


class BucketObjects:
    """Objects in a bucket that speaks S3. The bucket promises that an object is durable when its PUT is acknowledged."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    async def put(self, key: str, content: bytes | Path) -> None:
        """Writes an object; a large file in several parts."""
        try:
            await obstore.put_async(self._store, key, content)
        except REFUSED as error:
            raise ObjectsUnavailable(f"{type(error).__name__} from the bucket of clips") from error

    async def read(self, key: str, *, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yields a part of an object as it arrives."""
        if start == end:
            return
        try:
            found = await obstore.get_async(self._store, key, options={"range": (start, end)})
            async for part in found.stream(min_chunk_size=READ_BYTES):
                yield bytes(part)
        except REFUSED as error:
            raise ObjectsUnavailable(f"{type(error).__name__} from the bucket of clips") from error

    async def delete(self, keys: Sequence[str]) -> None:
        """Deletes objects, up to 1,000 in one request."""
        try:
            for at in range(0, len(keys), LISTED_AT_ONCE):
                await obstore.delete_async(self._store, keys[at : at + LISTED_AT_ONCE])
        except FileNotFoundError:
            return
        except REFUSED as error:
            raise ObjectsUnavailable(f"{type(error).__name__} from the bucket of clips") from error

    async def list(self, prefix: str) -> AsyncIterator[list[StoredObject]]:
        """Yields the objects whose keys begin with a prefix."""
        try:
            async for page in obstore.list(self._store, prefix, chunk_size=LISTED_AT_ONCE):
                yield [StoredObject(one["path"], one["size"], one["last_modified"].timestamp()) for one in page]
        except REFUSED as error:
            raise ObjectsUnavailable(f"{type(error).__name__} from the bucket of clips") from error

    async def size_of(self, key: str) -> int | None:
        """Returns the bytes of an object."""
        try:
            return int((await obstore.head_async(self._store, key))["size"])
        except FileNotFoundError:
            return None
        except REFUSED as error:
            raise ObjectsUnavailable(f"{type(error).__name__} from the bucket of clips") from error

    async def tidy(self, *, before_s: float) -> None:
        """Removes nothing: a rule of the bucket ends the parts of files that were never whole."""


def _parts_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(READ_BYTES):
            yield part


def _take(files: Iterator[StoredObject], count: int) -> list[StoredObject]:
    return list(islice(files, count))


def _make_folder(folder: Path) -> None:
    """Makes a folder and those above it, and syncs each folder that got a new one."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        _sync_folder(one.parent)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def objects_of(settings: Settings) -> Objects:
    """Returns the store that the settings name."""
    if settings.clips_bucket is None:
        return FolderObjects(settings.data_dir / "clips")
    is_plain = (settings.clips_endpoint or "").startswith("http://")
    return BucketObjects(
        S3Store(
            settings.clips_bucket,
            region=settings.clips_region,
            access_key_id=settings.clips_key_id,
            secret_access_key=settings.clips_secret,
            virtual_hosted_style_request=False,
            client_options={"allow_http": is_plain, "connect_timeout": CONNECT_MAX, "timeout": REQUEST_MAX},
            retry_config={"max_retries": 2, "retry_timeout": RETRIED_FOR},
            endpoint=settings.clips_endpoint,
        )
    )
