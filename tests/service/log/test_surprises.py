"""Tests held events and their release in the rows of a real database."""

from datetime import timedelta

import asyncpg
import pytest

from events.surprise import TimePassed
from service.log.log import Log
from tests.families import STOOD, WALKED, drafted, feed_of, found, note, outcomes, saw
from tests.waiting import NOON, Clock, at_noon, pushed, told_in, waits

RUNS, SMILES, COOS = "movement.runs", "feelings.social-smile", "talking.coos"


pytestmark = pytest.mark.usefixtures("replayed")


@pytest.fixture
def log(log_by_clock: Log) -> Log:
    return log_by_clock


async def test_a_first_and_all_about_it_are_held_and_freed_by_the_own_first_in_the_order_of_the_log(
    log: Log, pool: asyncpg.Pool
) -> None:
    """Law 9: Ben's sighting releases the sitter's sighting and all that refers to this one, each once, directly behind Ben's."""
    family = await found(log)
    await waits(log, family, family.ben)
    first = saw(family, WALKED)
    about = (
        note(family, "three steps!", about=first["id"]), drafted("Cheered", about=first["id"]),
        drafted(
            "ParentFirstSaw", child=family.child, milestone=WALKED, how="in_person", observation=first["id"], audience="family"
        ),
    )  # fmt: skip
    amended = drafted("Amended", target=first["id"], changes={"note": "five steps"})
    at_noon(first, *about, amended)
    before = await feed_of(pool, family, family.ben)
    receipts = await pushed(log, family, family.sitter, first)
    assert receipts[0].keep_quiet == ("Ben",)
    await pushed(log, family, family.ada, *about)
    await pushed(log, family, family.sitter, amended)
    assert await feed_of(pool, family, family.ben) == before
    assert [one for one, _ in told_in(await feed_of(pool, family, family.ada), first, *about, amended)] == [0, 1, 2, 3, 4]
    own = saw(family, WALKED, audience="me")
    receipts = await pushed(log, family, family.ben, *at_noon(own))
    after = await feed_of(pool, family, family.ben)
    assert after[: len(before)] == before
    assert told_in(after, first, *about, amended, own) == [
        (5, None), (0, "own_first"), (1, "own_first"), (2, "own_first"), (3, "own_first"), (4, "own_first"),
    ]  # fmt: skip
    assert receipts[0].place == len(before) + 1
    assert [entry["place"] for entry in after] == list(range(1, len(after) + 1))
    again = await pushed(log, family, family.ben, own)
    assert (outcomes(again), again[0].place) == (["already_recorded"], len(before) + 1)
    assert await feed_of(pool, family, family.ben) == after


async def test_an_act_that_was_recorded_offline_days_before_frees_when_it_arrives(
    log: Log, pool: asyncpg.Pool, clock: Clock
) -> None:
    """Law 9: Ben saw the steps on Tuesday, without a network. His first arrives on Friday, and releases the sitter's sighting."""
    family = await found(log)
    await waits(log, family, family.ben)
    tuesday, wednesday, friday = (NOON + timedelta(days=day) for day in (1, 2, 4))
    clock.now = wednesday
    first = saw(family, WALKED, at=wednesday)
    await pushed(log, family, family.sitter, first)
    assert told_in(await feed_of(pool, family, family.ben), first) == []
    clock.now = friday
    own = drafted("ParentFirstSaw", child=family.child, milestone=WALKED, how="in_person", at=tuesday)
    await pushed(log, family, family.ben, own)
    feed = await feed_of(pool, family, family.ben)
    assert told_in(feed, own, first) == [(0, None), (1, "own_first")]
    assert feed[-1]["told_at"] == feed[-2]["told_at"] == feed[-2]["event"]["received_at"]


