"""Decides which members saw each first, and when each parent saw the milestone for the first time.

Owns the main idea of the story: one milestone, two first times. Knows the weeks and the growth of the twins.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random
from typing import Final

from demo import activities, first_steps, wishes
from demo.cast import PARENTS, Who, other_parent
from demo.growth import FIRST_STEPS, STILL_FRESH, Growth
from demo.scribe import Scribe
from demo.weeks import Year
from demo.words import AGAIN, FEELINGS, WORDING
from demo.written import Written
from events.event import Audience, Precision
from events.observations import How, MilestoneObserved, ParentFirstSaw

SEES_IT_TODAY: Final = 0.45
"""The probability that a child repeats a milestone on a day with a parent who has not seen the milestone yet."""
CALLS_IN_TIME: Final = 0.3
"""The probability that a parent who was not present sees the milestone in a video call the next day."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """One time at which a parent sees a milestone."""

    at: datetime
    how: How


def write_firsts(firsts: tuple[Growth, ...], scribe: Scribe) -> list[activities.Record]:
    """Writes the sightings of every first: of the member who was present, and later those of the parents.

    Returns the sightings by the daycare, as rows of the daycare's own system.
    """
    rows: list[activities.Record] = []
    for first in firsts:
        if (first.twin, first.milestone) == FIRST_STEPS:
            rows.extend(first_steps.write(first, scribe))
            continue
        witness = scribe.year.present(first.at)
        observed: Written | None = None
        if witness is Who.DAYCARE:
            rows.append(activities.milestone_row(first, scribe.rng))
        else:
            observed = _observe(first, witness, scribe)
        for parent in PARENTS:
            if parent is not witness and first.at < scribe.year.until - STILL_FRESH:
                _parents_own(parent, first, observed, scribe)
        rows.extend(_again(first, scribe))
    return rows


def _observe(first: Growth, witness: Who, scribe: Scribe) -> Written:
    """Writes the sighting of the member who was present. A parent sometimes adds a private event about feelings."""
    child, rng = scribe.child_by_twin[first.twin], scribe.rng
    seen = MilestoneObserved(child=child, milestone=first.milestone, note=WORDING[first.milestone].note)
    match witness:
        case Who.NANA:
            written_at, precision = first.at + timedelta(minutes=rng.randint(20, 100)), Precision.DAY
        case Who.SITTER if rng.random() < 0.6:
            written_at, precision = first.at, Precision.MINUTE
        case _:
            written_at, precision = first.at + timedelta(minutes=rng.randint(3, 50)), Precision.MINUTE
    observed = scribe.record(witness, seen, occurred_at=first.at, written_at=written_at, precision=precision)
    if witness in PARENTS and rng.random() < 0.4:
        mine = ParentFirstSaw(
            child=child,
            milestone=first.milestone,
            how=How.IN_PERSON,
            feelings=rng.choice(FEELINGS),
            observation=observed.draft.id,
        )
        scribe.record(witness, mine, occurred_at=first.at, written_at=written_at + timedelta(minutes=2))
    return observed


def _parents_own(parent: Who, first: Growth, observed: Written | None, scribe: Scribe) -> None:
    """Writes the later sightings of a parent who was not present: in a video call, then in person."""
    rng = scribe.rng
    for sight in _sights(parent, first.at, scribe.year, rng):
        child = scribe.child_by_twin[first.twin]
        written_at = sight.at + timedelta(minutes=rng.randint(1, 45))
        if written_at >= scribe.year.until:
            return
        is_known = observed is not None and scribe.knows(parent, observed, at=written_at)
        seen = MilestoneObserved(child=child, milestone=first.milestone, again=is_known)
        if sight.how is How.IN_PERSON and rng.random() < 0.2:
            scribe.record(parent, seen, occurred_at=sight.at, written_at=written_at)
            continue
        mine = ParentFirstSaw(
            child=child,
            milestone=first.milestone,
            how=sight.how,
            feelings=rng.choice(FEELINGS) if rng.random() < 0.6 else None,
            observation=observed.draft.id if observed is not None and is_known and rng.random() < 0.7 else None,
        )
        # The audience of Ben's own first is the family, so that the other members know that they need not keep quiet any longer.
        is_over = parent is wishes.WAITS and wishes.keep(seen)
        audience = Audience.FAMILY if mine.observation is None and (rng.random() < 0.4 or is_over) else None
        scribe.record(parent, mine, occurred_at=sight.at, written_at=written_at, audience=audience)


def _sights(parent: Who, first_at: datetime, year: Year, rng: Random) -> list[Sight]:
    sights: list[Sight] = []
    call_at = datetime.combine(first_at.date() + timedelta(days=1), time(18, 40), tzinfo=first_at.tzinfo)
    if rng.random() < CALLS_IN_TIME and year.present(call_at) is other_parent(parent) and not year.in_mountains(call_at):
        sights.append(Sight(at=call_at, how=How.LIVE_VIDEO))
    for at in year.hours_with(parent, after=first_at + timedelta(hours=1), rng=rng):
        if rng.random() < SEES_IT_TODAY:
            if sights and at < sights[0].at:
                sights.clear()
            return [*sights, Sight(at=at, how=How.IN_PERSON)]
    return [sight for sight in sights if sight.at < year.until - timedelta(hours=1)]


def _again(first: Growth, scribe: Scribe) -> list[activities.Record]:
    """Writes a second sighting of some firsts, 3 to 25 days later, by the member who is present. Returns the daycare's rows."""
    rng, year = scribe.rng, scribe.year
    at = (first.at + timedelta(days=rng.randint(3, 25))).replace(hour=rng.randint(9, 17), minute=rng.randrange(60))
    if rng.random() > 0.45 or at > year.until - timedelta(hours=4):
        return []
    witness = year.present(at)
    if witness is Who.DAYCARE:
        later = Growth(twin=first.twin, milestone=first.milestone, at=at)
        return [activities.milestone_row(later, rng, is_again=True)]
    seen = MilestoneObserved(
        child=scribe.child_by_twin[first.twin], milestone=first.milestone, note=rng.choice(AGAIN), again=True
    )
    scribe.record(witness, seen, occurred_at=at, written_at=at + timedelta(minutes=rng.choice((0, 15, 120))))
    return []
