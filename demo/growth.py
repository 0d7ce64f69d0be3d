"""Decides when each twin first reaches each milestone, in an order that the catalogue allows.

Owns dates alone. `sightings` decides which member is present and which members write an event.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from demo.cast import Twin
from demo.weeks import Year
from demo.words import WORDING
from events.catalogue import CATALOGUE

DAYS_A_MONTH: Final = 30.44
NOT_THIS_CHILD: Final = {
    Twin.MIA: frozenset({"movement.bottom-shuffles", "hands.first-mark"}),
    Twin.LEO: frozenset({"movement.crawls", "hands.stacks-two"}),
}
"""Milestones that a twin does not reach this year. Leo never crawls: he shuffles, and then walks, as some children do."""
STILL_FRESH: Final = timedelta(days=3)
JUST_NOW: Final = {(Twin.MIA, "hands.stacks-two"): timedelta(hours=40), (Twin.LEO, "hands.first-mark"): timedelta(hours=22)}
"""Milestones that a twin reaches so late that few members have seen them. Each has the time that is left until the year's end."""
FIRST_STEPS: Final = (Twin.MIA, "movement.first-steps")
"""The milestone that the output shows in detail. With every seed its time is the last Sunday at Nana's."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """The first time that a twin reached a milestone, whether a member saw this or not."""

    twin: Twin
    milestone: str
    at: datetime


def growth(year: Year, rng: Random) -> tuple[Growth, ...]:
    """Returns the firsts of the year, of both twins, in order of time."""
    firsts = [first for twin in Twin for first in _of_one(twin, year, rng)]
    return tuple(sorted(firsts, key=lambda first: (first.at, first.twin, first.milestone)))


def prepares(earlier: str, later: str) -> bool:
    """Returns whether the catalogue puts milestone `earlier` before milestone `later`."""
    return later in CATALOGUE.by_key[earlier].builds_to or earlier in CATALOGUE.implied_by(later)


def _of_one(twin: Twin, year: Year, rng: Random) -> Iterable[Growth]:
    keys = sorted(WORDING.keys() - NOT_THIS_CHILD[twin], key=lambda key: (CATALOGUE.by_key[key].months, key))
    age_days_now = (year.until.date() - year.born).days
    age_days: dict[str, float] = {}
    for key in keys:
        first_month, last_month = CATALOGUE.by_key[key].months
        earliest = first_month * DAYS_A_MONTH
        latest = max(earliest + 10, min(last_month * DAYS_A_MONTH, age_days_now - 2))
        age_days[key] = earliest + (latest - earliest) * rng.uniform(0.25, 0.75)
    gaps = {key: rng.randint(3, 9) for key in keys}
    # Each round settles one more milestone of a chain, and no chain is longer than the number of keys.
    for _ in keys:
        for later in keys:
            before = [age_days[earlier] for earlier in keys if prepares(earlier, later)]
            if before:
                age_days[later] = max(age_days[later], max(before) + gaps[later])
    for key in keys:
        day = year.born + timedelta(days=int(age_days[key]))
        if (twin, key) in JUST_NOW:
            yield Growth(twin=twin, milestone=key, at=year.until - JUST_NOW[twin, key])
            continue
        if (twin, key) == FIRST_STEPS:
            yield Growth(twin=twin, milestone=key, at=year.last_sunday_at_nanas)
            continue
        at = year.moment(max(day, year.begins.date()), hour=rng.randint(8, 18), minute=rng.randrange(60))
        if at < year.until - STILL_FRESH:
            yield Growth(twin=twin, milestone=key, at=at)
