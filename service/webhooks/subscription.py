"""Hears that a member was told something, for one webhook of theirs. A `Listener` of wake-ups; decides nothing."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from events.ids import DeviceId, FamilyId, MemberId
from service.webhooks.egress_policy import ParsedUrl
from service.webhooks.store import WebhookKey

NO_DEVICE: Final = DeviceId(UUID(int=0))
"""A webhook is its member's and not a device's: it outlives the phone on which it was made."""


class Subscription:
    """One webhook, as the sender of a process knows it."""

    __slots__ = ("_call", "_end", "is_failing", "is_slow", "key", "target")

    def __init__(
        self, key: WebhookKey, *, target: ParsedUrl, call: Callable[["Subscription"], None], end: Callable[[WebhookKey], None]
    ) -> None:
        self.key = key
        self.target = target
        self.is_failing = False
        self.is_slow = False
        self._call = call
        self._end = end

    @property
    def family(self) -> FamilyId:
        return self.key.family

    @property
    def member(self) -> MemberId:
        return self.key.member

    @property
    def device(self) -> DeviceId:
        return NO_DEVICE

    def hear_told(self) -> None:
        # While it waits for its next attempt, a new entry changes nothing: the look finds when that is due.
        if not self.is_failing:
            self._call(self)

    def hear_ended(self) -> None:
        self._end(self.key)