async def test_who_saw_running_has_seen_walking_and_running_would_tell_of_walking(log: Log, pool: asyncpg.Pool) -> None:
    """Records of walking and of running are held. After Ben has seen running, both are released, and later ones delivered."""
    family = await found(log)
    await waits(log, family, family.ben, scope=f"milestone:{WALKED}")
    walked, ran, later = saw(family, WALKED), saw(family, RUNS), saw(family, RUNS)
    await pushed(log, family, family.granny, *at_noon(walked, ran))
    assert told_in(await feed_of(pool, family, family.ben), walked, ran) == []
    own = saw(family, RUNS, audience="me")
    await pushed(log, family, family.ben, *at_noon(own))
    await pushed(log, family, family.granny, *at_noon(later))
    feed = await feed_of(pool, family, family.ben)
    assert told_in(feed, own, walked, ran, later) == [(0, None), (1, "own_first"), (2, "own_first"), (3, None)]


async def test_what_was_withdrawn_while_it_was_held_is_never_delivered(log: Log, pool: asyncpg.Pool) -> None:
    """A held event that its author withdraws, the cheer for this event and the withdrawal are never delivered."""
    family = await found(log)
    await waits(log, family, family.ben)
    before = await feed_of(pool, family, family.ben)
    mistaken, cheer = saw(family, WALKED), drafted("Cheered")
    cheer["event"]["about"] = mistaken["id"]
    await pushed(log, family, family.sitter, *at_noon(mistaken, cheer), drafted("Withdrawn", target=mistaken["id"], at=NOON))
    own = saw(family, WALKED, audience="me")
    await pushed(log, family, family.ben, *at_noon(own))
    assert [entry["event"]["id"] for entry in (await feed_of(pool, family, family.ben))[len(before) :]] == [own["id"]]
    assert await pool.fetchval("SELECT count(*) FROM held") == 0


async def test_an_own_first_that_was_withdrawn_is_unmet_and_what_was_told_stays_told(log: Log, pool: asyncpg.Pool) -> None:
    """After the withdrawal of Ben's first, another record is held again. The record that was released stays in his feed."""
    family = await found(log)
    await waits(log, family, family.ben)
    first, second = saw(family, WALKED), saw(family, WALKED)
    own = drafted("ParentFirstSaw", child=family.child, milestone=WALKED, how="in_person", at=NOON)
    await pushed(log, family, family.ada, *at_noon(first))
    await pushed(log, family, family.ben, own, drafted("Withdrawn", target=own["id"], at=NOON))
    await pushed(log, family, family.ada, *at_noon(second))
    assert told_in(await feed_of(pool, family, family.ben), first, second) == [(0, "own_first")]


@pytest.mark.parametrize(
    ("scope", "freed"), [("all", [0, 1]), ("domain:movement", [0]), (f"milestone:{WALKED}", [0]), ("domain:hands", [])]
)
async def test_an_opened_envelope_frees_what_lies_in_it_and_later_ones_are_held_again(
    log: Log, pool: asyncpg.Pool, scope: str, freed: list[int]
) -> None:
    """Events in the opened scope are released. A later one is held again, because opening is no sighting."""
    family = await found(log)
    await waits(log, family, family.ben)
    seen, later = (saw(family, WALKED), saw(family, SMILES)), saw(family, WALKED)
    await pushed(log, family, family.ada, *at_noon(*seen))
    await pushed(log, family, family.ben, drafted("EnvelopeOpened", scope=scope, at=NOON))
    await pushed(log, family, family.ada, *at_noon(later))
    assert told_in(await feed_of(pool, family, family.ben), *seen, later) == [(one, "opened") for one in freed]


async def test_a_choice_of_tell_frees_and_an_older_one_that_arrives_late_does_not(
    log: Log, pool: asyncpg.Pool
) -> None:
    """Of Ben's choices, the one that was recorded last counts, in any order of arrival."""
    family = await found(log)
    await waits(log, family, family.ben)
    first = saw(family, WALKED)
    await pushed(log, family, family.ada, *at_noon(first))
    hour = timedelta(hours=1)
    await pushed(log, family, family.ben, drafted("SurpriseChosen", scope="all", mode="tell", at=NOON - hour))
    assert told_in(await feed_of(pool, family, family.ben), first) == []
    await pushed(log, family, family.ben, drafted("SurpriseChosen", scope="all", mode="tell", at=NOON + hour))
    assert told_in(await feed_of(pool, family, family.ben), first) == [(0, "told")]


