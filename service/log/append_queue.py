"""Queues the requests that wait for a committer, selects those of the next transaction, and answers them.

Owns their order, how many may wait, and when a locked family is tried again. Begins no transaction and no task.

A group is the requests of one transaction.

    waiting --> taken by a group --> family is free: answered, and the family's other requests
       ^             |                  that were set aside go to the front of the queue
       |             v
       |          family is locked --> set aside --> tried with a later group --> free
       |                        ^                   |
       |                        +---- locked -------+--> LOCKED_S_MAX over: refused; from then on each try that
       +---- no request for FORGOTTEN_S                  finds the family locked refuses all its waiting requests
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from events.errors import Refused
from events.ids import FamilyId, LogId
from service.log.append_request import AppendRequest, FamilyLocked, LogBusy, LogUnavailable, Outcome, Receipt

LOCKED_S_MAX: Final = 1.0
"""The longest time that a request of a locked family is set aside. Then it is refused: at most two seconds after its arrival,
whatever other work its group has."""
AGAIN_S_MIN: Final = 0.002
AGAIN_S_MAX: Final = 0.05
"""The longest pause between two tries to lock a family. For one try Postgres looks at one row."""
FORGOTTEN_S: Final = 5.0
"""A locked family without a request for this long is treated like every other family at its next request."""
DRAFTS_PER_FAMILY_MAX: Final = 2_000
"""The maximum of waiting drafts of one locked family, so that its devices do not fill a queue that other families need."""

Answer = tuple[LogId, tuple[Receipt, ...]]
"""The id of the family's log, and the receipts of the drafts."""


class PendingAppend:
    """A request on its way to the log, and the future of its caller. It is answered once: later answers change nothing."""

    __slots__ = ("answer", "aside_at_s", "drafts", "family", "request")

    def __init__(self, request: AppendRequest) -> None:
        self.request = request
        self.family = request.family
        self.drafts = len(request.drafts)
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.aside_at_s = 0.0
        """When the request was first set aside for the present lock, by the monotonic clock; 0 if it was not set aside."""

    def settle(self, log: LogId, outcome: Outcome) -> None:
        """Answers the request with its outcome: the receipts, or the reason to refuse it."""
        if isinstance(outcome, Refused):
            self.fail(outcome)
        elif not self.answer.done():
            self.answer.set_result((log, outcome))

    def fail(self, error: Exception) -> None:
        """Answers the request with an error: its drafts were not written, or nobody knows whether they were."""
        if not self.answer.done():  # else its device has disconnected
            self.answer.set_exception(error)

    def give_up(self) -> None:
        """Answers, because the request's time is over, that nobody knows whether its drafts were written."""
        self.fail(LogUnavailable("The log does not answer; send the same drafts again."))


class LockedFamily:
    """A family that was found locked, with the requests of it that were set aside, in their order of arrival."""

    def __init__(self, now_s: float) -> None:
        self.since_s = self.asked_at_s = now_s
        self.pause_s = AGAIN_S_MIN
        self.again_at_s = now_s + AGAIN_S_MIN
        self.waiting: deque[PendingAppend] = deque()
        self.drafts = 0


