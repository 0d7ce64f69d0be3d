"""Compares what the webhooks of a family post to a real address, request by request, to the byte.

Owns the waiting until a webhook has delivered everything. Both worlds post to the same addresses, one world after the other. So
the responses that contain an address are the same in both worlds.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from standardwebhooks import Webhook

from tests.polling import until
from tests.service.webhooks.receiving import Delivery, Frame
from tests.worlds.seeded import Seeds
from tests.worlds.wire import LATE

PATIENCE_S = 10.0
"""The seconds to wait for a delivery. A sender polls after five seconds, so the wait is longer than that."""
POLLS_EVERY_S = 0.002

IS_AT_THE_END = """
SELECT webhook.place >= coalesce(max(run.first_place + run.length - 1), 0)
  FROM webhook
  LEFT JOIN feed_run AS run USING (family_id, member_id)
 WHERE webhook.webhook_id = $1
 GROUP BY webhook.place
"""


@dataclass(frozen=True)
class Hook:
    """A member's webhook, as its maker knows it. No other webhook posts to its path."""

    webhook: str
    secret: str
    path: str


class WebhookReader:
    """Reads what one webhook posts while a history runs in one world."""

    def __init__(self, hook: Hook, frame: Frame, seeds: Seeds) -> None:
        self._hook = hook
        self._frame = frame
        self._seeds = seeds
        self._read = len(frame.deliveries)
        self._is_late = False

    def settle(self) -> None:
        """Waits until every entry of the feed was posted. After one timeout, does not wait again."""
        if not self._is_late:
            try:
                self._seeds.wait_for(self._at_the_end(), PATIENCE_S)
            except TimeoutError:
                self._is_late = True

    async def _at_the_end(self) -> None:
        # The sender may also work without moving the webhook's place.
        await self._seeds.runtime.webhook_sender.until_idle()
        pool = self._seeds.runtime.pool

        async def is_at_the_end() -> bool:
            return await pool.fetchval(IS_AT_THE_END, UUID(self._hook.webhook)) is not False

        await until(is_at_the_end, within_s=PATIENCE_S, every_s=POLLS_EVERY_S)

    def read(self) -> list[Delivery]:
        """Waits until every entry of the feed was posted, and returns the deliveries since the last call."""
        self.settle()
        begin, self._read = self._read, len(self._frame.deliveries)
        deliveries = [one for one in self._frame.deliveries[begin:] if one.line.split(" ")[1] == self._hook.path]
        for delivery in deliveries:
            _require_signature(delivery, self._hook)
        return deliveries

    def transcribe(self) -> bytes:
        """Returns the bytes of the deliveries since the last call.

        Ids, times and signatures are included: they are the same in both worlds, because the clock is replaced.
        """
        requests = [_as_bytes(delivery) for delivery in self.read()]
        return b"\n\n".join([*requests, LATE] if self._is_late else requests)


def _as_bytes(delivery: Delivery) -> bytes:
    head = [delivery.line, *(f"{name}: {value}" for name, value in delivery.headers.items())]
    return "\r\n".join([*head, "", ""]).encode() + delivery.body


def _require_signature(delivery: Delivery, hook: Hook) -> None:
    at = datetime.fromtimestamp(int(delivery.headers["webhook-timestamp"]), UTC)
    assert Webhook(hook.secret).sign(delivery.id, at, delivery.body.decode()) in delivery.signatures, "not signed by its secret"
