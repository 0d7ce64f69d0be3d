"""Runs one turn of one webhook: reads the member's feed after the last delivered entry, and posts the entries one by one.

Owns the order: an entry is sent only after the previous entry was delivered. Knows nothing of other webhooks.
"""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from service.webhooks.attempt import ATTEMPT_S_MAX, Attempt
from service.webhooks.egress_policy import EgressPolicy, ParsedUrl
from service.webhooks.retry_policy import after_failure, is_delivered
from service.webhooks.signing import body_of, headers_of, message_id
from service.webhooks.store import DeliveryClaim, WebhookStore

TURN_S_MAX: Final = 30.0
"""Seconds after which a turn begins no further attempt, so that other webhooks get a turn. An attempt that has begun may end
later, but still before the lease expires."""

SLOW_S: Final = 2.0
"""If an attempt takes more seconds, the target counts as slow. Slow targets get at most `TURNS_OF_SLOW_MAX` turns at once."""

LOG: Final = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Means:
    """The objects and the settings of the process that every turn uses. `jitter` returns a number from 0 to 1."""

    rows: WebhookStore
    egress: EgressPolicy
    tls: ssl.SSLContext
    now: Callable[[], datetime]
    jitter: Callable[[], float]
    attempt_s_max: float = ATTEMPT_S_MAX
    slow_s: float = SLOW_S


class Delivery:
    """One turn of one webhook."""

    def __init__(self, claim: DeliveryClaim, *, target: ParsedUrl, means: Means) -> None:
        self._claim = claim
        self._target = target
        self._means = means
        self._rows = means.rows
        self._place = claim.place
        self._attempts = claim.attempts
        self._failing_since = claim.failing_since
        self.has_failed = claim.attempts > 0
        """Whether the webhook's last attempt failed, in this turn or in an earlier turn."""
        self.is_slow = False
        """Whether the last attempt of this turn took longer than `SLOW_S`."""

    async def run(self) -> bool:
        """Sends the entries after the last delivered entry. Returns whether the webhook needs another turn at once.

        Raises:
            PASSING: Postgres does not answer.
        """
        means, ends_at, chain = self._means, time.monotonic() + TURN_S_MAX, None
        async with Attempt(self._target, egress=means.egress, tls=means.tls, s_max=means.attempt_s_max) as post:
            while True:
                found = await self._rows.entries(self._claim.key, after=self._place, chain=chain)
                chain = found.chain
                for place, entry in found.entries:
                    if not await self._send(post, place, entry):
                        return False
                    if self.is_slow or time.monotonic() >= ends_at:
                        await self._rows.release(self._claim)
                        return True
                if not found.more:
                    await self._rows.release(self._claim)
                    return False

    async def _send(self, post: Attempt, place: int, entry: bytes) -> bool:
        """Posts one entry and stores the result. Returns whether the next entry may be sent."""
        key, began_at = self._claim.key, self._means.now()
        body = body_of(entry, family=key.family, place=place)
        id = message_id(key.webhook, place)
        sent_at = time.monotonic()
        status = await post.send(body, headers_of(body, id=id, at=began_at, secrets=self._claim.secrets))
        self.is_slow = time.monotonic() - sent_at > self._means.slow_s
        if is_delivered(status):
            self.has_failed, self._attempts, self._failing_since = False, 0, None
            self._place = place
            return await self._rows.delivered(self._claim, place=place, now=self._means.now())
        # The wait begins with the attempt: the duration of an attempt would reveal the operator's network to the member.
        jitter = self._means.jitter()
        failing = after_failure(status, attempts=self._attempts, since=self._failing_since, at=began_at, jitter=jitter)
        await self._rows.failed(self._claim, failing, at=began_at)
        self.has_failed = True
        if failing.disabled_as is not None:
            LOG.info("a webhook was disabled", code=f"webhook.{failing.disabled_as}", family=key.family)
        return False
