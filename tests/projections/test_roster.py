"""Tests the roster: of two facts about the same child, member or home, the fact that is later in the log counts."""

from datetime import date, timedelta
from functools import reduce
from typing import Any

import pytest

from events.event import Event
from events.family import ChildCorrected, HouseholdRenamed, MemberLeft, MemberRenamed
from projections import roster
from projections.roster import Child, Roster
from tests.families import Family
from tests.histories import NOON, Told, happened

FAMILY = Family()


def folded(*events: Event[Any]) -> Roster:
    """Returns the roster after these events, of a family in which all members have joined."""
    return reduce(roster.step, events, Told.of_everybody(FAMILY).folded.roster)


def test_a_correction_says_all_that_is_known_of_a_child() -> None:
    """A correction replaces all facts about a child. After a correction without a birth date, the birth date is unknown."""
    corrected = ChildCorrected(child=FAMILY.child, name="Maja", born=date(2026, 1, 31))
    unknown = ChildCorrected(child=FAMILY.child, name="Maja")
    assert folded(happened(FAMILY.ada, corrected)).children[FAMILY.child] == Child(
        child=FAMILY.child, name="Maja", born=date(2026, 1, 31)
    )
    after = folded(happened(FAMILY.ada, corrected), happened(FAMILY.ben, unknown))
    assert after.children[FAMILY.child].born is None
    assert after.children[FAMILY.sibling].name == "Noah"


def test_a_clock_that_goes_back_undoes_no_correction() -> None:
    """A member's last name in the log counts, even if its `recorded_at` is earlier than that of the name before."""
    first = happened(FAMILY.ada, MemberRenamed(member=FAMILY.ada, name="One"), recorded_at=NOON + timedelta(seconds=5))
    second = happened(FAMILY.ada, MemberRenamed(member=FAMILY.ada, name="Two"), recorded_at=NOON)
    assert folded(first, second).members[FAMILY.ada].name == "Two"


def test_a_name_changes_nothing_but_the_name() -> None:
    """Law 6: a new name of a member or home changes no role, no audience and no other name."""
    before = folded()
    after = folded(
        happened(FAMILY.ben, MemberRenamed(member=FAMILY.ben, name="Benno")),
        happened(FAMILY.ben, HouseholdRenamed(household=FAMILY.other_home, name="Elsewhere")),
    )
    assert (after.members[FAMILY.ben].name, after.households[FAMILY.other_home]) == ("Benno", "Elsewhere")
    assert (after.readers, after.present, after.parents) == (before.readers, before.present, before.parents)
    assert {one: home for one, home in after.households.items() if one != FAMILY.other_home} == {FAMILY.home: "Home"}


@pytest.mark.parametrize(
    "fact",
    [
        ChildCorrected(child=FAMILY.child, name="Maja"),
        MemberRenamed(member=FAMILY.ben, name="Benno"),
        HouseholdRenamed(household=FAMILY.home, name="The flat"),
    ],
)
def test_everybody_present_is_told_whatever_they_see_and_who_has_left_is_not(fact: Any) -> None:
    """Law 10: a new name is delivered to every present member, because each device needs the names to show the feed."""
    told = Told.of_everybody(FAMILY)
    told.add(happened(FAMILY.granny, MemberLeft(member=FAMILY.granny)))
    assert set(told.add(happened(FAMILY.ada, fact))) == {*FAMILY.members} - {FAMILY.granny}
