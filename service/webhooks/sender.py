"""The sender: finds the webhooks that something can be sent to, and lets them have their turns, none in the way of another.

Owns how many turns run at once, for whom, and when each is called off. What one turn does is `delivery`'s. Every process has a
sender; of several that find the same webhook, the rows let one have it. Wake-ups make it prompt, and looking makes it sure
(law 18): neither knows of anything but places, so that what is held moves nothing here (law 8, I-22).
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
from service.webhooks.attempt import ATTEMPT_S_MAX, trusted
from service.webhooks.delivery import SLOW_S, Delivery, Means
from service.webhooks.egress_policy import EgressPolicy, target_of
from service.webhooks.store import BEFORE_ALL, LISTED_A_PAGE, DeliveryClaim, Listed, WebhookKey, WebhookStore
from service.webhooks.subscription import Subscription

LOG: Final = structlog.get_logger()
_told_if_it_fails: Final = partial(
    log_failure, LOG, part="webhook", waits="a webhook has to wait", failed="a webhook's turn failed"
)

TURNS_MAX: Final = 32
"""At the same time, in this process."""
TURNS_OF_SLOW_MAX: Final = 16
"""Of those: an attempt at a dead target lasts fifteen seconds, and those that answer must not wait for it."""
TURNS_A_HOST_MAX: Final = 2
READY_MAX: Final = 1_000
"""Webhooks that wait for a turn. Those that do not fit are found by the next look."""
KNOWN_MAX: Final = 50_000
"""Webhooks whose wake-ups are heard, some 700 bytes each. Those that do not fit are found by looking alone."""
ENDS_EVERY_S: Final = 0.4
"""How often it is asked whether the members for whom something is under way are still there: within a second nothing more is
sent for one who left (I-25)."""
STOP_S_MAX: Final = 2.0


class Sender:
    """The sender of one process."""

    def __init__(
        self, *, pool: Any, wake: Notifier, reach: EgressPolicy, now: Callable[[], datetime],
        dice: Callable[[], float] = random.random, tls: ssl.SSLContext | None = None,
        attempt_s_max: float = ATTEMPT_S_MAX, slow_s: float = SLOW_S,
    ) -> None:  # fmt: skip
        self._rows = WebhookStore(pool)
        self._wake = wake
        self._now = now
        self._means = Means(
            rows=self._rows, reach=reach, tls=trusted() if tls is None else tls, now=now, dice=dice,
            attempt_s_max=attempt_s_max, slow_s=slow_s,
        )  # fmt: skip
        self._known: dict[WebhookKey, Subscription] = {}
        self._ready: dict[WebhookKey, Subscription] = {}
        """Who waits for a turn, in the order of their coming."""
        self._under_way: dict[WebhookKey, tuple[Subscription, asyncio.Task[None]]] = {}
        self._claims: dict[WebhookKey, DeliveryClaim] = {}
        self._count_by_host: Counter[str] = Counter()
        self._count_of_slow = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._is_stopping = False

    async def start(self) -> None:
        """Begin to send, in the background."""
        self._tasks = [
            asyncio.create_task(self._keep_looking(), name="webhooks: look"),
            asyncio.create_task(self._keep_watching(), name="webhooks: watch"),
        ]

    async def stop(self) -> None:
        """Send no more. What was under way is sent again by whoever comes next, under the same id."""
        self._is_stopping = True
        claims = tuple(self._claims.values())
        tasks = [*self._tasks, *(task for _, task in self._under_way.values())]
        for task in tasks:
            task.cancel()
        for ear in self._known.values():
            self._wake.forget(ear)
        if tasks:
            await asyncio.wait(tasks)
        with _told_if_it_fails():
            async with asyncio.timeout(STOP_S_MAX):
                for claim in claims:
                    await self._rows.release(claim)

    async def rest(self) -> None:
        """Wait until nothing is under way, and nobody waits for a turn."""
        while self._under_way:
            await asyncio.wait([task for _, task in self._under_way.values()])

    async def look(self) -> None:
        """Look at every webhook once: give turns to those that are due, and listen for all of them.

        Raises:
            PASSING: Postgres does not say which there are.
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
        ear = self._known.get(one.key)
        if ear is None:
            ear = self._heard(one)
        seen.add(one.key)
        ear.is_failing = one.is_failing
        if one.is_due:
            self._call(ear)

    def _heard(self, one: Listed) -> Subscription:
        """Listen for a webhook that was not known."""
        ear = Subscription(one.key, target=target_of(one.url), call=self._call, end=self._end)
        if len(self._known) < KNOWN_MAX:
            self._known[one.key] = ear
            self._wake.listen(ear)
        return ear

    def _forget(self, key: WebhookKey) -> None:
        self._wake.forget(self._known.pop(key))

    # Turns.

    def _call(self, ear: Subscription) -> None:
        """Let a webhook have a turn when there is one. Called again while it sends, it has one more afterwards."""
        if ear.key in self._ready or len(self._ready) < READY_MAX:
            self._ready[ear.key] = ear
            self._begin_turns()

    def _end(self, key: WebhookKey) -> None:
        """Call off what is under way: its member is there no more."""
        self._ready.pop(key, None)
        if key in self._under_way:
            self._under_way[key][1].cancel()

    def _begin_turns(self) -> None:
        if self._is_stopping:
            return
        for key, ear in tuple(self._ready.items()):
            if len(self._under_way) >= TURNS_MAX:
                return
            if key not in self._under_way and self._has_room(ear):
                del self._ready[key]
                self._begin(ear)

    def _has_room(self, ear: Subscription) -> bool:
        is_host_free = self._count_by_host[ear.target.host] < TURNS_A_HOST_MAX
        return is_host_free and not (_is_slow(ear) and self._count_of_slow >= TURNS_OF_SLOW_MAX)

    def _begin(self, ear: Subscription) -> None:
        as_slow = _is_slow(ear)
        self._count_by_host[ear.target.host] += 1
        self._count_of_slow += as_slow
        task = asyncio.get_running_loop().create_task(self._turn(ear), name="webhooks: turn")
        self._under_way[ear.key] = ear, task

        def finished(_: asyncio.Task[None]) -> None:
            del self._under_way[ear.key]
            self._count_of_slow -= as_slow
            self._count_by_host[ear.target.host] -= 1
            if not self._count_by_host[ear.target.host]:
                del self._count_by_host[ear.target.host]
            self._begin_turns()

        task.add_done_callback(finished)

    async def _turn(self, ear: Subscription) -> None:
        with _told_if_it_fails():
            claim = await self._rows.claim(ear.key, now=self._now())
            if claim is None:
                return
            turn = Delivery(claim, target=ear.target, means=self._means)
            self._claims[ear.key] = claim
            try:
                has_more = await turn.run()
            finally:
                # Where a turn broke off, its lease stands to its end: what broke it is not tried again at once.
                del self._claims[ear.key]
                ear.is_failing, ear.is_slow = turn.has_failed, turn.is_slow
            if has_more:
                self._call(ear)

    # The two rhythms.

    async def _keep_looking(self) -> None:
        while True:
            gaps = self._wake.gaps
            with _told_if_it_fails():
                await self.look()
            waited = 0.0
            while waited < self._wake.look_every_s and gaps == self._wake.gaps:
                await asyncio.sleep(ENDS_EVERY_S)
                waited += ENDS_EVERY_S

    async def _keep_watching(self) -> None:
        while True:
            await asyncio.sleep(ENDS_EVERY_S)
            with _told_if_it_fails():
                await self.watch()

    async def watch(self) -> None:
        """Call off the turns of members who left, and of webhooks that were dropped or are somebody else's by now.

        Raises:
            PASSING: Postgres does not say.
        """
        claims = list(self._claims.values())
        if not claims:
            return
        standing = await self._rows.standing(claims)
        for claim in claims:
            # The same key may have a new turn meanwhile, of which this answer says nothing.
            if claim.key not in standing and self._claims.get(claim.key) is claim:
                self._end(claim.key)


def _is_slow(ear: Subscription) -> bool:
    return ear.is_failing or ear.is_slow
