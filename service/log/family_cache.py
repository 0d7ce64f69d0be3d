"""Caches the state of families between transactions, and reads it where it is not cached.

A cached state is right exactly while the family's head is unchanged: the transaction that takes the head compares the two, and
reads the rows again if another process has written meanwhile. So no process has to notify another of a change.
"""

from collections import OrderedDict
from typing import Any, Final

import msgspec

from events.ids import FamilyId, MemberId
from projections.feed import Run
from projections.logged_event import Subject
from projections.roster import Roster
from projections.surprise_state import SurpriseState
from service.log.store.families import read_last_runs, read_roster, read_surprises
from service.log.store.heads import Head

FAMILIES_MAX: Final = 10_000
"""The state of a family with five members takes about 10 KiB."""
HELD_PER_FAMILY: Final = 32
"""The number of held events that take about as much memory as one such state."""


class Loaded:
    """The parts of one member's surprise state that were read."""

    __slots__ = ("_subjects", "is_whole")

    def __init__(self, *, is_whole: bool) -> None:
        self.is_whole = is_whole
        """Whether all that is held and met was read. Else only the held names are known, and what happened since."""
        self._subjects: set[Subject] = set()
        """The subjects for which was read whether they are met."""

    def missing(self, subjects: set[Subject]) -> set[Subject]:
        """Returns the subjects for which was not read yet whether they are met, and counts them as read from now on."""
        if self.is_whole:
            return set()
        missing = subjects - self._subjects
        self._subjects |= missing
        return missing


class FamilyState(msgspec.Struct, frozen=True):
    """The state of a family at one position of its head."""

    head: Head
    roster: Roster
    last_runs: dict[MemberId, Run]
    surprises: dict[MemberId, SurpriseState]
    loaded: dict[MemberId, Loaded]
    """The parts of `surprises` that were read."""

    @property
    def weight(self) -> int:
        """The memory that it takes, in families without any held events."""
        return 1 + sum(len(state.holds.events) for state in self.surprises.values()) // HELD_PER_FAMILY


class FamilyCache:
    """The states of the families that were written to last, up to a total weight of `FAMILIES_MAX`."""

    def __init__(self) -> None:
        self._by_family: OrderedDict[FamilyId, FamilyState] = OrderedDict()
        self._weight = 0

    def take(self, family: FamilyId, head: Head) -> FamilyState | None:
        """Removes and returns the state of a family, if the cached state belongs to exactly this head.

        The caller owns it from now on: it may change the state, and calls `keep` with the result once that is committed.
        """
        state = self._by_family.pop(family, None)
        if state is None:
            return None
        self._weight -= state.weight
        return state if state.head == head else None

    def keep(self, family: FamilyId, state: FamilyState) -> None:
        """Caches a committed state."""
        if (before := self._by_family.pop(family, None)) is not None:
            self._weight -= before.weight
        self._by_family[family] = state
        self._weight += state.weight
        while self._weight > FAMILIES_MAX:
            self._weight -= self._by_family.popitem(last=False)[1].weight


async def read_state(connection: Any, family: FamilyId, head: Head) -> FamilyState:
    """Reads a family's state, inside the transaction that holds its head."""
    roster = await read_roster(connection, family)
    last_runs = await read_last_runs(connection, family)
    surprises = await read_surprises(connection, family)
    return FamilyState(head, roster, last_runs, surprises, {member: Loaded(is_whole=False) for member in surprises})
