"""Bounds the bytes of request bodies that are held while they arrive, in all and for each sender.

Owns the accounts of one process; knows no route. Nobody waits for room: when a budget is full, the body that has been
arriving for longest is dropped, if it had its time, and else the one that asks. So whoever sends slowly holds up nobody for
longer than that time, however many they are; and who has sent a body whole within it is never dropped.
"""

import asyncio
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from service.http.problems import BodyNoRoom

MIB: Final = 1024 * 1024


class Gauge(Protocol):
    """Shows how much is held."""

    def inc(self, amount: float) -> None:
        """Show that much more, or less."""


class BudgetShare:
    """What one body takes of a budget, from its first bytes until it is given back."""

    __slots__ = ("_budget", "began_s", "bytes", "is_dropped", "timeout", "who")

    def __init__(self, budget: "BodyBudget", who: Hashable, *, began_s: float) -> None:
        self._budget = budget
        self.who = who
        self.began_s = began_s
        self.bytes = 0
        self.timeout: asyncio.Timeout | None = None
        """Ends the reading of the body; None while it is not being read, and cannot be dropped."""
        self.is_dropped = False

    def take(self, count: int) -> None:
        """Hold more bytes.

        Raises:
            BodyNoRoom: of what is held, this body is the one to give way.
        """
        self._budget.take(self, count)

    def drop(self) -> None:
        """End the reading of this body; what it took is free at once."""
        assert self.timeout is not None, "only what is being read is dropped"
        self.is_dropped = True
        self.timeout.reschedule(asyncio.get_running_loop().time())
        self._budget.give_back(self)


class _Account:
    """Shares by age, and how much they hold together."""

    __slots__ = ("bytes", "bytes_max", "shares")

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0
        self.shares: dict[BudgetShare, None] = {}


class BodyBudget:
    """One budget: at most so many bytes in all, and so many for each sender.

    Args:
        grace_s: a body that has been arriving for less is not dropped for another.
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
        """How much is held."""
        return self._all.bytes

    @contextmanager
    def hold(self, who: Hashable) -> Iterator[BudgetShare]:
        """A share for one body of `who`, until the block ends."""
        share = BudgetShare(self, who, began_s=self._clock_s())
        try:
            yield share
        finally:
            self.give_back(share)

    def take(self, share: BudgetShare, count: int) -> None:
        """Add to a share, and make room for it where that is fair.

        Raises:
            BodyNoRoom
        """
        if share.is_dropped:
            raise BodyNoRoom
        own = self._account_by_sender.setdefault(share.who, _Account(self._bytes_max_each))
        for account in (own, self._all):
            account.shares[share] = None
        for account in (own, self._all):
            while account.bytes + count > account.bytes_max:
                self._drop_oldest(account, asking=share)
        share.bytes += count
        self._count(own, count)

    def give_back(self, share: BudgetShare) -> None:
        """Free what a share holds. Harmless when it was done before."""
        if share not in self._all.shares:
            return
        own = self._account_by_sender[share.who]
        for account in (own, self._all):
            del account.shares[share]
        if not own.shares:
            del self._account_by_sender[share.who]
        self._count(own, -share.bytes)
        share.bytes = 0

    def _drop_oldest(self, account: _Account, *, asking: BudgetShare) -> None:
        oldest = next((one for one in account.shares if one is asking or one.timeout is not None), asking)
        if oldest is asking or self._clock_s() - oldest.began_s < self._grace_s:
            raise BodyNoRoom
        oldest.drop()

    def _count(self, own: _Account, count: int) -> None:
        own.bytes += count
        self._all.bytes += count
        if self._gauge is not None:
            self._gauge.inc(count)


class BodyBudgets:
    """The budgets of one process: each kind of sender has its own, so that none takes another's room.

    Args:
        gauge_of: the gauge of a budget, by name.
    """

    def __init__(self, gauge_of: Callable[[str], Gauge]) -> None:
        def budget(name: str, *, mib: int, mib_each: int, grace_s: float) -> BodyBudget:
            return BodyBudget(bytes_max=mib * MIB, bytes_max_each=mib_each * MIB, grace_s=grace_s, gauge=gauge_of(name))

        self.strangers = budget("strangers", mib=16, mib_each=4, grace_s=2.0)
        """By address: nobody knows who they are before the body is read."""
        self.keys = budget("keys", mib=32, mib_each=8, grace_s=2.0)
        """Daycares' keys, for calls from where a call of that key was signed well before."""
        self.devices = budget("devices", mib=64, mib_each=4, grace_s=2.0)
        """By person, whose devices they are."""
        self.imports = budget("imports", mib=128, mib_each=32, grace_s=30.0)
        """By person: one file of the greatest length at a time."""
