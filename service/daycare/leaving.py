"""What goes when a daycare leaves a family: whom it meant there, and a key that was made for that family alone."""

from events.ids import FamilyId, MemberId, PersonId
from service.log.log import Writing
from service.postgres.queries import load

QUERIES = load(__package__, "daycare.sql")


async def forget_daycare(writing: Writing, *, family: FamilyId, member: MemberId, person: PersonId) -> None:
    """Let a daycare mean nobody here any more. What it wrote stays."""
    await writing.conn.execute(QUERIES.drop_links, family, member)
    had_key = await writing.conn.fetchval(QUERIES.drop_family_key, family, person) is not None
    was_importer = await writing.conn.fetchval(QUERIES.drop_importer, family, person) is not None
    if had_key or was_importer:
        await writing.conn.execute(QUERIES.drop_waiting, person)
