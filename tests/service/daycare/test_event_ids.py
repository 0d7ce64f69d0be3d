"""Tests the ids of daycares' events: a record's ids do not change, and nobody can compute them without the family's secret."""

from hashlib import sha256
from itertools import product
from uuid import UUID, uuid4

import asyncpg
import msgspec

from events.amend import Amended, Withdrawn
from events.ids import FamilyId, MemberId
from events.observations import MilestoneObserved
from service.daycare.event_ids import EventIds, secrets_of
from service.daycare.prose.reader import NOTHING
from service.daycare.record import Record
from service.daycare.translate import RecordState, translate
from tests.service.conftest import Someone, Village, found_family
from tests.service.daycare.conftest import System, added, link, note, outcomes
from tests.service.daycare.sources.outcomes import findings_of
from tests.service.daycare.test_translate import AUTHOR, CHILD, STEPPED, Version

SECRETS = bytes(32), bytes([1]) * 32


def computed(author: UUID, source: str, record: str, *parts: object) -> UUID:
    """Returns the id that releases without family secrets computed for an event, from facts that others know."""
    named = sha256(b"stillnew daycare record" + author.bytes)
    for part in (source, record):
        named.update(len(part.encode()).to_bytes(4, "big") + part.encode())
    named.update(repr(parts).encode())
    bits = int.from_bytes(named.digest()[:16], "big")
    return UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62)


async def ids_in(reader: Someone, author: str) -> list[UUID]:
    page = (await reader.ask("GET", "/v1/families/{family}/feed?limit=2000")).json()
    return [UUID(one["event"]["id"]) for one in page["entries"] if one["event"].get("author") == author]


async def test_no_id_of_an_event_follows_from_what_others_know(village: Village, ducklings: System) -> None:
    """Law 21: nobody can compute an id from the record's id, source and author, and so learn of earlier content."""
    for text in ("Ate peas.", STEPPED, "Slept well."):
        await ducklings.post(note(text, id="r-1"))
    ids = await ids_in(village.ada, ducklings.member)
    assert len(ids) == 5, "told three times, and taken back twice"
    parts = [*product(range(9), range(9))]
    tried: list[tuple[object, ...]] = [*parts, *((*one, "gone") for one in parts)]
    author, source = UUID(ducklings.member), note("")["source"]
    assert not {computed(author, source, "r-1", *parts) for parts in tried} & set(ids)


async def test_the_same_record_has_other_ids_in_another_family(village: Village) -> None:
    """A record of the same id gets different event ids in two families, because each family has its own secret."""
    other = await found_family(village.ada.http)
    child = (await other.ask("GET", "/v1/families/{family}")).json()["children"][0]["child"]
    seen = []
    for parent, whose in ((village.ada, village.child), (other, child)):
        system, member = await added(parent)
        await link(parent, member, whose)
        assert outcomes(await system.post(note("Ate peas.", id="r-1"))) == ["recorded"]
        seen += await ids_in(parent, member)
    assert len(set(seen)) == 2


def record(text: str, *, number: int = 0) -> Record:
    return Version(0, number, text, None, 0, False).as_record()


def test_an_id_follows_from_the_secret_and_the_record_alone() -> None:
    """Law 2: the same record gives the same ids, so a retry after a lost response sends the same drafts."""
    first, again, other = (
        translate(record(STEPPED), None, findings=NOTHING, event_ids=event_ids, child=CHILD, salt=salt)
        for secret, salt in ((SECRETS[0], b"a"), (SECRETS[0], b"b"), (SECRETS[1], b"a"))
        for event_ids in (EventIds(secret, AUTHOR, "here", "r-0"),)
    )
    assert [one.id for one in first.drafts] == [one.id for one in again.drafts] != [one.id for one in other.drafts]
    assert {one.id.version for one in first.drafts} == {8}


def test_what_was_recorded_before_families_had_secrets_is_found_again() -> None:
    """Law 2: an amendment refers to an old event by its old id. A new event of the same record gets an id with the secret."""
    names = EventIds(SECRETS[1], AUTHOR, "here", "r-0")
    state = translate(record("Ate peas."), None, findings=NOTHING, event_ids=names, child=CHILD, salt=b"salt").state
    stored = {name: value for name, value in msgspec.to_builtins(state).items() if name != "is_keyed"}
    before = msgspec.json.decode(msgspec.json.encode(stored), type=RecordState)
    assert not before.is_keyed
    old = computed(AUTHOR, "here", "r-0", 0, 0)
    amended = translate(record("Ate rice.", number=1), before, findings=NOTHING, event_ids=names, child=CHILD, salt=b"")
    assert [one.event.target for one in amended.drafts if isinstance(one.event, Amended)] == [old]
    assert amended.state is not None
    assert not amended.state.is_keyed
    later = record(STEPPED, number=2)
    changed = translate(later, amended.state, findings=findings_of(later), event_ids=names, child=CHILD, salt=b"")
    gone, anew = changed.drafts
    assert (isinstance(gone.event, Withdrawn) and gone.event.target, isinstance(anew.event, MilestoneObserved)) == (old, True)
    assert anew.id == names.event(1, 0, is_keyed=True) != computed(AUTHOR, "here", "r-0", 1, 0)


async def test_a_secret_is_made_once_and_a_dry_run_makes_none(pool: asyncpg.Pool) -> None:
    families = [FamilyId(uuid4()), FamilyId(uuid4())]
    assert set(await secrets_of(pool, families, makes=False)) == set(families)
    assert await pool.fetchval("SELECT count(*) FROM family_secret") == 0
    made = await secrets_of(pool, families, makes=True)
    assert await secrets_of(pool, families, makes=True) == made
    assert len({bytes(secret) for secret in made.values()}) == 2


def test_two_daycares_and_two_sources_share_no_id() -> None:
    """Two daycares get different ids for one record. Two sources do too, even if source and record id join to the same text."""
    others = EventIds(SECRETS[0], MemberId(UUID(int=9)), "here", "r-0"), EventIds(SECRETS[0], AUTHOR, "her", "er-0")
    own = EventIds(SECRETS[0], AUTHOR, "here", "r-0").event(0, 0, is_keyed=True)
    assert own not in {one.event(0, 0, is_keyed=True) for one in others}