class AppendQueue:
    """A first-in-first-out queue. Requests of a locked family are set aside, and tried again from time to time."""

    def __init__(self, *, drafts_max: int, drafts_per_transaction: int, one_family: bool) -> None:
        """Opens an empty queue. `one_family`: each transaction takes the requests of one family alone."""
        self._drafts_max = drafts_max
        self._drafts_per_transaction = drafts_per_transaction
        self._one_family = one_family
        self._waiting: deque[PendingAppend] = deque()
        self._drafts = 0
        self._locked: dict[FamilyId, LockedFamily] = {}
        self._drafts_aside = 0

    def __bool__(self) -> bool:
        """Returns whether any request waits."""
        return bool(self._waiting) or self._drafts_aside > 0

    @property
    def has_fresh(self) -> bool:
        """Whether any request waits in the queue itself. Requests that were set aside do not count."""
        return bool(self._waiting)

    def add(self, request: PendingAppend) -> None:
        """Adds a request.

        Raises:
            LogBusy: the queue is full, or the family is locked and too many of its drafts wait.
        """
        if (locked := self._locked.get(request.family)) is not None:
            self._set_aside(request, locked)
            return
        if self._drafts + request.drafts > self._drafts_max:
            raise LogBusy
        self._waiting.append(request)
        self._drafts += request.drafts

    def gather(self) -> list[PendingAppend]:
        """Removes and returns the requests of the next transaction; none if no request waits.

        Refuses requests that were set aside for too long. Requests of families that may still be locked fill at most half of the
        transaction.
        """
        batch = self._due() if self._locked else []
        count = sum(request.drafts for request in batch)
        while self._waiting:
            first = self._waiting[0]
            locked = self._locked.get(first.family)
            is_over = first.answer.done()  # its caller waits no longer
            if batch and locked is None and not is_over and not self._fits(first, batch, count):
                break
            self._drafts -= self._waiting.popleft().drafts
            if is_over:
                continue
            if locked is None:
                first.aside_at_s = 0.0  # it may have been set aside before, while its family was locked
                batch.append(first)
                count += first.drafts
                continue
            try:
                self._set_aside(first, locked)
            except LogBusy as busy:
                first.fail(busy)
        return batch

    def _fits(self, request: PendingAppend, batch: list[PendingAppend], count: int) -> bool:
        is_of_it = not self._one_family or request.family == batch[0].family
        return is_of_it and count + request.drafts <= self._drafts_per_transaction

    def fail_all(self, error: Exception) -> None:
        """Answers with an error all requests that were not set aside."""
        for request in self._waiting:
            request.fail(error)
        self._waiting.clear()
        self._drafts = 0

    # Locked families.

    def _set_aside(self, request: PendingAppend, locked: LockedFamily) -> None:
        is_full = locked.drafts + request.drafts > DRAFTS_PER_FAMILY_MAX
        if is_full or self._drafts_aside + request.drafts > self._drafts_max:
            raise LogBusy("Too many drafts of this family are waiting; send these again in a moment.")
        locked.asked_at_s = request.aside_at_s = time.monotonic()
        locked.waiting.append(request)
        self._count(locked, request.drafts)

    def _due(self) -> list[PendingAppend]:
        """Removes and returns the first request of each locked family that is due to be tried, in the order of due times.

        Refuses the requests that were set aside for `LOCKED_S_MAX`, and forgets families without recent requests.
        """
        now_s = time.monotonic()
        for family, locked in tuple(self._locked.items()):
            while locked.waiting and now_s - locked.waiting[0].aside_at_s >= LOCKED_S_MAX:
                self._first_of(locked).fail(FamilyLocked())
            if not locked.waiting and now_s - locked.asked_at_s >= FORGOTTEN_S:
                del self._locked[family]
        due = [locked for locked in self._locked.values() if locked.waiting and locked.again_at_s <= now_s]
        drafts_max = 1 if self._one_family else self._drafts_per_transaction // 2
        batch: list[PendingAppend] = []
        count = 0
        for locked in sorted(due, key=lambda one: one.again_at_s):
            count += locked.waiting[0].drafts
            if batch and count > drafts_max:
                break
            batch.append(self._first_of(locked))
        return batch

    def next_in_s(self) -> float | None:
        """Returns the seconds until a request that was set aside is to be tried or refused; None if there is none."""
        return min(
            [
                max(0.0, min(locked.again_at_s, locked.waiting[0].aside_at_s + LOCKED_S_MAX) - time.monotonic())
                for locked in self._locked.values()
                if locked.waiting
            ],
            default=None,
        )

    def found_free(self, family: FamilyId) -> None:
        """Moves the requests that were set aside for a locked family to the front of the queue: the family is free again."""
        if (locked := self._locked.pop(family, None)) is not None:
            self._waiting.extendleft(reversed(locked.waiting))
            self._drafts += locked.drafts
            self._count(locked, -locked.drafts)

    def found_locked(self, tried: Sequence[PendingAppend]) -> None:
        """Sets aside the requests of a group whose families were locked, in their order of arrival.

        Once a family has been locked for `LOCKED_S_MAX`, no request waits for it any more: all its requests are refused.
        """
        now_s = time.monotonic()
        for one in reversed(tried):
            one.aside_at_s = one.aside_at_s or now_s
            locked = self._locked.setdefault(one.family, LockedFamily(now_s))
            locked.waiting.appendleft(one)
            self._count(locked, one.drafts)
        for family in {one.family for one in tried}:
            locked = self._locked[family]
            locked.pause_s = min(locked.pause_s * 2, AGAIN_S_MAX)
            locked.again_at_s = now_s + locked.pause_s
            while locked.waiting and now_s - locked.since_s >= LOCKED_S_MAX:
                self._first_of(locked).fail(FamilyLocked())

    def _first_of(self, locked: LockedFamily) -> PendingAppend:
        first = locked.waiting.popleft()
        self._count(locked, -first.drafts)
        return first

    def _count(self, locked: LockedFamily, drafts: int) -> None:
        locked.drafts += drafts
        self._drafts_aside += drafts
