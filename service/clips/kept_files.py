"""Keeps the files that are served: first their objects, then the rows that name them, so that no row names a missing object."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from events.ids import ClipId, FamilyId
from service.clips.objects import Objects
from service.clips.stored_files import COLUMNS, CleanFile, file_key
from service.postgres.queries import load

QUERIES: Final = load(__package__, "kept_files.sql")

T = TypeVar("T")


async def keep_files(
    pool: Any, objects: Objects, family: FamilyId, files: Sequence[CleanFile], add_rows: Callable[[Any], Awaitable[T]]
) -> T:
    """Puts files into the store, and writes rows in one transaction while all files are there. Returns the result of `add_rows`.

    A sweep may delete a file after it was put, because no row had its content yet. Then the files are put once more.

    Raises:
        ObjectsUnavailable: the store of objects does not respond.
    """
    while True:
        for file in files:
            await objects.put(file_key(family, file.sha256), file.path)
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(QUERIES.keep_objects, family)
            if await _are_there(objects, family, files):
                return await add_rows(connection)


async def add_files(connection: Any, family: FamilyId, clip: ClipId, files: Sequence[CleanFile], *, now: datetime) -> None:
    """Writes the rows of a clip's files."""
    columns = [[getattr(one, name) for one in files] for name in COLUMNS]
    await connection.execute(QUERIES.add_files, family, clip, now, *columns)


async def _are_there(objects: Objects, family: FamilyId, files: Sequence[CleanFile]) -> bool:
    for file in files:
        if await objects.size_of(file_key(family, file.sha256)) is None:
            return False
    return True
