"""Removes what a daycare has in a family that it leaves: its links, and a key that was made for that family alone.

Owns also what happens to imported files when their parent leaves.
"""

from events.ids import FamilyId, MemberId, PersonId
from service.access.errors import NotYoursToRemove
from service.log.transaction import LogTransaction
from service.postgres.queries import load

QUERIES = load(__package__, "daycare.sql")


async def forget_daycare(writing: LogTransaction, *, family: FamilyId, member: MemberId, person: PersonId) -> None:
    """Removes a daycare's links to a family's children, and its key if that serves no other family. Its events stay."""
    await writing.conn.execute(QUERIES.drop_links, family, member)
    had_key = await writing.conn.fetchval(QUERIES.drop_family_key, family, person) is not None
    was_importer = await writing.conn.fetchval(QUERIES.retire_importer, family, member) is not None
    if had_key or was_importer:
        await writing.conn.execute(QUERIES.drop_waiting, person)


async def require_removable(writing: LogTransaction, *, family: FamilyId, member: MemberId, by: MemberId) -> None:
    """Checks that a parent may remove a daycare. An importer is removed by its own parent alone: others could withdraw its words.

    Raises:
        NotYoursToRemove
    """
    imported_by = await writing.conn.fetchval(QUERIES.imported_by, family, member)
    if imported_by not in (None, by):
        raise NotYoursToRemove("Only the parent whose files it wrote removes an importer.")


async def forget_parents_files(writing: LogTransaction, *, family: FamilyId, member: MemberId) -> None:
    """Drops the waiting records of a parent who leaves: nobody else may link them. Recorded events stay."""
    await writing.conn.execute(QUERIES.drop_imported_waiting, family, member)
