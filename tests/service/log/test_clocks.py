"""Tests the times of events: times from a wrong clock are corrected, times by hand are not, and the order needs no clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import asyncpg
import pytest

from events.event import Role
from service.feed.timeline import timeline
from service.log.log import Log
from tests.families import Family, drafted, feed_of, found, log_on, note, outcomes, push, saw

TEN_YEARS = timedelta(days=3_653)
OFF = [timedelta(hours=7), timedelta(hours=-7), TEN_YEARS, -TEN_YEARS, timedelta(minutes=61)]


async def kept(log: Log, pool: asyncpg.Pool, family: Family, draft: dict[str, Any], *, sent_at: datetime) -> dict[str, Any]:
    receipts = await push(log, family, family.ada, draft, sent_at=sent_at)
    assert outcomes(receipts) == ["recorded"]
    event: dict[str, Any] = (await feed_of(pool, family, family.ben))[-1]["event"]
    return event


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("off", OFF, ids=str)
async def test_a_time_from_a_clock_that_is_off_is_corrected_by_that_much(log: Log, pool: asyncpg.Pool, off: timedelta) -> None:
    """A time from a wrong clock is corrected by the error of the clock. `claimed_at` keeps the uncorrected time."""
    family, now = await found(log), datetime.now(UTC)
    happened = now - timedelta(hours=3)
    draft = saw(family, at=happened + off, recorded_at=happened + off + timedelta(seconds=90))
    event = await kept(log, pool, family, draft, sent_at=now + off)
    assert abs(at(event["occurred_at"]) - happened) < timedelta(seconds=20)
    assert at(event["claimed_at"]) == at(draft["occurred_at"])
    assert at(event["recorded_at"]) == at(draft["recorded_at"])


@pytest.mark.parametrize("off", OFF, ids=str)
@pytest.mark.parametrize("precision", ["minute", "day"])
async def test_a_time_that_was_told_by_hand_is_not_corrected(
    log: Log, pool: asyncpg.Pool, off: timedelta, precision: str
) -> None:
    """A time that a person entered stays unchanged, because it does not come from the device's clock."""
    family, now = await found(log), datetime.now(UTC)
    told = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
    draft = saw(family, at=told, recorded_at=now + off, precision=precision)
    event = await kept(log, pool, family, draft, sent_at=now + off)
    assert at(event["occurred_at"]) == told
    assert "claimed_at" not in event


async def test_a_day_is_not_shifted_by_a_clock(log: Log, pool: asyncpg.Pool) -> None:
    """A time with the precision of a day or longer is never corrected, even if it equals the time of the device's clock."""
    family, now = await found(log), datetime.now(UTC)
    slow = now - timedelta(hours=7)
    draft = saw(family, at=slow, precision="day")
    event = await kept(log, pool, family, draft, sent_at=slow)
    assert (at(event["occurred_at"]), "claimed_at" in event) == (at(draft["occurred_at"]), False)


@pytest.mark.parametrize("off", [timedelta(0), timedelta(seconds=50), timedelta(seconds=-50)], ids=str)
async def test_a_slow_push_is_not_taken_for_a_wrong_clock(log: Log, pool: asyncpg.Pool, off: timedelta) -> None:
    """A difference of less than a minute corrects nothing: it may be the time that the push needed on its way."""
    family, now = await found(log), datetime.now(UTC)
    draft = saw(family, at=now - timedelta(hours=1))
    event = await kept(log, pool, family, draft, sent_at=now + off)
    assert (at(event["occurred_at"]), "claimed_at" in event) == (at(draft["occurred_at"]), False)


@pytest.mark.parametrize("off", [timedelta(0), *OFF], ids=str)
async def test_what_lies_more_than_a_day_ahead_is_refused(log: Log, off: timedelta) -> None:
    """Law 17: a time more than a day ahead of the server's clock is refused with its field, whatever the device's clock."""
    family, now = await found(log), datetime.now(UTC)
    soon, late = now + timedelta(hours=23), now + timedelta(hours=25)
    mine = note(family, at=now + off)
    receipts = await push(
        log, family, family.ada,
        note(family, at=soon, recorded_at=now + off),
        note(family, at=late, recorded_at=now + off),
        note(family, at=late + off, recorded_at=late + off),
        note(family, at=now, recorded_at=late + off),
        mine,
        drafted("Amended", target=mine["id"], at=now + off, changes={"occurred_at": late.isoformat()}),
        sent_at=now + off,
    )  # fmt: skip
    refused = "draft.time_out_of_range"
    assert outcomes(receipts) == ["recorded", refused, refused, refused, "recorded", refused]
    assert [receipt.problem.at for receipt in receipts if receipt.problem] == [
        "drafts[1].occurred_at", "drafts[2].occurred_at", "drafts[3].recorded_at", "drafts[5].event.changes.occurred_at",
    ]  # fmt: skip


