"""Tests the tips: they depend on age alone, and each safety note is shown before the child can reach its milestone."""

import re
from calendar import monthrange
from collections import Counter
from datetime import date, timedelta
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.catalogue import CATALOGUE, Catalogue, Domain, Milestone
from projections.tips import LOOK_AHEAD_MONTHS, NOTES_STAY_MONTHS, NOW_PER_DOMAIN_MAX, Tips, age_months, tips

NOTED = {key: one for key, one in CATALOGUE.by_key.items() if one.safety is not None}
ORDER = {key: at for at, key in enumerate(CATALOGUE.by_key)}
CHECKED_TO_MONTHS = 60
BORN = (date(2024, 2, 29), date(2025, 1, 31), date(2025, 6, 15), date(2025, 8, 31), date(2026, 1, 1))

days = st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 12, 31))
ages_days = st.integers(-400, 3_200)
"""Ages in days, from 400 days before birth to beyond the end of the catalogue, which is at seven and a half years."""


def months_after(born: date, months: int) -> date:
    """Returns the same day some months later, or the last day of the month if that month is shorter.

    It is the inverse of `age_months`.
    """
    year, month = divmod(born.year * 12 + born.month - 1 + months, 12)
    return date(year, month + 1, min(born.day, monthrange(year, month + 1)[1]))


def tips_at(age: int, *, catalogue: Catalogue = CATALOGUE) -> Tips:
    born = date(2026, 5, 17)
    return tips(catalogue, born=born, today=months_after(born, age))


def of(*milestones: Milestone) -> Catalogue:
    """Returns a catalogue with only these milestones. No milestone in it implies another one."""
    by_key = {one.key: one for one in milestones}
    empty = MappingProxyType(dict.fromkeys(by_key, frozenset[str]()))
    return Catalogue(by_key=MappingProxyType(by_key), version="0", implied_by_key=empty, implying_by_key=empty)


def milestone(key: str, months: tuple[int, int], *, safety: str | None = None) -> Milestone:
    return Milestone(
        key=key,
        title=key,
        domain=Domain.LIFE,
        months=months,
        what_counts="Seen.",
        sources=("stillnew:life-first",),
        safety=safety,
    )


# Ages


@pytest.mark.parametrize(
    ("born", "today", "months"),
    [
        (date(2026, 1, 31), date(2026, 1, 31), 0),
        (date(2026, 1, 31), date(2026, 2, 27), 0),
        (date(2026, 1, 31), date(2026, 2, 28), 1),
        (date(2026, 1, 31), date(2026, 3, 30), 1),
        (date(2026, 1, 31), date(2026, 3, 31), 2),
        (date(2026, 1, 31), date(2026, 4, 29), 2),
        (date(2026, 1, 31), date(2026, 4, 30), 3),
        (date(2026, 2, 28), date(2026, 3, 27), 0),
        (date(2026, 2, 28), date(2026, 3, 28), 1),
        (date(2024, 2, 29), date(2025, 2, 27), 11),
        (date(2024, 2, 29), date(2025, 2, 28), 12),
        (date(2024, 2, 29), date(2028, 2, 28), 47),
        (date(2024, 2, 29), date(2028, 2, 29), 48),
        (date(2025, 12, 15), date(2026, 1, 14), 0),
        (date(2025, 12, 15), date(2026, 1, 15), 1),
        (date(2026, 12, 1), date(2026, 11, 30), -1),
        (date(2026, 12, 1), date(2026, 11, 1), -1),
        (date(2026, 12, 1), date(2026, 10, 31), -2),
        (date.min, date.max, 9_998 * 12 + 11),
        (date.max, date.min, -(9_998 * 12 + 12)),
    ],
)
def test_an_age_is_whole_months_of_the_calendar(born: date, today: date, months: int) -> None:
    """An age is counted in whole months of the calendar, also at the ends of months, on leap days, and before birth."""
    assert months == age_months(born=born, today=today)


