"""Receives the notifier's calls for one webhook, and passes them to the sender.

A failing webhook is not queued for a turn, because a poll finds when its next attempt is due.
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from events.ids import DeviceId, FamilyId, MemberId
from service.webhooks.egress_policy import ParsedUrl
from service.webhooks.store import WebhookKey

NO_DEVICE: Final = DeviceId(UUID(int=0))
"""The device id of every subscription, a placeholder: a webhook belongs to a member and not to a device."""


class Subscription:
    """The state of one webhook in this process's memory. The notifier calls `notice_entries` and `end`."""

    __slots__ = ("_end", "_enqueue", "is_failing", "is_slow", "key", "target")

    def __init__(
        self, key: WebhookKey, *, target: ParsedUrl, enqueue: Callable[["Subscription"], None], end: Callable[[WebhookKey], None]
    ) -> None:
        self.key = key
        self.target = target
        self.is_failing = False
        self.is_slow = False
        self._enqueue = enqueue
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

    def notice_entries(self) -> None:
        # A poll finds when the next attempt of a failing webhook is due.
        if not self.is_failing:
            self._enqueue(self)

    def end(self) -> None:
        self._end(self.key)
