"""Finds the webhooks with new entries to send, and gives each webhook turns, so that no target delays another target.

Owns the number of concurrent turns, the choice of webhooks, and the cancelling of turns. `delivery` runs one turn. Every process
has a sender. If several processes find the same webhook, a lease in the webhook's row lets only one process send. Notifications
make delivery prompt, and polling makes delivery certain (law 18). Notifications and polling use only the places of a feed. A held
event has no place, so a held event has no effect on a sender (law 8).
"""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final

import structlog

from service.background import log_failure
from service.feed.notifier import Notifier
from service.webhooks.attempt import ATTEMPT_S_MAX, trusted_authorities
from service.webhooks.delivery import SLOW_S, Delivery, Means
from service.webhooks.egress_policy import EgressPolicy, target_of
from service.webhooks.store import BEFORE_ALL, LISTED_A_PAGE, DeliveryClaim, Listed, WebhookKey, WebhookStore
from service.webhooks.subscription import Subscription

LOG: Final = structlog.get_logger()
_logged_if_it_fails: Final = partial(
    log_failure, LOG, part="webhook", waits="a webhook has to wait", failed="a webhook's turn failed"
)

TURNS_MAX: Final = 32
"""Bound on the concurrent turns in this process."""
TURNS_OF_SLOW_MAX: Final = 16
"""Bound on the concurrent turns of slow targets: an attempt at a dead target takes 15 s, and quick targets must not wait."""
TURNS_A_HOST_MAX: Final = 2
READY_MAX: Final = 1_000
"""Bound on the webhooks that wait for a turn. The next poll finds the webhooks that did not fit."""
SUBSCRIPTIONS_MAX: Final = 50_000
"""Bound on the subscriptions to the notifier. A subscription takes about 700 bytes. Polling finds webhooks without a
subscription."""
ENDS_EVERY_S: Final = 0.4
"""Seconds between two checks of the claims: few, because sending for a member who left has to end within a second."""
STOP_S_MAX: Final = 2.0


