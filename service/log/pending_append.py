"""A request on its way to the log, and who waits for its answer. Decides nothing."""

import asyncio
from typing import Self

import msgspec

from events.errors import Refused
from events.ids import FamilyId, LogId
from service.log.append_request import AppendRequest
from service.log.batch import Outcome
from service.log.receipts import Receipt

Answer = tuple[LogId, tuple[Receipt, ...]]
"""The log that the drafts are in, and their receipts."""


class PendingAppend(msgspec.Struct, frozen=True, eq=False):
    """A request without an answer. It is answered once: what comes later changes nothing."""

    request: AppendRequest
    answer: asyncio.Future[Answer]

    @classmethod
    def of(cls, request: AppendRequest) -> Self:
        """A request that was made now."""
        return cls(request, asyncio.get_running_loop().create_future())

    @property
    def family(self) -> FamilyId:
        return self.request.family

    @property
    def drafts(self) -> int:
        """How many they are."""
        return len(self.request.drafts)

    def settle(self, log: LogId, outcome: Outcome) -> None:
        """Answer what became of the request."""
        if isinstance(outcome, Refused):
            self.fail(outcome)
        elif not self.answer.done():
            self.answer.set_result((log, outcome))

    def fail(self, error: Exception) -> None:
        """Answer that the request was not written, or that nobody knows."""
        if not self.answer.done():  # else its device went away
            self.answer.set_exception(error)
