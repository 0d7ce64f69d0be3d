"""Compares the rows of clips with their objects, and names the walls that confine the cleaner. Changes nothing.

Owns what `doctor` shows of clips. `serve` runs none of it: a comparison lists every object.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from events.ids import FamilyId
from service.checks.finding import Finding
from service.checks.unreachable import UNREACHABLE
from service.clips.cleaning.sandbox import missing_walls
from service.clips.objects import Objects, ObjectsUnavailable, objects_of
from service.clips.stored_files import file_key
from service.clips.uploads import piece_key
from service.postgres.neutral import NEUTRAL
from service.postgres.queries import load
from service.settings import Settings

QUERIES: Final = load(__package__, "clips.sql")

FAMILIES_A_PAGE: Final = 200
WITHIN_S: Final = 5.0
STATEMENT_S_MAX: Final = 30.0
NOT_READY: Final[tuple[type[Exception], ...]] = (*UNREACHABLE, asyncpg.UndefinedTableError)
NO_ID: Final = UUID(int=0)
RESTORE: Final = "restore the objects of the same backup as the database"


class ComparedObjects(msgspec.Struct, kw_only=True):
    """How many objects agree with their rows, and how many do not."""

    sound: int = 0
    missing: int = 0
    wrong_size: int = 0
    unused: int = 0
    """Objects without a row: of requests and cleaners at work, or of killed ones, which a sweep deletes after a day."""


def check_sandbox() -> Finding:
    """Checks which walls of this system confine the process that reads a member's file."""
    if missing := missing_walls():
        found = f"clips are cleaned without {' and '.join(missing)}"
        return Finding(part="sandbox", is_fine=None, found=found, advice="enable it: limits alone confine less")
    return Finding(part="sandbox", is_fine=True, found="Landlock, seccomp and limits confine the cleaner of clips")


async def check_clips(settings: Settings) -> Finding:
    """Compares every object with its row. Holds the keys of one family at a time."""
    assert settings.database_url is not None, "an embedded database runs only with the service"
    try:
        connection = await asyncpg.connect(settings.database_url, timeout=WITHIN_S, command_timeout=STATEMENT_S_MAX)
        try:
            await connection.execute(NEUTRAL)
            compared = await compare(connection, objects_of(settings))
        finally:
            await connection.close(timeout=WITHIN_S)
    except ObjectsUnavailable as error:
        advice = "check the folder `clips` in the data directory, or STILLNEW_CLIPS_BUCKET and its keys"
        return Finding(part="clips", is_fine=False, found=str(error), advice=advice)
    except NOT_READY:
        return Finding(part="clips", is_fine=None, found="not compared with their objects: the database is not ready")
    return judge(compared)


def judge(compared: ComparedObjects) -> Finding:
    """Returns the finding for a comparison. Pure."""
    found = f"{compared.sound} objects agree with their rows, {compared.unused} wait to be swept"
    if wrong := compared.missing + compared.wrong_size:
        found = f"{compared.missing} objects are missing, {compared.wrong_size} have another size; {found}"
        return Finding(part="clips", is_fine=False, found=found, advice=f"{wrong} rows cannot be served: {RESTORE}")
    return Finding(part="clips", is_fine=True, found=found)


async def compare(connection: Any, objects: Objects) -> ComparedObjects:
    """Compares the objects of all families with their rows."""
    compared, after = ComparedObjects(), NO_ID
    while families := [row["family_id"] for row in await connection.fetch(QUERIES.families, after, FAMILIES_A_PAGE)]:
        for family in families:
            await _compare_family(connection, objects, family, compared)
        after = families[-1]
    everything = 0
    async for page in objects.list(""):
        everything += len(page)
    compared.unused = max(0, everything - compared.sound - compared.wrong_size)
    return compared


async def _compare_family(connection: Any, objects: Objects, family: FamilyId, compared: ComparedObjects) -> None:
    lengths, sizes = await _lengths_of(connection, family), await _sizes_of(objects, family)
    for key, length in lengths.items():
        if sizes.get(key) == length:
            compared.sound += 1
        elif key in sizes:
            compared.wrong_size += 1
    if absent := lengths.keys() - sizes.keys():
        # A service at work: an upload may have been cleaned between both readings, and its pieces deleted.
        compared.missing += len(absent & (await _lengths_of(connection, family)).keys())


async def _sizes_of(objects: Objects, family: FamilyId) -> dict[str, int]:
    return {one.key: one.bytes async for page in objects.list(f"{family}/") for one in page}


async def _lengths_of(connection: Any, family: FamilyId) -> Mapping[str, int]:
    """Returns the bytes of each object that the family's rows name, by its key."""
    pieces = await connection.fetch(QUERIES.pieces, family)
    files = await connection.fetch(QUERIES.files, family)
    return {piece_key(family, row["clip_id"], row["first_byte"], row["lease"]): row["length"] for row in pieces} | {
        file_key(family, row["sha256"]): row["length"] for row in files
    }
