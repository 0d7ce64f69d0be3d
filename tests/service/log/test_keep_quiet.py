"""Tests `keep_quiet` in receipts: it depends on what the author was sent, and is the same for a repeated draft."""

import asyncpg
import pytest

from events.ids import MemberId
from service.log.append import append
from service.log.append_request import AppendRequest
from service.log.family_batch import FamilyCache
from service.log.log import Log
from tests.families import STOOD, WALKED, Draft, Family, drafted, found, note, saw
from tests.families import pushed as offered
from tests.waiting import at_noon, pushed, waits

SPOKE = "talking.first-word"


@pytest.fixture
def log(log_by_clock: Log) -> Log:
    return log_by_clock


async def quiet(log: Log, family: Family, who: MemberId, draft: Draft) -> tuple[str, ...]:
    """Pushes a draft, and returns the names in its receipt. Checks that the receipt of a repeated draft has the same names."""
    at_noon(draft)
    (receipt,) = await pushed(log, family, who, draft)
    assert receipt.problem is None, receipt.problem
    (again,) = await pushed(log, family, who, draft)
    assert (again.outcome, again.keep_quiet) == ("already_recorded", receipt.keep_quiet)
    return receipt.keep_quiet


async def test_whatever_refers_to_something_held_says_so(log: Log) -> None:
    """Law 20: replies, cheers, amendments, firsts of others and new names are held from Ben, and their receipts name him."""
    family = await found(log)
    await waits(log, family, family.ben)
    seen = saw(family, WALKED)
    assert await quiet(log, family, family.sitter, seen) == ("Ben",)
    answer = note(family, "three steps!", about=seen["id"])
    assert await quiet(log, family, family.ada, answer) == ("Ben",)
    assert await quiet(log, family, family.ada, drafted("Cheered", about=answer["id"])) == ("Ben",)
    assert await quiet(log, family, family.sitter, drafted("Amended", target=seen["id"], changes={"note": "five"})) == ("Ben",)
    first = drafted("ParentFirstSaw", child=family.child, milestone=WALKED, how="clip", observation=seen["id"], audience="family")
    assert await quiet(log, family, family.ada, first) == ("Ben",)
    name = {"milestone": "own.0193a2b4-0000-7000-8000-000000000000", "title": "Waves at the tram", "domain": "life"}
    assert await quiet(log, family, family.sitter, drafted("MilestoneNamed", **name)) == ("Ben",)


async def test_what_somebody_opened_or_saw_alone_shows_in_no_receipt_of_what_refers_to_it(log: Log) -> None:
    """Law 14: the receipt of a cheer is the same before and after Ben opened the envelope that contains the cheered event."""
    family = await found(log)
    await waits(log, family, family.ben)
    seen = saw(family, WALKED)
    await pushed(log, family, family.sitter, *at_noon(seen))
    before = await quiet(log, family, family.ada, drafted("Cheered", about=seen["id"]))
    await pushed(log, family, family.ben, *at_noon(drafted("EnvelopeOpened", scope="all")))
    assert before == await quiet(log, family, family.ada, drafted("Cheered", about=seen["id"])) == ("Ben",)


@pytest.mark.parametrize("holds_unsorted", [False, True])
@pytest.mark.parametrize("is_sorted", [False, True])
async def test_a_sorting_that_is_held_from_an_author_changes_no_receipt_of_theirs(
    log: Log, is_sorted: bool, holds_unsorted: bool
) -> None:
    """Law 21: Granny keeps first steps. A sorting to first steps, which is held from her, does not change her receipts."""
    family = await found(log)
    await waits(log, family, family.ben, hold_unsorted=holds_unsorted)
    expected = ("Ben",) if holds_unsorted else ()
    day = note(family, "look at her go")
    assert await quiet(log, family, family.sitter, day) == expected
    await waits(log, family, family.granny, scope=f"milestone:{WALKED}")
    if is_sorted:
        sorts = drafted("Sorted", target=day["id"], child=family.child, milestone=WALKED)
        assert await quiet(log, family, family.ada, sorts) == ("Ben", "Gran")
    assert await quiet(log, family, family.granny, note(family, "how lovely", about=day["id"])) == expected
    (again,) = await pushed(log, family, family.sitter, day)
    assert again.keep_quiet == expected


