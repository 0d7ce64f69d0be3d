"""Tests sortings: a member states what an everyday note or clip is about, and the sorting is delivered to the note's readers."""

from collections import defaultdict
from typing import Any, get_args
from uuid import UUID

import asyncpg
import pytest

from events.amend import Erased
from events.family import ChildCorrected, HouseholdRenamed, MemberRenamed
from events.ids import EventId, MemberId
from events.wire import BODY_BY_NAME, DeviceBody
from service.log.log import Log
from tests.clean_clips import add_clean_clip
from tests.families import WALKED, Draft, Family, drafted, feed_of, found, leave, note, outcomes, push, saw
from tests.good_drafts import drafts_of


def sorting(family: Family, target: Draft, **more: str) -> Draft:
    """Returns a draft that sorts another draft."""
    return drafted("Sorted", **({"target": target["id"], "child": str(family.child), "milestone": WALKED} | more))


async def test_only_an_everyday_note_or_clip_is_sorted(log: Log, pool: asyncpg.Pool) -> None:
    """Events of other types state their own subject. Their sorting is refused like the sorting of an absent event."""
    family = await found(log)
    seen, day = saw(family), note(family)
    own = {"milestone": "own.0193a2b4-0000-7000-8000-000000000000", "title": "First puddle", "domain": "life"}
    drafts = [
        seen, day, sorting(family, day),
        drafted("ParentFirstSaw", child=family.child, milestone=WALKED, how="in_person"), drafted("MilestoneNamed", **own),
        drafted("Cheered", about=day["id"]), drafted("Amended", target=seen["id"], changes={"note": "at last"}),
        drafted("Withdrawn", target=seen["id"]), drafted("SurpriseChosen", scope="all", mode="tell"),
        drafted("EnvelopeOpened", scope="all"),
    ]  # fmt: skip
    others = {body.__name__ for body in get_args(DeviceBody)} - {draft["event"]["type"] for draft in drafts}
    of_others = [draft for kind in sorted(others) for draft in drafts_of(kind, family)]
    for draft in of_others:
        if draft["event"]["type"] == "ClipAttached":
            await add_clean_clip(pool, family.family, family.ada, UUID(draft["event"]["clip"]))
    await push(log, family, family.ada, *drafts, *of_others)
    await leave(log, family, family.granny)
    async with log.transaction() as writing:
        facts = (
            Erased(targets=(EventId(UUID(seen["id"])),)), ChildCorrected(child=family.child, name="Mia Lou"),
            MemberRenamed(member=family.ada, name="Adele"), HouseholdRenamed(household=family.home, name="Harbour"),
        )  # fmt: skip
        await writing.write(family=family.family, author=family.ada, facts=facts)
    events = [entry["event"] for entry in await feed_of(pool, family, family.ada)]
    became: dict[str, set[str]] = defaultdict(set)
    for event in events:
        became[event["event"]["type"]] |= set(outcomes(await push(log, family, family.ada, sorting(family, event))))
    # TimePassed is delivered to nobody.
    assert became.keys() | {"TimePassed"} == BODY_BY_NAME.keys()
    assert became.pop("NoteWritten") == became.pop("ClipAttached") == {"recorded"}
    assert {kind for kind, what in became.items() if what != {"event.unknown_target"}} == set()
    assert BODY_BY_NAME["Sorted"].refers_to == ("NoteWritten", "ClipAttached")


def sortings(feed: list[dict[str, Any]]) -> list[str]:
    return [entry["event"]["id"] for entry in feed if entry["event"]["event"]["type"] == "Sorted"]


@pytest.mark.parametrize("audience", ["household", "family"])
async def test_a_sorting_is_told_to_whoever_was_told_of_the_note(log: Log, pool: asyncpg.Pool, audience: str) -> None:
    """Law 10: a sorting is delivered to each member who was sent the note, and to no other member."""
    family = await found(log)
    day = note(family, audience=audience)
    await push(log, family, family.sitter, day)
    sorts = sorting(family, day)
    assert outcomes(await push(log, family, family.ada, sorts)) == ["recorded"]
    told = {member for member in family.members if sorts["id"] in sortings(await feed_of(pool, family, member))}
    at_home: set[MemberId] = {family.ada, family.sitter, family.granny}
    assert told == (at_home if audience == "household" else at_home | {family.ben})


async def test_what_is_ones_own_stays_ones_own_when_it_is_sorted(log: Log, pool: asyncpg.Pool) -> None:
    """Law 14: the sorting of a private note is delivered to its author alone. For other members the note does not exist."""
    family = await found(log)
    secret = note(family, audience="me")
    await push(log, family, family.ben, secret)
    by_ada, by_ben = sorting(family, secret), sorting(family, secret)
    (receipt,) = await push(log, family, family.ada, by_ada)
    assert receipt.problem is not None
    assert (receipt.problem.code, receipt.problem.at) == ("event.unknown_target", "drafts[0].event.target")
    assert outcomes(await push(log, family, family.ben, by_ben)) == ["recorded"]
    told = [sortings(await feed_of(pool, family, member)) for member in family.members]
    assert told == [[], [by_ben["id"]], [], [], []]


