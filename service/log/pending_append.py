"""Holds a request on its way to the log, and the future of its caller. Decides nothing."""

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
    """A request that waits for its answer. It is answered once: later answers change nothing."""

    request: AppendRequest
    answer: asyncio.Future[Answer]

    @classmethod
    def of(cls, request: AppendRequest) -> Self:
        """Returns a new request as pending."""
        return cls(request, asyncio.get_running_loop().create_future())

    @property
    def family(self) -> FamilyId:
        return self.request.family

    @property
    def drafts(self) -> int:
        """The number of its drafts."""
        return len(self.request.drafts)

    def settle(self, log: LogId, outcome: Outcome) -> None:
        """Answers the request with its outcome."""
        if isinstance(outcome, Refused):
            self.fail(outcome)
        elif not self.answer.done():
            self.answer.set_result((log, outcome))

    def fail(self, error: Exception) -> None:
        """Answers that the request was not written, or that this is unknown."""
        if not self.answer.done():  # else its device has disconnected
            self.answer.set_exception(error)
