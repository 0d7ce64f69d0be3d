"""An offer on its way to the log, and who waits for its answer. Decides nothing."""

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
    """An offer without an answer. It is answered once: what comes later changes nothing."""

    offer: AppendRequest
    answer: asyncio.Future[Answer]

    @classmethod
    def of(cls, offer: AppendRequest) -> Self:
        """An offer that was made now."""
        return cls(offer, asyncio.get_running_loop().create_future())

    @property
    def family(self) -> FamilyId:
        return self.offer.family

    @property
    def drafts(self) -> int:
        """How many they are."""
        return len(self.offer.drafts)

    def settle(self, log: LogId, outcome: Outcome) -> None:
        """Answer what became of the offer."""
        if isinstance(outcome, Refused):
            self.fail(outcome)
        elif not self.answer.done():
            self.answer.set_result((log, outcome))

    def fail(self, error: Exception) -> None:
        """Answer that the offer was not written, or that nobody knows."""
        if not self.answer.done():  # else its device went away
            self.answer.set_exception(error)