@pytest.mark.parametrize("time", ["1899-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
@pytest.mark.parametrize("sent_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-06-01T00:00:00+00:00"])
async def test_no_clock_is_so_wrong_that_it_breaks_the_arithmetic(log: Log, time: str, sent_at: str) -> None:
    """Law 17: times at the ends of the calendar are refused in each time zone, without an arithmetic error."""
    family = await found(log, with_everybody=False)
    receipts = await push(log, family, family.ada, note(family, at=time), note(family, recorded_at=time), sent_at=sent_at)
    assert set(outcomes(receipts)) == {"draft.time_out_of_range"}


@pytest.mark.parametrize("off", [TEN_YEARS, timedelta(hours=7)], ids=str)
async def test_a_phone_ahead_of_its_time_does_not_have_the_last_word(log: Log, pool: asyncpg.Pool, off: timedelta) -> None:
    """Law 12: of two amendments, the one that was made later counts, even if the clock of the other phone was ahead."""
    family, now = await found(log), datetime.now(UTC)
    seen = saw(family, at=now - timedelta(days=3))
    await push(log, family, family.ada, seen)

    def amended(*, to: str, made: timedelta, by_clock: timedelta) -> dict[str, Any]:
        clock = now + made + by_clock
        return drafted("Amended", target=seen["id"], changes={"occurred_at": to}, at=clock, recorded_at=clock)

    early = amended(to="2026-03-01T09:00:00Z", made=timedelta(hours=-2), by_clock=off)
    late = amended(to="2026-04-01T09:00:00Z", made=timedelta(hours=-1), by_clock=timedelta(0))
    await push(log, family, family.ada, late, sent_at=now)
    await push(log, family, family.ada, early, sent_at=now + off)
    (entry,) = await timeline(pool, family=family.family, member=family.ada, role=Role.PARENT, child=None, as_of=None)
    assert entry.first_saw is not None
    assert entry.first_saw.occurred_at == at("2026-04-01T09:00:00Z")


async def test_a_server_clock_that_steps_back_hides_nothing(database_url: str, pool: asyncpg.Pool, log: Log) -> None:
    """A timeline without `as_of` contains all that was delivered to its member, also events received in the future."""
    async with log_on(database_url, pool, now=lambda: datetime.now(UTC) + timedelta(days=1)) as ahead:
        family = await found(ahead)
        await push(ahead, family, family.ada, saw(family))
    for member, role in ((family.granny, Role.CAREGIVER), (family.ben, Role.PARENT)):
        entries = await timeline(pool, family=family.family, member=member, role=role, child=None, as_of=None)
        assert [entry.state for entry in entries] == ["still_new"]


def clocks() -> Iterator[datetime]:
    """Yields times of a server's clock that jumps back and forth by ten years, and sometimes stands still."""
    base = datetime(2026, 6, 1, 12, tzinfo=UTC)
    return cycle([base, base, base + TEN_YEARS, base - TEN_YEARS, base + timedelta(seconds=1), base])


async def test_order_asks_no_clock(database_url: str, pool: asyncpg.Pool, log: Log) -> None:
    """With clocks that jump by ten years or stand still, all drafts are recorded, in the order in which they were pushed."""
    ticking = clocks()
    seen = []
    for offs in ([timedelta(0)], [TEN_YEARS, -TEN_YEARS, timedelta(0)]):
        async with log_on(database_url, pool, now=lambda: next(ticking)) as jumping:
            used = log if len(offs) == 1 else jumping
            family = await found(used)
            for number in range(30):
                time = datetime(2020, 1, 1, tzinfo=UTC)
                sent_at = datetime.now(UTC) + offs[number % len(offs)]
                draft = note(family, f"note {number}", at=time, precision="day")
                assert outcomes(await push(used, family, family.members[number % 5], draft, sent_at=sent_at)) == ["recorded"]
        entries = await feed_of(pool, family, family.ben)
        seen.append([entry["event"]["event"].get("text") for entry in entries])
    assert seen[0] == seen[1]
    assert [text for text in seen[1] if text] == [f"note {number}" for number in range(30) if number % 5 != 9]
