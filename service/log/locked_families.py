"""Keeps the requests of families that another transaction has locked, until the family is free or their time is over.

Owns when a locked family is tried again, and how much of it may wait. Begins no task and reads no clock: times are
arguments.

    taken up by a group --> locked --> set aside --> tried with a later group --> free:   written with that group
                                          ^                   |
                                          +---- locked -------+--> LOCKED_S_MAX over: refused, and from then on each try
                                                                   that finds the family locked refuses all that waits
"""

from collections import deque
from typing import Final, Generic, Protocol, TypeVar

from events.errors import Refused
from events.ids import FamilyId

LOCKED_S_MAX: Final = 1.0
"""A push of a locked family is refused after this long: within two seconds, whatever its group had to do besides."""
AGAIN_S_MIN: Final = 0.002
AGAIN_S_MAX: Final = 0.05
"""One try costs Postgres one look at one row."""
FORGOTTEN_S: Final = 5.0
"""A locked family that requests nothing for so long is tried as every other one when it does."""
DRAFTS_PER_FAMILY_MAX: Final = 2_000
"""Of a locked family, so that its devices fill no queue that others need."""


class FamilyLocked(Refused):
    """Another transaction holds the family. Nothing was written: request the same again."""

    code, status, title = "log.unavailable", 503, "The log does not answer"

    def __init__(self) -> None:
        super().__init__("Another transaction holds this family; send the same drafts again.")


class TooLong(Exception):
    """More is held in these families than an act may look at while others wait for it. Nothing was written."""

    def __init__(self, families: set[FamilyId]) -> None:
        super().__init__(f"{len(families)} families")
        self.families = families


class Waits(Protocol):
    """One request, as far as it concerns how long it may wait."""

    @property
    def family(self) -> FamilyId: ...

    @property
    def drafts(self) -> int: ...


Waiting = TypeVar("Waiting", bound=Waits)


class _Locked(Generic[Waiting]):
    """One locked family."""

    def __init__(self, now_s: float) -> None:
        self.since_s = self.asked_at_s = now_s
        self.pause_s = AGAIN_S_MIN
        self.again_at_s = now_s + AGAIN_S_MIN
        self.tried_since_s = now_s
        """Since when the request waits that is being tried."""
        self.waiting: deque[tuple[float, Waiting]] = deque()
        """Each with the time since when it waits here."""
        self.drafts = 0


class LockedFamilies(Generic[Waiting]):
    """What was set aside, by family, in the order in which it was requested."""

    def __init__(self, *, drafts_max: int) -> None:
        self._drafts_max = drafts_max
        self._drafts = 0
        self._by_family: dict[FamilyId, _Locked[Waiting]] = {}

    def __bool__(self) -> bool:
        return self._drafts > 0

    def holds(self, family: FamilyId) -> bool:
        """Whether the family was found locked, and not free since: what it requests is to be set aside."""
        return family in self._by_family

    def has_room(self, family: FamilyId, drafts: int) -> bool:
        """Whether so many drafts more of a family may wait here."""
        locked = self._by_family.get(family)
        of_family = locked.drafts if locked is not None else 0
        return of_family + drafts <= DRAFTS_PER_FAMILY_MAX and self._drafts + drafts <= self._drafts_max

    def add(self, waiting: Waiting, now_s: float) -> None:
        """Set a request aside behind what waits of its family. Ask before whether there is room."""
        locked = self._by_family.setdefault(waiting.family, _Locked(now_s))
        locked.asked_at_s = now_s
        locked.waiting.append((now_s, waiting))
        self._count(locked, waiting.drafts)

    def next_at_s(self) -> float | None:
        """When somebody is due to be tried or refused; None where nobody waits."""
        times = [
            min(locked.again_at_s, locked.waiting[0][0] + LOCKED_S_MAX)
            for locked in self._by_family.values()
            if locked.waiting
        ]
        return min(times, default=None)

    def due(self, now_s: float, *, drafts_max: int) -> list[Waiting]:
        """Take the first request of each family that is due to be tried, as far as they fit; at least one, if one is due.

        The family that has waited longest for its turn comes first.
        """
        found: list[Waiting] = []
        drafts = 0
        due = [locked for locked in self._by_family.values() if locked.waiting and locked.again_at_s <= now_s]
        for locked in sorted(due, key=lambda one: one.again_at_s):
            first = locked.waiting[0][1]
            if found and drafts + first.drafts > drafts_max:
                break
            locked.tried_since_s, _ = locked.waiting.popleft()
            found.append(first)
            drafts += first.drafts
            self._count(locked, -first.drafts)
        return found

    def found_locked(self, tried: list[Waiting], now_s: float) -> list[Waiting]:
        """Put back what a group found locked, in its order; gives what is not to be tried again, because its time is over.

        Nobody waits for a family that has been locked for longer than anybody waits: then one try decides.
        """
        for one in reversed(tried):
            locked = self._by_family.setdefault(one.family, _Locked(now_s))
            locked.waiting.appendleft((locked.tried_since_s, one))
            self._count(locked, one.drafts)
        over: list[Waiting] = []
        for family in dict.fromkeys(one.family for one in tried):
            locked = self._by_family[family]
            locked.pause_s = min(locked.pause_s * 2, AGAIN_S_MAX)
            locked.again_at_s = now_s + locked.pause_s
            if now_s - locked.since_s >= LOCKED_S_MAX:
                over += self._take_all(locked)
        return over

    def found_free(self, family: FamilyId) -> list[Waiting]:
        """Forget that a family was locked; gives what else of it waits, in its order."""
        locked = self._by_family.pop(family, None)
        return [] if locked is None else self._take_all(locked)

    def over(self, now_s: float) -> list[Waiting]:
        """Take what has waited for as long as anything may."""
        over: list[Waiting] = []
        for family, locked in tuple(self._by_family.items()):
            while locked.waiting and now_s - locked.waiting[0][0] >= LOCKED_S_MAX:
                _, one = locked.waiting.popleft()
                self._count(locked, -one.drafts)
                over.append(one)
            if not locked.waiting and now_s - locked.asked_at_s >= FORGOTTEN_S:
                del self._by_family[family]
        return over

    def _take_all(self, locked: _Locked[Waiting]) -> list[Waiting]:
        taken = [one for _, one in locked.waiting]
        locked.waiting.clear()
        self._count(locked, -locked.drafts)
        return taken

    def _count(self, locked: _Locked[Waiting], drafts: int) -> None:
        locked.drafts += drafts
        self._drafts += drafts
