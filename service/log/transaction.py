"""Writes roster facts in a transaction of `service/access`, and limits how many such transactions wait for a locked family.

A limit is needed, because each transaction uses a connection of the pool while it waits. Owns which families were found locked
recently.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import asyncpg
from uuid_utils.compat import uuid7

from events.errors import Refused
from events.event import Draft, Precision
from events.ids import EventId, FamilyId, LogId, MemberId
from events.wire import DeviceDraft, ServiceBody
from projections.roster import Member
from service.log.append import Appended, append
from service.log.append_queue import FORGOTTEN_S
from service.log.append_request import AppendRequest, FamilyLocked, Receipt
from service.log.family_batch import FamilyCache, open_family

WAITING_PER_FAMILY_MAX: Final = 2
FAMILIES_MAX: Final = 10_000


class LockWaits:
    """The requests of one process that wait for a family's lock, counted by family, and the families found locked recently."""

    def __init__(self) -> None:
        self._count_by_family: Counter[FamilyId] = Counter()
        self._locked_at_s: OrderedDict[FamilyId, float] = OrderedDict()

    def may_wait(self, family: FamilyId) -> bool:
        """Returns whether a request may wait for a family's lock: not if another request waited in vain a moment ago.

        A request that may not wait tries once to get the lock, and is refused if the family is locked.
        """
        at_s = self._locked_at_s.get(family)
        return at_s is None or time.monotonic() - at_s >= FORGOTTEN_S

    @contextmanager
    def waiting(self, family: FamilyId) -> Iterator[None]:
        """Counts a request while it takes the family's head, and records whether the family was locked.

        Raises:
            FamilyLocked: enough requests wait for this family already, or this one has waited in vain.
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


class LogTransaction:
    """A transaction of `service/access`, with its own statements on `conn` and with roster facts for the log of one family."""

    def __init__(self, conn: Any, now: datetime, waits: LockWaits) -> None:
        self.conn = conn
        self.now = now
        self._waits = waits
        self.appended: list[Appended] = []

    async def open_family(self, family: FamilyId) -> None:
        """Adds the head row of a new log."""
        await open_family(self.conn, family, log=LogId(uuid4()), at=self.now)

    async def write(self, *, family: FamilyId, author: MemberId, facts: Sequence[ServiceBody]) -> None:
        """Appends roster facts. The caller has decided that they may be written.

        Raises:
            FamilyLocked: another transaction has locked the family.
        """
        drafts = tuple(drafted(fact, self.now) for fact in facts)
        request = AppendRequest(family=family, author=author, drafts=drafts, by_service=True)
        self.appended.append(await self._append(request))

    async def choose(self, *, family: FamilyId, joiner: Member, drafts: tuple[DeviceDraft, ...]) -> tuple[Receipt, ...]:
        """Appends the choices of a member who is about to join.

        The choices come before the joining, so that they also hold events of the history from this member.
        """
        request = AppendRequest(family=family, author=joiner.member, drafts=drafts, joiner=joiner)
        appended = await self._append(request)
        self.appended.append(appended)
        receipts = appended.receipts[0]
        if isinstance(receipts, Refused):
            raise receipts
        return receipts

    async def _append(self, request: AppendRequest) -> Appended:
        with self._waits.waiting(request.family):
            may_wait = self._waits.may_wait(request.family)
            appended = await append(self.conn, [request], now=self.now, cache=FamilyCache(), waits=may_wait)
            if isinstance(appended.receipts[0], FamilyLocked):
                raise appended.receipts[0]
            return appended


def drafted(fact: ServiceBody, now: datetime) -> Draft[Any]:
    """Returns the draft of a fact that the service writes now."""
    return Draft(id=EventId(uuid7()), occurred_at=now, precision=Precision.MINUTE, recorded_at=now, event=fact)
