"""A frame in somebody's hall: what the webhooks of a family post to a real address, request by request, as it came.

Owns the receiver, and the waiting until a webhook was sent all that its member was told. Both worlds post to one address, one
after the other: so no answer shows which of them it is from, and what comes is of the world that is under way.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from anyio.from_thread import start_blocking_portal
from standardwebhooks import Webhook

from tests.polling import until
from tests.service.webhooks.receiving import Delivery, Frame, receiving, with_status
from tests.worlds.seeded import Seeds

PATIENCE_S = 10.0
"""Longer than the five seconds after which a sender looks for itself."""
LOOKS_EVERY_S = 0.002

AT_THE_END = """
SELECT webhook.place >= coalesce(max(run.first_place + run.length - 1), 0)
  FROM webhook
  LEFT JOIN feed_run AS run USING (family_id, member_id)
 WHERE webhook.webhook_id = $1
 GROUP BY webhook.place
"""


@dataclass(frozen=True)
class Hook:
    """A webhook of somebody's, as its maker knows it."""

    webhook: str
    secret: str
    path: str
    """Where on the frame it posts to: nobody else does."""


@dataclass
class Hall:
    """Where all frames hang: one receiver, and what came to each path of it."""

    frame: Frame
    came: defaultdict[str, list[Delivery]] = field(default_factory=lambda: defaultdict(list))

    def url(self, path: str) -> str:
        return self.frame.url(path=path)

    async def take(self, delivery: Delivery, writer: asyncio.StreamWriter) -> None:
        # Before it is answered: whatever a webhook's row calls delivered stands here by then.
        self.came[delivery.line.split(" ")[1]].append(delivery)
        await with_status(204)(delivery, writer)


@contextmanager
def hall() -> Iterator[Hall]:
    """Listen, in a thread with a loop of its own, as a receiver in another house would."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(receiving()) as frame:
        made = Hall(frame)
        frame.answer = made.take
        yield made


class Cursors:
    """How far the webhooks of one world have got, as its rows say."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._runner = asyncio.Runner()
        self._connection: asyncpg.Connection | None = None

    def wait_for_the_end(self, hook: Hook) -> bool:
        """Wait until a webhook has delivered the last entry of its member's feed; says whether it did, in time."""
        return self._runner.run(self._wait(UUID(hook.webhook)))

    async def _wait(self, webhook: UUID) -> bool:
        if self._connection is None:
            self._connection = await asyncpg.connect(self._database_url)
        connection = self._connection

        async def is_at_the_end() -> bool:
            return await connection.fetchval(AT_THE_END, webhook) is not False

        try:
            await until(is_at_the_end, within_s=PATIENCE_S, every_s=LOOKS_EVERY_S)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._runner.run(self._connection.close())
        self._runner.close()


class Hearing:
    """One webhook, listened to while a history runs in one world."""

    def __init__(self, hook: Hook, *, hall: Hall, seeds: Seeds, cursors: Cursors) -> None:
        self._hook = hook
        self._came = hall.came[hook.path]
        self._seeds = seeds
        self._cursors = cursors
        self._heard = len(self._came)
        self._is_late = False

    def settle(self) -> None:
        """Wait until everything was sent. Once something did not come in time, nothing is waited for any more."""
        if self._is_late:
            return
        try:
            # What the sender does without anything to deliver moves no cursor.
            self._seeds.let_the_sender_rest(PATIENCE_S)
        except TimeoutError:
            self._is_late = True
        self._is_late = self._is_late or not self._cursors.wait_for_the_end(self._hook)

    def hear(self) -> list[Delivery]:
        """Wait until everything was sent, and give what came since this was asked last."""
        self.settle()
        came = self._came[self._heard :]
        self._heard += len(came)
        for delivery in came:
            require_signature(delivery, self._hook)
        return came

    def transcribe(self) -> bytes:
        """What came since this was asked last, to the byte: ids, times and signatures as well, for the clock stands still."""
        came = [as_bytes(delivery) for delivery in self.hear()]
        return b"\n\n".join([*came, b"(and then nothing)"] if self._is_late else came)


def as_bytes(delivery: Delivery) -> bytes:
    """The request: its line, its headers in their order, its body."""
    head = [delivery.line, *(f"{name}: {value}" for name, value in delivery.headers.items())]
    return "\r\n".join([*head, "", ""]).encode() + delivery.body


def require_signature(delivery: Delivery, hook: Hook) -> None:
    """It was signed with the secret that its maker was told, as the package of the standard would sign it."""
    at = datetime.fromtimestamp(int(delivery.headers["webhook-timestamp"]), UTC)
    assert Webhook(hook.secret).sign(delivery.id, at, delivery.body.decode()) in delivery.signatures, "not signed by its secret"
