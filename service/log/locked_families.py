"""Stores the requests of families that another transaction has locked, until the family is free or their time is over.

Owns when a locked family is tried again, and how many drafts of it may wait. Begins no task and reads no clock: times are
arguments.

    taken by a group -----> locked --> set aside --> tried with a later group --> free:   written with that group
                                          ^                   |
                                          +---- locked -------+--> LOCKED_S_MAX over: refused; from then on each try that
                                                                   finds the family locked refuses all its waiting requests
"""

from collections import deque
from typing import Final, Generic, Protocol, TypeVar

from events.errors import Refused
from events.ids import FamilyId

LOCKED_S_MAX: Final = 1.0
"""A push of a locked family is refused after this time; within two seconds in all, whatever other work its group has."""
AGAIN_S_MIN: Final = 0.002
AGAIN_S_MAX: Final = 0.05
"""The longest pause between two tries. One try costs Postgres one look at one row."""
FORGOTTEN_S: Final = 5.0
"""A locked family without a request for this long is treated like every other family at its next request."""
DRAFTS_PER_FAMILY_MAX: Final = 2_000
"""Waiting drafts of one locked family, so that its devices do not fill a queue that other families need."""


class FamilyLocked(Refused):
    """Another transaction holds the family. Nothing was written: send the same request again."""

    code, status, title = "log.unavailable", 503, "The log does not answer"

    def __init__(self) -> None:
        super().__init__("Another transaction holds this family; send the same drafts again.")


class TooLong(Exception):
    """These families have more held events than an act may check while other requests wait. Nothing was written."""

    def __init__(self, families: set[FamilyId]) -> None:
        super().__init__(f"{len(families)} families")
        self.families = families


class Waits(Protocol):
    """The parts of a request that decide how long it may wait."""

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
        """When the request that is being tried began to wait."""
        self.waiting: deque[tuple[float, Waiting]] = deque()
        """The requests, each with the time when it began to wait here."""
        self.drafts = 0


class LockedFamilies(Generic[Waiting]):
    """The requests that were set aside, by family, in their order of arrival."""

    def __init__(self, *, drafts_max: int) -> None:
        self._drafts_max = drafts_max
        self._drafts = 0
        self._by_family: dict[FamilyId, _Locked[Waiting]] = {}

    def __bool__(self) -> bool:
        return self._drafts > 0

    def holds(self, family: FamilyId) -> bool:
        """Returns whether a family was found locked, and not free since: its requests must be set aside."""
        return family in self._by_family

    def has_room(self, family: FamilyId, drafts: int) -> bool:
        """Returns whether this many more drafts of a family may wait here."""
        locked = self._by_family.get(family)
        of_family = locked.drafts if locked is not None else 0
        return of_family + drafts <= DRAFTS_PER_FAMILY_MAX and self._drafts + drafts <= self._drafts_max

    def add(self, waiting: Waiting, now_s: float) -> None:
        """Sets a request aside, after the waiting requests of its family. Check `has_room` before."""
        locked = self._by_family.setdefault(waiting.family, _Locked(now_s))
        locked.asked_at_s = now_s
        locked.waiting.append((now_s, waiting))
        self._count(locked, waiting.drafts)

    def next_at_s(self) -> float | None:
        """Returns the time when the next request is due to be tried or refused; None where none waits."""
        times = [
            min(locked.again_at_s, locked.waiting[0][0] + LOCKED_S_MAX)
            for locked in self._by_family.values()
            if locked.waiting
        ]
        return min(times, default=None)

    def due(self, now_s: float, *, drafts_max: int) -> list[Waiting]:
        """Removes and returns the first request of each family that is due to be tried, up to `drafts_max` drafts.

        At least one, if one is due. The family that has been due longest comes first.
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
        """Puts back the requests that a group found locked, in order. Returns those to be refused, because their time is over.

        Once a family has been locked for `LOCKED_S_MAX`, no request waits for it any more: one try decides.
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
        """Removes a family that is not locked any more. Returns its waiting requests, in order."""
        locked = self._by_family.pop(family, None)
        return [] if locked is None else self._take_all(locked)

    def over(self, now_s: float) -> list[Waiting]:
        """Removes and returns the requests that have waited for `LOCKED_S_MAX`. Forgets families without recent requests."""
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