async def test_a_sorting_in_the_same_transaction_changes_no_receipt_of_an_author_who_is_not_sent_it(
    log: Log, pool: asyncpg.Pool
) -> None:
    """Law 21: Granny's reply follows, in one transaction, a sorting that is held from her. Her receipt does not change."""
    family = await found(log)
    await waits(log, family, family.ben)
    await waits(log, family, family.granny, scope=f"milestone:{WALKED}")
    day = note(family, "look at her go")
    assert await quiet(log, family, family.sitter, day) == ()
    sorts = drafted("Sorted", target=day["id"], child=family.child, milestone=WALKED)
    answers = [(who, note(family, "how lovely", about=day["id"])) for who in (family.granny, family.sitter)]
    requests = [
        AppendRequest(family=family.family, author=author, drafts=offered(at_noon(draft), sent_at=log.now()).drafts)
        for author, draft in [(family.ada, sorts), *answers]
    ]
    async with pool.acquire() as connection, connection.transaction():
        appended = await append(connection, requests, now=log.now(), cache=FamilyCache())
    receipts = [outcome[0] for outcome in appended.receipts if isinstance(outcome, tuple)]
    assert [receipt.keep_quiet for receipt in receipts] == [("Ben", "Gran"), (), ("Ben", "Gran")]


async def test_a_sorting_that_was_never_sent_changes_no_receipt_although_it_is_held_no_longer(log: Log) -> None:
    """Law 21: Granny was never sent the sitter's reply and its sorting. The receipt of her cheer depends on neither."""
    family = await found(log)
    await waits(log, family, family.ben)
    await waits(log, family, family.granny, hold_unsorted=True)
    day = note(family, "a calm day")
    assert await quiet(log, family, family.ada, day) == ()
    more = note(family, "look at her go", about=day["id"])
    assert await quiet(log, family, family.sitter, more) == ("Gran",)
    sorts = drafted("Sorted", target=more["id"], child=family.child, milestone=WALKED)
    await pushed(log, family, family.ada, *at_noon(sorts))
    await pushed(log, family, family.sitter, *at_noon(drafted("Withdrawn", target=more["id"])))
    assert await quiet(log, family, family.granny, drafted("Cheered", about=day["id"])) == ()


async def test_an_answer_says_so_where_a_sorting_holds_what_it_refers_to(log: Log) -> None:
    """Law 20: the note was sorted to first steps, which Ben keeps. So receipts of replies to the note name Ben."""
    family = await found(log)
    await waits(log, family, family.ben, hold_unsorted=True)
    day = note(family, "look at her go")
    answer = note(family, "how lovely", about=day["id"])
    assert await quiet(log, family, family.sitter, day) == ("Ben",)
    assert await quiet(log, family, family.ada, answer) == ("Ben",)
    sorts = drafted("Sorted", target=day["id"], child=family.child, milestone=WALKED)
    assert await quiet(log, family, family.ada, sorts) == ("Ben",)
    await waits(log, family, family.ben, hold_unsorted=False)
    assert await quiet(log, family, family.ada, note(family, "again!", about=day["id"])) == ("Ben",)
    assert await quiet(log, family, family.granny, drafted("Cheered", about=answer["id"])) == ("Ben",)


async def test_answers_to_ones_own_words_are_no_reason_to_keep_quiet(log: Log) -> None:
    """Law 20: nothing is held in a thread that Ben began, so no receipt of that thread names Ben."""
    family = await found(log)
    await waits(log, family, family.ben, hold_unsorted=True)
    asked = note(family, "did she take her medicine?")
    await pushed(log, family, family.ben, *at_noon(asked))
    assert await quiet(log, family, family.sitter, note(family, "yes, at four", about=asked["id"])) == ()
    assert await quiet(log, family, family.sitter, note(family, "and she slept")) == ("Ben",)


async def test_a_correction_names_who_waits_for_what_it_corrects_to(log: Log) -> None:
    """Law 20: the receipt of an amendment to a milestone that Ben keeps names Ben. Receipts of other amendments name nobody."""
    family = await found(log)
    await waits(log, family, family.ben, scope="domain:talking")
    seen = saw(family, STOOD)
    assert await quiet(log, family, family.sitter, seen) == ()
    to_word = drafted("Amended", target=seen["id"], changes={"milestone": SPOKE})
    assert await quiet(log, family, family.sitter, to_word) == ("Ben",)
    assert await quiet(log, family, family.sitter, drafted("Amended", target=seen["id"], changes={"note": "twice"})) == ()
