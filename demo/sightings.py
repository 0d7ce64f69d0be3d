"""Who saw each first, and when each parent had their own first time.

Owns the heart of the story: one milestone, two first times. Knows the weeks and the growth of the twins.
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
"""Chance that a child does it again on a day that a parent spends with them."""
CALLS_IN_TIME: Final = 0.3
"""Chance that the other parent is on the phone with a camera before they meet."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A parent's own time."""

    at: datetime
    how: How


def tell_firsts(firsts: tuple[Growth, ...], scribe: Scribe) -> list[activities.Record]:
    """Write down every first, by whoever was there. What the daycare saw comes back as rows of its own system."""
    rows: list[activities.Record] = []
    for first in firsts:
        if (first.twin, first.milestone) == FIRST_STEPS:
            rows.extend(first_steps.tell(first, scribe))
            continue
        witness = scribe.year.present(first.at)
        told: Written | None = None
        if witness is Who.DAYCARE:
            rows.append(activities.milestone_row(first, scribe.dice))
        else:
            told = _observe(first, witness, scribe)
        for parent in PARENTS:
            if parent is not witness and first.at < scribe.year.until - STILL_FRESH:
                _parents_own(parent, first, told, scribe)
        rows.extend(_again(first, scribe))
    return rows


def _observe(first: Growth, witness: Who, scribe: Scribe) -> Written:
    """Whoever was there writes that they saw it. A parent adds, for themselves alone, how that was."""
    child, dice = scribe.child_by_twin[first.twin], scribe.dice
    seen = MilestoneObserved(child=child, milestone=first.milestone, note=WORDING[first.milestone].note)
    match witness:
        case Who.NANA:
            written_at, precision = first.at + timedelta(minutes=dice.randint(20, 100)), Precision.DAY
        case Who.SITTER if dice.random() < 0.6:
            written_at, precision = first.at, Precision.MINUTE
        case _:
            written_at, precision = first.at + timedelta(minutes=dice.randint(3, 50)), Precision.MINUTE
    told = scribe.say(witness, seen, occurred_at=first.at, written_at=written_at, precision=precision)
    if witness in PARENTS and dice.random() < 0.4:
        mine = ParentFirstSaw(
            child=child,
            milestone=first.milestone,
            how=How.IN_PERSON,
            feelings=dice.choice(FEELINGS),
            observation=told.draft.id,
        )
        scribe.say(witness, mine, occurred_at=first.at, written_at=written_at + timedelta(minutes=2))
    return told


def _parents_own(parent: Who, first: Growth, told: Written | None, scribe: Scribe) -> None:
    """A parent who was not there sees it later: over the phone, then in person."""
    dice = scribe.dice
    for sight in _sights(parent, first.at, scribe.year, dice):
        child = scribe.child_by_twin[first.twin]
        written_at = sight.at + timedelta(minutes=dice.randint(1, 45))
        if written_at >= scribe.year.until:
            return
        is_told = told is not None and scribe.knows(parent, told, at=written_at)
        seen = MilestoneObserved(child=child, milestone=first.milestone, again=is_told)
        if sight.how is How.IN_PERSON and dice.random() < 0.2:
            scribe.say(parent, seen, occurred_at=sight.at, written_at=written_at)
            continue
        mine = ParentFirstSaw(
            child=child,
            milestone=first.milestone,
            how=sight.how,
            feelings=dice.choice(FEELINGS) if dice.random() < 0.6 else None,
            observation=told.draft.id if told is not None and is_told and dice.random() < 0.7 else None,
        )
        # Who waits says when it is over, so that nobody need keep quiet any longer.
        is_over = parent is wishes.WAITS and wishes.keep(seen)
        audience = Audience.FAMILY if mine.observation is None and (dice.random() < 0.4 or is_over) else None
        scribe.say(parent, mine, occurred_at=sight.at, written_at=written_at, audience=audience)


def _sights(parent: Who, first_at: datetime, year: Year, dice: Random) -> list[Sight]:
    sights: list[Sight] = []
    call_at = datetime.combine(first_at.date() + timedelta(days=1), time(18, 40), tzinfo=first_at.tzinfo)
    if dice.random() < CALLS_IN_TIME and year.present(call_at) is other_parent(parent) and not year.in_mountains(call_at):
        sights.append(Sight(at=call_at, how=How.LIVE_VIDEO))
    for at in year.hours_with(parent, after=first_at + timedelta(hours=1), dice=dice):
        if dice.random() < SEES_IT_TODAY:
            if sights and at < sights[0].at:
                sights.clear()
            return [*sights, Sight(at=at, how=How.IN_PERSON)]
    return [sight for sight in sights if sight.at < year.until - timedelta(hours=1)]


def _again(first: Growth, scribe: Scribe) -> list[activities.Record]:
    """Some are seen again a little later, by whoever is there then, and written down too."""
    dice, year = scribe.dice, scribe.year
    at = (first.at + timedelta(days=dice.randint(3, 25))).replace(hour=dice.randint(9, 17), minute=dice.randrange(60))
    if dice.random() > 0.45 or at > year.until - timedelta(hours=4):
        return []
    witness = year.present(at)
    if witness is Who.DAYCARE:
        later = Growth(twin=first.twin, milestone=first.milestone, at=at)
        return [activities.milestone_row(later, dice, is_again=True)]
    seen = MilestoneObserved(
        child=scribe.child_by_twin[first.twin], milestone=first.milestone, note=dice.choice(AGAIN), again=True
    )
    scribe.say(witness, seen, occurred_at=at, written_at=at + timedelta(minutes=dice.choice((0, 15, 120))))
    return []
