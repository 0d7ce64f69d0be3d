"""Removes the links of a daycare that leaves a family, and its key if the key serves this family alone.

Also owns the removal of waiting imported records when the importing parent leaves.
"""

from events.ids import FamilyId, MemberId, PersonId
from service.access.errors import NotYoursToRemove
from service.log.transaction import LogTransaction
from service.postgres.queries import load

QUERIES = load(__package__, "daycare.sql")


async def forget_daycare(writing: LogTransaction, *, family: FamilyId, member: MemberId, person: PersonId) -> None:
    """Removes a daycare's links to the children of a family, and the daycare's key if the key serves this family alone.

    The daycare's events stay in the log. If the key is removed, or if the daycare is an importer, the waiting records of the
    daycare are removed, too.
    """
    await writing.conn.execute(QUERIES.drop_links, family, member)
    had_key = await writing.conn.fetchval(QUERIES.drop_family_key, family, person) is not None
    was_importer = await writing.conn.fetchval(QUERIES.retire_importer, family, member) is not None
    if had_key or was_importer:
        await writing.conn.execute(QUERIES.drop_waiting, person)


async def require_removable(writing: LogTransaction, *, family: FamilyId, member: MemberId, by: MemberId) -> None:
    """Checks that the parent `by` may remove a daycare.

    An importer can be removed only by the parent whose files it imported, as long as this parent is a member.

    Raises:
        NotYoursToRemove: the daycare is an importer of another parent.
    """
    imported_by = await writing.conn.fetchval(QUERIES.imported_by, family, member)
    if imported_by not in (None, by):
        raise NotYoursToRemove("Only the parent whose files it wrote removes an importer.")


async def forget_parents_files(writing: LogTransaction, *, family: FamilyId, member: MemberId) -> None:
    """Removes the waiting records that a leaving parent imported, because no other parent may link these records.

    The events of this parent's imports stay in the log.
    """
    await writing.conn.execute(QUERIES.drop_imported_waiting, family, member)