async def test_time_frees_by_an_event_of_the_log_and_only_what_is_due(log: Log, pool: asyncpg.Pool, clock: Clock) -> None:
    """Laws 9 and 11: a TimePassed in the log releases what is due. The TimePassed is delivered to nobody."""
    family = await found(log)
    await waits(log, family, family.ben, at_most_days=7)
    first, second = saw(family, WALKED), saw(family, SMILES)
    await pushed(log, family, family.ada, *at_noon(first))
    clock.now = NOON + timedelta(days=3)
    await pushed(log, family, family.ada, *at_noon(second))
    before = {member: await feed_of(pool, family, member) for member in family.members}

    async def tick(days: float) -> list[str]:
        clock.now = NOON + timedelta(days=days)
        async with log.transaction() as writing:
            await writing.write(family=family.family, author=family.ben, facts=(TimePassed(),))
            (appended,) = writing.appended
            (receipts,) = appended.receipts
            assert isinstance(receipts, tuple)
            return [receipt.outcome for receipt in receipts]

    events = await pool.fetchval("SELECT count(*) FROM event")
    assert await tick(6.9) == ["already_recorded"]
    assert await pool.fetchval("SELECT count(*) FROM event") == events
    assert {member: await feed_of(pool, family, member) for member in family.members} == before
    assert await tick(7) == ["recorded"]
    after = {member: await feed_of(pool, family, member) for member in family.members}
    assert told_in(after.pop(family.ben), first, second) == [(0, "time")]
    assert after == {member: feed for member, feed in before.items() if member != family.ben}


async def test_everyday_notes_are_held_until_somebody_sorts_them(log: Log, pool: asyncpg.Pool) -> None:
    """A sitter's note is held until a sorting. If the note is sorted to a kept milestone, it stays held until Ben's own first."""
    family = await found(log)
    await waits(log, family, family.ben, hold_unsorted=True)
    lunch, steps, ours = note(family, "peas for lunch"), note(family, "she walked!"), note(family, "a bath")
    held = await pushed(log, family, family.sitter, *at_noon(lunch, steps))
    assert {receipt.keep_quiet for receipt in held} == {("Ben",)}
    await pushed(log, family, family.ada, *at_noon(ours))
    assert told_in(await feed_of(pool, family, family.ben), lunch, steps, ours) == [(2, None)]
    await pushed(
        log, family, family.ada,
        drafted("Sorted", target=lunch["id"], child=family.child, at=NOON),
        drafted("Sorted", target=steps["id"], child=family.child, milestone=WALKED, at=NOON),
    )  # fmt: skip
    assert told_in(await feed_of(pool, family, family.ben), lunch, steps) == [(0, "sorted")]
    await pushed(log, family, family.ben, *at_noon(saw(family, WALKED, audience="me")))
    assert told_in(await feed_of(pool, family, family.ben), lunch, steps) == [(0, "sorted"), (1, "own_first")]


async def test_a_hint_says_a_domain_once_a_day_and_nothing_else(log: Log, pool: asyncpg.Pool, clock: Clock) -> None:
    """Ben gets one hint a day for each child and domain, with the child, the domain and the day."""
    family = await found(log)
    await waits(log, family, family.ben, mode="hint")
    before = await feed_of(pool, family, family.ben)
    await pushed(log, family, family.sitter, *at_noon(saw(family, WALKED), saw(family, STOOD), saw(family, COOS)))
    clock.now = NOON + timedelta(days=1)
    await pushed(log, family, family.sitter, *at_noon(saw(family, WALKED), saw(family, RUNS)))
    hints = (await feed_of(pool, family, family.ben))[len(before) :]
    child = str(family.child)
    assert [entry["event"] for entry in hints] == [
        {"type": "Hint", "child": child, "domain": "movement", "day": "2026-03-01"},
        {"type": "Hint", "child": child, "domain": "talking", "day": "2026-03-01"},
        {"type": "Hint", "child": child, "domain": "movement", "day": "2026-03-02"},
    ]
    assert [entry["place"] for entry in hints] == [len(before) + 1, len(before) + 2, len(before) + 3]


