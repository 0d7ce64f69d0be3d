"""Remembers the state of families between transactions, and reads it where it is not remembered.

A remembered state is right exactly when the family's head is still where it was left: the transaction that takes the head
compares, and reads the rows again if another process has written meanwhile. So nobody needs to be notified about a change.
"""

from collections import OrderedDict
from typing import Any, Final

import msgspec

from events.ids import FamilyId, MemberId
from projections.feed import Run
from projections.roster import Roster
from projections.subjects import Subject
from projections.surprise_state import SurpriseState
from service.log.store.families import read_last_runs, read_roster, read_surprises
from service.log.store.heads import Head

FAMILIES_MAX: Final = 10_000
"""A state of five members is about 10 KiB."""
HELD_PER_FAMILY: Final = 32
"""So many held events take about as much."""


class Loaded:
    """How much of one member's surprise state was read."""

    __slots__ = ("_subjects", "is_whole")

    def __init__(self, *, is_whole: bool) -> None:
        self.is_whole = is_whole
        """All that is held and met. Else only the held names, and what happened since."""
        self._subjects: set[Subject] = set()
        """The subjects of which was read how far they are met."""

    def missing(self, subjects: set[Subject]) -> set[Subject]:
        """Returns the subjects of which it was not read how far they are met, and counts them as read."""
        if self.is_whole:
            return set()
        missing = subjects - self._subjects
        self._subjects |= missing
        return missing


class FamilyState(msgspec.Struct, frozen=True):
    """A family as of a head."""

    head: Head
    roster: Roster
    last_runs: dict[MemberId, Run]
    surprises: dict[MemberId, SurpriseState]
    loaded: dict[MemberId, Loaded]
    """How much of these was read."""

    @property
    def weight(self) -> int:
        """How many families from whose members nothing is held take as much memory."""
        return 1 + sum(len(state.holds.events) for state in self.surprises.values()) // HELD_PER_FAMILY


class FamilyCache:
    """The states of the families that were written to last, together no heavier than `FAMILIES_MAX`."""

    def __init__(self) -> None:
        self._by_family: OrderedDict[FamilyId, FamilyState] = OrderedDict()
        self._weight = 0

    def take(self, family: FamilyId, head: Head) -> FamilyState | None:
        """Returns the state as of this very head, if that is the one remembered.

        It is the caller's from now on, who changes it, and keeps what has become of it once that is committed.
        """
        state = self._by_family.pop(family, None)
        if state is None:
            return None
        self._weight -= state.weight
        return state if state.head == head else None

    def keep(self, family: FamilyId, state: FamilyState) -> None:
        """Remembers a committed state."""
        if (before := self._by_family.pop(family, None)) is not None:
            self._weight -= before.weight
        self._by_family[family] = state
        self._weight += state.weight
        while self._weight > FAMILIES_MAX:
            self._weight -= self._by_family.popitem(last=False)[1].weight


async def read_state(connection: Any, family: FamilyId, head: Head) -> FamilyState:
    """Reads a family's state, inside of the transaction that holds its head."""
    roster = await read_roster(connection, family)
    last_runs = await read_last_runs(connection, family)
    surprises = await read_surprises(connection, family)
    return FamilyState(head, roster, last_runs, surprises, {member: Loaded(is_whole=False) for member in surprises})
