"""Lists the milestones to look out for, and what to make safe at home, at a child's age.

A pure function of the catalogue and the birth date. It has no other input, so that the tips are the same for everybody, whether
or not anything happened: a note "lower the cot" that came because a member saw something would reveal it (law 8).

Lists what is usual at this age, never what is missing: no score, no "late", no percentage. A safety note therefore comes before
the child can do it, and stays longer than the months in which many children do it: a slower child needs it on that day as well.
"""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from typing import Final

import msgspec

from events.catalogue import Catalogue, Domain, Milestone

LOOK_AHEAD_MONTHS: Final = 1
"""Enough time to put up a gate, but not so much that the note is forgotten on the day. In the WHO's windows of milestones that
have a note, the earliest child in a hundred is less than a month ahead of the catalogue's first month."""
NOTES_STAY_MONTHS: Final = 6
"""Months after the last one in which many children do it. In the WHO's windows the last child in a hundred follows within two."""
NOW_PER_DOMAIN_MAX: Final = 4
"""At twelve months 141 milestones are current, too many for a page that people read."""


class Tip(msgspec.Struct, frozen=True, kw_only=True):
    """A milestone that many children show around this age, and what counts as having seen it."""

    milestone: str
    title: str
    domain: Domain
    what_counts: str


class SafetyNote(msgspec.Struct, frozen=True, kw_only=True):
    """A change that has to be made at home before the child can do it."""

    milestone: str
    title: str
    domain: Domain
    safety: str


class Tips(msgspec.Struct, frozen=True, kw_only=True):
    """The tips for one child on one day.

    `age_months` counts whole months, -1 in the last month before birth, and is None where the birth date is not known.
    `soon`: all milestones whose months begin within a month, in the catalogue's order. `now`: at most four current milestones
    for each domain, the ones with the middle of their months nearest to this age, in the catalogue's order. `safety`: all notes
    for this age without exception; the milestone that begins last comes first.
    """

    age_months: int | None
    soon: tuple[Tip, ...]
    now: tuple[Tip, ...]
    safety: tuple[SafetyNote, ...]


def tips(catalogue: Catalogue, *, born: date | None, today: date) -> Tips:
    """Returns the tips for a child who was, or will be, born on that day.

    Where the birth date is not known, `soon` and `now` are empty, and `safety` has all notes, in the order in which children
    come to need them: a reader skips a note too many, but does not notice a missing one. Long before birth, and beyond the
    catalogue, all three are empty.
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
    """Returns the whole months from the day of birth; negative before it.

    A month is complete on the same day of the next month, or on that month's last day where it is shorter: a child born on
    31 January is one month old on 28 February, and a child born on 29 February is one year old on the 28th.
    """
    months = (today.year - born.year) * 12 + today.month - born.month
    days_this_month = monthrange(today.year, today.month)[1]
    return months if today.day >= min(born.day, days_this_month) else months - 1


def _in_their_midst(milestones: Iterable[Milestone], age: int) -> tuple[Milestone, ...]:
    """Returns the few current milestones of each domain with the nearest middle; of two, the one with fewer months."""
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