async def test_what_has_a_safety_note_is_told_unless_it_was_chosen_by_name(log: Log, pool: asyncpg.Pool) -> None:
    """A milestone with a safety note is delivered, because the home must change, unless Ben keeps the milestone by name."""
    family = await found(log)
    await waits(log, family, family.ben)
    pulls = "movement.pulls-to-stand"
    first, second = saw(family, pulls), saw(family, pulls)
    await pushed(log, family, family.sitter, *at_noon(first))
    await waits(log, family, family.ben, scope=f"milestone:{pulls}")
    await pushed(log, family, family.sitter, *at_noon(second))
    assert told_in(await feed_of(pool, family, family.ben), first, second) == [(0, None)]


async def test_an_amendment_that_would_tell_is_held_and_not_what_others_say_then(log: Log, pool: asyncpg.Pool) -> None:
    """Law 20: the author's amendment is held, and its receipt names Ben. A cheer of another member is delivered to Ben."""
    family = await found(log)
    await waits(log, family, family.ben, scope=f"milestone:{WALKED}")
    first = saw(family, STOOD)
    amended = drafted("Amended", target=first["id"], changes={"milestone": WALKED})
    bravo = drafted("Cheered", about=first["id"], words="walking!")
    _, said = await pushed(log, family, family.sitter, *at_noon(first, amended))
    assert said.keep_quiet == ("Ben",)
    (cheered,) = await pushed(log, family, family.ada, *at_noon(bravo))
    assert cheered.keep_quiet == ()
    assert told_in(await feed_of(pool, family, family.ben), first, amended, bravo) == [(0, None), (2, None)]
    await pushed(log, family, family.ben, *at_noon(saw(family, WALKED, audience="me")))
    told = told_in(await feed_of(pool, family, family.ben), first, amended, bravo)
    assert told == [(0, None), (2, None), (1, "own_first")]


async def test_what_one_has_met_is_told_at_once_and_so_is_what_it_implies(log: Log, pool: asyncpg.Pool) -> None:
    """Ben receives what he has met at once, also from a process that has not yet read what he has met."""
    family = await found(log)
    await pushed(log, family, family.ben, *at_noon(saw(family, SMILES)))
    await waits(log, family, family.ben)
    await pushed(log, family, family.ben, *at_noon(saw(family, RUNS)))
    smiled, walked, cooed, ran = (saw(family, milestone) for milestone in (SMILES, WALKED, COOS, RUNS))
    for first in at_noon(smiled, walked, cooed, ran):
        await pushed(log, family, family.granny, first)
        await pushed(log, family, family.sitter, *at_noon(note(family, "all is well")))
        await pushed(log, family, family.sitter, *at_noon(note(family, "she sleeps")))
    feed = await feed_of(pool, family, family.ben)
    assert told_in(feed, smiled, walked, cooed, ran) == [(0, None), (1, None), (3, None)]


async def test_a_first_that_was_amended_to_another_is_met_as_the_other(log: Log, pool: asyncpg.Pool) -> None:
    family = await found(log)
    await waits(log, family, family.ben)
    own = saw(family, RUNS)
    await pushed(log, family, family.ben, *at_noon(own))
    await pushed(log, family, family.ben, drafted("Amended", target=own["id"], changes={"milestone": COOS}, at=NOON))
    ran, cooed = saw(family, RUNS), saw(family, COOS)
    await pushed(log, family, family.granny, *at_noon(ran))
    await pushed(log, family, family.granny, *at_noon(cooed))
    assert told_in(await feed_of(pool, family, family.ben), ran, cooed) == [(1, None)]


async def test_what_tells_of_nothing_but_what_is_met_is_told(log: Log, pool: asyncpg.Pool) -> None:
    """Running implies walking. Ben keeps walking and has seen the child walk, so running is delivered to him."""
    family = await found(log)
    await waits(log, family, family.ben, scope=f"milestone:{WALKED}")
    await pushed(log, family, family.ben, *at_noon(saw(family, WALKED)))
    await pushed(log, family, family.sitter, *at_noon(note(family, "all is well")))
    ran = saw(family, RUNS)
    await pushed(log, family, family.granny, *at_noon(ran))
    assert told_in(await feed_of(pool, family, family.ben), ran) == [(0, None)]
