"""Queues the requests that wait for a committer, and selects those of the next transaction.

Owns their order, and how many may wait. Begins no transaction.
"""

import time
from collections import deque
from collections.abc import Sequence

from events.errors import Refused
from events.ids import FamilyId
from service.log.locked_families import FamilyLocked, LockedFamilies
from service.log.pending_append import PendingAppend


class LogBusy(Refused):
    """Too many drafts are waiting for the log. Nothing was written: send them again in a moment."""

    code, status, title = "log.busy", 503, "The log is busy"

    def __init__(self, detail: str = "Too many drafts are waiting; send these again in a moment.") -> None:
        super().__init__(detail)


class AppendQueue:
    """A first-in-first-out queue. Requests of a locked family are set aside, and tried again from time to time."""

    def __init__(self, *, drafts_max: int, drafts_per_transaction: int, one_family: bool) -> None:
        """Opens an empty queue. `one_family`: each transaction takes the requests of one family alone."""
        self._drafts_max = drafts_max
        self._drafts_per_transaction = drafts_per_transaction
        self._one_family = one_family
        self._waiting: deque[PendingAppend] = deque()
        self._drafts = 0
        self._aside: LockedFamilies[PendingAppend] = LockedFamilies(drafts_max=drafts_max)

    def __bool__(self) -> bool:
        """Returns whether any request waits."""
        return bool(self._waiting) or bool(self._aside)

    @property
    def has_fresh(self) -> bool:
        """Whether any request waits that was not set aside."""
        return bool(self._waiting)

    def add(self, request: PendingAppend) -> None:
        """Adds a request.

        Raises:
            LogBusy: the queue is full, or too many drafts of this locked family wait.
        """
        if self._aside.holds(request.family):
            if not self._aside.has_room(request.family, request.drafts):
                raise LogBusy("Too many drafts of this family are waiting; send these again in a moment.")
            self._aside.add(request, time.monotonic())
            return
        if self._drafts + request.drafts > self._drafts_max:
            raise LogBusy
        self._waiting.append(request)
        self._drafts += request.drafts

    def gather(self) -> list[PendingAppend]:
        """Removes and returns the requests of the next transaction; none if nothing waits.

        Requests of families that may still be locked fill at most half of it.
        """
        batch = self._aside.due(time.monotonic(), drafts_max=1 if self._one_family else self._drafts_per_transaction // 2)
        count = sum(request.drafts for request in batch)
        while self._waiting:
            first = self._waiting[0]
            is_aside = self._aside.holds(first.family)
            is_over = first.answer.done()  # its caller waits no longer
            if batch and not is_aside and not is_over and not self._fits(first, batch, count):
                break
            self._drafts -= self._waiting.popleft().drafts
            if is_over:
                continue
            if is_aside:
                self._set_aside(first)
                continue
            batch.append(first)
            count += first.drafts
        return batch

    def _fits(self, request: PendingAppend, batch: list[PendingAppend], count: int) -> bool:
        is_of_it = not self._one_family or request.family == batch[0].family
        return is_of_it and count + request.drafts <= self._drafts_per_transaction

    def _set_aside(self, request: PendingAppend) -> None:
        try:
            self.add(request)
        except LogBusy as busy:
            request.fail(busy)

    def found_free(self, family: FamilyId) -> None:
        """Moves the requests of a family that were set aside to the front of the queue."""
        freed = self._aside.found_free(family)
        self._waiting.extendleft(reversed(freed))
        self._drafts += sum(request.drafts for request in freed)

    def found_locked(self, tried: list[PendingAppend]) -> None:
        """Sets aside the requests of a group whose families were locked, and refuses those that have waited too long."""
        self._refuse(self._aside.found_locked(tried, time.monotonic()))

    def refuse_late(self) -> None:
        """Refuses the requests that were set aside and have waited too long."""
        self._refuse(self._aside.over(time.monotonic()))

    def fail_all(self, error: Exception) -> None:
        """Answers all requests that were not set aside with an error."""
        for request in self._waiting:
            request.fail(error)
        self._waiting.clear()
        self._drafts = 0

    def next_in_s(self) -> float | None:
        """Returns the seconds until a request that was set aside is due; None if there is none."""
        at_s = self._aside.next_at_s()
        return None if at_s is None else max(0.0, at_s - time.monotonic())

    def _refuse(self, locked: Sequence[PendingAppend]) -> None:
        for request in locked:
            request.fail(FamilyLocked())
