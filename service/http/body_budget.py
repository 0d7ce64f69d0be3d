"""Bounds how many bytes of unfinished request bodies one process has in memory, in total and for each sender.

Owns the accounts of one process; knows no route. No request waits for free bytes in a budget. When a budget is full, the oldest
unfinished body is dropped if that body is older than the grace time; otherwise the new bytes are refused. So any number of slow
senders block other senders for at most the grace time. A body that arrives whole within the grace time is never dropped.
"""

import asyncio
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from service.http.problems import BodyNoRoom

MIB: Final = 1024 * 1024


class Gauge(Protocol):
    """A metric that shows how many bytes of unfinished bodies are in memory."""

    def inc(self, amount: float) -> None:
        """Adds `amount` to the metric. The amount may be negative."""


class BudgetShare:
    """The part of a budget that one body takes, from its first bytes until the share is given back."""

    __slots__ = ("_budget", "began_s", "bytes", "is_dropped", "sender", "timeout")

    def __init__(self, budget: "BodyBudget", sender: Hashable, *, began_s: float) -> None:
        self._budget = budget
        self.sender = sender
        self.began_s = began_s
        self.bytes = 0
        self.timeout: asyncio.Timeout | None = None
        """The timeout that ends the reading of the body. None while the body is not being read: then it cannot be dropped."""
        self.is_dropped = False

    def take(self, count: int) -> None:
        """Adds `count` bytes to this share.

        Raises:
            BodyNoRoom: the budget is full, and no other body may be dropped for this one.
        """
        self._budget.take(self, count)

    def drop(self) -> None:
        """Ends the reading of this body and frees its bytes at once."""
        assert self.timeout is not None, "only a body that is being read is dropped"
        self.is_dropped = True
        self.timeout.reschedule(asyncio.get_running_loop().time())
        self._budget.give_back(self)


class _Account:
    """The shares of one budget or of one sender, oldest first, and the sum of their bytes."""

    __slots__ = ("bytes", "bytes_max", "shares")

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0
        self.shares: dict[BudgetShare, None] = {}


class BodyBudget:
    """One budget: `bytes_max` bytes in total, and `bytes_max_each` bytes for each sender.

    Args:
        grace_s: a body younger than this is never dropped to make room for another body.
    """

    def __init__(
        self, *, bytes_max: int, bytes_max_each: int, grace_s: float, gauge: Gauge | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._bytes_max_each = bytes_max_each
        self._grace_s = grace_s
        self._gauge = gauge
        self._clock_s = clock_s
        self._all = _Account(bytes_max)
        self._account_by_sender: dict[Hashable, _Account] = {}

    @property
    def bytes(self) -> int:
        """The sum of the bytes of all shares."""
        return self._all.bytes

    @contextmanager
    def hold(self, sender: Hashable) -> Iterator[BudgetShare]:
        """Opens a share for one body of `sender`, and gives it back when the block ends."""
        share = BudgetShare(self, sender, began_s=self._clock_s())
        try:
            yield share
        finally:
            self.give_back(share)

    def take(self, share: BudgetShare, count: int) -> None:
        """Adds bytes to a share, and drops older bodies if the budget is full.

        Raises:
            BodyNoRoom: no other body may be dropped to make room.
        """
        if share.is_dropped:
            raise BodyNoRoom
        own = self._account_by_sender.setdefault(share.sender, _Account(self._bytes_max_each))
        for account in (own, self._all):
            account.shares[share] = None
        for account in (own, self._all):
            while account.bytes + count > account.bytes_max:
                self._drop_oldest(account, requester=share)
        share.bytes += count
        self._count(own, count)

    def give_back(self, share: BudgetShare) -> None:
        """Frees the bytes of a share. A second call for the same share does nothing."""
        if share not in self._all.shares:
            return
        own = self._account_by_sender[share.sender]
        for account in (own, self._all):
            del account.shares[share]
        if not own.shares:
            del self._account_by_sender[share.sender]
        self._count(own, -share.bytes)
        share.bytes = 0

    def _drop_oldest(self, account: _Account, *, requester: BudgetShare) -> None:
        oldest = next((one for one in account.shares if one is requester or one.timeout is not None), requester)
        if oldest is requester or self._clock_s() - oldest.began_s < self._grace_s:
            raise BodyNoRoom
        oldest.drop()

    def _count(self, own: _Account, count: int) -> None:
        own.bytes += count
        self._all.bytes += count
        if self._gauge is not None:
            self._gauge.inc(count)


class BodyBudgets:
    """The budgets of one process. Each kind of sender has a budget, so that one kind cannot fill the budget of another kind.

    Args:
        gauge_of: returns the gauge of a budget by its name.
    """

    def __init__(self, gauge_of: Callable[[str], Gauge]) -> None:
        def budget(name: str, *, mib: int, mib_each: int, grace_s: float) -> BodyBudget:
            return BodyBudget(bytes_max=mib * MIB, bytes_max_each=mib_each * MIB, grace_s=grace_s, gauge=gauge_of(name))

        self.strangers = budget("strangers", mib=16, mib_each=4, grace_s=2.0)
        """The budget of callers who are not identified before their body is read. Each address has an account."""
        self.keys = budget("keys", mib=32, mib_each=8, grace_s=2.0)
        """The budget of calls with a daycare's key, from an address that has sent a validly signed call with this key before.
        Each key has an account."""
        self.devices = budget("devices", mib=64, mib_each=4, grace_s=2.0)
        """The budget of devices. All devices of one person share one account."""
        self.imports = budget("imports", mib=128, mib_each=32, grace_s=30.0)
        """The budget of imported files. Each person has an account, for one file of the maximum length at a time."""