@given(born=days, months=st.integers(-24, 120))
def test_a_month_begins_on_its_day_and_not_before(born: date, months: int) -> None:
    """The age grows by one on the day on which a month is complete, and not on the day before."""
    begins = months_after(born, months)
    assert months == age_months(born=born, today=begins)
    assert months - 1 == age_months(born=born, today=begins - timedelta(days=1))


@given(born=days, days_old=ages_days)
def test_nobody_grows_younger_or_skips_a_month(born: date, days_old: int) -> None:
    today = born + timedelta(days=days_old)
    assert age_months(born=born, today=today + timedelta(days=1)) - age_months(born=born, today=today) in (0, 1)


# Safety notes


@pytest.mark.parametrize("born", BORN, ids=lambda born: born.isoformat())
def test_each_safety_note_is_shown_before_the_child_can_do_it(born: date) -> None:
    """A safety note is shown from the month before the milestone's first month, or from birth.

    From then on, it is shown on each day until the milestone's last month is over.
    """
    shown_on: dict[str, list[date]] = {key: [] for key in NOTED}
    today = born
    while today < months_after(born, CHECKED_TO_MONTHS):
        for note in tips(CATALOGUE, born=born, today=today).safety:
            assert note.safety == NOTED[note.milestone].safety
            shown_on[note.milestone].append(today)
        today += timedelta(days=1)
    for key, shown in shown_on.items():
        first, last = NOTED[key].months
        assert shown[0] <= months_after(born, max(first - 1, 0)), key
        assert shown[-1] >= min(months_after(born, last + 1), months_after(born, CHECKED_TO_MONTHS)) - timedelta(days=1), key
        assert len(shown) == (shown[-1] - shown[0]).days + 1, key


def test_a_note_for_newborns_is_shown_from_the_month_before_birth() -> None:
    """The safety note of a milestone that begins at birth is shown from the month before birth."""
    catalogue = of(milestone("life.at-birth", (0, 2), safety="Take care."))
    assert [bool(tips_at(age, catalogue=catalogue).safety) for age in (-2, -1, 0, 8, 9)] == [False, True, True, True, False]


def test_a_note_is_there_for_the_earliest_and_the_latest_child_of_a_hundred() -> None:
    """A safety note is shown at the ages of the 1st and the 99th percentile of the WHO's motor windows (2006)."""
    windows = 0
    for one in NOTED.values():
        for source in one.sources:
            if found := re.fullmatch(r"who-2006:[a-z-]+:([\d.]+)-([\d.]+)", source):
                windows += 1
                assert one.months[0] - LOOK_AHEAD_MONTHS <= float(found[1]), one.key
                assert float(found[2]) < one.months[1] + 1 + NOTES_STAY_MONTHS, one.key
    assert windows >= 2


@given(born=days, days_old=ages_days)
def test_no_safety_note_is_cut(born: date, days_old: int) -> None:
    """All safety notes that are due at an age are shown, each once. The note whose milestone begins latest comes first."""
    found = tips(CATALOGUE, born=born, today=born + timedelta(days=days_old))
    age = age_months(born=born, today=born + timedelta(days=days_old))
    due = [key for key, one in NOTED.items() if one.months[0] - LOOK_AHEAD_MONTHS <= age <= one.months[1] + NOTES_STAY_MONTHS]
    assert [note.milestone for note in found.safety] == sorted(due, key=lambda key: (-NOTED[key].months[0], ORDER[key]))


@pytest.mark.parametrize("today", [date.min, date(2026, 11, 22), date.max], ids=str)
def test_without_a_birth_date_every_note_is_told(today: date) -> None:
    """Without a birth date, all safety notes are shown, because a missing note is worse than a needless one.

    Other tips are not shown, because they need an age.
    """
    found = tips(CATALOGUE, born=None, today=today)
    assert (found.age_months, found.soon, found.now) == (None, (), ())
    assert [note.milestone for note in found.safety] == sorted(NOTED, key=lambda key: (NOTED[key].months[0], ORDER[key]))