@pytest.mark.parametrize("audience", ["me", "household", "family"])
async def test_a_sorting_chooses_no_audience(log: Log, audience: str) -> None:
    """Law 10: a sorting always has the audience of its target. A draft that asks for an audience is refused."""
    family = await found(log)
    day = note(family, audience=audience)
    await push(log, family, family.ada, day)
    (receipt,) = await push(log, family, family.ada, sorting(family, day) | {"audience": audience})
    assert receipt.problem is not None
    assert (receipt.problem.code, receipt.problem.at) == ("event.audience_not_allowed", "drafts[0].audience")


async def test_a_sorting_is_to_something_that_the_family_has_or_to_nothing(log: Log) -> None:
    """A sorting names a child of the family and a milestone of the catalogue, one of the family's own, or none (protocol)."""
    family = await found(log)
    day, own = note(family), "own.0193a2b4-0000-7000-8000-000000000000"
    await push(log, family, family.sitter, day)
    refused = await push(
        log, family, family.ben, sorting(family, day, child=str(family.family)), sorting(family, day, milestone=own)
    )
    assert [(one.problem.code, one.problem.at) for one in refused if one.problem] == [
        ("event.unknown_child", "drafts[0].event.child"), ("event.unknown_milestone", "drafts[1].event.milestone"),
    ]  # fmt: skip
    named = drafted("MilestoneNamed", milestone=own, title="First puddle", domain="life")
    to_nothing = drafted("Sorted", target=day["id"], child=family.child)
    drafts = (named, sorting(family, day, milestone=own), to_nothing, sorting(family, day, child=str(family.sibling)))
    assert outcomes(await push(log, family, family.ben, *drafts)) == ["recorded"] * 4


async def test_a_sighting_says_itself_what_it_is_about(log: Log) -> None:
    """The sorting of a sighting is refused, because a sighting names its milestone itself."""
    family = await found(log)
    sighting = saw(family)
    await push(log, family, family.ben, sighting)
    (receipt,) = await push(log, family, family.ada, sorting(family, sighting))
    assert receipt.problem is not None
    assert (receipt.problem.code, receipt.problem.at) == ("event.unknown_target", "drafts[0].event.target")


async def code_of(log: Log, family: Family, who: MemberId, draft: Draft) -> str:
    """Pushes one draft, and returns its outcome or the code of its refusal."""
    [outcome] = outcomes(await push(log, family, who, draft))
    return outcome


async def test_a_parents_own_words_are_sorted_by_nobody_else(log: Log) -> None:
    """Law 20: a parent's words can be sorted only by that parent, also in a thread of another member."""
    family = await found(log)
    question, day = note(family), note(family)
    await push(log, family, family.ben, question)
    await push(log, family, family.sitter, day)
    answer = drafted("NoteWritten", child=family.child, text="thank you", about=day["id"])
    await push(log, family, family.ben, answer)
    for mine in (question, answer):
        assert await code_of(log, family, family.ada, sorting(family, mine)) == "event.not_the_author"
        assert await code_of(log, family, family.sitter, sorting(family, mine)) == "event.not_the_author"
        assert await code_of(log, family, family.ben, sorting(family, mine)) == "recorded"
    assert await code_of(log, family, family.ada, sorting(family, day)) == "recorded"


async def test_a_thread_that_a_member_began_who_waits_is_sorted_by_nobody_else(log: Log) -> None:
    """Law 20: in the thread of a waiting member, a sorting by others would tell of a milestone. So only this member can sort."""
    family = await found(log)
    day = note(family)
    await push(log, family, family.granny, day)
    answer = drafted("NoteWritten", child=family.child, text="off she went", about=day["id"])
    await push(log, family, family.sitter, answer)
    assert await code_of(log, family, family.ada, sorting(family, answer)) == "recorded"
    await push(log, family, family.granny, drafted("SurpriseChosen", scope="all", mode="keep"))
    for said in (day, answer):
        assert await code_of(log, family, family.ada, sorting(family, said)) == "event.not_the_author"
        assert await code_of(log, family, family.granny, sorting(family, said)) == "recorded"
    await push(log, family, family.granny, drafted("SurpriseChosen", scope="all", mode="tell"))
    assert await code_of(log, family, family.ada, sorting(family, day)) == "recorded"


async def test_a_milestone_of_the_familys_own_stays_in_its_domain(log: Log) -> None:
    """Law 19: an own milestone can get a new title and no new domain, because a member may keep that domain."""
    family = await found(log)
    own = {"milestone": "own.0193a2b4-0000-7000-8000-000000000000", "title": "First puddle"}
    await push(log, family, family.ada, drafted("MilestoneNamed", **own, domain="life"))
    moved = drafted("MilestoneNamed", **own, domain="movement")
    assert await code_of(log, family, family.ben, moved) == "event.domain_is_chosen"
    assert await code_of(log, family, family.ben, drafted("MilestoneNamed", **own, domain="life")) == "recorded"
