"""What goes when a daycare leaves a family: whom it meant there, and a key that was made for that family alone.

Owns also what a parent's leaving means to the files that they imported.
"""

from events.ids import FamilyId, MemberId, PersonId
from service.access.errors import NotYoursToRemove
from service.log.log import LogTransaction
from service.postgres.queries import load

QUERIES = load(__package__, "daycare.sql")


async def forget_daycare(writing: LogTransaction, *, family: FamilyId, member: MemberId, person: PersonId) -> None:
    """Let a daycare mean nobody here any more. What it wrote stays."""
    await writing.conn.execute(QUERIES.drop_links, family, member)
    had_key = await writing.conn.fetchval(QUERIES.drop_family_key, family, person) is not None
    was_importer = await writing.conn.fetchval(QUERIES.retire_importer, family, member) is not None
    if had_key or was_importer:
        await writing.conn.execute(QUERIES.drop_waiting, person)


async def require_removable(writing: LogTransaction, *, family: FamilyId, member: MemberId, by: MemberId) -> None:
    """Let a parent remove a daycare; an importer only the parent whose files it wrote: else another could take their words back.

    Raises:
        NotYoursToRemove
    """
    imported_by = await writing.conn.fetchval(QUERIES.imported_by, family, member)
    if imported_by not in (None, by):
        raise NotYoursToRemove("Only the parent whose files it wrote removes an importer.")


async def forget_parents_files(writing: LogTransaction, *, family: FamilyId, member: MemberId) -> None:
    """Drop what waits of a parent who leaves: nobody else may link it. What was written stays."""
    await writing.conn.execute(QUERIES.drop_imported_waiting, family, member)
