"""What to look out for, and what to make safe, at a child's age.

A pure reading of the catalogue and the birth date. It is asked with nothing else, so that it is the same for everybody,
whether or not anything happened: a note "lower the cot" that came because somebody saw something would tell of it (law 8).

Says what is around, never what is missing: no score, no "late", no share of anything. A safety note therefore comes before the
child can do it, and stays beyond the months in which many do: a child who takes their time needs it on that day as well.
"""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from typing import Final

import msgspec

from events.catalogue import Catalogue, Domain, Milestone

LOOK_AHEAD_MONTHS: Final = 1
"""Time enough to put up a gate, and not so much that the note is forgotten on the day. In the WHO's windows of milestones that
have a note, the earliest child in a hundred is less than a month ahead of the catalogue's first month."""
NOTES_STAY_MONTHS: Final = 6
"""Beyond the last month in which many children do it. In the WHO's windows the last child in a hundred follows within two."""
NOW_PER_DOMAIN_MAX: Final = 4
"""At twelve months 141 milestones are around: a page that lists them all is read by nobody."""


class Tip(msgspec.Struct, frozen=True, kw_only=True):
    """A milestone that many children show around this age, and how to tell it when it is there."""

    milestone: str
    title: str
    domain: Domain
    what_counts: str


class SafetyNote(msgspec.Struct, frozen=True, kw_only=True):
    """What has to change at home before the child can do it."""

    milestone: str
    title: str
    domain: Domain
    safety: str


class Tips(msgspec.Struct, frozen=True, kw_only=True):
    """The tips for one child on one day.

    `age_months` counts whole months, -1 in the last month before birth, and is None where the birth date is not known.
    `soon`: all whose months begin within a month, in the catalogue's order. `now`: at most four a domain of those whose months
    these are, the ones that most children are in the midst of, in the catalogue's order. `safety`: every note that stands, none
    left out, what comes next first.
    """

    age_months: int | None
    soon: tuple[Tip, ...]
    now: tuple[Tip, ...]
    safety: tuple[SafetyNote, ...]


def tips(catalogue: Catalogue, *, born: date | None, today: date) -> Tips:
    """The tips for a child who was, or will be, born on that day.

    Where the birth date is not known there is no "soon" and no "now"; the notes are all told, in the order in which children
    come to need them: one too many is read over, one too few is not noticed. Long before birth, and beyond the catalogue,
    there is nothing to tell.
    """
    if born is None:
        return Tips(age_months=None, soon=(), now=(), safety=_notes(sorted(catalogue.by_key.values(), key=_first_month)))
    age = age_months(born=born, today=today)
    around = catalogue.by_key.values()
    standing = (one for one in around if _first_month(one) - LOOK_AHEAD_MONTHS <= age <= one.months[1] + NOTES_STAY_MONTHS)
    return Tips(
        age_months=age,
        soon=tuple(_tip(one) for one in around if age < _first_month(one) <= age + LOOK_AHEAD_MONTHS),
        now=tuple(_tip(one) for one in _in_their_midst(around, age)),
        safety=_notes(sorted(standing, key=lambda one: -_first_month(one))),
    )


def age_months(*, born: date, today: date) -> int:
    """Whole months from the day of birth, negative before it.

    A month is over on the same day of the next one, or on that one's last where it is shorter: who was born on 31 January is a
    month old on 28 February, and who was born on 29 February a year old on the 28th.
    """
    months = (today.year - born.year) * 12 + today.month - born.month
    days_this_month = monthrange(today.year, today.month)[1]
    return months if today.day >= min(born.day, days_this_month) else months - 1


def _in_their_midst(milestones: Iterable[Milestone], age: int) -> tuple[Milestone, ...]:
    """Of those whose months these are, the few of each domain whose middle is nearest; of two, the one with fewer months."""
    current = [one for one in milestones if one.months[0] <= age <= one.months[1]]
    nearest = sorted(current, key=lambda one: (abs(one.months[0] + one.months[1] - 2 * age), one.months[1] - one.months[0]))
    kept: set[str] = set()
    for domain in Domain:
        kept.update([one.key for one in nearest if one.domain is domain][:NOW_PER_DOMAIN_MAX])
    return tuple(one for one in current if one.key in kept)


def _first_month(milestone: Milestone) -> int:
    return milestone.months[0]


def _tip(milestone: Milestone) -> Tip:
    return Tip(milestone=milestone.key, title=milestone.title, domain=milestone.domain, what_counts=milestone.what_counts)


def _notes(milestones: Iterable[Milestone]) -> tuple[SafetyNote, ...]:
    return tuple(
        SafetyNote(milestone=one.key, title=one.title, domain=one.domain, safety=one.safety)
        for one in milestones
        if one.safety is not None
    )
