"""Limits how many requests hold a connection of the pool while they wait for a locked family.

These are the requests of the access code, which write in transactions of their own. Owns which families were found locked
recently. Knows no rows.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from events.ids import FamilyId
from service.log.locked_families import FORGOTTEN_S, FamilyLocked

WAITING_PER_FAMILY_MAX: Final = 2
FAMILIES_MAX: Final = 10_000


class LockWaits:
    """The number of waiting requests by family, in one process."""

    def __init__(self) -> None:
        self._count_by_family: Counter[FamilyId] = Counter()
        self._locked_at_s: OrderedDict[FamilyId, float] = OrderedDict()

    def may_wait(self, family: FamilyId) -> bool:
        """Returns whether a request should wait for a family's lock: not if another one waited in vain a moment ago.

        Then one attempt without waiting decides.
        """
        at_s = self._locked_at_s.get(family)
        return at_s is None or time.monotonic() - at_s >= FORGOTTEN_S

    @contextmanager
    def waiting(self, family: FamilyId) -> Iterator[None]:
        """Counts a request while it takes the family's head, and records whether the family was locked.

        Raises:
            FamilyLocked: enough requests of this family wait already, or it was locked for as long as the request could wait.
        """
        if self._count_by_family[family] >= WAITING_PER_FAMILY_MAX:
            raise FamilyLocked
        self._count_by_family[family] += 1
        try:
            yield
        except (FamilyLocked, asyncpg.LockNotAvailableError):
            self._note_locked(family)
            raise FamilyLocked from None
        else:
            self._locked_at_s.pop(family, None)
        finally:
            self._count_by_family[family] -= 1
            if not self._count_by_family[family]:
                del self._count_by_family[family]

    def _note_locked(self, family: FamilyId) -> None:
        self._locked_at_s[family] = time.monotonic()
        self._locked_at_s.move_to_end(family)
        if len(self._locked_at_s) > FAMILIES_MAX:
            self._locked_at_s.popitem(last=False)