class Sender:
    """The webhooks that one process knows, and their turns."""

    def __init__(
        self, *, pool: Any, notifier: Notifier, egress: EgressPolicy, now: Callable[[], datetime],
        jitter: Callable[[], float] = random.random, tls: ssl.SSLContext | None = None,
        attempt_s_max: float = ATTEMPT_S_MAX, slow_s: float = SLOW_S,
    ) -> None:  # fmt: skip
        self._rows = WebhookStore(pool)
        self._notifier = notifier
        self._now = now
        self._means = Means(
            rows=self._rows, egress=egress, tls=trusted_authorities() if tls is None else tls, now=now, jitter=jitter,
            attempt_s_max=attempt_s_max, slow_s=slow_s,
        )  # fmt: skip
        self._known: dict[WebhookKey, Subscription] = {}
        self._ready: dict[WebhookKey, Subscription] = {}
        """The webhooks that wait for a turn, in order of arrival."""
        self._under_way: dict[WebhookKey, tuple[Subscription, asyncio.Task[None]]] = {}
        self._claims: dict[WebhookKey, DeliveryClaim] = {}
        self._count_by_host: Counter[str] = Counter()
        self._count_of_slow = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._is_stopping = False

    async def start(self) -> None:
        """Starts the two background tasks: one polls the webhooks, the other checks the claims."""
        self._tasks = [
            asyncio.create_task(self._keep_polling(), name="webhooks: poll"),
            asyncio.create_task(self._keep_checking_claims(), name="webhooks: check claims"),
        ]

    async def stop(self) -> None:
        """Stops sending. If an attempt is interrupted, another process sends the entry again, with the same message id."""
        self._is_stopping = True
        claims = tuple(self._claims.values())
        tasks = [*self._tasks, *(task for _, task in self._under_way.values())]
        for task in tasks:
            task.cancel()
        for subscription in self._known.values():
            self._notifier.forget(subscription)
        if tasks:
            await asyncio.wait(tasks)
        with _logged_if_it_fails():
            async with asyncio.timeout(STOP_S_MAX):
                for claim in claims:
                    await self._rows.release(claim)

    async def until_idle(self) -> None:
        """Waits until no turn is running."""
        while self._under_way:
            await asyncio.wait([task for _, task in self._under_way.values()])

    async def poll(self) -> None:
        """Reads all webhooks once. Queues each webhook that is due, and subscribes new webhooks to the notifier.

        Raises:
            PASSING: Postgres does not answer.
        """
        after, seen = BEFORE_ALL, set[WebhookKey]()
        while True:
            listed = await self._rows.page(after=after, now=self._now())
            for one in listed:
                await self._note(one, seen)
            if len(listed) < LISTED_A_PAGE:
                break
            after = listed[-1].key
        for key in self._known.keys() - seen:
            self._forget(key)

    async def _note(self, one: Listed, seen: set[WebhookKey]) -> None:
        if one.has_left:
            await self._rows.drop(one.key)
            return
        subscription = self._known.get(one.key)
        if subscription is None:
            subscription = self._subscribe(one)
        seen.add(one.key)
        subscription.is_failing = one.is_failing
        if one.is_due:
            self._enqueue(subscription)

    def _subscribe(self, one: Listed) -> Subscription:
        """Subscribes a new webhook to the notifier, unless there are `SUBSCRIPTIONS_MAX` subscriptions.

        Returns the webhook's subscription.
        """
        subscription = Subscription(one.key, target=target_of(one.url), enqueue=self._enqueue, end=self._end)
        if len(self._known) < SUBSCRIPTIONS_MAX:
            self._known[one.key] = subscription
            self._notifier.listen(subscription)
        return subscription

    def _forget(self, key: WebhookKey) -> None:
        self._notifier.forget(self._known.pop(key))

    # Turns.

    def _enqueue(self, subscription: Subscription) -> None:
        """Queues a webhook for a turn, unless the queue is full.

        If a turn of the webhook is running, the queued turn runs afterwards.
        """
        if subscription.key in self._ready or len(self._ready) < READY_MAX:
            self._ready[subscription.key] = subscription
            self._begin_turns()

    def _end(self, key: WebhookKey) -> None:
        """Removes a webhook from the queue and cancels its running turn.

        Called if the member left, the webhook was deleted, or another process took over the webhook's lease.
        """
        self._ready.pop(key, None)
        if key in self._under_way:
            self._under_way[key][1].cancel()

    def _begin_turns(self) -> None:
        if self._is_stopping:
            return
        for key, subscription in tuple(self._ready.items()):
            if len(self._under_way) >= TURNS_MAX:
                return
            if key not in self._under_way and self._has_room(subscription):
                del self._ready[key]
                self._begin(subscription)

    def _has_room(self, subscription: Subscription) -> bool:
        is_host_free = self._count_by_host[subscription.target.host] < TURNS_A_HOST_MAX
        return is_host_free and not (_is_slow(subscription) and self._count_of_slow >= TURNS_OF_SLOW_MAX)

    def _begin(self, subscription: Subscription) -> None:
        as_slow = _is_slow(subscription)
        self._count_by_host[subscription.target.host] += 1
        self._count_of_slow += as_slow
        task = asyncio.get_running_loop().create_task(self._turn(subscription), name="webhooks: turn")
        self._under_way[subscription.key] = subscription, task

        def finished(_: asyncio.Task[None]) -> None:
            del self._under_way[subscription.key]
            self._count_of_slow -= as_slow
            self._count_by_host[subscription.target.host] -= 1
            if not self._count_by_host[subscription.target.host]:
                del self._count_by_host[subscription.target.host]
            self._begin_turns()

        task.add_done_callback(finished)

    async def _turn(self, subscription: Subscription) -> None:
        with _logged_if_it_fails():
            claim = await self._rows.claim(subscription.key, now=self._now())
            if claim is None:
                return
            turn = Delivery(claim, target=subscription.target, means=self._means)
            self._claims[subscription.key] = claim
            try:
                has_more = await turn.run()
            finally:
                # The lease of a turn that failed is kept until it expires, so that the failure is not repeated at once.
                del self._claims[subscription.key]
                subscription.is_failing, subscription.is_slow = turn.has_failed, turn.is_slow
            if has_more:
                self._enqueue(subscription)

    # The two background tasks.

    async def _keep_polling(self) -> None:
        while True:
            gaps = self._notifier.gaps
            with _logged_if_it_fails():
                await self.poll()
            waited = 0.0
            while waited < self._notifier.poll_every_s and gaps == self._notifier.gaps:
                await asyncio.sleep(ENDS_EVERY_S)
                waited += ENDS_EVERY_S

    async def _keep_checking_claims(self) -> None:
        while True:
            await asyncio.sleep(ENDS_EVERY_S)
            with _logged_if_it_fails():
                await self.end_lost_claims()

    async def end_lost_claims(self) -> None:
        """Cancels the turns of webhooks whose member left, or that were dropped or claimed by another process.

        Raises:
            PASSING: Postgres does not answer.
        """
        claims = list(self._claims.values())
        if not claims:
            return
        still_valid = await self._rows.still_valid(claims)
        for claim in claims:
            # The webhook may have a newer claim meanwhile, which this query did not check.
            if claim.key not in still_valid and self._claims.get(claim.key) is claim:
                self._end(claim.key)


def _is_slow(subscription: Subscription) -> bool:
    return subscription.is_failing or subscription.is_slow
