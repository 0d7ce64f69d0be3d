"""Lists the milestones to look out for at a child's age, and what to make safe at home.

A pure function of the catalogue, the birth date and the day. It has no other input, so that the tips are the same for everybody,
whatever happened. A note "lower the cot" that came because a member saw something would reveal what they saw (law 8).

Lists what is usual at this age, never what is missing: no score, no "late", no percentage. So a safety note comes before most
children reach the milestone. It stays longer than the months in which many reach it, because a slower child needs it, too.
"""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from typing import Final

import msgspec

from events.catalogue import Catalogue, Domain, Milestone

LOOK_AHEAD_MONTHS: Final = 1
"""How long before a milestone's first month its tip and safety note begin: enough time to put up a gate, but not so much that the
note is forgotten. In the WHO's data on milestones with a note, the earliest 1 % of children are less than a month early."""
NOTES_STAY_MONTHS: Final = 6
"""How long a safety note stays after a milestone's last month. In the WHO's data the latest child in a hundred reaches the
milestone within two months."""
NOW_PER_DOMAIN_MAX: Final = 4
"""The maximum of current milestones in a domain. At twelve months 141 are current in all: too many for people to read."""


class Tip(msgspec.Struct, frozen=True, kw_only=True):
    """A milestone that many children reach around this age, and what counts as having seen it."""

    milestone: str
    title: str
    domain: Domain
    what_counts: str


class SafetyNote(msgspec.Struct, frozen=True, kw_only=True):
    """A change that has to be made at home before the child reaches a milestone."""

    milestone: str
    title: str
    domain: Domain
    safety: str


class Tips(msgspec.Struct, frozen=True, kw_only=True):
    """The tips for one child on one day.

    `age_months`: the child's age in whole months; -1 in the last month before birth; None if the birth date is not known. `soon`:
    all milestones whose months begin within a month from now, in the catalogue's order. `now`: at most four current milestones
    for each domain, in the catalogue's order: those whose middle month is nearest to this age. `safety`: all notes for this age.
    The note of the milestone with the latest first month comes first.
    """

    age_months: int | None
    soon: tuple[Tip, ...]
    now: tuple[Tip, ...]
    safety: tuple[SafetyNote, ...]


def tips(catalogue: Catalogue, *, born: date | None, today: date) -> Tips:
    """Returns the tips for a child who was born, or will be born, on the day `born`.

    If the birth date is not known, `soon` and `now` are empty. Then `safety` has all notes, in the order in which children come
    to need them, because a reader skips a note that is not needed, but does not notice a missing one. Long before birth, and for
    children who are older than the catalogue's last months, all three are empty.
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
    """Returns the number of whole months since the day of birth; negative before that day.

    A month is complete on the same day of the next month, or on the last day of a month that is too short. A child born on
    31 January is one month old on 28 February. A child born on 29 February is one year old on 28 February.
    """
    months = (today.year - born.year) * 12 + today.month - born.month
    days_this_month = monthrange(today.year, today.month)[1]
    return months if today.day >= min(born.day, days_this_month) else months - 1


def _in_their_midst(milestones: Iterable[Milestone], age: int) -> tuple[Milestone, ...]:
    """Returns, for each domain, the few current milestones with the middle of their months nearest to an age.

    Of two milestones with the same distance, the one with fewer months comes first.
    """
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