# Soon and now


@given(born=days, days_old=ages_days)
def test_what_is_soon_today_is_a_milestone_of_the_next_month(born: date, days_old: int) -> None:
    """`soon` lists exactly the milestones whose first month is the next month. None of them is also in `now`."""
    today = born + timedelta(days=days_old)
    found = tips(CATALOGUE, born=born, today=today)
    age = age_months(born=born, today=today)
    assert age == found.age_months
    assert [tip.milestone for tip in found.soon] == [key for key, one in CATALOGUE.by_key.items() if one.months[0] == age + 1]
    assert not {tip.milestone for tip in found.soon} & {tip.milestone for tip in found.now}


@given(born=days, days_old=ages_days)
def test_what_is_now_is_a_few_of_each_domain_and_of_this_age(born: date, days_old: int) -> None:
    """`now` lists a few milestones of each domain that has any at this age, in the order of the catalogue."""
    today = born + timedelta(days=days_old)
    age = age_months(born=born, today=today)
    found = [CATALOGUE.by_key[tip.milestone] for tip in tips(CATALOGUE, born=born, today=today).now]
    around = Counter(one.domain for one in CATALOGUE.by_key.values() if one.months[0] <= age <= one.months[1])
    assert all(one.months[0] <= age <= one.months[1] for one in found)
    assert Counter(one.domain for one in found) == {domain: min(n, NOW_PER_DOMAIN_MAX) for domain, n in around.items()}
    assert [one.key for one in found] == sorted((one.key for one in found), key=ORDER.__getitem__)


def test_of_many_milestones_those_are_told_that_most_children_are_in_the_midst_of() -> None:
    """`now` shows four milestones of a domain: those whose middle month is nearest to the age.

    If two middle months are equally near, the milestone with fewer months is shown.
    """
    wide, edge, late = milestone("life.wide", (0, 20)), milestone("life.edge", (10, 12)), milestone("life.late", (2, 10))
    midst = [milestone(f"life.midst-{n}", (9, 11)) for n in range(3)]
    found = tips_at(10, catalogue=of(late, edge, wide, *midst)).now
    assert [tip.milestone for tip in found] == ["life.wide", "life.midst-0", "life.midst-1", "life.midst-2"]
    found = tips_at(10, catalogue=of(late, edge, wide, *midst, milestone("life.midst-3", (9, 11)))).now
    assert [tip.milestone for tip in found] == ["life.midst-0", "life.midst-1", "life.midst-2", "life.midst-3"]


def test_every_milestone_of_the_catalogue_is_told_in_its_time() -> None:
    told = {tip.milestone for age in range(-1, 100) for tip in tips_at(age).soon + tips_at(age).now}
    assert told == CATALOGUE.by_key.keys()


def test_there_is_nothing_to_tell_long_before_birth_or_beyond_the_catalogue() -> None:
    last = max(one.months[1] for one in CATALOGUE.by_key.values())
    for age in (-1_000, -2, last + 1, 1_000):
        assert (age, (), (), ()) == msgspec.structs.astuple(tips_at(age))
    assert tips_at(-1).soon
    assert not tips_at(-1).now
    assert tips_at(last).now


# What tips never contain


def test_tips_carry_no_measure_of_the_child() -> None:
    """Tips contain no score, no percentage, no word for "late", and no months, so a parent cannot measure the child by them."""
    found = msgspec.to_builtins(tips_at(9))
    assert found.keys() == {"age_months", "soon", "now", "safety"}
    assert {name for tip in (*found["soon"], *found["now"]) for name in tip} == {"milestone", "title", "domain", "what_counts"}
    assert {name for note in found["safety"] for name in note} == {"milestone", "title", "domain", "safety"}
    assert not re.search(rb"%|\b(?:late|behind|delay\w*|score|should)\b", msgspec.json.encode(found), re.IGNORECASE)
